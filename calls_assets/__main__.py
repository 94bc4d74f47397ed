"""The `calls-assets` command as a process, which a signal may end at any moment: in one sentence, with that signal's status.

A first SIGINT or SIGTERM unwinds what is under way, as a Ctrl-C does in Python. A second one, or too long a wait for that,
ends the process where it is, which costs no more than the power cut that a run has to outlive anyway.
"""

import atexit
import io
import os
import select
import signal
import sys
import threading
from contextlib import suppress
from typing import NoReturn

from calls_assets import interrupts

SIGNALS = (signal.SIGINT, signal.SIGTERM)

STOPPED = (
    "calls-assets: Stopped: what was in place before stays, days that landed too; the command can be given again.\n"
)

UNWINDS_IN_S = 10
"""How long what is under way may take to unwind: a query in C++ hears of no signal before it is over."""


class Stops:
    """The signals that came, by number. Python writes them to a pipe at once, whoever's handler takes them afterwards."""

    def __init__(self) -> None:
        self._reader, writer = os.pipe()
        for end in (self._reader, writer):
            os.set_blocking(end, False)
        self._came: list[int] = []
        self._lock = threading.Lock()
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        threading.Thread(target=self._watch, name="stops", daemon=True).start()

    @property
    def came(self) -> list[int]:
        """All that came so far."""
        with self._lock, suppress(BlockingIOError):
            self._came += [number for number in os.read(self._reader, 1000) if number in SIGNALS]
        return self._came

    def _watch(self) -> None:
        patience_s: float | None = None
        while select.select([self._reader], [], [], patience_s)[0] and len(self.came) < 2:
            if self.came:
                patience_s = UNWINDS_IN_S
                interrupts.interrupt()
        self.end()

    def end(self) -> NoReturn:
        """End the process where it is: at an end in order, threads would be waited for that still ask the API."""
        with suppress(Exception):
            sys.stdout.flush()
        with suppress(OSError):
            os.write(2, STOPPED.encode())
        os._exit(128 + self.came[0])


class Errors(io.TextIOWrapper):
    """Standard error until a signal comes: what libraries write there afterwards is of the interruption."""

    def __init__(self, stops: Stops) -> None:
        super().__init__(sys.stderr.buffer, sys.stderr.encoding, "backslashreplace", write_through=True)
        self._stops = stops

    def write(self, text: str) -> int:
        """Write a text, or drop it."""
        return len(text) if self._stops.came else super().write(text)


def main() -> None:
    """Run the command that the arguments name."""
    _open_what_is_closed()
    stops = Stops()
    sys.stderr = Errors(stops)
    _hear(lambda *_: stops.end())  # while we are loaded there is nothing to unwind
    sys.unraisablehook = lambda lost: _end_unwound(stops) if stops.came else sys.__unraisablehook__(lost)
    from calls_assets.commands.cli import main as command

    _hear(signal.default_int_handler)
    try:
        command()
    except BaseException as error:  # a library may make anything of an interruption
        if not stops.came or (isinstance(error, SystemExit) and not error.code):
            raise
        _end_unwound(stops)


def _end_unwound(stops: Stops) -> NoReturn:
    """End the process once what is left to do at its end is done, such as to remove what a query has spilt."""
    with suppress(BaseException):
        atexit._run_exitfuncs()
    stops.end()


def _open_what_is_closed() -> None:
    """Have the standard streams be there where we were started without: a file of ours would get their numbers, and words."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            number = os.open(os.devnull, os.O_RDWR)  # the lowest that is free, which is the stream's own
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8"))


def _hear(handler: "signal._HANDLER") -> None:
    """Have a handler take the signals, SIGINT too where it is ignored, as it is in what a script starts in the background.

    Whatever we start would ignore it as well, and Dagster does with SIGTERM what it does with SIGINT: nothing would stop it.
    """
    for number in SIGNALS:
        signal.signal(number, handler)


if __name__ == "__main__":
    main()
