"""An account: answers queries about the calls of a source, with its own behaviour."""

import time
import zlib
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from threading import Lock

from calls_assets.sandbox.behaviour import DAY_S, Behaviour, Refusal
from calls_assets.sandbox.calls import SimulatedCall, as_of, encode
from calls_assets.sandbox.dialects import in_dialects
from calls_assets.sandbox.faults import Strike, listing
from calls_assets.sandbox.query import Question, read
from calls_assets.sandbox.repeated import RepeatedCalls
from calls_assets.sandbox.sources import Source

PREFIX = "/api/v1"
PATH = f"{PREFIX}/calls/"

MOST_DAYS = 1000
"""A longer range is not simulated: it would take long, and endless memory."""

_MOST_LISTS, _MOST_LISTED = 64, 1_000_000
"""The most lists that are kept, and the most calls in all of them."""

_MOST_ROWS = 100_000
"""The most rows in a dialect that are kept."""

_EMPTY = {
    "404": b"",
    "204": b"",
    "{}": b"{}",
    "null": b'{"calls":null,"meta":{"total":0}}',
    "no_meta": b'{"calls":[]}',
    "[]": b"[]",
}
"""The bodies of empty lists by `Behaviour.empty_as`."""


class Account:
    """Answers queries; shared by threads.

    Args:
        source: Where the calls come from.
        behaviour: How it differs from the document.
        now: The clock, in epoch seconds.
        tick: The clock of the rate limit, in seconds.
    """

    def __init__(
        self,
        source: Source | RepeatedCalls,
        behaviour: Behaviour,
        now: Callable[[], int],
        tick: Callable[[], float],
    ) -> None:
        self.source, self.behaviour = source, behaviour
        self._now, self._tick = now, tick
        self._lock = Lock()
        self._answered_s: deque[float] = deque()
        self._lists: OrderedDict[tuple[object, ...], list[SimulatedCall]] = OrderedDict()
        self._rows: dict[int, tuple[SimulatedCall, bytes]] = {}

    def too_early_s(self) -> float:
        """How many seconds too early another request would be for the rate limit; 0: it is answered, and counts."""
        most, now_s = self.behaviour.per_period, self._tick()
        if most is None:
            return 0.0
        with self._lock:
            while self._answered_s and self._answered_s[0] <= now_s - self.behaviour.period_s:
                self._answered_s.popleft()
            if len(self._answered_s) >= most:
                return self._answered_s[0] + self.behaviour.period_s - now_s
            self._answered_s.append(now_s)
            return 0.0

    def answer(self, given: dict[str, str], strikes: Iterable[Strike]) -> bytes:
        """The JSON body for some query parameters, with the faults of the list that strike.

        Raises:
            Refusal: the account does not answer this.
        """
        time.sleep(self.behaviour.latency_s)
        behaviour, now = self.behaviour, self._now()
        question = read(given, behaviour)
        behaviour.check_kept(question.start, question.call_type, now)
        size = max(1, min(question.limit, behaviour.page_cap))
        rows, on_page, listed = self._page(question, size, now, strikes)
        total = None if listed is None else behaviour.total(listed, on_page)
        if not on_page and not total and behaviour.empty_as != "page":
            return _EMPTY[behaviour.empty_as]
        if behaviour.total_as == "no_meta":
            return b'{"calls":[' + rows + b"]}"
        has_next = question.page * size < (total or 0) if behaviour.names_next == "documented" else None
        meta = {
            "page": question.page - 1 + behaviour.first_page,
            "limit": size,
            "total": behaviour.total_in_json(total),
            # As in the document: a path that carries the page alone.
            "next": f"{PATH}?page={question.page + 1}" if has_next or behaviour.names_next == "always" else None,
            "previous": f"{PATH}?page={question.page - 1}" if question.page > 1 else None,
        }
        if behaviour.names_next == "absent":
            del meta["next"]
        if behaviour.total_as == "absent":
            del meta["total"]
        return b'{"calls":[' + rows + b'],"meta":' + encode(meta) + b"}"

    def _page(
        self, question: Question, size: int, now: int, strikes: Iterable[Strike]
    ) -> tuple[bytes, int, int | None]:
        """The rows of a page as JSON, their number, and how many calls the list has, unless a fault hides that."""
        behaviour, first = self.behaviour, (question.page - 1) * size
        if isinstance(self.source, RepeatedCalls):
            asked = self.source.asked_for(question)
            behaviour.check_page(first, size, len(asked))
            reach = len(asked) if behaviour.deepest is None else min(len(asked), behaviour.deepest)
            end = max(first, min(first + size, reach))
            return asked.rows(first, end), end - first, len(asked)
        found = listing(self._matching(self.source, question, now), question.page, size, strikes)
        behaviour.check_page(found.first, size, len(found.calls))
        found.cut_off(behaviour.deepest)
        rows = behaviour.fitting([self._row(call, now) for call in found.rows])
        return b",".join(rows), len(rows), found.total

    def _row(self, call: SimulatedCall, now: int) -> bytes:
        """A call as JSON, in the account's dialect."""
        record = as_of(call, now)
        if not self.behaviour.dialect:
            return call.encoded if record is call.record else encode(record)
        if record is not call.record:
            return encode(in_dialects(record, self.behaviour.dialect))
        _, row = self._rows.get(id(call), (None, b""))
        if not row:
            row = encode(in_dialects(record, self.behaviour.dialect))
            if len(self._rows) >= _MOST_ROWS:
                self._rows.clear()
            self._rows[id(call)] = call, row  # the call is kept too, or its id could be reused
        return row

    def _matching(self, source: Source, question: Question, now: int) -> list[SimulatedCall]:
        """The whole list that a question asks for, in order; kept where it will be the same the next time."""
        start, end = question.window(now, source.live)
        if source.live and end - max(start, 0) > MOST_DAYS * DAY_S:
            raise Refusal(f"At most {MOST_DAYS} days can be asked for.", 422)
        key = (start, end, question.call_type, question.members)
        with self._lock:
            if key in self._lists:
                self._lists.move_to_end(key)
                return self._lists[key]
        calls = [call for call in source.between(start, end) if question.asks_for(call, now)]
        if question.call_type is None:
            calls = [call for call in calls if self.behaviour.lists(call.record)]
        calls = _with_doubles(_ordered(calls, self.behaviour.order), self.behaviour.every_twice)
        is_over = not source.live or (end <= now and all(call.ended_at <= now for call in calls))
        if is_over and not source.changes:
            with self._lock:
                self._lists[key] = calls
                while len(self._lists) > _MOST_LISTS or sum(map(len, self._lists.values())) > _MOST_LISTED:
                    self._lists.popitem(last=False)
        return calls


def _ordered(calls: list[SimulatedCall], order: str) -> list[SimulatedCall]:
    if order == "shuffled":
        return sorted(calls, key=_scattered)
    oldest_first = sorted(calls, key=lambda call: call.started_at)
    return oldest_first if order == "oldest_first" else oldest_first[::-1]


def _scattered(call: SimulatedCall) -> int:
    return zlib.crc32(repr(call.record.get("id") if isinstance(call.record, dict) else None).encode())


def _with_doubles(calls: list[SimulatedCall], every: int | None) -> list[SimulatedCall]:
    """The calls with every n-th once more, a few places further on."""
    if every is None:
        return calls
    groups = [calls[first : first + every] for first in range(0, len(calls), every)]
    return [call for group in groups for call in (*group, group[0])]
