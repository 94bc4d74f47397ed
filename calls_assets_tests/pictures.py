"""Draws the pictures of the docs from the demo's centre: `make pictures`.

They show days that are long over, so that whoever makes them, and whenever, gets the same; only the fonts are the machine's.
"""

import base64
import os
import re
import sys
from dataclasses import replace
from datetime import date, timedelta
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from selenium import webdriver

from calls_assets.commands.answers import print_answers
from calls_assets.commands.demo import LISTED_DAYS
from calls_assets.commands.local import DEMO_DAYS, DEMO_SETTINGS, demo_centre
from calls_assets.dagster.specs import JOB
from calls_assets.definitions import build
from calls_assets.sandbox import Sandbox
from calls_assets.settings import Settings
from calls_assets_tests.browser.chromium import emulate, start

FIRST, LAST = date(2026, 1, 26), date(2026, 3, 6)
"""Of the pages: from a Monday to a Friday, so that every comparison is there."""

PAGES = {
    "report.png": f"date={LAST}/daily_report.html",
    "week.png": "week=2026-W09/weekly_report.html",
}
WIDTH, MOST_HEIGHT = 900, 1600
"""Of a picture in pixels; it ends where a section of the page does."""

QUIET = {"loggers": {"console": {"config": {"log_level": "WARNING"}}}}

COLUMNS = 78
"""Of the demo's terminal."""

LAST_SECTION = """
    const ends = [...document.querySelectorAll('section')].map(each => each.getBoundingClientRect().bottom);
    return Math.max(...ends.filter(end => end <= arguments[0]));
"""

FONT = re.compile(r"\s*@font-face \{.*?\}", re.DOTALL)
"""What Rich would load from the web."""


def main(folder: Path) -> None:
    """Draw every picture into a folder."""
    with TemporaryDirectory() as name:
        tree = Path(name, "data")
        pull(tree)
        (folder / "demo.svg").write_text(demo(tree))
        browser = start(Path(name, "profile"))
        try:
            for picture, page in PAGES.items():
                (folder / picture).write_bytes(photograph(browser, tree / "daily_report" / page))
        finally:
            browser.quit()


def pull(tree: Path) -> None:
    """Run the pipeline into a tree, pages and all."""
    settings = replace(Settings.load(DEMO_SETTINGS), data_url=str(tree))
    ends = {"dagster/asset_partition_range_start": str(FIRST), "dagster/asset_partition_range_end": str(LAST)}
    with Sandbox(demo_centre(settings.zone.key)) as api:
        os.environ.update(CALLS_API_URL=api.url, CALLS_API_TOKEN=api.token)
        build(settings).resolve_job_def(JOB).execute_in_process(run_config=QUIET, tags=ends)


def demo(tree: Path) -> str:
    """What the demo prints, as SVG."""
    console = Console(width=COLUMNS, record=True, file=StringIO())
    console.print("$ make demo", highlight=False)
    print_answers(LAST - timedelta(days=DEMO_DAYS - 1), LAST, str(tree), console, LISTED_DAYS)
    return FONT.sub("", console.export_svg(title="calls_assets", unique_id="demo"))


def photograph(browser: webdriver.Chrome, page: Path) -> bytes:
    """A page as PNG, from its top to the end of a section."""
    emulate(browser, WIDTH, "light")
    browser.get(page.as_uri().replace("%3D", "="))
    height = browser.execute_script(LAST_SECTION, MOST_HEIGHT) + 16
    clip = {"x": 0, "y": 0, "width": WIDTH, "height": height, "scale": 1}
    shot = browser.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})
    return base64.b64decode(shot["data"])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
