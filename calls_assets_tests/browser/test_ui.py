"""Dagster's UI as a person uses it: a day is materialized by clicking, and its numbers, columns and picture are seen."""

import os
import socket
import time
from datetime import UTC, datetime, timedelta

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

pytestmark = pytest.mark.browser

JOB = "/locations/calls_assets.definitions/jobs/calls_pipeline"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait(browser, look, seconds=60):
    return WebDriverWait(browser, seconds, ignored_exceptions=(Exception,)).until(look)


def button(browser, text):
    """A button that can be pressed, once it is there."""
    return wait(
        browser,
        lambda _: next(
            found
            for found in browser.find_elements(By.TAG_NAME, "button")
            if found.is_displayed() and found.is_enabled() and found.text.strip().startswith(text)
        ),
    )


def text(browser):
    return browser.find_element(By.TAG_NAME, "body").text


def open_until(browser, address, word):
    """Open a page again until it has a word: a page of one day does not follow the run that materializes it."""

    def look(_):
        browser.get(address)
        return wait(browser, lambda _: word in text(browser), 10)

    wait(browser, look, 120)


def test_a_day_is_materialized_by_clicking_and_shows_what_came(browser, dev):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CALLS_", "DAGSTER_"))}
    address = dev(free_port(), kept)
    now = datetime.now(UTC)
    day = next(day for n in range(1, 8) if (day := now.date() - timedelta(days=n)).weekday() == 2)
    browser.set_window_size(1500, 1300)

    def answers(_):
        with socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2]))):
            return True

    wait(browser, answers, 120)
    browser.get(address + JOB)
    button(browser, "Materialize all").click()
    box = wait(browser, lambda _: browser.find_element(By.CSS_SELECTOR, "input[placeholder='No matching partitions']"))
    box.send_keys(Keys.CONTROL, "a")
    box.send_keys(f"{day}", Keys.ENTER)
    button(browser, "Launch 1 run").click()
    wait(browser, lambda _: "Latest run:" in text(browser))

    open_until(browser, f"{address}/assets/service_level?view=partitions&partition={day}", "by_ring_group")
    shown = text(browser)
    assert "Materialized" in shown
    assert [word for word in ("calls_offered", "by_half_hour", "Customer Support") if word not in shown] == []
    browser.find_element(By.XPATH, "//*[text()='[Show Markdown]']").click()
    wait(browser, lambda _: browser.find_element(By.XPATH, "//th[text()='half-hour']"))

    browser.get(f"{address}/assets/service_level?view=overview")
    wait(browser, lambda _: "average_speed_of_answer_s" in text(browser))
    assert "W / (A + B): the headline" in text(browser)
    assert "Unit: share from 0 to 1." in text(browser)

    page = f"/daily_report/date={day}/daily_report.html"
    open_until(browser, f"{address}/assets/daily_report?view=partitions&partition={day}", page)
    browser.find_element(By.LINK_TEXT, page).click()
    wait(browser, lambda _: len(browser.window_handles) == 2)
    browser.switch_to.window(browser.window_handles[1])
    wait(browser, lambda _: f"{day:%A} {day.day} {day:%B %Y}" in browser.find_element(By.TAG_NAME, "h1").text)
    wait(browser, lambda _: browser.find_element(By.LINK_TEXT, "all days")).click()
    wait(browser, lambda _: browser.find_element(By.LINK_TEXT, f"{day:%a} {day.day} {day:%b}"))
    assert browser.current_url == f"{address}/daily_report/index.html"
    time.sleep(1)
    severe = [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    assert severe == []
