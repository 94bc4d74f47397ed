"""The doctor on accounts that differ from the document: what it says is true, and it suggests nothing useless."""

import io
import re
import socket
import time
from datetime import UTC, date, datetime, timedelta

import pytest
from rich.console import Console

from calls_assets.commands.doctor import doctor
from calls_assets.sandbox import Behaviour, FixedCalls, Sandbox
from calls_assets.sandbox.dialects import DIALECTS

NOW = datetime(2026, 5, 20, 15, tzinfo=UTC)
HOME = "America/New_York"
REFUSED = frozenset({"warm_transfer", "overflowed"})


@pytest.fixture
def run_doctor(centre):
    """Runs the doctor on an account; returns what was printed, its lines joined, and the sentence that it ended with."""

    def run_doctor(behaviour=None, source=None, **settings):
        console = Console(file=io.StringIO(), width=100)
        with Sandbox(source or centre, behaviour or Behaviour(), now=lambda: int(NOW.timestamp())) as api:
            given = {"CALLS_API_URL": api.url, "CALLS_API_TOKEN": api.token} | settings
            try:
                doctor(given, console, None, NOW)
                ending = ""
            except ValueError as error:
                ending = str(error)
        return re.sub(r" *\n {10,}", " ", console.file.getvalue()), ending

    return run_doctor


ODD = {
    "as documented": (Behaviour(), ["All 18 are given.", " are as documented."]),
    "capped": (Behaviour(total_cap=1000), ["meta.total says 1,000, but there are more calls: it is a cap"]),
    "of the page": (Behaviour(page_cap=100, total_of_page=True), ["meta.total says 100, but there are more calls"]),
    "without total": (Behaviour(total_as="absent"), ["Calls come without a readable meta.total"]),
    "without total, short pages": (
        Behaviour(total_as="no_meta", page_cap=100),
        ["100 rows came for limit=1000, although there were more.", "Calls come without a readable meta.total"],
    ),
    "of all": (Behaviour(total_of_all=99_999), ["meta.total is the same whatever the dates"]),
    "pages that count themselves": (
        Behaviour(page_cap=128, total_of_page=True, names_next="never"),
        ["128 rows came for limit=1000, although there were more.", "meta.total says 128, but there are more calls"],
    ),
    "one date": (Behaviour(most_dates=1), ["A range of days lacks calls that its days have one by one"]),
    "three dates": (Behaviour(most_dates=3), ["A range of days lacks calls that its days have one by one"]),
    "three dates, exclusive": (
        Behaviour(most_dates=3, dates_kept="last", date_to_inclusive=False),
        ["A range of days lacks calls that its days have one by one"],
    ),
    "lacks outbound": (
        Behaviour(lacks="outbound"),
        ["The list of all calls lacks some that the lists of inbound and outbound"],
    ),
    "lacks missed": (
        Behaviour(lacks="unanswered"),
        ["The list of all calls lacks some that the lists of inbound and outbound"],
    ),
    "too deep": (Behaviour(page_cap=100, deepest=300), ["Pages far back are refused, and at least 200 calls"]),
    "no dates": (Behaviour(ignored=frozenset({"dateFrom", "dateTo"})), ["Dates are ignored: "]),
    "cut pages": (
        Behaviour(page_bytes=100_000),
        ["rows came for limit=45.", "Pages for limit=1000 are cut short", "CALLS_PAGE_SIZE=45", "All 18 are given."],
    ),
    "ninety days": (
        Behaviour(keeps_days=90),
        [
            "The calls of 2025-01-01, the first day that may be pulled, are refused",
            "set CALLS_START_DATE to the first day",
        ],
    ),
    "refused types": (
        Behaviour(refused_call_types=REFUSED, refusal_status=402),
        ["16 of 18 are given", "overflowed refused (402), warm_transfer refused (402)"],
    ),
    "refused types, capped": (
        Behaviour(refused_call_types=REFUSED, refusal_status=403, total_cap=100),
        ["16 of 18 are given", "overflowed refused (403), warm_transfer refused (403)"],
    ),
    "refused types, in web pages": (
        Behaviour(refused_call_types=REFUSED, refusal_status=403, error_as="html"),
        ["16 of 18 are given", "overflowed refused (403), warm_transfer refused (403)"],
    ),
    "ignored types": (Behaviour(ignored=frozenset({"callType"})), ["all_inbound ignored"]),
}


ALSO = (
    *("of the page", "without total", "without total, short pages", "pages that count themselves", "of all"),
    *("three dates", "refused types, capped"),
)
"""What `make test-all` adds to others of its kind."""


@pytest.mark.parametrize(
    ("behaviour", "told"),
    [pytest.param(*one, id=name, marks=[pytest.mark.slow] if name in ALSO else []) for name, one in ODD.items()],
)
def test_what_an_account_does_is_said(run_doctor, behaviour, told):
    shown, ending = run_doctor(behaviour, CALLS_TIMEZONE=HOME)
    for words in told:
        assert words in shown
    assert ending == ""
    assert "What to set:" in shown
    strange = {
        "Lists ": (
            "capped",
            "of the page",
            "without total",
            "of all",
            "count themselves",
            " date",
            "lacks",
            "too deep",
            "no dates",
            "ninety days",
            "cut pages",
        ),
        "ignored": ("ignored types", "no dates"),
    }
    name = next(name for name, (other, _) in ODD.items() if other is behaviour)
    for words, of in strange.items():
        assert (words in shown.replace("Dates are ignored", "")) <= any(part in name for part in of)


def test_a_quiet_account_that_does_not_keep_the_days_of_full_pages_is_examined(run_doctor, make_call):
    moments = [datetime(2026, 5, 8, 14, tzinfo=UTC) + timedelta(days=n % 12, hours=n // 12) for n in range(84)]
    source = FixedCalls((make_call(n, int(moment.timestamp())), ()) for n, moment in enumerate(moments))
    shown, ending = run_doctor(Behaviour(keeps_days=90), source, CALLS_TIMEZONE=HOME)
    assert ending == ""
    assert "are refused, but not those of later days" in shown


OFTEN = ("missing", "strings", "undocumented", "iso_times")


@pytest.mark.parametrize(
    "dialect", [pytest.param(name, marks=[] if name in OFTEN else [pytest.mark.slow]) for name in DIALECTS]
)
def test_the_dialect_is_told_in_a_table_and_no_call_is_unreadable(run_doctor, dialect):
    shown, ending = run_doctor(Behaviour(dialect=(dialect,)), CALLS_TIMEZONE=HOME)
    assert ending == ""
    assert "Unreadable" not in shown
    differs = dialect not in ("missing", "zero_for_none")
    assert ("How the records differ from the document" in shown) == differs
    assert "…" not in shown
    assert "All 18 are given." in shown


def test_an_account_that_means_ill_is_told_of_in_plain_text(run_doctor):
    shown, ending = run_doctor(Behaviour(dialect=("hostile_words",)), CALLS_TIMEZONE=HOME)
    assert ending == ""
    assert "(no plain word)" in shown
    assert "(odd name)" in shown
    assert not re.search(r"[^\n -~…]|alert|198\.51", shown.translate({ord(line): " " for line in "─━"}))


@pytest.mark.parametrize(
    ("behaviour", "records", "sentence"),
    [
        (
            Behaviour(ignored=frozenset({"page"})),
            None,
            "Every page is the same: the account ignores the page parameter",
        ),
        *(
            (
                Behaviour(first_page=0, page_cap=50, **changes),
                None,
                "Page 1 is not the start of a list, because with limit=1 it has a call that it lacks with a larger limit",
            )
            for changes in (
                {},
                {"beyond_end_status": 404},
                {"total_as": "absent"},
                {"total_of_page": True},
                {"total_cap": 500},
            )
        ),
        *(
            (Behaviour(ignored=frozenset({"page"}), **changes), None, "Every page is the same: ")
            for changes in ({"total_of_page": True}, {"total_as": "absent", "page_cap": 100}, {"total_cap": 1000})
        ),
        (Behaviour(), {"id": "A-1"}, "None of the 84 records that came could be read: id is a string, not an integer."),
    ],
    ids=[
        "page ignored",
        *("pages from 0", "beyond refused", "without total", "of the page", "capped"),
        *("page ignored, of the page", "page ignored, without total", "page ignored, capped"),
        "nothing readable",
    ],
)
def test_where_nothing_can_be_pulled_it_ends_without_settings(run_doctor, make_call, behaviour, records, sentence):
    source = None
    if records:
        moments = [datetime(2026, 5, 8, 14, tzinfo=UTC) + timedelta(days=n % 12, hours=n // 12) for n in range(84)]
        calls = [make_call(n, int(moment.timestamp())) | records for n, moment in enumerate(moments)]
        source = FixedCalls((call, ()) for call in calls)
    shown, ending = run_doctor(behaviour, source)
    assert sentence in ending
    assert "What to set:" not in shown
    assert "CALLS_" not in shown


CUT, CAP = "A range of days lacks calls that its days have one by one", "there are more calls"
LACKS, TOTAL = "The list of all calls lacks some", "meta.total says"
SAME, FEWER = "meta.total is the same whatever the dates", "100 days have fewer calls than their halves"
NO_DATES = frozenset({"dateFrom", "dateTo"})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("behaviour", "told", "untold"),
    [
        (Behaviour(total_cap=500), [CAP], [CUT]),
        (Behaviour(total_cap=10_000), [FEWER], [CUT]),
        (Behaviour(most_dates=31), [FEWER], [CUT]),
        (Behaviour(total_of_page=True, page_cap=100, date_to_inclusive=False), [CAP], [CUT, "About 1 calls"]),
        (Behaviour(total_cap=100, date_to_inclusive=False), [CAP], [CUT, "About 100 calls"]),
        (Behaviour(total_of_all=99_999), [SAME], [CUT, CAP]),
        (Behaviour(total_of_all=99_999, beyond_end_status=404), [SAME], ["Pages far back"]),
        (Behaviour(total_offset=1), ["meta.total says 1 for days without calls"], [SAME, CUT]),
        (Behaviour(total_offset=-50), [CAP], [SAME, CUT]),
        (Behaviour(total_as="absent", page_cap=100), ["although there were more"], ["No page was full", CUT]),
        (Behaviour(total_as="absent", most_dates=3), [CUT], []),
        (Behaviour(total_of_page=True, most_dates=3, dates_kept="last"), [CUT], []),
        (Behaviour(total_cap=100, most_dates=3), [CUT, CAP], []),
        (Behaviour(lacks="outbound", total_as="absent"), [LACKS], []),
        (Behaviour(lacks="unanswered", total_of_page=True, page_cap=100), [LACKS, CAP], [CUT]),
        (Behaviour(lacks="outbound", order="shuffled"), [LACKS], ["calls per weekday"]),
        (Behaviour(ignored_call_types=frozenset({"all_outbound"})), ["all_outbound ignored"], [LACKS]),
        (Behaviour(ignored_call_types=frozenset({"all_outbound"}), order="shuffled"), [], [LACKS]),
        (Behaviour(ignored=frozenset({"dateFrom"})), ["dateFrom is ignored: "], [CUT, "Dates are ignored"]),
        (Behaviour(ignored=NO_DATES, page_cap=100), ["Dates are ignored: "], [CUT, LACKS]),
        (Behaviour(deepest=300, deeper_status=200, page_cap=100), ["A list ends before its meta.total"], [CUT, TOTAL]),
        (Behaviour(deepest=50), ["50 rows came for limit=50."], [CUT]),
        (Behaviour(keeps_days=10), ["1000 rows came"], [CUT]),
        (Behaviour(every_twice=1, page_cap=100), ["Rows come newest first"], ["Every page", CUT, TOTAL]),
    ],
)
def test_nothing_is_said_that_is_not_so(run_doctor, behaviour, told, untold):
    shown, ending = run_doctor(behaviour, CALLS_TIMEZONE=HOME)
    assert ending == ""
    assert [words for words in told if words not in shown] == []
    assert [words for words in untold if words in shown] == []


def test_no_page_size_is_told_by_a_total_that_counts_other_calls(run_doctor, make_call):
    moments = [datetime(2026, 5, 8, 14, tzinfo=UTC) + timedelta(days=n % 12, hours=n // 12) for n in range(84)]
    source = FixedCalls((make_call(n, int(moment.timestamp())), ()) for n, moment in enumerate(moments, 1))
    shown, _ = run_doctor(Behaviour(total_of_all=99_999), source)
    assert "No page was full: 56 rows came for limit=1000, and no others" in shown
    assert "CALLS_PAGE_SIZE" not in shown


def test_a_dateto_that_is_ignored_is_told_alone(run_doctor, make_call):
    moments = [NOW - timedelta(hours=n) for n in range(1, 24 * 20)]
    source = FixedCalls((make_call(n, int(moment.timestamp())), ()) for n, moment in enumerate(moments, 1))
    shown, _ = run_doctor(Behaviour(ignored=frozenset({"dateTo"})), source)
    assert "dateTo is ignored: calls come from long after it" in shown
    assert [words for words in (CUT, "Dates are ignored", "dateFrom is ignored") if words in shown] == []


def test_filters_that_change_nothing_are_told(run_doctor):
    given, said = {"CALLS_FILTERS": "ringGroupId=1"}, "CALLS_FILTERS changes nothing"
    assert said in run_doctor(Behaviour(ignored=frozenset({"ringGroupId"})), **given)[0]
    assert said not in run_doctor(**given)[0]


def test_the_doctor_does_not_send_to_itself(run_doctor):
    _, ending = run_doctor(Behaviour(first_page=2))
    assert "page: 1 is out of range" in ending
    assert "calls-assets doctor" not in ending


def test_without_a_zone_one_is_proposed_that_nothing_contradicts_and_said_to_be_a_choice(run_doctor):
    for read_in in ("UTC", HOME):
        shown, _ = run_doctor(Behaviour(zone=read_in))
        assert f"CALLS_TIMEZONE={HOME}" in shown
        assert "is a suggestion, because" in shown
        assert "you choose whose midnights bound the days" in shown
        assert "CALLS_TIMEZONE=UTC" not in shown
    shown, _ = run_doctor(CALLS_TIMEZONE="Asia/Tokyo")
    assert "CALLS_TIMEZONE=Asia/Tokyo" in shown
    assert "suggestion" not in shown


@pytest.mark.parametrize(
    ("url", "cause"),
    [
        ("http://127.0.0.1:{port}/api/v1", "the host refused the connection"),
        ("https://no-such-host.invalid/api/v1", "host"),
    ],
    ids=["refused", "no such name"],
)
def test_a_host_that_cannot_be_reached_is_told_within_seconds_with_its_cause(url, cause):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        given = {"CALLS_API_URL": url.format(port=closed.getsockname()[1]), "CALLS_API_TOKEN": "a-token"}
        began = time.monotonic()
        with pytest.raises(ValueError, match=cause):
            doctor(given, Console(file=io.StringIO()), None, NOW)
    assert time.monotonic() - began < 12


def test_the_doctor_makes_few_requests(centre):
    with Sandbox(centre, now=lambda: int(NOW.timestamp())) as api:
        given = {"CALLS_API_URL": api.url, "CALLS_API_TOKEN": api.token, "CALLS_TIMEZONE": HOME}
        doctor(given, Console(file=io.StringIO()), None, NOW)
    assert len(api.requests) < 80
    assert {date.fromisoformat(given["dateFrom"]).year for given in api.requests} <= {1969, 2025, 2026}
