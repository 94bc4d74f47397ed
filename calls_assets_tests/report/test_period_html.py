"""The pages of weeks and months and the index, through the pipeline: their sums, their links, and what they say of gaps."""

import re
from datetime import date, time
from zoneinfo import ZoneInfo

import pytest

from calls_assets.report.figures import Finality, Totals
from calls_assets.report.judgement import SERVICE_LEVEL, Change, Rate
from calls_assets.report.period_html import index_page, period_page
from calls_assets.report.periods import Counts, Kind, Move, Period, PeriodDetails, PeriodFigures, RingGroup, ShownDay
from calls_assets.sandbox.hostile import HOSTILE_WORDS
from calls_assets.targets import Targets, read_shares
from calls_assets_tests.report.test_html import Page

UTC_ZONE = ZoneInfo("UTC")
WEEK = Period.of(Kind.WEEK, date(2026, 3, 2))
DAY = Totals(1, 100, 90, 72, 10, 0, 90, 900, 3600)
FINAL, OPEN, PROVISIONAL = Finality("final", None), Finality("inside_lookback", "14:05"), Finality("open_calls", None)
TARGETS = Targets(read_shares("0.8,7:0.5"), read_shares("0.05"))


@pytest.fixture(scope="module")
def pages(reported):
    """The pages of the tree, by their path under the folder of pages."""
    root = reported / "daily_report"
    return {str(path.relative_to(root)): Page(path.read_text()) for path in root.rglob("*.html")}


def test_every_link_leads_to_a_page_and_every_page_is_reached_from_the_index(pages):
    days = {f"date=2026-03-{n:02}/daily_report.html" for n in range(2, 11)}
    weeks = {f"week=2026-W{n}/weekly_report.html" for n in (10, 11)}
    assert set(pages) == days | weeks | {"month=2026-03/monthly_report.html", "index.html"}
    assert {address for address in pages["index.html"].addresses if address != "data:,"} == set(pages) - {"index.html"}
    for name in weeks | {"month=2026-03/monthly_report.html"}:
        links = {address for address in pages[name].addresses if address != "data:,"}
        assert {link.removeprefix("../") for link in links} <= set(pages)
        assert all(link.startswith("../") for link in links)
    assert "../week=2026-W11/weekly_report.html" in pages["week=2026-W10/weekly_report.html"].addresses


def test_the_index_has_the_days_latest_first_under_the_sums_of_their_weeks(pages):
    addresses = pages["index.html"].addresses
    days = [address for address in addresses if address.startswith("date=")]
    assert days == sorted(days, reverse=True)
    assert addresses.index("week=2026-W10/weekly_report.html") == addresses.index(days[1]) + 1
    sums = re.search(r"Week 10 of 2026 ([\d,]+) ", pages["index.html"].text)[1]
    assert f"offered {sums} " in pages["week=2026-W10/weekly_report.html"].text
    assert "Week 11 of 2026 2 of 7 days" in pages["index.html"].text


def test_a_period_with_days_missing_says_which(pages):
    assert "2 of 7 days: there are no figures of 11 to 15 Mar." in pages["week=2026-W11/weekly_report.html"].text
    month = pages["month=2026-03/monthly_report.html"].text
    assert "9 of 31 days: there are no figures of 1 Mar, 11 to 31 Mar." in month
    assert "There are no figures of the month before." in month
    assert "days: there are no figures" not in pages["week=2026-W10/weekly_report.html"].text


def figures(groups=(), moves=(), before=None, half_hours=None, agents=(), days=7):
    trend = tuple((day, DAY if n < days else None) for n, day in enumerate(WEEK.days))
    details = PeriodDetails(groups, half_hours or {}, agents)
    return PeriodFigures(WEEK, Totals.of([DAY] * days), before, trend, details, moves)


def shown(of, targets=TARGETS, finality=None, later=()):
    settled = dict.fromkeys(WEEK.days, FINAL) | (finality or {})
    known = dict(of.trend) | dict.fromkeys(later, DAY)
    days = {day: ShownDay(known.get(day), settled.get(day, FINAL), has_page=True) for day in {**settled, **known}}
    return period_page(of, UTC_ZONE, targets, days, None, None)


def test_days_that_can_still_change_are_said():
    text = Page(shown(figures(), finality={WEEK.days[5]: PROVISIONAL, WEEK.days[6]: OPEN})).text
    assert "Provisional: Sat 7 Mar 2026 , Sun 8 Mar 2026 (until 14:05) can still change." in text
    assert "Provisional" not in Page(shown(figures())).text


NOON = {(weekday, time(12)): Counts(100, 100, 20) for weekday in range(5)}
MORNING = {(weekday, time(9)): Counts(100, 100, 95) for weekday in range(5)}


@pytest.mark.parametrize(
    ("of", "targets", "told"),
    [
        (
            figures(half_hours=NOON | MORNING),
            TARGETS,
            "✗ Target missed ✗ service level 72.0%, target 80%; ✗ abandoned 10.0%, target at most 5%. "
            "It broke from 12:00 to 12:30 , all days together (service level 20.0% then).",
        ),
        (figures(days=6), TARGETS, "So far: Target missed"),
        (
            figures(groups=(RingGroup(7, "Billing", Counts(100, 100, 20)),)),
            Targets(read_shares("0.7,7:0.5"), read_shares("0.2")),
            "✓ On target, but not everywhere ✓ service level 72.0%, target 70%; ✓ abandoned 10.0%, target at most 20%. "
            "Missed by Billing ( ✗ service level 20.0%, target 50%).",
        ),
        (
            figures(half_hours=NOON | MORNING, before=DAY),
            Targets(),
            "Like the week before service level 72.0%; abandoned 10.0%.",
        ),
        (
            figures(half_hours=NOON),
            TARGETS,
            "It broke at nearly all hours , all days together (service level 20.0% then).",
        ),
        (
            figures(before=Totals(7, 700, 600, 300, 100, 0, 0, 0, 0)),
            Targets(),
            "Better than the week before service level 72.0%; abandoned 10.0%.",
        ),
        (
            figures(groups=(RingGroup(7, "Billing", Counts(100, 100, 20)),)),
            Targets(read_shares("7:0.5"), read_shares("7:0.1")),
            "Target missed by some ring groups service level 72.0%; abandoned 10.0%. "
            "Missed by Billing ( ✗ service level 20.0%, target 50%).",
        ),
        (
            figures(groups=(RingGroup(7, "Billing", Counts(100, 60, 50, 40)),)),
            Targets(read_shares("0.7,7:0.5"), read_shares("0.2,7:0.3")),
            "Missed by Billing ( ✗ abandoned 40.0%, target at most 30%).",
        ),
        (
            figures(),
            Targets(),
            "Nothing to judge by: there is no target for all calls, and no service level of the week before is known",
        ),
    ],
)
def test_a_sentence_at_the_top_says_how_it_stands_and_at_what_hours_it_broke(of, targets, told):
    assert told in Page(shown(of, targets)).text


@pytest.mark.parametrize(
    ("within", "said"), [(7997, "79.97%"), (79999, "79.999%"), (8000, "80.0%"), (8004, "80.0%"), (7990, "79.9%")]
)
def test_a_share_reads_as_on_the_side_of_its_target_that_it_is_on(within, said):
    counted = 10 ** len(str(within))
    of = Totals(7, counted, counted, within, 0, 0, 0, 0, 0)
    group = RingGroup(8, "Sales", Counts(counted, counted, within))
    half_hours = {(0, time(9)): Counts(counted, counted, within), (0, time(10)): Counts(counted, counted, counted)}
    html = shown(PeriodFigures(WEEK, of, None, ((WEEK.first, of),), PeriodDetails((group,), half_hours), ()))
    assert set(re.findall(r"\b79\.\d+%|\b80\.\d+%", html)) == {said}


@pytest.mark.parametrize(
    ("within", "target", "said"),
    [(800_410, "0.8004", "80.04%"), (55_960, "0.056", "5.596%"), (56_000, "0.056", "5.6%")],
)
def test_shares_and_targets_of_any_decimals_are_told_apart(within, target, said):
    of = Totals(7, 10**6, 10**6, within, 0, 0, 0, 0, 0)
    figures = PeriodFigures(WEEK, of, None, ((WEEK.first, of),), PeriodDetails(), ())
    assert f"service level {said}, target" in Page(shown(figures, Targets(read_shares(target)))).text


@pytest.mark.parametrize(
    ("days", "finality", "later", "is_so_far"),
    [
        (7, FINAL, (), False),
        (7, PROVISIONAL, (), False),
        (7, OPEN, (), True),
        (6, FINAL, (), True),
        (6, FINAL, (date(2026, 3, 9),), False),
        (7, OPEN, (date(2026, 3, 9),), False),
    ],
)
def test_a_period_is_told_of_as_going_on_until_its_last_day_or_a_later_one_is_known(days, finality, later, is_so_far):
    html = shown(figures(days=days), finality={WEEK.days[6]: finality}, later=later)
    assert ("So far: " in html) is is_so_far


@pytest.mark.parametrize(
    ("bad", "told"), [(1, "1 of 7 days missed a target"), (7, "7 of 7 days missed a target"), (0, "")]
)
def test_it_is_told_on_how_many_days_a_target_was_missed(bad, told):
    days = [Totals(1, 100, 60, 60, 40, 0, 0, 0, 0)] * bad + [Totals(1, 100, 100, 90, 0, 0, 0, 0, 0)] * (7 - bad)
    trend = tuple(zip(WEEK.days, days, strict=True))
    text = Page(shown(PeriodFigures(WEEK, Totals.of(days), None, trend, PeriodDetails(), ()))).text
    assert told in text
    assert ("missed a target" in text) is bool(told)


def test_what_may_be_chance_at_all_hours_names_none():
    half_hours = {(0, time(9)): Counts(100, 100, 79)}
    of = Totals(7, 100, 100, 79, 0, 0, 0, 0, 0)
    text = Page(shown(PeriodFigures(WEEK, of, None, ((WEEK.first, of),), PeriodDetails((), half_hours), ()))).text
    assert "Target missed, may be chance" in text
    assert "Weakest" not in text


def test_a_period_without_calls_has_no_verdict():
    empty = Totals(7, 0, 0, 0, 0, 0, 0, 0, 0)
    html = shown(PeriodFigures(WEEK, empty, None, tuple((day, empty) for day in WEEK.days), PeriodDetails(), ()))
    assert 'class="verdict' not in html


def test_ring_groups_are_judged_by_their_own_targets():
    groups = tuple(RingGroup(n, name, Counts(100, 100, 60)) for n, name in ((7, "Own"), (8, "Usual"), (None, "None")))
    html = shown(figures(groups))
    rows = {name: html.partition(f"<bdi>{name}</bdi>")[2].partition("</tr>")[0] for name in ("Own", "Usual", "None")}
    missed = {name: 'class="missed"' in row for name, row in rows.items()}
    assert missed == {"Own": False, "Usual": True, "None": True}
    assert 'class="missed"' not in shown(figures(groups), Targets())


def test_every_hour_carries_its_share_and_its_calls_as_text():
    html = shown(figures(half_hours={(2, time(9)): Counts(50, 40, 30, 8), (4, time(10)): Counts(2)}))
    heat = html.partition('<table class="heat">')[2].partition("</table>")[0]
    (cell,) = re.findall(r"<td class=.*?</td>", heat)
    assert 'class="late3"' in cell
    assert "target missed" in cell
    assert re.findall(r"\d+", re.sub(r"<[^>]+>|&#10007;", "", cell)) == ["62", "48"]
    assert heat.count("<td>2</td>") == 1


def test_what_moved_is_said_in_calls_too():
    move = Move("Billing", SERVICE_LEVEL, Rate(148, 200), Rate(172, 200), Change(-12.0, False))
    text = Page(shown(figures(moves=(move,), before=DAY))).text
    assert "Billing : worse, service level 74.0% (148 of 200) after 86.0% (172 of 200) : 24 fewer in time" in text
    assert "Of the week before, 1 of 7 days have figures." in text
    assert "No ring group and no half-hour by more than chance." in Page(shown(figures(before=DAY))).text


def test_names_are_text():
    words = [word for word in HOSTILE_WORDS if word.strip()]
    groups = tuple(RingGroup(n, word, Counts(9, 9, 9)) for n, word in enumerate(words))
    moves = tuple(Move(word, SERVICE_LEVEL, Rate(1, 9), Rate(9, 9), Change(-80, False)) for word in words)
    html = shown(figures(groups, moves, DAY))
    assert "<script" not in html
    texts = Page(html).texts
    assert [word for word in words if texts.count(" ".join(word.split())) < 2] == []


def test_an_index_of_days_without_figures_has_no_links_to_sums():
    page = Page(index_page({WEEK.days[0]: ShownDay(None, FINAL, has_page=True)}, TARGETS))
    assert page.addresses == ["data:,", "date=2026-03-02/daily_report.html"]
    assert page.texts.count("no figures") == 2


def test_the_index_marks_what_meets_its_target_and_what_misses_it():
    good, poor = Totals(1, 100, 96, 90, 4, 0, 0, 0, 0), Totals(1, 100, 90, 50, 10, 0, 0, 0, 0)
    days = {WEEK.days[n]: ShownDay(of, FINAL, has_page=True) for n, of in ((0, good), (2, poor))}
    rows = re.findall(r"<tr>.*?</tr>", index_page(days, TARGETS), re.DOTALL)
    marks = {
        name: re.findall(r'aria-label="target ([^"]*):"', row)
        for row in rows
        for name in re.findall(r">(\w+ \d+ Mar)<", row)
    }
    assert marks == {"Mon 2 Mar": ["met", "met"], "Wed 4 Mar": ["missed", "missed, may be chance"]}
    assert "aria-label=" not in index_page(days, Targets())


def test_the_sparkline_says_in_words_what_it_shows():
    better = Totals(1, 100, 90, 90, 10, 0, 0, 0, 0)
    days = {WEEK.days[n]: ShownDay(of, FINAL, has_page=True) for n, of in ((0, better), (2, DAY))}
    html = index_page(days, TARGETS)
    says = "Service level by day, from 90.0% on 2 Mar to 72.0% on 4 Mar; the lowest is 72.0% on 4 Mar"
    assert f"{says}; the dashed line is the target of 80.0%." in Page(html).texts
    assert f"{says}." in Page(index_page(days, Targets())).texts
