"""Alerts reach a webhook on loopback, each once, and are off until an address is set."""

import json
import re
import threading
import time
import unicodedata
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

import dagster as dg
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from calls_assets.dagster import alerts, chat
from calls_assets.definitions import build
from calls_assets.display import shown
from calls_assets.sandbox import Centre, Sandbox
from calls_assets.sandbox.hostile import HOSTILE_WORDS
from calls_assets.settings import Settings

TODAY = date(2026, 3, 10)
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC).timestamp()


@pytest.fixture
def webhook(monkeypatch):
    """A receiver of messages; `status` is what it answers."""

    class Webhook(BaseHTTPRequestHandler):
        def do_POST(self):
            message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if server.status == 200:
                server.messages.append((message["title"], message["message"].splitlines()))
            self.send_response(server.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Webhook)
    server.messages, server.status = [], 200
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("CALLS_ALERT_URL", f"json://127.0.0.1:{server.server_port}/a-secret-path")
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def tick(instance, monkeypatch):
    """Evaluates a sensor again and again, with the cursor that it left."""
    cursors = {}

    def tick(name, now_s=NOON, **settings):
        monkeypatch.setattr(alerts.time, "time", lambda: now_s)
        context = dg.build_sensor_context(instance, cursor=cursors.get(name))
        result = build(Settings(**settings)).resolve_sensor_def(name).evaluate_tick(context)
        cursors[name] = result.cursor
        return result.skip_message

    return tick


def landed(instance, day, table="service_level", is_open=False, **figures):
    metadata = {"is_open_day": dg.MetadataValue.bool(is_open)} | figures
    instance.report_runless_asset_event(dg.AssetMaterialization(table, partition=str(day), metadata=metadata))


@pytest.mark.parametrize(("url", "status"), [("", "STOPPED"), ("json://127.0.0.1/", "RUNNING")])
def test_alerts_are_off_until_an_address_is_set(monkeypatch, url, status):
    monkeypatch.setenv("CALLS_ALERT_URL", url)
    sensors = {sensor.name: sensor for sensor in build(Settings()).sensors}
    assert [sensors[name].default_status.name for name in ("tell_of_failed_runs", "tell_of_days")] == [status] * 2


def test_failed_runs_are_told_of_once_with_their_sentence(tick, webhook, instance, run_pipeline, tmp_path):
    with Sandbox(Centre(calls_per_day=20)) as api:
        assert not run_pipeline(api, tmp_path, TODAY, TODAY, instance=instance, token="long-ago-wrong").success
        now_s = datetime.now(UTC).timestamp()
        tick("tell_of_failed_runs", now_s)
        assert webhook.messages == []  # what failed before the sensor ran is no news
        failed = run_pipeline(api, tmp_path, date(2026, 3, 6), date(2026, 3, 8), instance=instance, token="wrong")
        assert run_pipeline(api, tmp_path, TODAY, TODAY, instance=instance).success
    for _ in range(3):
        tick("tell_of_failed_runs", now_s + 60)
    instance.add_run_tags(failed.run_id, {"touched": "later"})
    tick("tell_of_failed_runs", now_s + 90)
    ((title, (line,)),) = webhook.messages
    assert title == "A run of calls_assets failed"
    assert line.startswith(f"Run {failed.run_id[:8]} of 2026-03-06 to 2026-03-08: http://127.0.0.1:")
    assert "refused the token (401): set CALLS_API_TOKEN to a valid one." in line


def test_many_failures_are_one_message(tick, webhook, instance):
    tick("tell_of_failed_runs", datetime.now(UTC).timestamp() - 5)
    for _ in range(12):
        instance.create_run_for_job(
            build(Settings()).resolve_job_def("calls_pipeline"), status=dg.DagsterRunStatus.FAILURE
        )
    tick("tell_of_failed_runs")
    ((title, lines),) = webhook.messages
    assert title == "12 runs of calls_assets failed"
    assert (len(lines), lines[-1]) == (11, "And 2 more.")
    assert lines[0].endswith("no reason was recorded.")


def fail(instance, after_s=0, said="Run worker was killed: out of memory", **run):
    """A run that failed before its first step, some seconds from now."""
    job = build(Settings()).resolve_job_def("calls_pipeline")
    failed = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED, **run)
    instance.report_run_failed(failed, said)
    with instance.run_storage.connect() as connection:
        at = (datetime.now(UTC) + timedelta(seconds=after_s)).replace(tzinfo=None)
        connection.exec_driver_sql("UPDATE runs SET update_timestamp = ? WHERE run_id = ?", (str(at), failed.run_id))
    return failed


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York"])
def test_failures_are_told_of_whatever_the_machines_zone(tick, webhook, instance, monkeypatch, zone):
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        fail(instance, -600)
        tick("tell_of_failed_runs", datetime.now(UTC).timestamp())
        assert webhook.messages == []
        fail(instance, 1)
        tick("tell_of_failed_runs", datetime.now(UTC).timestamp() + 60)
    finally:
        monkeypatch.undo()
        time.tzset()
    assert len(webhook.messages) == 1


def test_a_failure_that_comes_to_light_late_is_told_of_and_says_why(tick, webhook, instance):
    tick("tell_of_failed_runs", datetime.now(UTC).timestamp() - 60)
    for seconds in (0, -30):
        fail(instance, seconds)
        tick("tell_of_failed_runs")
        tick("tell_of_failed_runs")
    assert [lines[0].partition(": ")[2] for _, lines in webhook.messages] == [
        "Run worker was killed: out of memory"
    ] * 2


def test_runs_of_other_projects_are_left_alone_and_those_of_single_assets_are_not(tick, webhook, instance):
    @dg.asset
    def salaries():
        pass

    @dg.job
    def payroll():
        pass

    def failed(job, *keys):
        selection = frozenset(map(dg.AssetKey, keys)) or None
        return instance.create_run_for_job(job, asset_selection=selection, status=dg.DagsterRunStatus.FAILURE)

    tick("tell_of_failed_runs", datetime.now(UTC).timestamp() - 60)
    failed(payroll)
    failed(dg.Definitions([salaries]).resolve_implicit_global_asset_job_def(), "salaries")
    tick("tell_of_failed_runs")
    assert webhook.messages == []
    ours = failed(build(Settings()).resolve_implicit_global_asset_job_def(), "calls", "call_agents")
    tick("tell_of_failed_runs")
    ((_, (line,)),) = webhook.messages
    assert line.startswith(f"Run {ours.run_id[:8]}")


def test_days_that_nobody_pulled_are_told_of_once_after_one_that_was(tick, webhook, instance):
    landed(instance, "2026-03-05", "raw_calls")
    for _ in range(2):
        tick("tell_of_days")
    ((_, lines),) = webhook.messages
    assert sorted(line[:10] for line in lines) == [f"2026-03-0{day}" for day in (6, 7, 8, 9)]


def test_several_addresses_are_refused(tick, webhook, monkeypatch):
    monkeypatch.setenv("CALLS_ALERT_URL", f"json://127.0.0.1:{webhook.server_port}/,json://127.0.0.1:1/")
    with pytest.raises(chat.NotDelivered, match="CALLS_ALERT_URL holds 2 addresses: set it to one"):
        tick("tell_of_days")


def test_days_beyond_a_threshold_are_told_of_once(tick, webhook, instance):
    limits = {"alert_service_level": 0.8, "alert_abandonment": 0.05}
    landed(instance, "2026-03-09", service_level=0.79, calls_answered=90, calls_abandoned=10)
    landed(instance, "2026-03-09", "abandonment", abandonment_rate=0.1, calls_answered=90, calls_abandoned=10)
    landed(instance, "2026-03-08", service_level=0.81, calls_answered=90, calls_abandoned=10)
    for _ in range(3):
        tick("tell_of_days", **limits)
    landed(instance, "2026-03-09", service_level=0.5, calls_answered=90, calls_abandoned=10)
    tick("tell_of_days", **limits)
    assert webhook.messages == [
        (
            "Days of calls_assets to look at",
            [
                "2026-03-09: the service level is 79.0%, under 80.0%, of 100 calls that were answered or abandoned.",
                "2026-03-09: 10.0% hung up, over 5.0%, of 100 calls that were answered or abandoned.",
            ],
        )
    ]


@pytest.mark.parametrize(
    ("day", "figures"),
    [
        ("2026-03-09", {"calls_answered": 40, "calls_abandoned": 9, "service_level": 0.1}),
        ("2026-03-09", {"calls_answered": 90, "calls_abandoned": 9, "service_level": 0.8}),
        ("2026-03-09", {"calls_answered": 90, "calls_abandoned": 9, "service_level": 0.1, "is_open": True}),
        ("2026-03-09", {"calls_answered": 0, "calls_abandoned": 0}),
        ("2026-03-01", {"calls_answered": 90, "calls_abandoned": 9, "service_level": 0.1}),
    ],
    ids=["too few calls", "at the threshold", "open day", "no calls", "long ago"],
)
def test_what_means_nothing_is_not_told(tick, webhook, instance, day, figures):
    landed(instance, day, **figures)
    assert tick("tell_of_days", alert_service_level=0.8) == "Nothing new to report."
    assert webhook.messages == []


def test_a_day_that_the_morning_did_not_bring_is_told_of(tick, webhook, instance):
    landed(instance, "2026-03-08", "raw_calls")
    tick("tell_of_days")
    tick("tell_of_days")
    ((_, (line,)),) = webhook.messages
    assert line.startswith("2026-03-09: ")


def test_a_message_that_was_not_taken_is_sent_again_and_the_address_stays_secret(tick, webhook, instance, caplog):
    landed(instance, "2026-03-09", service_level=0.1, calls_answered=90, calls_abandoned=10)
    webhook.status = 500
    caplog.set_level("INFO")
    with pytest.raises(chat.NotDelivered, match="The address in CALLS_ALERT_URL did not accept the message") as caught:
        tick("tell_of_days", alert_service_level=0.8)
    assert "a-secret-path" not in str(caught.value) + caplog.text
    webhook.status = 200
    tick("tell_of_days", alert_service_level=0.8)
    assert len(webhook.messages) == 1


@pytest.mark.parametrize("sensor", ["tell_of_failed_runs", "tell_of_days"])
def test_an_address_that_is_none_is_named_before_there_is_anything_to_tell(tick, monkeypatch, caplog, sensor):
    caplog.set_level(0)
    monkeypatch.setenv("CALLS_ALERT_URL", "nonsense://a-secret")
    with pytest.raises(chat.NotDelivered, match="CALLS_ALERT_URL is an Apprise address") as caught:
        tick(sensor)
    assert "a-secret" not in str(caught.value) + caplog.text


@pytest.mark.parametrize(
    ("said", "signs"),
    {
        "a channel": ("no <!channel> <@U123>", "<@>"),
        "everybody": ("no @everyone @here", "@"),
        "a link": ("no [bank](http://b.example/)", "[]:"),
        "emphasis": ("no *a* _b c_ __d__ ~e~ `f` ||g||", "*_~`|"),
        "a tag and an entity": ("no <b>a</b> &lt;", "<>&"),
        "our own names": ("set CALLS_API_TOKEN; see /data/_refused/a_b.json", ""),
        "our own address": ("https://a.example/calls/ answers no", ""),
    }.values(),
)
def test_what_a_run_says_looks_the_same_and_pings_nobody(said, signs):
    assert chat.plain_line(said) == said.translate({ord(sign): ord(sign) + 0xFEE0 for sign in signs})


@given(st.text(st.characters(codec=None)) | st.sampled_from(HOSTILE_WORDS))
def test_whatever_a_run_says_no_chat_takes_it_for_more_than_text(said):
    told = chat.plain_line(said)
    assert not re.search(r"[@<>&\[\]*`~|]|(?<!^http)(?<!^https)://|\b_[^_\s]+_\b|:[a-z_]\w*:", told)
    assert unicodedata.normalize("NFKC", told) == unicodedata.normalize("NFKC", shown(said, 600))


def test_what_a_run_says_is_a_line_that_a_chat_takes():
    assert chat.plain_line("no\n\nRun 1: \x1b\x07fine\u202e") == "no Run 1: ��fine"
    assert chat.plain_line("x" * 99_999) == "x" * 599 + "…"
    assert chat.plain_line("no :smile: at 12:30:45") == "no \N{FULLWIDTH COLON}smile: at 12:30:45"


def test_a_failed_run_is_told_of_in_a_line_of_plain_text(tick, webhook, instance):
    tick("tell_of_failed_runs", datetime.now(UTC).timestamp() - 5)
    failed = fail(instance, said="".join(HOSTILE_WORDS[-99:]))
    tick("tell_of_failed_runs")
    ((_, (line,)),) = webhook.messages
    assert line.startswith(f"Run {failed.run_id[:8]}: ")
    assert not re.search(r"[@<>&\[\]*`~|\x00-\x1f]|://", line)


def test_a_message_longer_than_a_chat_takes_comes_in_parts(monkeypatch):
    posted = []

    def post(url, data, **_):
        posted.append(json.loads(data)["content"])
        return SimpleNamespace(status_code=204, headers={}, content=b"")

    monkeypatch.setattr(requests, "post", post)
    monkeypatch.setenv("CALLS_ALERT_URL", "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js")
    chat.post("11 runs failed", ["word " * 100] * 11)
    assert sum(part.count("word") for part in posted) == 1100
    assert max(map(len, posted)) <= 2000
