"""The `calls-assets` command ends at a signal in one sentence and with its status, whatever it is doing."""

import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from calls_assets.__main__ import STOPPED
from calls_assets.sandbox import Behaviour, Centre, Sandbox
from calls_assets_tests.commands.test_cli import COMMANDS, environment
from calls_assets_tests.live import READY_S, until

SIGNALS = [signal.SIGINT, signal.SIGTERM]

AT_WORK = """
import hashlib, sys, threading, time, types
from calls_assets import __main__ as process

def wait():
    print("at work", flush=True)
    time.sleep(60)

class Lost:
    def __del__(self):
        wait()  # whose interruption Python gives to nobody

def translated():
    try:
        wait()
    except KeyboardInterrupt:
        raise RuntimeError("Query interrupted")

def deaf():
    print("at work", flush=True)
    hashlib.pbkdf2_hmac("sha256", b"", b"", 2_000_000_000)  # in C, where no signal is heard of

def work():
    {work}

process.UNWINDS_IN_S = {patience_s}
sys.modules["calls_assets.commands.cli"] = types.SimpleNamespace(main=work)
process.main()
"""


def stopped(work: str, stops: Sequence[signal.Signals], patience_s: float = 60) -> tuple[int, str, str]:
    """How a command ends that gets these signals while it is at work, and what it has said."""
    program = AT_WORK.format(work=work, patience_s=patience_s)
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout.readline() == "at work\n"
            for stop in stops:
                process.send_signal(stop)
                until(
                    lambda: process.poll() is not None or not pending(process.pid),
                    READY_S,
                    lambda: "It does not take it.",
                )
            told, errors = process.communicate(timeout=30)
        finally:
            process.kill()
    return process.returncode, told, errors


def status(pid: int) -> dict[str, str]:
    """What the system tells of a process."""
    return dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())


def pending(pid: int) -> bool:
    """Whether a signal waits to be taken; a second one of its kind would be lost meanwhile."""
    return any(int(status(pid)[name], 16) for name in ("SigPnd", "ShdPnd"))


@pytest.mark.parametrize("stop", SIGNALS)
def test_what_is_under_way_is_unwound_and_the_status_is_the_signals(stop):
    work = "try: wait()\n    finally: print('unwound')"
    assert stopped(work, [stop]) == (128 + stop, "unwound\n", STOPPED)


@pytest.mark.parametrize(
    "work",
    [
        "translated()",
        "Lost()",
        "try: wait()\n    except KeyboardInterrupt: __import__('logging').exception('No more'); raise",
        "threading.Thread(target=time.sleep, args=(60,)).start(); wait()",
        "signal = __import__('signal'); signal.signal(signal.SIGINT, lambda *_: sys.exit('its own')); wait()",
    ],
    ids=["made another error of", "lost", "logged", "in other threads", "taken by another"],
)
def test_an_interruption_is_one_sentence_whatever_is_made_of_it(work):
    assert stopped(work, [signal.SIGINT]) == (130, "", STOPPED)


def test_what_hears_of_no_signal_is_ended_after_a_while_or_at_the_second():
    assert stopped("deaf()", [signal.SIGTERM], patience_s=0.2) == (143, "", STOPPED)
    assert stopped("deaf()", [signal.SIGINT, signal.SIGTERM]) == (130, "", STOPPED)
    assert stopped("deaf()", [signal.SIGINT, signal.SIGINT]) == (130, "", STOPPED)


def test_what_is_done_in_spite_of_a_signal_is_done():
    work = "try: wait()\n    except KeyboardInterrupt: print('done')"
    assert stopped(work, [signal.SIGINT]) == (0, "done\n", "")


def test_an_error_without_a_signal_is_the_commands_own():
    work = "print('at work'); print('a warning', file=sys.stderr); sys.exit('calls-assets: no such day')"
    assert stopped(work, []) == (1, "", "a warning\ncalls-assets: no such day\n")


def test_a_command_without_standard_streams_does_its_work(tmp_path):
    program = "print(1); print(2, file=sys.stderr); Path('taken').write_text(str(os.open(os.devnull, os.O_RDONLY) > 2))"
    code = (
        "import os, sys, types; from pathlib import Path; from calls_assets import __main__ as process\n"
        f"def work(): {program}\n"
        "sys.modules['calls_assets.commands.cli'] = types.SimpleNamespace(main=work); process.main()"
    )
    without = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", sys.executable, "-c", code]
    subprocess.run(without, check=True, cwd=tmp_path, timeout=READY_S)
    assert (tmp_path / "taken").read_text() == "True"


def catches(pid: int, stop: signal.Signals) -> bool:
    """Whether a process has its own way of taking a signal."""
    return bool(int(status(pid)["SigCgt"], 16) >> (stop - 1) & 1)


RUN = "run --from 2026-03-02 --to 2026-03-22"


@pytest.mark.parametrize(
    ("words", "when", "stop"),
    [
        (RUN, "while it loads", signal.SIGINT),
        (RUN, "while it waits for an answer", signal.SIGTERM),
        ("doctor", "while it waits for an answer", signal.SIGINT),
    ],
)
def test_a_real_command_is_stopped_in_one_sentence(tmp_path, words, when, stop):
    with Sandbox(Centre(calls_per_day=40), Behaviour(latency_s=0.2)) as slow:
        account = {"CALLS_API_URL": slow.url, "CALLS_API_TOKEN": slow.token}
        with subprocess.Popen(
            [COMMANDS / "calls-assets", *words.split()],
            cwd=tmp_path,
            env=environment(**account),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                ready = slow.requests.__len__ if "answer" in when else lambda: catches(process.pid, signal.SIGTERM)
                until(ready, READY_S, lambda: "It has not come so far.")
                process.send_signal(stop)
                assert process.communicate(timeout=READY_S)[1] == STOPPED
            finally:
                process.kill()
    assert process.returncode == 128 + stop
    assert [path.name for path in tmp_path.rglob("*.tmp")] == []
