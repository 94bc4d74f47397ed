"""Accounts that differ from the document, one way each: the same calls give the same figures, or a sentence says why not."""

import json
import subprocess
import sys
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from calls_assets.api.document import LABEL_CALL_TYPES
from calls_assets.sandbox import Behaviour, Centre, FixedCalls, Replay, Sandbox, WireFault
from calls_assets.sandbox.dialects import DIALECTS

FIRST, LAST = date(2026, 3, 6), date(2026, 3, 7)
DERIVED = (
    "wait_calibration",
    "calls",
    "call_agents",
    "service_level",
    "abandonment",
    "agent_talk_time",
    "day_status",
)
FETCHED = ("raw_calls", "rejected_calls", "call_changes", "raw_call_types", "reconciliation")
REAL = Path(__file__).parents[3] / "shared" / "real"


@pytest.fixture(scope="module")
def centre():
    return Centre(calls_per_day=60)


@pytest.fixture(scope="module")
def instance():
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    return tmp_path_factory.mktemp("plain")


@pytest.fixture
def pull(run_pipeline, instance, centre, tmp_path):
    """Pulls both days from an account; gives the run, the tree and the server."""

    def pull(behaviour=None, into=None, source=None, faults=(), now=None, select=(*FETCHED, *DERIVED), **api_fields):
        root = into or tmp_path / "tree"
        with Sandbox(source or centre, behaviour or Behaviour(), faults=faults, **({"now": now} if now else {})) as api:
            result = run_pipeline(
                api, root, FIRST, LAST, instance=instance, select=select, api_fields=api_fields or None
            )
        return result, root, api

    return pull


@pytest.fixture
def plain(pull, kept):
    """The tree of the account that is as documented."""
    if not (kept / "calls").exists():
        assert pull(into=kept)[0].success
    return kept


def table(root, name):
    return ds.dataset(root / name, format="parquet").to_table().sort_by([("local_date", "ascending")])


def figures(root):
    """Every computed table of both days."""
    return {
        name: pa.concat_tables(pq.read_table(path) for path in sorted((root / name).rglob("*.parquet")))
        for name in DERIVED
    }


def fetched(root):
    """The tables that all others are computed from; what is kept of fields outside the document, no query reads."""
    return {name: table(root, name).drop_columns(["extra"] if name == "raw_calls" else []) for name in FETCHED}


@pytest.fixture
def same_figures(pull, plain):
    """Whether a pulled tree has the figures of `plain`: as given where what they are made from is equal, or computed."""

    def same(root):
        return fetched(root) == fetched(plain) or (
            pull(into=root, select=DERIVED)[0].success and figures(root) == figures(plain)
        )

    return same


def hung_up(root):
    """Whom the centre lost: what does not rest on the labels alone."""
    return figures(root)["abandonment"].select(
        ["local_date", "member_id", "calls_answered", "calls_abandoned", "calls_short_abandoned"]
    )


class Everything(FixedCalls):
    """An account that gives all its calls, whatever is asked for."""

    def between(self, start, end):
        return list(self.calls)


def failed_checks(result):
    return {check.check_name for check in result.get_asset_check_evaluations() if not check.passed}


@pytest.mark.parametrize(
    "dialect",
    [
        ["undocumented", "strings"],
        *(
            pytest.param([name], marks=[] if name in ("missing", "webhook", "mixed") else [pytest.mark.slow])
            for name in DIALECTS
        ),
    ],
    ids="+".join,
)
def test_figures_do_not_change_with_the_dialect(pull, same_figures, dialect):
    result, root, _ = pull(Behaviour(dialect=tuple(dialect), page_cap=50), select=FETCHED)
    assert result.success
    assert table(root, "rejected_calls").num_rows == 0
    assert same_figures(root)
    as_documented = dialect in (["missing"], ["zero_for_none"])
    assert ("as_documented" in failed_checks(result)) != as_documented


LISTS = {
    "total capped": Behaviour(page_cap=20, total_cap=30),
    "total capped at a page": Behaviour(page_cap=20, total_cap=20),
    "total of the page": Behaviour(page_cap=20, total_of_page=True),
    "total of the page, no next": Behaviour(page_cap=20, total_of_page=True, names_next="never"),
    "total too low": Behaviour(page_cap=20, total_offset=-2),
    "always a next": Behaviour(page_cap=20, names_next="always"),
    "never a next": Behaviour(page_cap=20, names_next="never"),
    "no deeper, 400": Behaviour(page_cap=20, deepest=200, deeper_status=400),
    "no deeper, 404": Behaviour(page_cap=20, deepest=200, deeper_status=404),
    "no deeper, 422, and capped": Behaviour(page_cap=20, deepest=200, deeper_status=422, total_cap=200),
    "pages beyond the end refused": Behaviour(page_cap=20, beyond_end_status=404),
    "total of all calls": Behaviour(page_cap=20, total_of_all=5000),
    "pages cut by bytes": Behaviour(page_bytes=30_000),
    "pages cut by bytes, beyond the end refused": Behaviour(page_bytes=30_000, beyond_end_status=404),
    "pages cut by bytes, no total": Behaviour(page_bytes=30_000, total_as="absent"),
    "total in words": Behaviour(page_cap=20, total_as="grouped"),
    "no total": Behaviour(page_cap=20, total_as="absent", names_next="absent"),
    "total null": Behaviour(page_cap=20, total_as="null"),
    "no meta": Behaviour(total_as="no_meta"),
    "calls twice": Behaviour(page_cap=20, every_twice=7),
    "empty as 404": Behaviour(empty_as="404"),
    "empty as 204": Behaviour(empty_as="204"),
    "empty as {}": Behaviour(empty_as="{}"),
    "empty as null": Behaviour(empty_as="null"),
    "empty as []": Behaviour(empty_as="[]"),
    "limit ignored": Behaviour(page_cap=30, ignored=frozenset({"limit"})),
    "odd pages, total of the page": Behaviour(page_cap=64, total_of_page=True, names_next="never"),
    "the first dates of a range": Behaviour(most_dates=3, names_next="never"),
    "the first date of a range": Behaviour(most_dates=1),
    "the last two dates of a range": Behaviour(most_dates=2, dates_kept="last"),
    "no range of more than two dates": Behaviour(widest=2),
    "no range of more than two dates, outbound calls not in the list of all": Behaviour(widest=2, lacks="outbound"),
    "the last dates of a range": Behaviour(page_cap=20, most_dates=3, dates_kept="last"),
    "outbound calls not in the list of all": Behaviour(page_cap=50, lacks="outbound"),
    "missed calls not in the list of all": Behaviour(page_cap=50, lacks="unanswered"),
}


OFTEN = (
    "total capped",
    "total of the page, no next",
    "no deeper, 422, and capped",
    "pages cut by bytes",
    "no meta",
    "calls twice",
    "empty as 404",
    "the last dates of a range",
    "no range of more than two dates",
    "missed calls not in the list of all",
)
"""One of each kind, for `make test`."""


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(behaviour, id=name, marks=[] if name in OFTEN else [pytest.mark.slow])
        for name, behaviour in LISTS.items()
    ],
)
def test_figures_do_not_change_with_what_lists_do(pull, plain, same_figures, behaviour):
    result, root, _ = pull(behaviour, select=FETCHED)
    assert result.success
    assert table(root, "raw_calls") == table(plain, "raw_calls")
    assert same_figures(root)


@pytest.mark.parametrize(
    ("behaviour", "told"),
    [
        (Behaviour(page_cap=20, deepest=20), "shows at most 20 calls of a list"),
        (Behaviour(page_cap=20, total_offset=1), "the account counts calls that it does not list"),
        (Behaviour(page_cap=20, ignored=frozenset({"page"})), "and pages that only repeat others"),
        (
            Behaviour(page_bytes=1500),
            "the server seems to cut pages short, so set CALLS_PAGE_SIZE to 1, or ask the vendor",
        ),
    ],
    ids=["too shallow", "total too high", "page ignored", "pages of a call"],
)
def test_what_cannot_be_proven_whole_ends_in_a_sentence_and_lands_nothing(pull, behaviour, told):
    result, root, _ = pull(behaviour)
    assert not result.success
    (error,) = [event.event_specific_data.error for event in result.all_events if event.is_step_failure]
    assert told in error.message
    assert not root.exists()


def test_a_list_of_other_dates_than_were_asked_for_is_not_taken_for_an_empty_day(pull):
    """The sandbox gives the last 30 days where no dates are asked for."""
    result, root, _ = pull(Behaviour(ignored=frozenset({"dateFrom", "dateTo"})))
    assert not result.success
    (error,) = [event.event_specific_data.error for event in result.all_events if event.is_step_failure]
    assert "it ignores dateFrom and dateTo, and its list does not cover these days" in error.message
    assert not root.exists()


@pytest.mark.parametrize("status", [400, 403, 410, 422])
def test_days_that_an_account_does_not_keep_any_more_cost_themselves_alone(pull, plain, status):
    noon = int(datetime(2026, 3, 9, 12, tzinfo=ZoneInfo("UTC")).timestamp())
    known = {"dates_zone": "UTC", "date_to_inclusive": True}
    result, root, _ = pull(Behaviour(keeps_days=3, keeps_status=status, zone="UTC"), now=lambda: noon, **known)
    assert not result.success
    (error,) = [event.event_specific_data.error for event in result.all_events if event.is_step_failure]
    what = f"the calls from {FIRST} to {FIRST}" if status in (403, 410) else "the request"
    assert f"refused {what} ({status}, 'Calls are kept for 3 days.')" in error.message
    assert "set CALLS_START_DATE to the first day that" in error.message
    assert table(root, "raw_calls") == table(plain, "raw_calls").filter(pc.field("local_date") == LAST)


def test_an_account_that_ignores_dates_and_gives_all_calls_is_pulled(pull, plain, centre):
    calls = [(call.record, call.call_types) for n in range(1, 12) for call in centre.day(date(2026, 3, n))]
    result, root, _ = pull(Behaviour(ignored=frozenset({"dateFrom", "dateTo"})), source=Everything(calls))
    assert result.success
    assert figures(root) == figures(plain)


@pytest.mark.parametrize(
    ("status", "error_as"),
    [
        (402, "error"),
        *(
            pytest.param(status, "error", marks=pytest.mark.slow)
            for status in (200, 400, 403, 404, 405, 410, 422, 499, 501)
        ),
        (200, "errors"),
        (403, "html"),
    ],
)
def test_a_call_type_that_the_plan_does_not_allow_costs_that_type_alone(pull, plain, monkeypatch, status, error_as):
    monkeypatch.setattr("calls_assets.api.client.LONGEST_BACKOFF_S", 0.01)
    refused = frozenset({"warm_transfer", "overflowed"})
    tables = (*FETCHED, *DERIVED) if status == 402 else FETCHED  # what follows from the labels is computed once
    behaviour = Behaviour(refused_call_types=refused, refusal_status=status, error_as=error_as)
    result, root, _ = pull(behaviour, select=tables)
    assert result.success
    assert failed_checks(result) >= {"all_answered"}
    (told,) = {
        check.description for check in result.get_asset_check_evaluations() if check.check_name == "all_answered"
    } - {"0 of 2 days passed."}
    assert "warm_transfer" in told
    assert "overflowed" in told
    assert table(root, "raw_calls") == table(plain, "raw_calls")
    labels = table(plain, "raw_call_types")
    assert table(root, "raw_call_types") == labels.filter(~pc.field("call_type").isin(list(refused)))
    if status == 402:
        assert figures(root)["agent_talk_time"] == figures(plain)["agent_talk_time"]
        assert figures(root)["abandonment"] == figures(plain)["abandonment"]  # `type` tells what overflowed


def test_calls_without_the_vendors_verdict_are_in_no_final_service_level(pull, centre):
    calls = [(call.record | {"is_answered_within_sla": None}, call.call_types) for call in centre.day(FIRST)]
    result, root, _ = pull(source=FixedCalls(calls))
    assert result.success
    status = dict(zip(*table(root, "day_status").select(["local_date", "status"]).to_pydict().values(), strict=True))
    assert "records_unread" in status[FIRST]


@pytest.mark.parametrize(
    "ignored", [frozenset(LABEL_CALL_TYPES), frozenset({"abandoned"})], ids=["all labels", "abandoned"]
)
def test_a_call_type_that_the_server_ignores_counts_as_refused(pull, plain, ignored):
    result, root, _ = pull(Behaviour(ignored_call_types=ignored))
    assert result.success
    assert "all_answered" in failed_checks(result)
    assert hung_up(root) == hung_up(plain)
    assert not set(table(root, "raw_call_types")["call_type"].to_pylist()) & ignored


def test_a_server_that_ignores_call_types_altogether_gives_no_label(pull, plain):
    result, root, _ = pull(Behaviour(ignored=frozenset({"callType"})))
    assert result.success
    assert table(root, "raw_call_types").num_rows == 0
    assert hung_up(root) == hung_up(plain)


def test_a_pace_without_a_word_on_how_long_to_wait_ends_in_whole_days(pull, plain):
    result, root, api = pull(Behaviour(page_cap=50, per_period=5, period_s=0.5), concurrency=1)
    assert result.success
    assert figures(root) == figures(plain)
    assert len(api.requests) > 15


@pytest.mark.parametrize(
    "fault",
    [
        WireFault(kind="status", status=401, on=(7,)),
        WireFault(kind="html", on=range(7, 99)),
    ],
    ids=["the token is revoked", "maintenance"],
)
def test_what_was_there_stays_where_a_pull_breaks_off_on_page_7(pull, monkeypatch, fault):
    monkeypatch.setattr("calls_assets.api.client.LONGEST_BACKOFF_S", 0.01)
    _, root, _ = pull(Behaviour(page_cap=10))
    before = {path: path.read_bytes() for path in root.rglob("*.parquet")}
    result, _, _ = pull(Behaviour(page_cap=10), faults=[fault], concurrency=1)
    assert not result.success
    assert {path: path.read_bytes() for path in root.rglob("*.parquet")} == before
    (error,) = [event.event_specific_data.error for event in result.all_events if event.is_step_failure]
    assert ("run again later" in error.message) == (fault.kind == "html")


def test_requests_of_an_account_as_documented(pull):
    """One window of 4 dates: its pages, one more where the last is full, and a list or a count for each call type."""
    _, _, api = pull(Behaviour(page_cap=50))
    calls = [given for given in api.requests if "callType" not in given]
    types = [given for given in api.requests if "callType" in given]
    assert len(calls) <= 1 + len({given["page"] for given in calls})
    assert len({given["callType"] for given in types}) == 18
    assert sum(given["page"] == "1" for given in types) == 18


@pytest.mark.skipif(not REAL.exists(), reason="the real month lies beside the checkout, not in it")
@pytest.mark.parametrize("dialect", [(), ("webhook",), ("undocumented", "strings")], ids="+".join)
def test_days_of_a_real_centre_are_whole_in_any_dialect(pull, run_pipeline, tmp_path, real, dialect):
    first, last = date(2021, 1, 3), date(2021, 1, 4)
    with Sandbox(Replay(real), Behaviour(dialect=dialect)) as api:
        result = run_pipeline(
            api, tmp_path, first, last, "Asia/Jerusalem", select=(*FETCHED, *DERIVED), start_date=first
        )
    assert result.success
    rows = table(tmp_path, "abandonment").filter(pc.field("dimension") == "total").to_pylist()
    told = {str(row["local_date"]): (row["calls_answered"], row["calls_abandoned"]) for row in rows}
    assert told == counted(real, first, last)


def counted(lines, first, last):
    """Answered and abandoned calls of each day, counted from the lines alone."""
    counts = {}
    for line in lines:
        call = json.loads(line)
        day = datetime.fromtimestamp(call["record"]["started_at"], ZoneInfo("Asia/Jerusalem")).date()
        if first <= day <= last:
            answered, abandoned = counts.get(str(day), (0, 0))
            types = call["call_types"]
            counts[str(day)] = (answered + ("inbound_answered" in types), abandoned + ("abandoned" in types))
    return counts


@pytest.fixture(scope="module")
def real():
    """The real month's calls, as JSON lines."""
    done = subprocess.run([sys.executable, REAL / "records.py"], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()
