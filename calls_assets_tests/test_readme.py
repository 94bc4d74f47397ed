"""The README's examples do what they say."""

import re
from datetime import date
from pathlib import Path

import duckdb
import pytest

from calls_assets.sandbox import Centre, Sandbox
from calls_assets.settings import VARIABLES
from calls_assets.tables.dictionary import TABLES

README = (Path(__file__).parent.parent / "README.md").read_text()


def examples(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.fixture
def tree(run_pipeline, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with Sandbox(Centre(calls_per_day=60)) as api:
        assert run_pipeline(api, "data", date(2026, 11, 2), date(2026, 11, 3)).success


def test_pandas_and_polars_read_the_tree(tree):
    pandas_example, polars_example = (dict[str, object](), dict[str, object]())
    for example, scope in zip(examples("python"), (pandas_example, polars_example), strict=True):
        exec(example, scope)
    assert set(pandas_example["level"]["dimension"]) == {"ring_group"}
    assert polars_example["talk"].height > 0


def test_duckdb_reads_the_tree(tree):
    (query,) = examples("sql")
    rows = duckdb.connect().execute(query).fetchall()
    assert len(rows) > 1
    assert all(0 <= rate <= 1 for _, rate in rows if rate is not None)


def test_every_table_and_setting_is_named():
    named = set(re.findall(r"^\| `(\w+)` \|", README, re.MULTILINE))
    assert named == {*TABLES, *VARIABLES, "CALLS_API_URL", "CALLS_API_TOKEN", "CALLS_PRIVACY_KEY"}
