"""The doctor over real sockets: it names whatever the account does, or says that it cannot tell."""

import io
import os
import re
import stat
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from dotenv import dotenv_values
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from calls_assets.api import client
from calls_assets.commands import cli
from calls_assets.commands.doctor import doctor
from calls_assets.doctor.suggestions import write_env
from calls_assets.doctor.waits import MOST_PAGES
from calls_assets.sandbox import Behaviour, Centre, FixedCalls, Meaning, Sandbox, WireFault

TOKEN = "a-conspicuous-secret"
NOW = datetime(2026, 5, 20, 15, tzinfo=UTC)  # a Wednesday
HOME = "America/New_York"


@pytest.fixture(scope="module")
def all_day():
    """An account that is called every 20 minutes, day and night, this month and in the middle of winter and summer."""

    def all_day(around=NOW, is_young=False):
        seasons = [] if is_young else [datetime(2025, 7, 26, tzinfo=UTC), datetime(2026, 1, 26, tzinfo=UTC)]
        moments = [int(around.timestamp()) - 1200 * n + 7 for n in range(1, 30 * 72)]
        moments += [int(season.timestamp()) - 1200 * n + 7 for season in seasons for n in range(1, 20 * 72)]
        agents = [{"id": 1, "alias": "An Agent", "started_at": 0}]
        return FixedCalls(
            ({"id": n, "started_at": at, "is_inbound": True, "all_agents": agents}, ())
            for n, at in enumerate(moments, 1)
        )

    return all_day


@pytest.fixture
def run_doctor(tmp_path):
    """Runs the doctor on a sandbox; returns what was printed, with its lines joined and without, and the API."""

    def run_doctor(source, behaviour=None, faults=(), now=NOW, env_file=None, **settings):
        clock = partial(int, now.timestamp())
        console = Console(file=io.StringIO(), width=100)
        with Sandbox(source, behaviour or Behaviour(), token=TOKEN, now=clock, faults=faults) as api:
            given = {"CALLS_API_URL": api.url, "CALLS_API_TOKEN": TOKEN, "CALLS_TIMEZONE": HOME} | settings
            doctor(given, console, env_file, now)
        shown = console.file.getvalue()
        return re.sub(r" *\n {10,}", " ", shown), shown, api

    return run_doctor


def lines(shown):
    """The lines to paste."""
    return re.findall(r"^(?:CALLS_|      [a-z])\S+.*$", shown[shown.index("What to set:") :], re.MULTILINE)


@pytest.mark.parametrize("page_cap", [1000, 100])
@pytest.mark.parametrize(
    ("order", "words"),
    [("newest_first", "newest first"), ("oldest_first", "oldest first"), ("shuffled", "in no order")],
)
@pytest.mark.parametrize("inclusive", [True, False])
@pytest.mark.parametrize("zone", [pytest.param("UTC", marks=pytest.mark.slow), HOME])
def test_the_habits_of_an_account_are_named_with_what_to_set(
    run_doctor, all_day, zone, inclusive, order, words, page_cap
):
    behaviour = Behaviour(zone=zone, date_to_inclusive=inclusive, order=order, page_cap=page_cap)
    told, shown, api = run_doctor(all_day(), behaviour)
    assert (
        f"The dates are read in {zone}: no other zone fits the calls around midnight on {16 if inclusive else 15} days."
        in told
    )
    assert f"The day of dateTo is {'in' if inclusive else 'not in'} the answer" in told
    assert f"Rows come {words}" in told
    assert f"{page_cap} rows came for limit=1000" in told
    assert lines(shown) == [
        f"CALLS_TIMEZONE={HOME}",
        f"CALLS_DATES_ZONE={zone}",
        *(["CALLS_DATE_TO_INCLUSIVE=1"] if inclusive else []),
        *(["CALLS_PAGE_SIZE=100"] if page_cap == 100 else []),
    ]
    assert len(api.requests) < 80 + MOST_PAGES


def test_a_change_of_the_clocks_within_the_days_does_not_confuse(run_doctor, all_day):
    now = datetime(2026, 3, 12, 15, tzinfo=UTC)
    told, _, _ = run_doctor(all_day(now), Behaviour(zone=HOME), now=now)
    assert f"The dates are read in {HOME}: " in told


def test_a_zone_that_only_summer_tells_from_another_is_not_taken_for_it(run_doctor, all_day):
    winter = datetime(2026, 2, 20, 15, tzinfo=UTC)
    for timezone in ("UTC", HOME):
        told, shown, _ = run_doctor(
            all_day(winter), Behaviour(zone="Europe/London"), now=winter, CALLS_TIMEZONE=timezone
        )
        assert "no offset from UTC fits all 16 days, so the account's clocks change during them" in told
        assert "CALLS_DATES_ZONE=" not in shown.partition("What to set")[2]
    told, shown, _ = run_doctor(
        all_day(winter), Behaviour(zone="Europe/London"), now=winter, CALLS_DATES_ZONE="Europe/London"
    )
    assert "CALLS_DATES_ZONE=Europe/London" in lines(shown)
    told, shown, _ = run_doctor(
        all_day(winter, is_young=True), Behaviour(zone="Europe/London"), now=winter, CALLS_DATES_ZONE="Europe/London"
    )
    assert "Perhaps Europe/London: it fits the calls around midnight on 8 days, but so does UTC, whose clocks" in told
    assert "CALLS_DATES_ZONE=" not in shown.partition("What to set")[2]


def test_an_account_without_calls_half_a_year_ago_leaves_the_zone_presumed(run_doctor, all_day):
    told, shown, _ = run_doctor(all_day(is_young=True), Behaviour(zone="UTC"))
    assert "Perhaps UTC: it fits the calls around midnight on 8 days, but so does A" in told
    assert "CALLS_DATES_ZONE=" not in shown.partition("What to set")[2]


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/Los_Angeles"])
def test_another_usual_zone_is_found(run_doctor, all_day, zone):
    told, shown, _ = run_doctor(all_day(), Behaviour(zone=zone))
    assert f"The dates are read in {zone}: no other zone fits" in told
    assert f"CALLS_DATES_ZONE={zone}" in lines(shown)


@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "Pacific/Chatham"])
def test_another_zone_is_narrowed_down_and_confirmed_when_it_is_named(run_doctor, all_day, zone):
    told, shown, _ = run_doctor(all_day(), Behaviour(zone=zone))
    assert "None of the zones that were tried fits" in told
    assert "CALLS_DATES_ZONE=" not in shown
    told, shown, _ = run_doctor(all_day(), Behaviour(zone=zone), CALLS_DATES_ZONE=zone)
    assert f"CALLS_DATES_ZONE={zone}" in lines(shown)


def test_settings_that_are_wrong_are_undone(run_doctor, centre):
    wrong = {"CALLS_DATES_ZONE": "Asia/Tokyo", "CALLS_DATE_TO_INCLUSIVE": "1"}
    _, shown, _ = run_doctor(centre, Behaviour(zone="America/Los_Angeles", date_to_inclusive=False), **wrong)
    assert lines(shown) == [
        f"CALLS_TIMEZONE={HOME}",
        "CALLS_DATES_ZONE=",
        "CALLS_DATE_TO_INCLUSIVE=0",
        "CALLS_WAIT=none",
    ]


def daytime(make_call, days=range(8, 20), hours=range(14, 21), **changes):
    """Calls in office hours in New York, by hours of UTC, on days of May 2026."""
    moments = [datetime(2026, 5, day, hour, tzinfo=UTC) for day in days for hour in hours]
    return [
        make_call(number, int(moment.timestamp()), is_inbound=True, **changes)
        for number, moment in enumerate(moments, start=1)
    ]


def fixed(records):
    return FixedCalls((record, ()) for record in records)


@pytest.mark.parametrize("read_in", [HOME, "America/Los_Angeles"])
def test_a_zone_is_only_presumed_where_quiet_nights_leave_room_for_another(run_doctor, centre, read_in):
    told, shown, _ = run_doctor(centre, Behaviour(zone=read_in))
    assert f"Perhaps {HOME}: it fits, but the first and last calls of 8 days allow UTC" in told
    assert "CALLS_DATES_ZONE=" not in shown


def test_an_account_that_nobody_calls_at_night_leaves_the_zone_undecided(run_doctor, make_call):
    told, shown, _ = run_doctor(fixed(daytime(make_call)))
    assert f"Undecided between {HOME} and UTC" in told
    assert "CALLS_DATES_ZONE=" not in shown
    assert "CALLS_DATE_TO_INCLUSIVE=1" in shown
    assert "there were only 84 calls; for limit=1000, meta.limit is 1000" in told
    told, shown, _ = run_doctor(fixed(daytime(make_call)), CALLS_TIMEZONE="UTC")
    assert "Perhaps UTC: it fits, but" in told
    assert "CALLS_DATES_ZONE=" not in shown


def test_calls_of_long_ago_are_found(run_doctor, make_call):
    told, _, _ = run_doctor(fixed(daytime(make_call)), now=datetime(2026, 9, 1, tzinfo=UTC))
    assert "The day of dateTo is in the answer" in told


def test_an_empty_account_is_said_to_be_one(run_doctor):
    told, shown, api = run_doctor(FixedCalls([]))
    assert "There was no call in the last year" in told
    assert lines(shown) == [f"CALLS_TIMEZONE={HOME}"]
    assert len(api.requests) == 2


def test_a_window_of_one_day_that_is_refused_counts_as_an_empty_one(run_doctor, centre):
    refusal = WireFault(kind="status", status=422, where=lambda given: given["dateFrom"] == given["dateTo"])
    told, _, _ = run_doctor(centre, Behaviour(date_to_inclusive=False), faults=[refusal])
    assert "The day of dateTo is not in the answer" in told


def test_where_windows_of_one_day_are_refused_wider_ones_tell_and_two_days_are_no_volume_of_one(run_doctor, centre):
    refusal = WireFault(kind="status", status=422, where=lambda given: given["dateFrom"] == given["dateTo"])
    told, shown, _ = run_doctor(centre, Behaviour(date_to_inclusive=True), faults=[refusal])
    assert "The day of dateTo is not in the answer" not in told
    assert "Undecided: the counts of single days and of pairs of days do not show" in told
    assert "CALLS_DATE_TO_INCLUSIVE" not in shown
    assert "Undecided: single days could not be counted." in told


def test_a_page_size_that_is_refused_is_not_asked_for_again(run_doctor, centre):
    refusal = WireFault(kind="status", status=400, where=lambda given: int(given["limit"]) > 500)
    told, shown, _ = run_doctor(centre, faults=[refusal])
    assert "500 rows came for limit=500." in told
    assert "CALLS_PAGE_SIZE=500" in lines(shown)


def test_pages_far_back_that_are_refused_leave_the_zone_undecided(run_doctor, centre):
    refusal = WireFault(kind="status", status=400, where=lambda given: given["limit"] == "1" != given["page"])
    told, shown, _ = run_doctor(centre, faults=[refusal])
    assert "Undecided: the first and last calls of single days are unavailable." in told
    assert "CALLS_DATES_ZONE=" not in shown


def test_a_long_list_without_order_costs_few_pages(run_doctor, centre):
    told, _, api = run_doctor(centre, Behaviour(order="shuffled", page_cap=10))
    assert sum(given["limit"] == "10" for given in api.requests) <= 20
    assert "10 rows came for limit=1000" in told


def test_the_headers_of_a_rate_limit_are_shown_and_no_others(run_doctor, make_call):
    given = (("X-RateLimit-Limit-Minute", "90"), ("X-RateLimit-Echo", TOKEN), ("X-Other", "not-for-anybody"))
    told, shown, _ = run_doctor(fixed(daytime(make_call)), Behaviour(headers=given))
    assert "X-RateLimit-Limit-Minute: 90; X-RateLimit-Echo: ***. That is 1.5 requests a second." in told
    assert "CALLS_REQUESTS_PER_SECOND=1.5" in lines(shown)
    assert "not-for-anybody" not in shown


def test_a_refusal_to_hurry_shows_its_headers(run_doctor, make_call, monkeypatch):
    monkeypatch.setattr(client, "LONGEST_BACKOFF_S", 0.01)
    told, _, _ = run_doctor(
        fixed(daytime(make_call)),
        faults=[WireFault(kind="status", status=429, headers={"Retry-After": "0.01"}, on=(3,))],
    )
    assert "Retry-After: 0.01." in told


def test_fields_and_types_are_named_without_their_values(run_doctor, make_call):
    records = daytime(make_call, queue_time=4, type="voicemail")
    records[0]["contact"] |= {"vip": "not-for-anybody"}
    records[1]["all_agents"][0] |= {"ring": {"not_for_anybody": 1}}
    records[2] |= {"type": "+1 212 555 0100", "+12125550100": True}
    records[3]["duration"] = "not-for-anybody"
    records[4]["started_at"] = "not-for-anybody"
    told, shown, _ = run_doctor(fixed(records))
    assert "voicemail 82, (no plain word) 1." in told
    assert "Some of 84 differ from the document, as listed below." in told
    for head, row in (
        ("As documented not named, as sent a boolean: in extra", "(odd name) (1)"),
        ("As documented not named, as sent an object: in extra", "all_agents[].ring (1)"),
        ("As documented not named, as sent a string: in extra", "contact.vip (1)"),
        ("As documented integer, as sent a string: null, its original in extra", "duration (1)"),
        ("As documented not named, as sent an integer: in extra", "queue_time (83)"),
    ):
        *_, under = shown.partition(f"{head}\n")
        assert row in [line.strip() for line in under.partition("As documented")[0].splitlines()], head
    assert "1 of 84 records would be rejected: started_at is a string, not a moment (1)." in told
    assert [
        secret for secret in ("not-for-anybody", "not_for_anybody", "2125550100", "+1 212") if secret in shown
    ] == []


def test_how_waits_are_told_is_proven_and_set(run_doctor, tmp_path):
    path = tmp_path / "found.env"
    meaning = Meaning(sla_clock="call", sla_s=45)
    told, _, _ = run_doctor(Centre(zone=HOME, calls_per_day=400, meaning=meaning, days_kept=500), env_file=path)
    assert "duration_less_talk is proven: at 45 s it differs from the vendor's verdict on 0 (0.0%) of" in told
    assert {"CALLS_WAIT=duration_less_talk", "CALLS_SLA_SECONDS=45"} <= set(path.read_text().splitlines())


def test_more_calls_are_asked_for_until_they_prove_how_waits_are_told(run_doctor):
    few = Behaviour(page_cap=100)
    clear, noisy = (
        Centre(zone=HOME, meaning=Meaning(sla_clock="call", sla_s=45, noise=noise), days_kept=500)
        for noise in (0, 0.01)
    )
    (told, _, api), (_, _, clear_api) = (run_doctor(centre, few) for centre in (noisy, clear))
    assert "duration_less_talk is proven" in told
    assert len(clear_api.requests) < len(api.requests) <= len(clear_api.requests) + MOST_PAGES


def test_few_calls_prove_nothing_and_no_wait_is_set(run_doctor, make_call, tmp_path):
    told, _, _ = run_doctor(fixed(daytime(make_call)), env_file=tmp_path / "found.env")
    assert "is not decided yet, which takes more calls, both in time and late" in told
    assert "CALLS_WAIT" not in (tmp_path / "found.env").read_text()


def test_a_year_is_estimated_from_the_last_days(run_doctor, centre):
    told, _, _ = run_doctor(centre, Behaviour(latency_s=0.01))
    assert re.search(r"About \d+ calls per weekday and \d+ calls per weekend day, from 2026-05-13 to 2026-05-19", told)
    assert re.search(r"An estimate: [\d,]+ calls in at least \d+ requests, about \d+ s", told)


def test_the_env_file_holds_what_was_found_and_no_token(run_doctor, centre, tmp_path):
    path = tmp_path / "found.env"
    given = {"CALLS_DATA_URL": "my data", "CALLS_PRIVACY": "pseudonymise", "CALLS_PRIVACY_KEY": TOKEN}
    _, shown, api = run_doctor(centre, Behaviour(page_cap=200), env_file=path, **given)
    text = path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert TOKEN not in text + shown
    assert {
        f"CALLS_API_URL={api.url}",
        "CALLS_API_TOKEN=",
        f"CALLS_TIMEZONE={HOME}",
        "CALLS_DATA_URL='my data'",
        "CALLS_START_DATE=2025-01-01",
        "CALLS_PRIVACY=pseudonymise",
        "CALLS_PRIVACY_KEY=",
        "CALLS_DATES_ZONE=UTC",
        "CALLS_DATE_TO_INCLUSIVE=1",
        "CALLS_PAGE_SIZE=200",
    } <= set(text.splitlines())


VALUES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(str.strip)


@given(VALUES | st.text("\\'\"$#{}= aé", min_size=1))
def test_every_value_is_read_back_as_it_was_written(value):
    with TemporaryDirectory() as folder:
        write_env(Path(folder, ".env"), {"CALLS_DATA_URL": value})
        assert dotenv_values(Path(folder, ".env"), interpolate=False) == {"CALLS_DATA_URL": value}


def test_the_env_file_asks_for_each_secret_that_was_set_and_for_the_token_last(
    run_doctor, centre, tmp_path, monkeypatch
):
    monkeypatch.setenv("CALLS_ALERT_URL", "json://127.0.0.1/a-secret-path")
    given = {"CALLS_ALERT_URL": "json://127.0.0.1/a-secret-path", "CALLS_ALERT_CALLS": "30"}
    _, shown, _ = run_doctor(centre, env_file=tmp_path / "w.env", **given)
    text = (tmp_path / "w.env").read_text()
    assert {"CALLS_ALERT_CALLS=30", "CALLS_ALERT_URL="} <= set(text.splitlines())
    assert "a-secret-path" not in text + shown
    assert text.splitlines()[-1] == "CALLS_API_TOKEN="


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {"CALLS_PRIVACY": "pseudonymise", "CALLS_PRIVACY_KEY": "short"},
            "CALLS_PRIVACY_KEY must be a secret of at least 16",
        ),
        ({"CALLS_ALERT_URL": "nonsense"}, "CALLS_ALERT_URL is an Apprise address"),
        ({"CALLS_TIMEZON": HOME}, "CALLS_TIMEZON is not a setting: rename it to CALLS_TIMEZONE"),
    ],
)
def test_what_would_fail_later_is_said_before_anything_is_asked(centre, monkeypatch, settings, sentence):
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    with Sandbox(centre) as api, pytest.raises(ValueError, match=sentence):
        doctor(
            {"CALLS_API_URL": api.url, "CALLS_API_TOKEN": api.token} | settings, Console(file=io.StringIO()), None, NOW
        )
    assert api.requests == []


def test_an_env_file_is_never_overwritten(run_doctor, centre, tmp_path):
    path = tmp_path / ".env"
    path.write_text("mine")
    with Sandbox(centre) as api, pytest.raises(ValueError, match=r"\.env already exists and is not overwritten"):
        doctor({"CALLS_API_URL": api.url, "CALLS_API_TOKEN": api.token}, Console(file=io.StringIO()), path, NOW)
    assert (path.read_text(), api.requests) == ("mine", [])
    with pytest.raises(ValueError, match=r"the folder .* does not exist"):
        run_doctor(centre, env_file=tmp_path / "none" / ".env")


def test_nothing_of_people_is_printed_or_written(run_doctor, centre, tmp_path):
    people = set()
    for call in centre.between(int(NOW.timestamp()) - 10 * 86_400, int(NOW.timestamp())):
        contact = call.record["contact"] or {}
        people |= {contact.get(name) for name in ("full_name", "national_number", "number")} | {str(contact.get("id"))}
        people |= {leg[name] for leg in call.record["all_agents"] for name in ("alias", "sip")}
        people |= {other["number"] for other in call.record["external_numbers"]} | {str(call.record["id"])}
    people -= {None, "None"}
    assert len(people) > 300
    _, shown, api = run_doctor(centre, env_file=tmp_path / ".env")
    everything = (shown + (tmp_path / ".env").read_text()).replace(api.url, "")
    assert [person for person in people if person in everything] == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"CALLS_API_TOKEN": "another-secret"}, r"refused the token \(401\): set CALLS_API_TOKEN .* CALLS_API_URL"),
        ({"CALLS_API_TOKEN": ""}, "CALLS_API_TOKEN is not set"),
        ({"CALLS_API_URL": ""}, "CALLS_API_URL is not set"),
        ({"CALLS_API_URL": "{url}/v9"}, r"refused the request \(404.*: check CALLS_API_URL"),
        ({"CALLS_TIMEZONE": "Mars/Olympus"}, "CALLS_TIMEZONE is an IANA time zone"),
    ],
    ids=str,
)
def test_what_is_wrong_ends_in_one_sentence(centre, monkeypatch, tmp_path, capsys, changes, sentence):
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("CALLS_")]:
        monkeypatch.delenv(name)
    with Sandbox(centre) as api:
        given = {"CALLS_API_URL": api.url, "CALLS_API_TOKEN": api.token} | changes
        for name, value in given.items():
            monkeypatch.setenv(name, value.format(url=api.url))
        with pytest.raises(SystemExit, match=sentence) as error:
            cli.main(["doctor", "--write-env"])
    assert str(error.value).count(". ") == 0
    assert "another-secret" not in str(error.value) + capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_the_command_writes_to_the_folder_it_stands_in(centre, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    with Sandbox(centre) as api:
        for name, value in {"URL": api.url, "TOKEN": api.token}.items():
            monkeypatch.setenv(f"CALLS_API_{name}", value)
        monkeypatch.setenv("CALLS_TIMEZONE", HOME)
        cli.main(["doctor", "--write-env"])
    assert "What to set:" in capsys.readouterr().out
    assert "CALLS_DATE_TO_INCLUSIVE=1" in (tmp_path / ".env").read_text().splitlines()
