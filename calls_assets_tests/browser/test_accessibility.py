"""The pages as people see them who need contrast, a keyboard or a screen reader: WCAG 2.2 AA, as far as axe-core can tell."""

import os
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import pytest

from calls_assets.by_ring_group import ByRingGroup
from calls_assets.sandbox import Centre, FixedCalls, Sandbox
from calls_assets_tests.browser.chromium import emulate

LAST = date(2026, 3, 10)

CLOSED = date(2026, 2, 1)

RULES = "{runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}"

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def axe():
    """The program of axe-core, which `make browser` gets from npm."""
    path = Path(os.environ.get("AXE", ""))
    assert path.is_file(), "axe-core is missing: run these tests by make browser"
    return path.read_text()


@pytest.fixture(scope="module")
def pages(run_pipeline, tmp_path_factory):
    """The folder of the pages of two weeks, some of them good and some bad, and of a day without calls."""
    root = tmp_path_factory.mktemp("pages")
    run = partial(
        run_pipeline,
        select=None,
        target_service_level=ByRingGroup(0.8, {1: 0.99}),
        target_abandonment=ByRingGroup(0.05),
    )
    with Sandbox(Centre(calls_per_day=200)) as api:
        assert run(api, root, LAST - timedelta(days=8), LAST).success
    with Sandbox(FixedCalls([])) as api:
        assert run(api, root, CLOSED, CLOSED).success
    return root / "daily_report"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_no_page_breaks_a_rule_of_accessibility(browser, axe, pages, width, scheme):
    emulate(browser, width, scheme)
    found = {}
    for page in sorted(pages.rglob("*.html")):
        browser.get(page.as_uri().replace("%3D", "="))
        browser.execute_script(axe)
        result = browser.execute_async_script(f"axe.run({RULES}).then(arguments[arguments.length - 1])")
        assert len(result["passes"]) > 10
        for rule in result["violations"]:
            places = [node["target"] for node in rule["nodes"]][:3]
            found.setdefault((rule["id"], rule["help"]), []).append((page.parent.name, places))
    assert found == {}


def test_the_accessibility_tree_of_a_chart_has_its_numbers(browser, pages):
    emulate(browser, 1280, "light")
    browser.get((pages / f"date={LAST}/daily_report.html").as_uri().replace("%3D", "="))
    nodes = browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    names = {node["name"]["value"] for node in nodes if not node["ignored"] and node.get("name")}
    rows = browser.find_elements("css selector", "table.stack tr")
    assert rows
    assert any(name.startswith("10:00: service level ") for name in names)
    assert any(name.startswith(f"{LAST}: abandoned ") for name in names)
    assert "target 80%" in names
