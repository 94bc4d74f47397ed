"""The pages of weeks and months in a real browser: nothing out of sight at any width, and two sheets of paper at most."""

import base64
import re

import pytest

from calls_assets_tests.browser.chromium import emulate

PAGES = ("week=2026-W10/weekly_report.html", "month=2026-03/monthly_report.html", "index.html")
PERIODS = PAGES[:2]

pytestmark = pytest.mark.browser

OVERFLOWING = """
    return [...document.querySelectorAll('.scroll, .heat, .heat td')].filter(each => each.scrollWidth > each.clientWidth)
        .map(each => each.innerText)
"""


@pytest.fixture
def address(reported):
    """The address of a page."""
    return lambda name: (reported / "daily_report" / name).as_uri().replace("%3D", "=")


@pytest.mark.parametrize("name", PAGES)
def test_no_number_is_out_of_sight_at_any_width(browser, address, name):
    for width in (390, 768, 1280):
        for scheme in ("light", "dark"):
            emulate(browser, width, scheme)
            browser.get(address(name))
            assert browser.execute_script("return document.documentElement.scrollWidth") <= width
            assert browser.execute_script(OVERFLOWING) == []
    assert browser.get_log("browser") == []


@pytest.mark.parametrize("name", PERIODS)
def test_a_period_prints_on_two_sheets(browser, address, name):
    browser.get(address(name))
    pdf = base64.b64decode(
        browser.execute_cdp_cmd("Page.printToPDF", {"paperWidth": 8.27, "paperHeight": 11.69})["data"]
    )
    assert len(re.findall(rb"/Type ?/Page\b", pdf)) <= 2


def test_the_index_says_its_sparkline_to_a_screen_reader(browser, address):
    browser.get(address("index.html"))
    spark = browser.find_element("css selector", "svg.spark")
    assert spark.accessible_name == browser.find_element("tag name", "figcaption").text
    assert spark.accessible_name.startswith("Service level by day, from ")
