"""Which tree a command reads where nothing names one, and how a shell calls the commands."""

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from calls_assets.commands.cli import main
from calls_assets.commands.local import DEMO_DAYS, program, sandbox_data, sandbox_settings
from calls_assets.settings import Settings
from calls_assets.tables.catalog import ALL_TABLES, CALLS, RAW_CALLS
from calls_assets.tables.store import TableStore

DAY = date(2026, 3, 6)
COUNT = ["sql", "--csv", "SELECT count(*) AS days FROM calls"]
UNSET = "calls-assets: CALLS_DATA_URL is not set: reading"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder to work in, with no setting in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in ("CALLS_API_URL", "CALLS_DATA_URL", "CALLS_TIMEZONE"):
        monkeypatch.setenv(name, "")
    return tmp_path


def make_tree(root):
    TableStore(str(root)).write(CALLS, DAY, CALLS.empty())


@pytest.mark.parametrize("zone", ["", "America/New_York"])
def test_after_the_demo_its_tree_is_read_and_named_beside_the_answer(folder, monkeypatch, capfd, zone):
    monkeypatch.setenv("CALLS_TIMEZONE", zone)
    tree = sandbox_data(Settings.load().zone)
    make_tree(tree)
    main(COUNT)
    told = capfd.readouterr()
    assert told.out == "days\n0\n"
    assert told.err.splitlines()[0] == f"{UNSET} the demo's tree {tree}."


def test_the_demos_tree_comes_with_the_demos_settings_also_where_it_is_named(folder, monkeypatch):
    tree = sandbox_data(Settings().zone)
    make_tree(tree)
    monkeypatch.setenv("CALLS_TARGET_ABANDONMENT", "0.2")
    monkeypatch.setenv("CALLS_DATA_URL", str(tree))
    main(COUNT)
    found = Settings.load()
    assert (found.data_url, found.targets.service_level.usual) == (str(tree), 0.8)
    assert found.targets.abandonment.usual == 0.2


def test_a_tree_of_ones_own_comes_before_the_demos(folder, capfd):
    make_tree(sandbox_data(Settings().zone))
    make_tree("data")
    main(["sql"])
    told = capfd.readouterr()
    assert told.out.splitlines()[0].strip() == "data"
    assert told.err == f"{UNSET} the tree data.\n"


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"CALLS_API_URL": "https://account.example.com"}, r"No table has a file .* in data:"),
        ({"CALLS_DATA_URL": "elsewhere"}, r"No table has a file .* in elsewhere:"),
    ],
)
@pytest.mark.parametrize("place", ["environment", ".env"])
def test_with_settings_of_ones_own_the_demos_tree_is_never_read(folder, monkeypatch, capfd, settings, sentence, place):
    make_tree(sandbox_data(Settings().zone))
    if place == ".env":
        Path(".env").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    else:
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
    for command in (COUNT, ["sql"], ["evidence"]):
        with pytest.raises(SystemExit, match=sentence):
            main(command)
    assert UNSET not in capfd.readouterr().err


def test_where_there_is_no_tree_it_is_said(folder, capfd):
    with pytest.raises(SystemExit, match="No table has a file at all in data: check CALLS_DATA_URL"):
        main(COUNT)


def test_the_list_of_tables_fits_a_screen(folder, capfd):
    make_tree("data")
    main(["sql"])
    lines = capfd.readouterr().out.splitlines()
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 80
    assert [name for name in ALL_TABLES if not any(line.split()[:1] == [name] for line in lines)] == []
    assert lines[-3].endswith("calls-assets sql service_level")


def test_the_sandboxs_days_begin_with_its_data_and_never_later(folder):
    """Also when the demo runs again a week later, in which case its own days begin later than those that are there."""
    zone = Settings().zone
    demo = datetime.now(UTC).date() - timedelta(days=DEMO_DAYS)
    before = demo - timedelta(days=7)
    for there, first in ((None, demo), (demo + timedelta(days=1), demo), (before, before)):
        if there:
            TableStore(str(sandbox_data(zone))).write(RAW_CALLS, there, RAW_CALLS.empty())
        assert Settings.load(sandbox_settings(zone)).start_date == first


def test_the_sandboxs_settings_can_all_be_used(folder):
    settings = Settings.load(sandbox_settings(Settings().zone))
    assert settings.problems == ()
    assert settings.targets.service_level.of(None) == 0.8
    assert settings.pages_url == "/daily_report"


@pytest.mark.parametrize("at_hand", [True, False])
def test_a_shell_calls_the_program_as_it_is_told(folder, monkeypatch, at_hand):
    scripts = Path(sys.executable).parent
    if at_hand:
        monkeypatch.setenv("PATH", str(scripts), prepend=":")
    else:
        monkeypatch.setenv("PATH", "/usr/bin:/bin")
        monkeypatch.chdir(scripts.parent)
    told = program()
    assert told == ("calls-assets" if at_hand else f"{scripts.name}/calls-assets")
    done = subprocess.run(f"{told} --version", shell=True, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("calls-assets ")
