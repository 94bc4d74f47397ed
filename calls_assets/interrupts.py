"""Work that hears of no signal, such as a query in C++, and how it is told that one came."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

_interrupts: list[Callable[[], object]] = []


@contextmanager
def interrupted_by(stop: Callable[[], object]) -> Iterator[None]:
    """A block that `stop` ends, called from another thread once a signal has come."""
    _interrupts.append(stop)
    try:
        yield
    finally:
        _interrupts.remove(stop)


def interrupt() -> None:
    """End all blocks that are under way."""
    for stop in _interrupts:
        stop()
