"""What is under way that hears of no signal, such as a query in C++, and how it is told that one came."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

_tellings: list[Callable[[], object]] = []


@contextmanager
def told_by(tell: Callable[[], object]) -> Iterator[None]:
    """A block that `tell` ends, from another thread, once a signal has come."""
    _tellings.append(tell)
    try:
        yield
    finally:
        _tellings.remove(tell)


def tell() -> None:
    """Tell what is under way that a signal came."""
    for each in _tellings:
        each()
