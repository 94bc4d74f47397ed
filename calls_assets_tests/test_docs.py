"""The pages do what they say: examples run, settings and names are those of the code, links lead somewhere."""

import re
from datetime import date
from pathlib import Path

import duckdb
import pytest

from calls_assets.definitions import build
from calls_assets.env_file import env_example
from calls_assets.sandbox import Centre, Sandbox
from calls_assets.settings import VARIABLES, Settings

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
ANALYST = (ROOT / "docs" / "analyst.md").read_text()


def examples(language):
    return re.findall(rf"```{language}\n(.*?)```", ANALYST, re.DOTALL)


@pytest.fixture
def tree(run_pipeline, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with Sandbox(Centre(calls_per_day=60)) as api:
        assert run_pipeline(api, "data", date(2026, 11, 2), date(2026, 11, 3)).success


def test_the_analysts_python_runs(tree):
    scopes = []
    for example in examples("python"):
        scopes.append({})
        exec(example, scopes[-1])
    ours, pandas_example, polars_example, by_week = scopes
    assert len(ours["level"]) > 0
    assert ours["legs"].column_names == ["call_id", "talk_s"]
    assert set(pandas_example["level"]["dimension"]) == {"ring_group"}
    assert polars_example["talk"].height > 0
    assert set(by_week["weeks"]["local_date"]) == {date(2026, 11, 2)}


def test_the_analysts_sql_runs(tree):
    (query,) = examples("sql")
    rows = duckdb.connect().execute(query).fetchall()
    assert len(rows) > 1
    assert all(0 <= rate <= 1 for _, rate, _ in rows)


def test_the_example_env_is_made_from_the_settings_and_holds_every_one_with_its_default():
    text = (ROOT / ".env.example").read_text()
    assert text == env_example(), "make docs makes it anew"
    named = re.findall(r"^# .*\n#?(CALLS_\w+)=", text, re.MULTILINE)
    assert sorted(named) == sorted(VARIABLES.keys() - {"CALLS_BROKER_URL"})
    given = dict(line.split("=", 1) for line in text.splitlines() if line.startswith("CALLS_"))
    assert Settings.load(given) == Settings()


def test_the_engineers_page_names_what_runs_by_itself(monkeypatch):
    monkeypatch.delenv("CALLS_ALERT_URL", raising=False)
    named = re.findall(r"^\| `(\w+)` \| (\w+) \|.*\| (.*) \|$", (ROOT / "docs/engineer.md").read_text(), re.MULTILINE)
    defs = build(Settings())
    kinds = {job.name: ("schedule", job.default_status.name) for job in defs.schedules}
    kinds |= {sensor.name: ("sensor", sensor.default_status.name) for sensor in defs.sensors}
    told = {"running": "RUNNING", "stopped": "STOPPED", "with `CALLS_ALERT_URL`": "STOPPED"}
    assert {name: (kind, told[shipped]) for name, kind, shipped in named} == kinds


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
        assert link.startswith("https://") or (page.parent / link).exists(), link


def test_every_page_is_reached_from_the_readme():
    reached, new = set(), {ROOT / "README.md"}
    while new:
        reached |= new
        links = {
            (page.parent / link).resolve()
            for page in new
            if page.suffix == ".md"
            for link in re.findall(r"\]\(([^)#\s]+)", page.read_text())
            if not link.startswith("https://")
        }
        new = links - reached
    assert {path.resolve() for path in (ROOT / "docs").iterdir()} <= reached


def test_the_sentences_that_the_page_for_engineers_explains_are_those_of_the_code():
    joined = (re.sub(r'"\s*\n\s*f?"', "", path.read_text()) for path in (ROOT / "calls_assets").rglob("*.py"))
    code = "".join(joined)
    table = (ROOT / "docs" / "engineer.md").read_text().partition("| the sentence contains |")[2].partition("\n\n")[0]
    quoted = re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)
    assert len(quoted) > 10
    assert [words for words in quoted if re.sub(r" \d+$", "", words) not in code] == []
