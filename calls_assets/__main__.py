"""The `calls-assets` command as a process that a signal may end at any moment, with one sentence and that signal's status.

A first SIGINT or SIGTERM unwinds the work in progress, as a Ctrl-C does in Python. A second one, or too long a wait, ends the
process at once, which does no more harm than the power cut that a run has to survive anyway.
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
    "calls-assets: Stopped: files that were in place stay, including days that landed; the command can be run again.\n"
)

UNWINDS_IN_S = 10
"""How long the work in progress may take to unwind: a query in C++ notices a signal only at its end."""


class Stops:
    """The signals received, by number. Python writes them to a pipe at once, whichever handler takes them afterwards."""

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
        """All that were received so far."""
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
        """End the process at once: an orderly exit would wait for threads that are still querying the API."""
        with suppress(Exception):
            sys.stdout.flush()
        with suppress(OSError):
            os.write(2, STOPPED.encode())
        os._exit(128 + self.came[0])


class Errors(io.TextIOWrapper):
    """Standard error until a signal is received: what libraries write afterwards only concerns the interruption."""

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
    _hear(lambda *_: stops.end())  # there is nothing to unwind while modules load
    sys.unraisablehook = lambda lost: _end_unwound(stops) if stops.came else sys.__unraisablehook__(lost)
    from calls_assets.commands.cli import main as command

    _hear(signal.default_int_handler)
    try:
        command()
    except BaseException as error:  # a library may turn an interruption into any error
        if not stops.came or (isinstance(error, SystemExit) and not error.code):
            raise
        _end_unwound(stops)


def _end_unwound(stops: Stops) -> NoReturn:
    """Run the exit handlers, which remove what a query has spilt to disk, and end the process."""
    with suppress(BaseException):
        atexit._run_exitfuncs()
    stops.end()


def _open_what_is_closed() -> None:
    """Open standard streams that are closed: a file of ours would get their numbers, and their output."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            number = os.open(os.devnull, os.O_RDWR)  # the lowest free number, which is the stream's own
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8"))


def _hear(handler: "signal._HANDLER") -> None:
    """Install a handler for the signals, also for SIGINT where it is ignored, as in what a script starts in the background.

    Child processes would ignore it as well, and Dagster treats SIGTERM as SIGINT: nothing would stop them.
    """
    for number in SIGNALS:
        signal.signal(number, handler)


if __name__ == "__main__":
    main()
