"""A real browser: headless Chromium, which may talk to this machine only."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from selenium import webdriver

from calls_assets_tests.browser.chromium import start


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip the browser's tests where nobody asked for them; where somebody did, they fail without a browser."""
    if "browser" not in config.getoption("-m").replace("not browser", ""):
        reason = "needs Chromium: run by `make browser`"
        for item in items:
            if item.get_closest_marker("browser"):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[webdriver.Chrome]:
    """A browser with an empty profile, whose log and requests are kept."""
    driver = start(tmp_path / "profile")
    driver.get("about:blank")
    for kind in ("browser", "performance"):
        driver.get_log(kind)  # what the browser did to open itself
    yield driver
    driver.quit()


@pytest.fixture
def dev(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Starts `calls-assets dev` in an empty folder; gives its address."""
    started = []

    def dev(port: int, environ: dict[str, str]) -> str:
        command = [Path(sys.executable).parent / "calls-assets", "dev", "--port", str(port)]
        log = (tmp_path / "dev.log").open("w")
        started.append((subprocess.Popen(command, cwd=tmp_path, env=environ, stdout=log, stderr=log), log))
        return f"http://127.0.0.1:{port}"

    yield dev
    for process, log in started:
        process.terminate()
        process.wait(60)
        log.close()
