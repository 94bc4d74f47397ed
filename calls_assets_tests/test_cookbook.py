"""Every question of the cookbook gets its answer, and the notebook runs from its first cell to its last."""

import re
from datetime import UTC, date, datetime
from pathlib import Path

import nbclient
import nbformat
import pandas as pd
import pytest

import calls_assets
from calls_assets.sandbox import Centre, FixedCalls, Sandbox
from calls_assets.tables.catalog import TABLES

DOCS = Path(__file__).parent.parent / "docs"
QUESTION = re.compile(r"^## (\d+)\. (.*?)$.*?^```sql\n(.*?)^```", re.DOTALL | re.MULTILINE)
QUESTIONS = QUESTION.findall((DOCS / "cookbook.md").read_text())
FIRST, LAST = date(2026, 2, 2), date(2026, 3, 8)

ANSWERED = [question for question in QUESTIONS if question[0] != "21"]  # this centre dials every callback
SHARES = ("rate", "share", "service_level")


@pytest.fixture(scope="module")
def tree(made_once, run_pipeline):
    """Five weeks of a call centre, of which the last day was pulled twice and changed in between."""

    def pull(root):
        for first, seed in ((FIRST, 7), (LAST, 8)):
            with Sandbox(Centre(seed, calls_per_day=120)) as api:
                assert run_pipeline(api, root, first, LAST, select=list(TABLES)).success

    return made_once("five_weeks", pull)


@pytest.fixture(scope="module")
def connection(tree):
    with calls_assets.connect(data_url=str(tree)) as connection:
        yield connection


def test_questions_are_numbered_without_a_gap():
    headings = re.findall(r"^## (\d+)\.", (DOCS / "cookbook.md").read_text(), re.MULTILINE)
    numbers = [int(number) for number, _, _ in QUESTIONS]
    assert numbers == list(range(1, len(headings) + 1))
    assert len(numbers) > 20


@pytest.mark.parametrize(("number", "question", "query"), ANSWERED, ids=[number for number, _, _ in ANSWERED])
def test_a_question_gets_an_answer(connection, number, question, query):
    found = connection.execute(query)
    names, rows = [column[0] for column in found.description], found.fetchall()
    assert rows
    for name, values in zip(names, zip(*rows, strict=True), strict=True):
        known = [value for value in values if value is not None]
        assert known, name
        if name.endswith(SHARES):
            assert all(0 <= value <= 1 for value in known), name


def answer(connection, number):
    (query,) = (query for n, _, query in QUESTIONS if n == str(number))
    return connection.execute(query).fetchall()


def test_repeat_callers_are_those_that_pandas_finds(connection, tree):
    calls = calls_assets.read("calls", data_url=str(tree)).dropna(subset="contact_id")
    calls = calls[calls["direction"] == "inbound"].sort_values(["started_at", "call_id"])
    closed = calls["started_at"] <= calls_assets.read("calls", data_url=str(tree))["started_at"].max() - pd.Timedelta(
        hours=24
    )
    wait = calls.groupby("contact_id")["started_at"].shift(-1) - calls["started_at"]
    again = (wait.dt.total_seconds() <= 86_400).fillna(False)[closed].groupby(calls["outcome"]).sum()
    assert {outcome: repeats for outcome, _, repeats, _ in answer(connection, 3)} == again.to_dict()


def test_callbacks_are_those_that_pandas_finds(connection, tree):
    calls = calls_assets.read("calls", data_url=str(tree))
    asked = calls[calls["outcome"] == "callback_requested"].set_index("call_id")["started_at"]
    back = calls[calls["direction"] == "outbound"].groupby("original_call_id")["started_at"].min()
    minutes = (back.reindex(asked.index) - asked).dropna().dt.total_seconds() / 60
    out = calls[(calls["direction"] == "outbound") & (calls["outcome"] == "answered")]
    reached = int(asked.index.isin(out["original_call_id"].dropna()).sum())
    assert answer(connection, 10)[0][:4] == (len(asked), len(minutes), reached, reached / len(asked))
    median = answer(connection, 10)[0][4]
    assert median == pytest.approx(float(minutes.median()))


def test_a_callback_that_was_never_dialled_is_owed(make_call, run_pipeline, tmp_path):
    noon = int(datetime(FIRST.year, FIRST.month, FIRST.day, 12, tzinfo=UTC).timestamp())
    asked = {"is_inbound": True, "is_answered": False, "requested_callback": True, "original_call_id": None}
    called = {"is_inbound": False, "original_call_id": 1}
    calls = [make_call(1, noon, **asked), make_call(2, noon + 60, **asked), make_call(3, noon + 120, **called)]
    with Sandbox(FixedCalls([(call, set()) for call in calls])) as api:
        assert run_pipeline(api, tmp_path, FIRST, FIRST, select=list(TABLES)).success
    with calls_assets.connect(data_url=tmp_path) as connection:
        (row,) = answer(connection, 21)
    assert (row[0].timestamp(), *row[1:3]) == (noon + 60, calls[1]["contact"]["id"], calls[1]["contact"]["number"])
    assert row[-2:] == (True, True)  # the callback of the other request went to the same contact


def test_callers_helped_at_their_first_call_are_those_that_pandas_finds(connection, tree):
    calls, week = calls_assets.read("calls", data_url=str(tree)), pd.Timedelta(days=7)
    first, last = calls["started_at"].min() + week, calls["started_at"].max() - week
    found = {}
    for _, own in calls[(calls["direction"] == "inbound")].groupby("contact_id"):
        for call in own[(own["outcome"] == "answered") & own["started_at"].between(first, last)].itertuples():
            others = own.loc[own["call_id"] != call.call_id, "started_at"]
            if not others.between(call.started_at - week, call.started_at).any():
                helped = not others.between(call.started_at, call.started_at + week).any()
                counted = found.setdefault(call.ring_group_name, [0, 0])
                found[call.ring_group_name] = [counted[0] + 1, counted[1] + helped]
    assert {group: [calls, helped] for group, calls, helped, _ in answer(connection, 22)} == found
    assert 0 < sum(helped for _, helped in found.values()) < sum(calls for calls, _ in found.values())


def test_a_change_on_a_day_of_ones_own_is_compared_as_the_suggested_one(connection):
    (query,) = (query for number, _, query in QUESTIONS if number == "5")
    bracket = "(SELECT max(local_date) - 14 FROM abandonment)"
    (day,) = connection.execute(f"SELECT {bracket}").fetchone()
    assert query.count(bracket) == 1
    assert connection.execute(query.replace(bracket, f"DATE '{day}'")).fetchall() == answer(connection, "5")


def test_the_service_level_by_half_hour_sums_to_the_days(connection, tree):
    days = calls_assets.read("service_level", "2026-02-09", data_url=str(tree))
    total = days[days["dimension"] == "total"]
    counted = int((total["calls_answered"] + total["calls_abandoned"]).sum())
    assert sum(calls for _, _, calls in answer(connection, 1)) == counted


def test_the_notebook_runs_and_draws(tree, monkeypatch, tmp_path):
    monkeypatch.setenv("CALLS_DATA_URL", str(tree))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    notebook = nbformat.read(DOCS / "notebook.ipynb", as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells), "clear the outputs before you commit"
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    pictures = [
        output for cell in notebook.cells for output in cell.get("outputs", []) if "image/png" in output.get("data", {})
    ]
    assert len(pictures) == 5
    complaints = [
        output for cell in notebook.cells for output in cell.get("outputs", []) if output.output_type == "stream"
    ]
    assert complaints == []
