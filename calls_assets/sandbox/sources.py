"""Where the sandbox's calls can come from, and the sources whose calls are given, not simulated."""

import json
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Protocol

from calls_assets.sandbox.calls import SimulatedCall


class Source(Protocol):
    """Anything that the sandbox can serve.

    `live` says whether calls have a live view and none starts after now, `changes` whether finished calls may differ on the
    next request.
    """

    live: ClassVar[bool]
    changes: ClassVar[bool]

    def between(self, start: int, end: int) -> list[SimulatedCall]:
        """The calls whose `started_at` lies in [start, end), in epoch seconds."""


class FixedCalls:
    """Exact records, given by a test, each with the call types that the API would count it under.

    They are served unchanged, at any time. A record whose `started_at` is missing or is not a plausible epoch second
    belongs to no window, so it comes with every one.
    """

    live: ClassVar[bool] = False
    changes: ClassVar[bool] = True

    def __init__(self, calls: Iterable[tuple[dict[str, Any], Iterable[str]]]) -> None:
        self.calls = tuple(_fixed(record, frozenset(types)) for record, types in calls)

    def between(self, start: int, end: int) -> list[SimulatedCall]:
        """The calls whose `started_at` lies in [start, end), in epoch seconds, and those without one."""
        return [call for call in self.calls if call.started_at == 0 or start <= call.started_at < end]


def _fixed(record: dict[str, Any], types: frozenset[str]) -> SimulatedCall:
    given = record.get("started_at") if isinstance(record, Mapping) else None
    plausible = isinstance(given, (int, float)) and not isinstance(given, bool) and 0 < given < 1e11
    started_at = int(given) if given is not None and plausible else 0
    return SimulatedCall(record, types, started_at, started_at)


class Replay:
    """A source of recorded calls.

    Args:
        lines: JSON lines, each `{"record": {...}, "call_types": [...]}`, as text or UTF-8; blank ones are skipped.

    Raises:
        ValueError: a line is something else; the sentence gives its number.
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
            f'Line {number} is not a call to replay: {{"record": {{...}}, "call_types": [...]}} with an integer started_at.'
        ) from None
    return SimulatedCall(record, frozenset(map(str, types)), started_at, started_at)
