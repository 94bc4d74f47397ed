"""Calls for load tests: one simulated day over and over, as JSON made once in which only ids and times are replaced."""

import json
import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from calls_assets.sandbox.behaviour import DAY_S, Refusal
from calls_assets.sandbox.calls import SimulatedCall, encode
from calls_assets.sandbox.centre import Centre
from calls_assets.sandbox.dialects import in_dialects, known
from calls_assets.sandbox.kinds import KindName
from calls_assets.sandbox.meaning import Meaning
from calls_assets.sandbox.query import Question

_MOST = 10_000
_MODEL_DAY = date(2025, 3, 4)
_FIRST_ID = 10**11
_IDS = re.compile(rb'"(?:id|original_call_id)":"?(1[0-9]{11})\b')
_TIMES = re.compile(rb'"started_at":"?([0-9]{10})\b')

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Numbers:
    """Decimal numbers of one width in a text: where each begins, and its value in the first copy."""

    places: Ints
    values: Ints

    @classmethod
    def of(cls, pattern: re.Pattern[bytes], text: bytes) -> "_Numbers":
        found = [(match.start(1), int(match[1])) for match in pattern.finditer(text)]
        places, values = np.array(found, np.int64).reshape(-1, 2).T
        return cls(places, values)

    def write(self, text: npt.NDArray[np.uint8], begin: int, end: int, more: int, width: int) -> None:
        """Write the numbers between the places `begin` and `end`, each increased by `more`, into that part of the text."""
        first, last = np.searchsorted(self.places, [begin, end])
        values, places = self.values[first:last] + more, self.places[first:last] - begin
        for digit in range(width):
            text[places + digit] = values // 10 ** (width - 1 - digit) % 10 + ord("0")


@dataclass(frozen=True)
class _Template:
    """The records of one copy in a row, each followed by a comma: their places in the copy and in the text."""

    records: Ints
    ends: Ints
    text: bytes
    ids: _Numbers
    times: _Numbers

    @classmethod
    def of(cls, records: list[tuple[int, bytes]]) -> "_Template":
        text = b"".join(record + b"," for _, record in records)
        ends = np.cumsum([0] + [len(record) + 1 for _, record in records])
        places = np.array([place for place, _ in records], np.int64)
        return cls(places, ends, text, _Numbers.of(_IDS, text), _Numbers.of(_TIMES, text))

    def rows(self, first: int, last: int, more_ids: int, more_s: int) -> bytes:
        begin, end = int(self.ends[first]), int(self.ends[last])
        text = np.frombuffer(self.text, np.uint8)[begin:end].copy()
        self.ids.write(text, begin, end, more_ids, 12)
        self.times.write(text, begin, end, more_s, 10)
        return text.tobytes()


@dataclass(frozen=True)
class RepeatedList:
    """The calls that a question asks for: those of a template from place `first` up to but without place `last`."""

    template: _Template
    first: int
    last: int
    per_copy: int
    period_s: int

    def __len__(self) -> int:
        return self.last - self.first

    def rows(self, begin: int, end: int) -> bytes:
        """The records of the list from place `begin` (from 0) up to but without `end`, as JSON with commas between them."""
        parts, many = [], len(self.template.records)
        first, last = self.first + begin, min(self.first + end, self.last)
        while first < last:
            copy, place = divmod(first, many)
            upto = min(many, place + last - first)
            forwards = -1 - copy
            parts.append(self.template.rows(place, upto, forwards * self.per_copy, forwards * self.period_s))
            first += upto - place
        return b"".join(parts)[:-1]


class RepeatedCalls:
    """Evenly spread calls on every day (UTC) since 1970, newest first; pages cost next to nothing.

    Args:
        calls_per_day: how many calls a day has.
        seed: another seed is another centre.
        kind: which kind of call centre it is.
        meaning: what its records say where the document leaves it open.
        dialect: the `dialects` in which the records are written.

    Raises:
        ValueError: the number of calls does not divide a day into equal parts, or a dialect writes ids and times in a way
            that cannot be replaced.
    """

    live: ClassVar[bool] = False

    def __init__(
        self,
        calls_per_day: int = _MOST,
        seed: int = 7,
        kind: KindName = "office",
        meaning: Meaning | None = None,
        dialect: tuple[str, ...] = (),
    ) -> None:
        self.calls_per_day = calls_per_day
        self._dialect = known(dialect)
        self._size = min(calls_per_day, _MOST)
        self._period_s, rest = divmod(self._size * DAY_S, calls_per_day)
        if rest:
            raise ValueError(
                f"{calls_per_day} calls a day do not divide it into equal parts: give up to {_MOST}, or a round number "
                "such as 100000 or 1000000."
            )
        model = Centre(seed, calls_per_day=max(100, 2 * self._size), kind=kind, meaning=meaning).day(_MODEL_DAY)
        chosen = [model[place * len(model) // self._size] for place in range(self._size)]
        self._calls = [(self._record(call, place), call.call_types) for place, call in enumerate(chosen)]
        self._template = lru_cache(maxsize=None)(self._make)

    def asked_for(self, question: Question) -> RepeatedList:
        """The calls that a question asks for.

        Raises:
            Refusal: there is a filter other than callType, or a date is missing.
        """
        if question.members or question.start is None or question.end is None:
            raise Refusal("Repeated calls can only be asked for by dateFrom, dateTo and callType.")
        # Calls are numbered backwards, so that the newest come first: call n is number -1 - n.
        template = self._template(question.call_type)
        first, last = (self._found(template, -self._number(moment)) for moment in (question.end, question.start))
        return RepeatedList(template, first, max(first, last), self._size, self._period_s)

    def _number(self, moment: int) -> int:
        """How many calls start before an epoch second."""
        return -(-moment * self.calls_per_day // DAY_S)

    def _found(self, template: _Template, number: int) -> int:
        """How many calls of a template have a lower number."""
        copy, place = divmod(number, self._size)
        return copy * len(template.records) + int(np.searchsorted(template.records, place))

    def _make(self, call_type: str | None) -> _Template:
        backwards = enumerate(reversed(self._calls))
        return _Template.of([(place, row) for place, (row, types) in backwards if call_type in {None, *types}])

    def _record(self, call: SimulatedCall, place: int) -> bytes:
        """A call as the one at `place` of the first copy, which begins with 1970."""
        start = place * self._period_s // self._size
        record: dict[str, Any] = json.loads(encode(call.record))
        for leg in (*record["all_agents"], *record["answered_agents"]):
            leg["started_at"] += start - call.started_at
        record |= {"id": _FIRST_ID + place, "started_at": start, "original_call_id": None}
        written = in_dialects(record, self._dialect)
        if (str(written["id"]), str(written["started_at"])) != (str(_FIRST_ID + place), str(start)):
            raise ValueError(
                f"Repeated calls cannot be written in {'+'.join(self._dialect)}: their ids and times are replaced."
            )
        return re.sub(rb'("started_at":"?)([0-9]+)', lambda match: match[1] + match[2].zfill(10), encode(written))
