"""A day on which everything is named by somebody who means ill, through every door that shows a name."""

import io
import re
from datetime import date
from functools import partial
from pathlib import Path

import dagster as dg
import matplotlib
import nbformat
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from calls_assets.commands.answers import print_answers
from calls_assets.commands.evidence import print_evidence
from calls_assets.display import UNKNOWN, apart, shown
from calls_assets.sandbox import Behaviour, FixedCalls, Sandbox
from calls_assets.sandbox.hostile import HOSTILE_WORDS, word
from calls_assets.settings import Settings

DAY = date(2026, 3, 10)
NOTEBOOK = Path(__file__).parents[2] / "docs" / "notebook.ipynb"

UNSEEN = re.compile(
    "[\0-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufffe\uffff\U000e0000-\U000e007f]"
)
"""What changes how a text is shown and is not seen itself, but for the end of a line."""


@pytest.fixture(scope="module")
def run_pipeline(run_pipeline):
    """With the daily pages."""
    return partial(run_pipeline, select=None)


@pytest.fixture(scope="module")
def day(hostile_calls, run_pipeline, tmp_path_factory):
    """The run of that day, the tree, and every line and event that Dagster was told of it."""
    tree, home = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("home")
    behaviour = Behaviour(dialect=("hostile_words",))
    with (
        Sandbox(FixedCalls(hostile_calls(DAY)), behaviour) as api,
        dg.DagsterInstance.local_temp(str(home)) as instance,
    ):
        result = run_pipeline(api, tree, DAY, DAY, instance=instance)
        records = instance.all_logs(result.run_id)
    return result, tree, records


def read(tree, table):
    return pq.read_table(tree / f"{table}/date={DAY}/{table}.parquet").to_pylist()


def test_the_run_succeeds_and_the_files_keep_every_word_as_it_came(day):
    result, tree, _ = day
    assert result.success
    names = {row["agent_id"]: row["agent_alias"] for row in read(tree, "agent_talk_time")}
    sent = {number: re.sub("[\ud800-\udfff]", UNKNOWN, word(number)) for number, _ in enumerate(HOSTILE_WORDS)}
    assert {number: name or "" for number, name in names.items()} == sent


def test_the_page_shows_each_agent_and_ring_group_once_as_text_alone(day):
    _, tree, _ = day
    html = (tree / f"daily_report/date={DAY}/daily_report.html").read_text()
    assert not UNSEEN.search(html)
    assert not re.search(r"<script|<img|<svg onload|</style>.*</style>", html, re.DOTALL)
    assert len(html) < 300_000
    for heading in ("By ring group", "Agents by talk time"):
        names = re.findall(
            r"<tr[^>]*><td><bdi>(.*?)</bdi>", html.partition(f"<h2>{heading}")[2].partition("</table>")[0]
        )
        assert len({*names}) == len(names) == len(HOSTILE_WORDS)


def test_the_ui_is_told_tables_of_one_line_a_ring_group(day):
    result, _, records = day
    (event,) = (e for e in result.get_asset_materialization_events() if e.asset_key == dg.AssetKey("service_level"))
    _, _, *lines, empty, more = event.materialization.metadata["by_ring_group"].value.split("\n")
    assert (len(lines), empty, more) == (100, "", f"And {len(HOSTILE_WORDS) - 100} more, in the daily report.")
    assert all(re.fullmatch(r"\| .+ \| 1 \| \S+ \(\d of 1\) \| \S+ \(\d of 1\) \|", line) for line in lines)
    told = "\n".join(f"{record.user_message}\n{record.message}" for record in records) + "\n".join(lines)
    assert not UNSEEN.search(told)


def test_the_terminal_is_sent_nothing_but_text(day):
    _, tree, _ = day
    printed = io.StringIO()
    console = Console(file=printed, width=200, force_terminal=True, color_system=None)
    print_answers(DAY, DAY, str(tree), console)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CALLS_DATA_URL", str(tree))
        print_evidence(DAY, DAY, DAY, console, Settings.load())
    lines = printed.getvalue()
    assert not UNSEEN.search(re.sub(r"\x1b\[\d*m", "", lines))
    assert shown("[/b] Ann | [red]") in lines
    longest = range(len(HOSTILE_WORDS) - 1, len(HOSTILE_WORDS) - 6, -1)
    assert all(name in lines for name in apart(map(word, longest), longest))


@pytest.mark.filterwarnings("ignore:Glyph", "ignore:constrained_layout not applied")  # of so many names and scripts
def test_the_notebook_draws_a_name_as_text(day, monkeypatch):
    _, tree, _ = day
    monkeypatch.setenv("CALLS_DATA_URL", str(tree))
    monkeypatch.setenv("MPLBACKEND", "Agg")
    said = {}
    with matplotlib.rc_context():
        for cell in nbformat.read(NOTEBOOK, as_version=4).cells:
            if cell.cell_type == "code" and "staffing" not in cell.metadata.get("tags", []):
                exec(cell.source, said)
        said["figure"].canvas.draw()
    longest = range(len(HOSTILE_WORDS) - 15, len(HOSTILE_WORDS))
    names = apart(map(word, range(len(HOSTILE_WORDS))), range(len(HOSTILE_WORDS)))
    assert [label.get_text() for label in said["axis"].get_yticklabels()] == [names[n] for n in longest]
    said["plt"].close("all")
