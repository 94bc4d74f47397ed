import os
from datetime import date

import pytest

from calls_assets.dagster.resources import CallsApi
from calls_assets.env_file import find_env_file, load_env_file
from calls_assets.settings import Settings
from calls_assets.targets import read_shares
from calls_assets.waits import read_thresholds


@pytest.mark.parametrize(
    ("given", "meant"),
    [("CALLS_TIMEZON", "CALLS_TIMEZONE"), ("CALLS_DATAURL", "CALLS_DATA_URL"), ("CALLS_TOKEN", "CALLS_API_TOKEN")],
)
def test_a_misspelt_setting_is_named_with_the_one_that_was_meant(given, meant):
    assert Settings.load({given: "x"}).problems == (f"{given} is not a setting: rename it to {meant}, or unset it.",)


def test_what_resembles_no_setting_is_somebody_elses():
    assert Settings.load({"CALLS_WEATHER": "x", "TIMEZON": "x"}).problems == ()


def test_nothing_set_gives_the_defaults():
    settings = Settings.load({})
    assert (settings.zone.key, settings.start_date, settings.data_url) == ("UTC", date(2025, 1, 1), "data")
    assert settings.problems == ()


@pytest.mark.parametrize(
    ("variable", "given"),
    [
        ("CALLS_TIMEZONE", "Mars/Olympus"),
        ("CALLS_TIMEZONE", "localtime"),
        ("CALLS_TIMEZONE", "posixrules"),
        ("CALLS_START_DATE", "banana"),
        ("CALLS_START_DATE", "20250101"),
        ("CALLS_START_DATE", "9999-12-31"),
        ("CALLS_FILTERS", "page=3"),
        ("CALLS_DATES_ZONE", "Mars/Olympus"),
        ("CALLS_CALL_TYPES", "abandoned, lost"),
        ("CALLS_DATE_TO_INCLUSIVE", "yes"),
        ("CALLS_DAYS_PER_RUN", "0"),
        ("CALLS_REPULL_DAYS", "0"),
        ("CALLS_REPULL_HOUR", "24"),
        ("CALLS_REPULL_HOUR", "5.5"),
        ("CALLS_WAIT", "talk_start"),
        ("CALLS_SLA_SECONDS", "soon"),
        ("CALLS_SLA_SECONDS", "30,20"),
        ("CALLS_SLA_SECONDS", "30,7:20,7:25"),
        ("CALLS_SLA_SECONDS", "30,"),
        ("CALLS_SLA_SECONDS", "-1"),
        ("CALLS_SLA_SECONDS", "86401"),
        ("CALLS_TARGET_SERVICE_LEVEL", "80%"),
        ("CALLS_TARGET_SERVICE_LEVEL", "80"),
        ("CALLS_TARGET_SERVICE_LEVEL", "0.8,0.9"),
        ("CALLS_TARGET_ABANDONMENT", "Billing:0.05"),
        ("CALLS_PAGES_URL", "daily_report"),
        ("CALLS_PAGES_URL", "//elsewhere.example/daily_report"),
    ],
)
def test_a_wrong_value_is_one_sentence_that_names_it(variable, given):
    (problem,) = Settings.load({variable: given}).problems
    assert problem.startswith(f"{variable} is ")
    assert problem.endswith(f"but {given!r} was given.")


@pytest.mark.parametrize(
    ("text", "usual", "own"),
    [("30", 30, {}), ("30,7:20", 30, {7: 20}), (" 7:20 , 3:15,30 ", 30, {7: 20, 3: 15}), ("7:0", None, {7: 0})],
)
def test_the_vendors_thresholds_may_differ_by_ring_group(text, usual, own):
    found = Settings.load({"CALLS_SLA_SECONDS": text}).sla_seconds
    assert (found.usual, found.by_ring_group) == (usual, own)
    assert read_thresholds(str(found)) == found


def test_targets_may_differ_by_ring_group():
    targets = Settings.load({"CALLS_TARGET_SERVICE_LEVEL": "0.8,7:0.9", "CALLS_TARGET_ABANDONMENT": "7:0"}).targets
    assert [targets.service_level.of(group) for group in (None, 3, 7)] == [0.8, 0.8, 0.9]
    assert [targets.abandonment.of(group) for group in (None, 3, 7)] == [None, None, 0]
    assert read_shares(str(targets.service_level)) == targets.service_level


def test_a_wait_that_nothing_tells_is_as_one_that_is_not_known():
    assert [Settings.load({"CALLS_WAIT": wait}).waits.method for wait in ("", "none", "leg_start")] == [
        None,
        None,
        "leg_start",
    ]


def test_the_call_types_to_ask_for_reach_the_api():
    settings = Settings.load({"CALLS_CALL_TYPES": "abandoned, callback,abandoned"})
    assert settings.call_types == ("abandoned", "callback")
    assert CallsApi.configured(settings, url="https://host/api", token="secret").call_types == ["abandoned", "callback"]


@pytest.mark.parametrize(
    ("is_at_home", "files", "found"),
    [
        (True, [".env"], ".env"),
        (True, [".env", "project/.env"], "project/.env"),
        (True, [".env", "project/docs/.env", "project/.env"], "project/docs/.env"),
        (False, [".env"], None),
        (False, ["project/docs/.env"], "project/docs/.env"),
    ],
)
def test_a_env_file_is_found_above_up_to_the_root_and_not_where_anybody_could_have_put_it(
    tmp_path, monkeypatch, is_at_home, files, found
):
    monkeypatch.setenv("HOME", str(tmp_path if is_at_home else tmp_path / "elsewhere"))
    folder = tmp_path / "project/docs"
    folder.mkdir(parents=True)
    for name in files:
        (tmp_path / name).touch()
    assert find_env_file(folder) == (tmp_path / found if found else None)


def test_another_users_env_file_is_read_only_in_the_folder_itself(tmp_path, monkeypatch):
    (tmp_path / ".git").mkdir()
    (tmp_path / ".env").touch()
    (tmp_path / "docs").mkdir()
    assert find_env_file(tmp_path / "docs") == tmp_path / ".env"
    monkeypatch.setattr(os, "geteuid", lambda: 12_345)
    if os.getuid() == 0:  # whose files everybody may trust
        os.chown(tmp_path / ".env", 54_321, -1)
    assert find_env_file(tmp_path / "docs") is None
    assert find_env_file(tmp_path) == tmp_path / ".env"


def test_above_the_root_of_a_repository_no_env_file_is_read(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "repository/.git").mkdir(parents=True)
    (tmp_path / ".env").touch()
    assert find_env_file(tmp_path / "repository") is None


@pytest.mark.parametrize(
    ("given", "meant"), [("data", "{folder}/data"), ("/srv/calls", "/srv/calls"), ("s3://calls", "s3://calls")]
)
def test_the_tree_of_a_env_file_is_the_same_from_every_folder(tmp_path, monkeypatch, given, meant):
    monkeypatch.setenv("CALLS_DATA_URL", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".env").write_text(f"CALLS_DATA_URL={given}\n")
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    assert load_env_file() == tmp_path / ".env"
    assert os.environ["CALLS_DATA_URL"] == meant.format(folder=tmp_path)


@pytest.mark.parametrize("secret", ["CALLS_API_TOKEN", "CALLS_PRIVACY_KEY", "CALLS_ALERT_URL", "CALLS_BROKER_URL"])
def test_a_env_file_with_secrets_that_everybody_can_read_is_warned_of_without_them(secret, tmp_path, monkeypatch):
    monkeypatch.setenv(secret, "")
    file = tmp_path / ".env"
    file.write_text(f"CALLS_TIMEZONE=\n{secret}=conspicuous\n")
    file.chmod(0o644)
    with pytest.warns(
        UserWarning, match=f"holds {secret}, and everyone on this machine can read it: chmod 600"
    ) as told:
        load_env_file(file)
    assert "conspicuous" not in str(told[0].message)
    load_env_file(file)  # once is enough
    monkeypatch.setenv(secret, "")
    file.chmod(0o640)
    load_env_file(file)
