"""Which pages of weeks and months a run writes, and that a broken day stops none of them."""

import logging
import re
import shutil
from datetime import date
from zoneinfo import ZoneInfo

import pytest

from calls_assets.pipeline.landing import Unreported
from calls_assets.pipeline.pages import write_pages
from calls_assets.tables.catalog import SERVICE_LEVEL
from calls_assets.tables.made_with import ZONE
from calls_assets.tables.store import TableStore
from calls_assets.targets import Targets
from calls_assets.waits import Thresholds

WEEKS = ("week=2026-W10/weekly_report.html", "week=2026-W11/weekly_report.html")
MONTH = "month=2026-03/monthly_report.html"


@pytest.fixture
def tree(reported, tmp_path):
    return shutil.copytree(reported, tmp_path / "data")


@pytest.fixture
def write(tree):
    """Writes the pages of some days as a run does."""

    def write(*days):
        store, zone = TableStore(str(tree)), ZoneInfo("UTC")
        write_pages(Unreported(logging.getLogger("pages"), store, zone, days, {ZONE: "UTC"}), Targets(), Thresholds())

    return write


def places(tree):
    return {name: (tree / "daily_report" / name).stat().st_ino for name in (*WEEKS, MONTH)}


def contents(tree):
    return {path.relative_to(tree): path.read_bytes() for path in tree.rglob("*.html")}


def test_pages_made_again_are_the_same(tree, write):
    before = contents(tree)
    write(date(2026, 3, 3))
    assert contents(tree) == before


def test_a_day_of_a_week_that_others_compare_with_moves_their_pages_too(tree, write):
    before = places(tree)
    write(date(2026, 3, 3))
    after = places(tree)
    assert [name for name in before if before[name] == after[name]] == []


def test_pages_that_are_missing_are_written_whatever_the_days(tree, write):
    before = contents(tree)
    shutil.rmtree(tree / "daily_report/week=2026-W10")
    write(date(2026, 3, 10))
    assert contents(tree) == before


def test_the_sums_are_of_all_days_with_figures_and_only_days_with_a_page_are_linked(tree, write):
    index = (tree / "daily_report/index.html").read_text()
    shutil.rmtree(tree / "daily_report")
    write(date(2026, 3, 10))
    week = (tree / "daily_report" / WEEKS[1]).read_text()
    assert "2 of 7 days: there are no figures of 11 to 15 Mar." in week
    assert ("date=2026-03-09" in week, "date=2026-03-10" in week) == (False, True)
    assert not (tree / "daily_report" / WEEKS[0]).exists()
    sums = re.compile(r"Week 11 of 2026.*?</tr>", re.DOTALL)
    assert sums.findall((tree / "daily_report/index.html").read_text()) == sums.findall(index)


def test_a_broken_day_is_left_out_and_told_of(tree, write, caplog):
    path = TableStore(str(tree)).path(SERVICE_LEVEL, date(2026, 3, 4))
    path.write_bytes(path.read_bytes()[:1000])
    write(date(2026, 3, 3))
    assert any("The pages skip a day" in told and "2026-03-04" in told for told in caplog.messages)
    week = (tree / "daily_report" / WEEKS[0]).read_text()
    assert "6 of 7 days: there are no figures of 4 Mar." in week
