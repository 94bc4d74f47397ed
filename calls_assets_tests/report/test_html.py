"""The manager's page through the pipeline: what it says, and that it loads nothing from elsewhere."""

import re
import shutil
from datetime import UTC, date, datetime, timedelta
from functools import partial
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

import dagster as dg
import pyarrow.parquet as pq
import pytest

from calls_assets.by_ring_group import ByRingGroup
from calls_assets.pipeline.pages import _Pages
from calls_assets.report.html import _at, _moved, drawn
from calls_assets.report.judgement import Change
from calls_assets.sandbox import Centre, FixedCalls, Sandbox
from calls_assets.waits import Thresholds

FIRST, LAST = date(2026, 3, 2), date(2026, 3, 10)
NOON = 1_773_144_000


class Page(HTMLParser):
    """The texts of a page, and every address in it."""

    def __init__(self, html):
        super().__init__()
        self.texts, self.addresses, self._quiet = [], [], 0
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self._quiet += tag in ("style", "script")
        self.addresses += [
            value for name, value in attributes if name in ("href", "src", "xlink:href", "srcset", "action")
        ]

    def handle_endtag(self, tag):
        self._quiet -= tag in ("style", "script")

    def handle_data(self, data):
        if not self._quiet and data.strip():
            self.texts.append(" ".join(data.split()))

    @property
    def text(self):
        return " ".join(self.texts)


def page(root, day):
    return (root / f"daily_report/date={day}/daily_report.html").read_text()


@pytest.fixture(scope="session")
def run_pipeline(run_pipeline):
    """With the daily pages."""
    return partial(run_pipeline, select=None)


@pytest.fixture(scope="module")
def centre():
    return Centre(calls_per_day=80)


@pytest.fixture
def tree(reported, tmp_path):
    return shutil.copytree(reported, tmp_path, dirs_exist_ok=True)


def test_a_page_says_the_day_its_denominators_its_groups_and_its_agents(tree):
    shown = Page(page(tree, LAST))
    rows = pq.read_table(tree / f"service_level/date={LAST}/service_level.parquet").to_pylist()
    (total,) = (row for row in rows if row["dimension"] == "total")
    counted = total["calls_answered"] + total["calls_abandoned"]
    assert "Tuesday 10 March 2026" in shown.texts
    assert f"{total['service_level']:.1%}" in shown.texts
    assert f"{total['calls_answered_within_sla']} answered in time, of {counted} answered or abandoned" in shown.texts
    assert {row["member_name"] for row in rows if row["dimension"] == "ring_group" and row["calls_offered"]} <= set(
        shown.texts
    )
    agents = pq.read_table(tree / f"agent_talk_time/date={LAST}/agent_talk_time.parquet")["agent_alias"].to_pylist()
    assert {name for name in agents if name} <= set(shown.texts)
    assert "20 of the 28 days before have no figures, and are left out of the comparisons." in shown.texts
    assert {"service level", "calls offered", "start of the half-hour, local time"} <= set(shown.texts)


def test_a_page_is_whole_by_itself_and_runs_nothing(tree):
    html = page(tree, LAST)
    assert set(Page(html).addresses) == {"data:,", "../index.html", "../date=2026-03-09/daily_report.html"}
    neighbours = {f"../date=2026-03-{day}/daily_report.html" for day in ("08", "10")}
    assert neighbours <= set(Page(page(tree, date(2026, 3, 9))).addresses)
    assert not re.search(r"<script|@import|url\(|javascript:", html)


def pages(root):
    return {path.relative_to(root): path.read_text() for path in root.glob("daily_report/**/*.html")}


@pytest.mark.slow
def test_the_pages_are_the_same_in_whatever_order_the_days_come(tree, centre, run_pipeline, tmp_path_factory):
    root = tmp_path_factory.mktemp("other")
    with Sandbox(centre) as api:
        for days in ((7, 8), (3, 6), (0, 2)):
            assert run_pipeline(api, root, *(FIRST + timedelta(days=n) for n in days)).success
    assert pages(root) == pages(tree)


@pytest.mark.slow
def test_a_day_that_another_run_lands_meanwhile_is_linked_and_shown(
    tree, centre, run_pipeline, tmp_path_factory, monkeypatch
):
    root = tmp_path_factory.mktemp("meanwhile")
    look = _Pages.of
    others = [(FIRST + timedelta(days=8),) * 2]

    def look_while_another_lands(land, *judged_by):
        pages = look(land, *judged_by)
        if others:
            assert run_pipeline(api, root, *others.pop()).success
        return pages

    monkeypatch.setattr(_Pages, "of", look_while_another_lands)
    with Sandbox(centre) as api:
        assert run_pipeline(api, root, FIRST, FIRST + timedelta(days=7)).success
    assert pages(root) == pages(tree)


def test_a_page_whose_tables_have_gone_stays_when_a_day_before_it_comes(tree, centre, run_pipeline):
    before = page(tree, LAST)
    shutil.rmtree(tree / f"call_changes/date={LAST}")
    with Sandbox(centre) as api:
        assert run_pipeline(api, tree, date(2026, 3, 1), date(2026, 3, 1)).success
    assert page(tree, LAST) == before
    assert "20 of the 28" in page(tree, date(2026, 3, 9))


def test_a_day_without_calls_and_without_a_past_has_its_page(run_pipeline, tmp_path):
    with Sandbox(FixedCalls([])) as api:
        assert run_pipeline(api, tmp_path, LAST, LAST).success
    shown = Page(page(tmp_path, LAST))
    assert {"Closed", "No call was offered to staff.", "Nobody talked.", "no earlier data"} <= set(shown.texts)
    assert not {"By half-hour", "By ring group"} & {*shown.texts}
    assert "<svg" not in page(tmp_path, LAST)
    assert 'class="tile"' not in page(tmp_path, LAST)


def test_names_are_text_whatever_stands_in_them(run_pipeline, make_call, tmp_path):
    evil = "<script>alert(1)</script>|"
    call = make_call(1, NOON, is_inbound=True)
    call["ring_group"] = {"id": 1, "name": evil}
    call["answered_agents"][0]["alias"] = call["all_agents"][0]["alias"] = evil
    with Sandbox(FixedCalls([(call, {"all_inbound", "inbound_answered"})])) as api:
        result = run_pipeline(api, tmp_path, LAST, LAST)
    assert result.success
    html = page(tmp_path, LAST)
    assert "<script" not in html
    assert evil in Page(html).texts


def test_agents_and_ring_groups_of_one_name_or_of_none_stay_apart(run_pipeline, make_call, tmp_path):
    calls = []
    for number, alias in enumerate(("Ann", "Ann", " ", None), 7000):
        call = make_call(number, NOON, is_inbound=True, talk_time=600)
        call["ring_group"] = {"id": number, "name": alias}
        leg = call["answered_agents"][0] | {"id": number, "alias": alias}
        calls.append((call | {"agents": [number], "all_agents": [leg], "answered_agents": [leg]}, {"all_inbound"}))
    with Sandbox(FixedCalls(calls)) as api:
        assert run_pipeline(api, tmp_path, LAST, LAST).success
    texts = Page(page(tmp_path, LAST)).texts
    assert [texts.count(name) for name in ("Ann (7000)", "Ann (7001)", "7002", "7003")] == [2, 2, 1, 1]
    assert {"(no name) (7002)", "(no name) (7003)"} <= set(texts)


def test_a_time_that_the_clock_shows_twice_has_its_offset():
    starts = [datetime(2026, 11, 1, hour, 30, tzinfo=UTC) for hour in (4, 5, 6, 7)]
    clocks = [_at(start, ZoneInfo("America/New_York")) for start in starts]
    assert clocks == ["00:30", "01:30-04:00", "01:30-05:00", "02:30"]


def test_calls_that_were_never_offered_to_staff_are_told_of(run_pipeline, make_call, tmp_path):
    nobody = {
        "is_inbound": True,
        "is_answered": False,
        "all_agents": [],
        "answered_agents": [],
        "agents": [],
        "talk_time": 0,
    }
    labels = ("out_of_business_hours", "out_of_business_hours", "inbound_ivr_exit")
    calls = [(make_call(n, NOON, **nobody), {"all_inbound", label}) for n, label in enumerate(labels, 1)]
    with Sandbox(FixedCalls(calls)) as api:
        assert run_pipeline(api, tmp_path, LAST, LAST).success
    text = Page(page(tmp_path, LAST)).text
    assert "Closed No call was offered to staff: 2 came out of hours, 1 ended in the menu." in text


def test_shares_of_no_call_are_not_told(run_pipeline, make_call, tmp_path):
    at_once = {"is_inbound": True, "is_answered": False, "answered_agents": [], "talk_time": 0}
    with Sandbox(FixedCalls([(make_call(1, NOON, **at_once), {"all_inbound", "short_abandoned"})])) as api:
        given = {"target_service_level": ByRingGroup(0.8)}
        assert run_pipeline(api, tmp_path, LAST, LAST, **given).success
    text = Page(page(tmp_path, LAST)).text
    assert "No call was answered or abandoned" in text
    assert "Service level -" not in text


def test_a_day_of_outbound_calls_alone_is_not_called_closed(run_pipeline, make_call, tmp_path):
    with Sandbox(FixedCalls([(make_call(1, NOON, is_inbound=False, talk_time=60), {"all_outbound"})])) as api:
        assert run_pipeline(api, tmp_path, LAST, LAST).success
    assert "No call was offered No call was offered to staff." in Page(page(tmp_path, LAST)).text


def test_who_is_dialled_and_does_not_pick_up_is_not_missed_by_the_agent(run_pipeline, make_call, tmp_path):
    outbound = make_call(1, NOON, is_inbound=False, is_answered=False, answered_agents=[], talk_time=0)
    inbound = make_call(2, NOON, is_inbound=True, is_answered=False, answered_agents=[], talk_time=0)
    with Sandbox(FixedCalls([(outbound, {"all_outbound"}), (inbound, {"all_inbound", "abandoned"})])) as api:
        assert run_pipeline(api, tmp_path, LAST, LAST).success
    assert "Agent Name 0:00:00 0:00:00 0:00:00 0 1 Hours, minutes and seconds." in Page(page(tmp_path, LAST)).text


def test_what_is_provisional_changed_or_incomplete_is_said(run_pipeline, make_call, tmp_path):
    today = datetime.now(UTC).date()
    for talk in (5, 6):
        outbound = (make_call(1, NOON, talk_time=talk), {"all_outbound", "outbound_answered"})
        calls = [outbound, (make_call(2, NOON, id="x"), set())]
        with Sandbox(FixedCalls(calls)) as api:
            fields = {"max_rejected_share": 0.6}
            assert run_pipeline(api, tmp_path, LAST, LAST, api_fields=fields).success
    text = Page(page(tmp_path, LAST)).text
    assert "1 call changed in talk_time , last seen" in text
    assert "Records of the API that could not be read, and are in no figure: 1." in text
    assert "Provisional: some records of the phone system could not be read." in text
    with Sandbox(FixedCalls([])) as api:
        assert run_pipeline(api, tmp_path, today - timedelta(days=1), today).success
    yesterdays, todays = (Page(page(tmp_path, today - timedelta(days=n))).text for n in (1, 0))
    assert "Provisional: it will be pulled again, and its calls may still change." in yesterdays
    assert re.search(r"Not over: these are the calls of this day until \d\d:\d\d, compared with whole days\.", todays)
    assert re.search(r"The day was pulled at \d\d:\d\d, before it was over: what came later is missing\.", todays)
    assert "Nowhere, as far as is known" not in todays
    index = Page((tmp_path / "daily_report/index.html").read_text()).text
    assert re.search(r"until \d\d:\d\d .* provisional .* Tue 10 Mar", index)


@pytest.mark.slow
def test_the_index_marks_every_day_that_will_be_pulled_again(run_pipeline, tmp_path):
    first = datetime.now(UTC).date() - timedelta(days=40)
    with Sandbox(FixedCalls([])) as api:
        assert run_pipeline(api, tmp_path, first, first + timedelta(days=29), repull_days=60).success
    assert Page((tmp_path / "daily_report/index.html").read_text()).texts.count("provisional") == 30


def test_what_the_figures_lack_is_counted(run_pipeline, make_call, tmp_path):
    unanswered = {"is_inbound": True, "is_answered": False, "answered_agents": [], "talk_time": 0}
    answered = {"is_inbound": True, "is_answered": True}
    calls = [
        (make_call(1, NOON, type=None, requested_callback=True, **unanswered), {"all_inbound"}),
        (make_call(2, NOON, type="abandoned", **unanswered), {"all_inbound", "abandoned"}),
        (make_call(3, NOON, talk_time=None, **answered), {"all_inbound", "inbound_answered"}),
        (make_call(4, NOON, **answered), {"inbound_answered"}),
        (make_call(5, NOON, **answered), {"all_inbound", "inbound_answered"}),
    ]
    with Sandbox(FixedCalls(calls)) as api:
        assert run_pipeline(api, tmp_path, LAST, LAST).success
    text = Page(page(tmp_path, LAST)).text
    assert "so their fields decided: 1." in text
    assert "talk time is unknown, and in no sum: 1." in text
    assert "counts differently: all_inbound, " in text
    assert "Provisional: the phone system counts some calls differently." in text


def test_a_ring_groups_name_is_text_in_the_ui_too(run_pipeline, make_call, tmp_path):
    call = make_call(1, NOON, is_inbound=True) | {
        "ring_group": {"id": 1, "name": "![x](http://198.51.100.7/p.png)\n| `a_b*"}
    }
    with Sandbox(FixedCalls([(call, {"all_inbound", "inbound_answered"})])) as api:
        result = run_pipeline(api, tmp_path, LAST, LAST)
    (event,) = (e for e in result.get_asset_materialization_events() if e.asset_key == dg.AssetKey("service_level"))
    *_, row = event.materialization.metadata["by_ring_group"].value.splitlines()
    assert row.startswith(r"| \!\[x\]\(http" "\N{FULLWIDTH COLON}" r"\/\/198\.51\.100\.7\/p\.png\) \| \`a\_b\* | 1 | ")


def test_the_ui_gets_tables_without_a_name_or_number_of_anybody(centre, run_pipeline, tmp_path):
    with Sandbox(centre) as api:
        result = run_pipeline(api, tmp_path, LAST, LAST)
    events = {
        event.asset_key.path[-1]: event.materialization.metadata for event in result.get_asset_materialization_events()
    }
    cards = events["service_level"]
    assert isinstance(cards["by_ring_group"], dg.MarkdownMetadataValue)
    assert cards["by_ring_group"].value.startswith("| ring group | offered | service level | abandoned |")
    assert re.search(r"\| \d+ \| \d+\.\d% \(\d+ of (\d+)\) \| \d+\.\d% \(\d+ of \1\) \|", cards["by_ring_group"].value)
    assert re.search(r"\| \d\d\\:\d\d\\\+00\\:00 \| \d+ \| \d+\.\d% ", cards["by_half_hour"].value)
    told = str(events)
    raw = pq.read_table(tmp_path / f"raw_calls/date={LAST}/raw_calls.parquet").to_pylist()
    private = {row["contact"]["full_name"] for row in raw if row["contact"]} | {
        agent["alias"] for row in raw for agent in row["all_agents"] or []
    }
    private |= {row["contact"]["number"] for row in raw if row["contact"]}
    assert len(private) > 20
    assert [secret for secret in private if secret and secret in told] == []


def test_a_day_says_good_or_bad_where_when_and_whom_to_call_back(run_pipeline, make_call, tmp_path):
    quick, slow = {"is_answered_within_sla": True}, {"is_answered_within_sla": False}
    late = int(datetime(2026, 3, 10, 16, 30, tzinfo=UTC).timestamp())
    plan = [(1, NOON, quick)] * 40 + [(2, NOON, quick)] * 20 + [(2, late, slow)] * 25
    calls = []
    for number, (group, start, verdict) in enumerate(plan, 1):
        named = {"ring_group": {"id": group, "name": ("Sales", "<b>Billing")[group - 1]}}
        call = make_call(number, start, is_inbound=True, is_answered=True, **named, **verdict)
        calls.append((call, {"all_inbound", "inbound_answered"}))
    lost = {"is_inbound": True, "is_answered": False, "answered_agents": [], "talk_time": 0, "is_ended": True}
    contacts = [{"id": number, "number": f"+1555010{number}", "full_name": f"Caller {number}"} for number in (7, 8)]
    calls += [
        (make_call(90 + n, late, contact=one, **lost), {"all_inbound", "abandoned"}) for n, one in enumerate(contacts)
    ]
    asks = make_call(99, late, requested_callback=True, contact=None, **lost)
    targets = {"target_service_level": ByRingGroup(0.8), "target_abandonment": ByRingGroup(0.05)}
    with Sandbox(FixedCalls([*calls, (asks, {"all_inbound", "callback"})])) as api:
        given = targets | {"sla_seconds": Thresholds(20)}
        assert run_pipeline(api, tmp_path, LAST, LAST + timedelta(days=1), **given).success
    html, text = page(tmp_path, LAST), Page(page(tmp_path, LAST)).text
    assert "\N{BALLOT X} Target missed \N{BALLOT X} service level 69.0%, target 80%; " in text
    assert "; \N{CHECK MARK} abandoned 2.3%, target at most 5%." in text
    assert "It broke in <b>Billing from 16:30 to 17:00 (service level 0.0% then)." in text
    assert "2 callers hung up and have not been spoken to since." in text
    assert "1 callback that was asked for has not been dialled" in text
    assert "60 answered in time (within 20 s), of 87 answered or abandoned" in text
    assert re.search(r"<b>Billing the worst 45 .* target 80%: \N{BALLOT X} missed", text)
    assert not re.search(r"Caller \d|555010", html)
    back = make_call(100, late + 86_400, is_inbound=False, is_answered=True, contact=contacts[0])
    with Sandbox(FixedCalls([*calls, (back, {"all_outbound"})])) as api:
        next_day = LAST + timedelta(days=1)
        assert run_pipeline(api, tmp_path, next_day, next_day, **targets).success
    assert "1 caller hung up and has not been spoken to since." in Page(page(tmp_path, LAST)).text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (Change(2.04, True), "\N{BLACK UP-POINTING TRIANGLE} 2.0 points on last Monday: better"),
        (Change(2.04, False), "\N{BLACK UP-POINTING TRIANGLE} 2.0 points on last Monday: worse"),
        (Change(-2.04, None), "\N{BLACK DOWN-POINTING TRIANGLE} 2.0 points on last Monday: no more than chance"),
        (Change(0.04, True), "as on last Monday"),
    ],
)
def test_an_arrow_says_which_way_and_whether_that_is_good(change, said):
    assert _moved(change, "last Monday") == said


def test_a_chart_that_cannot_bedrawn_is_left_out_with_a_word_and_a_warning(caplog):
    def draw(width):
        raise ValueError("SyntaxError: \x1b[31mUnexpected token\n    at Object.parse")

    assert drawn(draw) == '<p class="soft">This chart could not be drawn; the figures are not affected.</p>'
    assert caplog.messages == [
        "A chart of the daily report was left out, because it could not be drawn: "
        "SyntaxError: �[31mUnexpected token at Object.parse"
    ]
