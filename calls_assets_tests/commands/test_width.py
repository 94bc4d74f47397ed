"""What people read in a terminal of 80 columns: every line fits, and no word is cut or folded that is whole in a wide one."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from calls_assets.sandbox import Behaviour, Centre, Sandbox

PROGRAM = Path(sys.executable).parent / "calls-assets"
NARROW, WIDE = 80, 400
DEMO_OF_ONE_DAY = "from calls_assets.commands import cli, demo; demo.DEMO_DAYS = 1; cli.main(['demo'])"
DAY = date(2026, 3, 6)
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
BAR = "daily files"


def seen(folder, columns, *arguments, **settings):
    """What a terminal of so many columns gets from a command, without control sequences."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CALLS_", "DAGSTER_", "COLUMNS"))}
    with subprocess.Popen(
        [sys.executable, "-c", DEMO_OF_ONE_DAY] if arguments == ("demo",) else [PROGRAM, *arguments],
        cwd=folder,
        env=kept | {"TERM": "xterm", "NO_COLOR": "1"} | settings,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ):
        os.close(theirs)
        told = b"".join(iter(lambda: _read(ours), b""))
    os.close(ours)
    assert b"nanobind" not in told  # DuckDB's bindings name what is left open at the end
    return CONTROL.sub("", told.decode()).replace("\r\n", "\n")


def _read(terminal):
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # the other end is closed
        return b""


def lines(told):
    """The lines as they stand in the end: a progress bar overwrites its own."""
    return [line.rpartition("\r")[2].rstrip() for line in told.split("\n")]


def words(told):
    """The words, each as often as it stands there; of figures only that there is one, because some are of the clock."""
    plain = re.sub(r"[─━]+", "", "\n".join(line for line in lines(told) if BAR not in line))
    return Counter(re.sub(r"\d+", "0", plain).split())


def check(folder, *arguments, **settings):
    """Run a command in a narrow terminal and in a wide one; gives what the narrow one shows."""
    narrow, wide = (seen(folder, columns, *arguments, **settings) for columns in (NARROW, WIDE))
    assert [line for line in lines(narrow) if len(line) > NARROW and len(line.split()) > 1] == []
    assert words(narrow) == words(wide)
    return narrow


@pytest.fixture(scope="module")
def api():
    with Sandbox(Centre(calls_per_day=40), Behaviour(dialect=("strings", "undocumented"))) as api:
        yield api


@pytest.fixture
def pulled(made_once, run_pipeline, api):
    return made_once("day_of_forty_calls", lambda root: run_pipeline(api, root, DAY, DAY))


@pytest.mark.parametrize(
    ("arguments", "there"),
    [
        (["sql"], "wait_calibration"),
        (["sql", "service_level"], "sl_abandon_within_threshold_positive"),
        (["sql", "nope"], "callbacks_never_dialled"),
        (["sql", "SELECT x FROM calls"], "Binder Error"),
        (["evidence", "--from", str(DAY), "--to", str(DAY)], "inbound_answered_but_not_within_sla"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else "",
)
def test_what_is_said_of_tables_fits(pulled, tmp_path, arguments, there):
    assert there in check(tmp_path, *arguments, CALLS_DATA_URL=str(pulled))


@pytest.mark.slow
def test_what_the_doctor_says_fits(api, tmp_path):
    told = check(tmp_path, "doctor", CALLS_API_URL=api.url, CALLS_API_TOKEN=api.token)
    assert "answered_agents[].is_any_transfer" in told


@pytest.mark.slow
@pytest.mark.parametrize("command", [["demo"], ["run", "--from", str(DAY)]], ids=lambda words: words[0])
def test_what_a_run_prints_fits(api, tmp_path, command):
    told = check(tmp_path, *command, CALLS_API_URL=api.url, CALLS_API_TOKEN=api.token)
    assert "daily files" in told
    assert "Query it with:" in told or "see this run in the UI with:" in told


def test_a_wrong_setting_is_its_sentence_alone(tmp_path):
    told = seen(tmp_path, NARROW, "run", "--from", str(DAY))
    assert told.startswith("calls-assets: CALLS_API_URL is not set: ")
    assert f"; no .env was found in {tmp_path} or above it." in " ".join(told.split())
    assert list(tmp_path.iterdir()) == []


def test_of_a_run_that_cannot_begin_no_bar_is_left(api, tmp_path):
    settings = {"CALLS_API_URL": api.url, "CALLS_API_TOKEN": "wrong"}
    piped = subprocess.run(
        [PROGRAM, "run", "--from", str(DAY)],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)} | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert piped.stdout.strip() == ""
    assert piped.stderr.startswith("calls-assets: ")
    assert len(piped.stderr.splitlines()) == 1
