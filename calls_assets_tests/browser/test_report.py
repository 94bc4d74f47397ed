"""The manager's page in a real browser, on a phone and on a desk, light and dark, on paper."""

import base64
import json
import re
from datetime import date
from functools import partial

import pytest

from calls_assets.sandbox import Behaviour, Centre, FixedCalls, Sandbox
from calls_assets.sandbox.hostile import HOSTILE_WORDS
from calls_assets_tests.browser.chromium import emulate

DAY = date(2026, 3, 10)

A4_WIDTH = 685
"""Pixels between the margins that the browser leaves on A4."""

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def run_pipeline(run_pipeline):
    """With the daily pages."""
    return partial(run_pipeline, select=None)


def address(root):
    """The address of the day's page in a tree."""
    return (root / f"daily_report/date={DAY}/daily_report.html").as_uri().replace("%3D", "=")


@pytest.fixture(scope="module")
def page(run_pipeline, tmp_path_factory):
    """The address of a day's page."""
    root = tmp_path_factory.mktemp("page")
    with Sandbox(Centre(calls_per_day=200)) as api:
        assert run_pipeline(api, root, date(2026, 3, 1), DAY).success
    return address(root)


def addresses(browser):
    """Every address that the browser asked for."""
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return {m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_it_is_readable_at_any_width_and_asks_for_nothing(browser, page, width, scheme):
    emulate(browser, width, scheme)
    browser.get(page)
    assert browser.find_element("tag name", "h1").text == "Tuesday 10 March 2026"
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    for table in browser.find_elements("class name", "scroll"):
        assert table.get_property("scrollWidth") <= table.get_property("clientWidth"), "numbers out of sight"
    charts = [chart for chart in browser.find_elements("tag name", "svg") if chart.is_displayed()]
    assert len(charts) == 2
    for chart in charts:
        smallest = browser.execute_script(
            "return Math.min(...[...arguments[0].querySelectorAll('text')].map(t => t.getBoundingClientRect().height))",
            chart,
        )
        assert smallest >= 9, "letters too small to read"
        assert chart.rect["width"] <= width
    back, ink = (
        browser.execute_script(f"return getComputedStyle(document.body).{name}")
        for name in ("backgroundColor", "color")
    )
    light = [sum(int(part) for part in colour[4:-1].split(",")) for colour in (back, ink)]
    assert (light[0] > light[1]) is (scheme == "light")
    assert abs(light[0] - light[1]) > 450
    asked = {url for url in addresses(browser) if not url.startswith("data:")}
    assert asked == {page}
    assert [entry for entry in browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")] == []


@pytest.fixture(scope="module")
def hostile_page(hostile_calls, run_pipeline, tmp_path_factory):
    """The address of a day's page on which everything is named by somebody who means ill."""
    root = tmp_path_factory.mktemp("hostile")
    with Sandbox(FixedCalls(hostile_calls(DAY)), Behaviour(dialect=("hostile_words",))) as api:
        assert run_pipeline(api, root, DAY, DAY).success
    return address(root)


@pytest.mark.parametrize("width", [390, 1280])
def test_names_that_mean_ill_run_nothing_ask_for_nothing_and_stay_in_their_place(browser, hostile_page, width):
    emulate(browser, width, "light")
    browser.get(hostile_page)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert {url for url in addresses(browser) if not url.startswith("data:")} == {hostile_page}
    assert browser.get_log("browser") == []
    assert browser.execute_script("return document.querySelectorAll('script, img, iframe, object, b > b').length") == 0
    assert {link.text for link in browser.find_elements("tag name", "a")} == {"all days"}
    outside = """
        return [...document.querySelectorAll('td bdi')].filter(name => {
            const inner = name.getBoundingClientRect(), outer = name.closest('tr').getBoundingClientRect();
            return inner.top < outer.top - 1 || inner.bottom > outer.bottom + 1 || inner.left < 0;
        }).map(name => name.textContent)
    """
    assert browser.execute_script(outside) == []
    names = browser.execute_script("return [...document.querySelectorAll('td bdi')].map(name => name.innerText.trim())")
    assert len(names) == 2 * len(HOSTILE_WORDS)
    assert all(names)


def test_the_index_leads_to_every_day_and_back(browser, page):
    browser.get(page)
    browser.find_element("link text", "all days").click()
    assert len(browser.find_elements("css selector", ".grouped td a")) == 10
    browser.find_element("link text", "Week 11 of 2026").click()
    browser.find_element("link text", "Tue 10 Mar").click()
    assert browser.current_url == page
    browser.find_element("partial link text", "2026-03-09").click()
    assert browser.find_element("tag name", "h1").text == "Monday 9 March 2026"


def test_it_prints_in_ink_on_paper(browser, page):
    emulate(browser, 1280, "dark")
    browser.get(page)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert browser.execute_script("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not browser.find_element("tag name", "nav").is_displayed()
    emulate(browser, A4_WIDTH, "light")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    for table in browser.find_elements("class name", "scroll"):
        assert table.get_property("scrollWidth") <= table.get_property("clientWidth"), "numbers off the paper"
    pdf = browser.execute_cdp_cmd("Page.printToPDF", {"paperWidth": 8.27, "paperHeight": 11.69})["data"]
    assert len(re.findall(rb"/Type /Page\b", base64.b64decode(pdf))) == 2
