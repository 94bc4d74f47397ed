"""Calls from a file: JSON lines, each `{"record": {...}, "call_types": [...]}`, served as they are."""

import json
from bisect import bisect_left
from collections.abc import Iterable
from typing import Any, ClassVar

from calls_assets.sandbox.calls import SimulatedCall


class Replay:
    """A source of recorded calls.

    Args:
        lines: The lines, as text or as UTF-8; blank ones are passed over.

    Raises:
        ValueError: a line is not such; names it by its number.
    """

    live: ClassVar[bool] = False
    changes: ClassVar[bool] = False

    def __init__(self, lines: Iterable[str | bytes]) -> None:
        calls = [_call(number, line) for number, line in enumerate(lines, 1) if line.strip()]
        self._calls = sorted(calls, key=lambda call: call.started_at)
        self._starts = [call.started_at for call in self._calls]

    def __len__(self) -> int:
        return len(self._calls)

    @property
    def span(self) -> tuple[int, int] | None:
        """When the first and the last call start, in epoch seconds; None where there is no call."""
        return (self._starts[0], self._starts[-1]) if self._starts else None

    def between(self, start: int, end: int) -> list[SimulatedCall]:
        """The calls whose `started_at` lies in [start, end), in epoch seconds, in order."""
        return self._calls[bisect_left(self._starts, start) : bisect_left(self._starts, end)]


def _call(number: int, line: str | bytes) -> SimulatedCall:
    try:
        given: Any = json.loads(line)
        record, types = given["record"], given["call_types"]
        started_at = record["started_at"]
        if type(started_at) is not int or not isinstance(types, list):
            raise ValueError
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ValueError(
            f'Line {number} is no call to replay: {{"record": {{...}}, "call_types": [...]}} with a whole number started_at.'
        ) from None
    return SimulatedCall(record, frozenset(map(str, types)), started_at, started_at)
