"""Every question of the cookbook gets its answer, and the notebook runs from its first cell to its last."""

import re
import textwrap
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path

import nbclient
import nbformat
import pandas as pd
import pytest

import calls_assets
from calls_assets.sandbox import Centre, FixedCalls, Meaning, Sandbox
from calls_assets.tables.catalog import ALL_TABLES, TABLES
from calls_assets.waits import DURATION_LESS_TALK, Thresholds

DOCS = Path(__file__).parent.parent / "docs"
QUESTION = re.compile(r"^## (\d+)\. (.*?)$.*?^```sql\n(.*?)^```", re.DOTALL | re.MULTILINE)
QUESTIONS = QUESTION.findall((DOCS / "cookbook.md").read_text())
FIRST, LAST, ZONE = date(2026, 2, 2), date(2026, 3, 8), "America/New_York"  # where clocks go forward on the last day
MEANING = Meaning(sla_clock="call", sla_s=45)
WAITS = {"wait": DURATION_LESS_TALK, "sla_seconds": Thresholds(45)}

ANSWERED = [question for question in QUESTIONS if question[0] != "21"]  # this centre dials every callback
SHARES = ("rate", "share", "service_level")


@pytest.fixture(scope="module")
def tree(made_once, run_pipeline):
    """Five weeks of a call centre, of which the last day was pulled twice and changed in between."""

    def pull(root):
        for first, seed in ((FIRST, 7), (LAST, 8)):
            with Sandbox(Centre(seed, calls_per_day=120, zone=ZONE, meaning=MEANING)) as api:
                assert run_pipeline(api, root, first, LAST, ZONE, select=list(TABLES), **WAITS).success

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


def test_every_table_is_read_by_a_query_that_people_see_or_feeds_one_that_is():
    pages = [*DOCS.glob("*.md")]
    queries = [query for page in pages for query in re.findall(r"^```sql\n(.*?)^```", page.read_text(), QUESTION.flags)]
    package = DOCS.parent / "calls_assets"
    queries += [path.read_text() for path in (*package.glob("report/*.sql"), *package.glob("commands/*.py"))]
    used, found = set(), {name for query in queries for name in re.findall(r"\b(?:FROM|JOIN) (?:\w+\.)?(\w+)", query)}
    while found - used:
        used |= found
        found = {name for table in ALL_TABLES.values() if table.name in used for name in table.inputs}
    assert ALL_TABLES.keys() - used == set()


@pytest.mark.parametrize(("number", "question", "query"), ANSWERED, ids=[number for number, _, _ in ANSWERED])
def test_a_question_gets_an_answer(connection, number, question, query):
    found = connection.execute(query)
    names, rows = [column[0] for column in found.description], found.fetchall()
    assert rows
    for name, values in zip(names, zip(*rows, strict=True), strict=True):
        known = [value for value in values if value is not None]
        assert known or name == "sunday", name  # the centre is closed
        if name.endswith(SHARES):
            assert all(0 <= value <= 1 for value in known), name
            assert values[0] is not None, f"{name} begins with a null"


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


@pytest.fixture(scope="module")
def read(tree):
    """Reads a table of the five weeks into pandas, with plain types and the calls' local times."""

    def read(table, **arguments):
        rows = calls_assets.read(table, data_url=str(tree), to="arrow", **arguments).to_pandas()
        return rows.assign(local=rows["started_at"].dt.tz_convert(ZONE)) if "started_at" in rows else rows

    return read


def last_28_days(rows):
    return rows[rows["local_date"] > LAST - timedelta(days=28)]


def test_who_hung_up_and_was_spoken_to_later_is_whom_pandas_finds(connection, read):
    calls = read("calls")
    answered = calls[calls["outcome"] == "answered"].sort_values("started_at")
    fates, minutes = Counter(), defaultdict(list)
    for lost in last_28_days(calls[calls["outcome"] == "abandoned"]).itertuples():
        later = answered[(answered["contact_id"] == lost.contact_id) & (answered["started_at"] > lost.started_at)]
        if pd.isna(lost.contact_id):
            fate = "unknown: no contact"
        elif later.empty:
            fate = "nobody has spoken to them"
        else:
            fate = {"inbound": "called again", "outbound": "was called back"}[later.iloc[0]["direction"]]
            minutes[fate].append((later.iloc[0]["started_at"] - lost.started_at).total_seconds() / 60)
        fates[fate] += 1
    rows = {since: rest for since, *rest in answer(connection, 24)}
    assert {since: calls for since, (calls, _, _) in rows.items()} == fates
    assert len(fates) == 4
    assert sum(share for _, share, _ in rows.values()) == pytest.approx(1)
    medians = {since: median for since, (_, _, median) in rows.items() if median is not None}
    assert medians == {since: pytest.approx(float(pd.Series(waits).median())) for since, waits in minutes.items()}


def test_agents_of_a_ring_group_take_the_calls_that_pandas_finds(connection, read):
    calls = read("calls", columns=["call_id", "direction", "ring_group_name"])
    legs = read("call_agents").drop(columns="direction").merge(calls[calls["direction"] == "inbound"], on="call_id")
    groups = (
        legs.dropna(subset="agent_id").fillna({"ring_group_name": "(none)"}).groupby(["ring_group_name", "agent_id"])
    )
    counted = Counter(
        (group, rows["call_id"].nunique(), rows[rows["answered"]]["call_id"].nunique(), rows["talk_s"].sum() / 3600)
        for (group, _), rows in groups
    )
    assert Counter((group, rang, took, hours) for group, _, rang, took, _, hours in answer(connection, 25)) == counted


def test_the_service_level_of_an_hour_of_the_week_is_that_of_its_calls(connection, read):
    calls = last_28_days(read("calls"))
    calls = calls[(calls["direction"] == "inbound") & calls["outcome"].isin(["answered", "abandoned"])]
    met = (calls["outcome"] == "answered") & calls["is_answered_within_sla"].eq(True)
    hours = met.groupby([calls["local"].dt.strftime("%H"), calls["local"].dt.day_of_week]).agg(["mean", "size"])
    rows = {hour: days for hour, *days, _ in answer(connection, 26)}
    shown = {(hour, day): level for hour, days in rows.items() for day, level in enumerate(days) if level is not None}
    assert shown == {key: pytest.approx(level) for key, level in hours["mean"].items()}
    assert sum(calls for *_, calls in answer(connection, 26)) == hours["size"].sum()


def test_staffing_inputs_are_averages_over_all_days_of_a_weekday(connection, read):
    calls = last_28_days(read("calls"))
    calls = calls[
        (calls["direction"] == "inbound") & ~calls["outcome"].isin(["in_progress", "ivr_exit", "out_of_hours"])
    ]
    names = calls["local"].dt.strftime("%a"), calls["local"].dt.floor("30min").dt.strftime("%H:%M")
    offered = calls.groupby(list(names)).size() / 4
    talk = calls[calls["outcome"] == "answered"].groupby(list(names))["talk_s"].agg(["mean", "size"])
    rows = {(weekday, half_hour): rest for weekday, half_hour, *rest in answer(connection, 27)}
    assert {key: calls for key, (calls, *_) in rows.items()} == offered.to_dict()
    assert {key: each for key, (_, each, *_) in rows.items() if each} == (talk["size"] / 4).to_dict()
    assert {key: each for key, (_, _, each, _) in rows.items() if each is not None} == {
        key: pytest.approx(each) for key, each in talk["mean"].items()
    }
    load = offered * talk["mean"] / 1800
    assert {key: erlangs for key, (*_, erlangs) in rows.items() if erlangs is not None} == {
        key: pytest.approx(each) for key, each in load.dropna().items()
    }


def test_a_day_talks_on_as_many_lines_as_calls_overlap(connection, read):
    calls = read("calls")
    calls = calls[calls["is_ended"] & (calls["talk_s"] > 0)]
    begins = calls["started_at"].astype("int64") // 1_000_000 + calls["speed_of_answer_s"].fillna(0)
    steps = [(begin, 1) for begin in begins] + [(end, -1) for end in begins + calls["talk_s"]]
    peaks, talking, days = Counter(), 0, dict(zip(begins, calls["local_date"], strict=True))
    for when, step in sorted(steps):
        talking += step
        if step > 0:
            peaks[days[when]] = max(peaks[days[when]], talking)
    highest = {weekday: most for weekday, _, most, *_ in answer(connection, 28) if most}
    expected = pd.Series(peaks).groupby(lambda day: f"{day:%A}").max()
    assert highest == expected.to_dict()


def test_a_menu_loses_the_callers_that_pandas_counts(connection, read):
    calls = read("calls")
    calls = calls[(calls["direction"] == "inbound") & calls["is_ended"]].fillna({"ivr_name": "(none)"})
    left = (calls["outcome"] == "ivr_exit").groupby(calls["ivr_name"]).agg(["size", "sum"])
    assert {menu: (reached, gave_up) for menu, reached, gave_up, _ in answer(connection, 32)} == {
        menu: tuple(counts) for menu, counts in left.iterrows()
    }


def test_weeks_have_the_callers_that_pandas_counts(connection, read):
    calls = read("calls")
    calls = calls[(calls["direction"] == "inbound") & calls["is_ended"]]
    weeks = calls["local_date"].map(lambda day: day - timedelta(days=day.weekday()))
    per_caller = calls.groupby([weeks, "contact_id"]).size()
    callers, repeats = per_caller.groupby(level=0).size(), (per_caller > 1).groupby(level=0).sum()
    assert [row[1] for row in answer(connection, 33)] == callers.to_list()
    assert [row[2] for row in answer(connection, 33)] == repeats.to_list()


def test_a_target_is_reached_as_often_as_pandas_counts(connection, read):
    level = read("service_level").dropna(subset="service_level")
    for kind, (periods, number, reached, _, share) in zip(("total", "half_hour"), answer(connection, 35), strict=True):
        rows = level[level["dimension"] == kind]
        met = rows["calls_answered_within_sla"] / (rows["calls_answered"] + rows["calls_abandoned"]) >= 0.8
        counted = rows["calls_answered"] + rows["calls_abandoned"]
        assert (periods, number, reached) == ({"total": "days", "half_hour": "half-hours"}[kind], len(rows), met.sum())
        assert share == pytest.approx(counted[met].sum() / counted.sum())


def test_attempts_are_counted_until_somebody_picked_up(connection, read):
    calls = read("calls").sort_values(["started_at", "call_id"])
    calls = calls[(calls["direction"] == "outbound") & calls["is_ended"] & ~calls["is_linked"]].dropna(
        subset="contact_id"
    )
    dialled, reached = Counter(), Counter()
    for _, outcomes in calls.groupby("contact_id")["outcome"]:
        for attempt, outcome in enumerate(outcomes, 1):
            dialled[attempt] += 1
            if outcome == "answered":
                reached[attempt] += 1
                break
    assert [row[:3] for row in answer(connection, 37)] == [(n, dialled[n], reached[n]) for n in sorted(dialled)]


@pytest.fixture
def waits(read):
    """The calls that waited, each with its wait as the demo's centre has it."""
    calls = read("calls")
    calls = calls[(calls["direction"] == "inbound") & calls["is_ended"]]
    waits = (calls["duration_s"] - calls["talk_s"]).where(calls["outcome"] == "answered", calls["duration_s"])
    kept = calls["outcome"].isin(["answered", "abandoned", "short_abandoned"]) & (waits >= 0)
    return calls.assign(wait=waits)[kept]


def test_an_hours_average_wait_is_that_of_its_calls(connection, waits):
    answered = last_28_days(waits[waits["outcome"] == "answered"])
    hours = answered.groupby(answered["local"].dt.strftime("%H"))["wait"].agg(["mean", "size"])
    assert answer(connection, 41) == [
        (hour, pytest.approx(row["mean"]), row["size"]) for hour, row in hours.sort_index().iterrows()
    ]


def test_percentiles_of_waits_are_those_of_pandas(connection, waits):
    for ring_group, answered, quantiles, hung_up, of_hung_up, longest in answer(connection, 42):
        calls = waits[waits["ring_group_name"].fillna("(none)") == ring_group]
        for outcome, count, shown in (("answered", answered, quantiles), ("abandoned", hung_up, of_hung_up)):
            seconds = calls[calls["outcome"] == outcome]["wait"]
            assert (count, shown) == (len(seconds), pytest.approx(seconds.quantile([0.5, 0.9, 0.95]).to_list()))
        assert longest == calls["wait"].max()


def test_the_shares_answered_within_a_time_are_those_of_the_waits(connection, waits):
    answered = waits["outcome"] == "answered"
    for up_to_s, within, share, hung_up, hung_up_share in answer(connection, 43):
        soon = waits["wait"] <= (up_to_s or float("inf"))
        assert (within, hung_up) == ((soon & answered).sum(), (soon & ~answered).sum())
        assert (share, hung_up_share) == pytest.approx((soon[answered].mean(), soon[~answered].mean()))


def test_the_notebook_runs_and_draws(tree, monkeypatch, tmp_path):
    monkeypatch.setenv("CALLS_DATA_URL", str(tree))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    notebook = nbformat.read(DOCS / "notebook.ipynb", as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells), "clear the outputs before you commit"
    staffing = find_spec("pyworkforce") is not None  # from Python 3.12 on
    notebook.cells = [cell for cell in notebook.cells if staffing or "staffing" not in cell.metadata.get("tags", [])]
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    pictures = [
        output for cell in notebook.cells for output in cell.get("outputs", []) if "image/png" in output.get("data", {})
    ]
    assert len(pictures) == 5 + staffing
    complaints = [
        output for cell in notebook.cells for output in cell.get("outputs", []) if output.output_type == "stream"
    ]
    assert complaints == []


def test_the_notebook_plans_staff_with_the_inputs_of_the_cookbook():
    code = "\n".join(cell.source for cell in nbformat.read(DOCS / "notebook.ipynb", as_version=4).cells)
    (query,) = (query for number, _, query in QUESTIONS if number == "27")
    assert textwrap.indent(query, " " * 8) in code
