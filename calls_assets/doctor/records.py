"""What records show: their order, the values of `type`, how they differ from the document, the quiet hours."""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from calls_assets.api.decode import Page
from calls_assets.api.rules import Deviation
from calls_assets.api.windows import EASTMOST, WESTMOST
from calls_assets.arrow import Ints, ints
from calls_assets.days import ONE_DAY, day_start

PLAIN_WORD = re.compile(r"[A-Za-z][A-Za-z_ -]{0,39}")
"""Values of `type` that are shown; anything else could be personal data."""

NEWEST_FIRST, OLDEST_FIRST = BY_TIME = ("newest first", "oldest first")
UNORDERED = "in no order by id or started_at"

FEWEST = 100
"""With fewer calls than this, no hours count as quiet."""


def began_before(started_at: Ints, day: date) -> bool:
    """Whether a call began before a date, in every zone on Earth."""
    return bool(np.any(started_at < _in_utc(day, -EASTMOST)))


def began_after(started_at: Ints, day: date) -> bool:
    """Whether a call began after a date, in every zone on Earth."""
    return bool(np.any(started_at >= _in_utc(day + ONE_DAY, WESTMOST)))


def order(pages: Sequence[pa.Table]) -> str | None:
    """How the rows of consecutive pages are ordered, in words; None where there are too few."""
    rows = pa.concat_tables(pages)
    for column, rising, falling in (
        ("started_at", OLDEST_FIRST, NEWEST_FIRST),
        ("id", "by id, rising", "by id, falling"),
    ):
        steps = np.diff(ints(rows[column]))
        if not np.any(steps):
            return None
        if np.all(steps >= 0):
            return rising
        if np.all(steps <= 0):
            return falling
    return UNORDERED


def types(calls: pa.Table) -> dict[str, int]:
    """Each value of `type` with its number of calls, the most frequent first; only plain words are shown."""
    counts: Counter[str] = Counter()
    for pair in pc.value_counts(calls["type"]).to_pylist():
        value, count = pair["values"], pair["counts"]
        shown = "(none)" if value is None else value if PLAIN_WORD.fullmatch(value) else "(no plain word)"
        counts[shown] += count
    return dict(counts.most_common())


def deviations(pages: Sequence[Page]) -> dict[Deviation, int]:
    """How the pages' records differ from the document, each deviation with its number of records."""
    counts: Counter[Deviation] = Counter()
    for page in pages:
        for shape, records in zip(page.shapes, np.bincount(page.shape_of, minlength=len(page.shapes)), strict=True):
            counts.update(dict.fromkeys(shape, int(records)))
    return {deviation: count for deviation, count in sorted(counts.items()) if count}


def quietest_hour(started_at: Ints) -> float | None:
    """The hour of the day, in UTC, in the middle of the quietest twelve; None where no hours are quiet.

    `started_at` is when calls began, in epoch seconds.
    """
    by_hour = np.bincount(started_at % 86_400 // 3600, minlength=24)
    twelve = np.array([np.roll(by_hour, -first)[:12].sum() for first in range(24)])
    if len(started_at) < FEWEST or twelve.min() * 5 > len(started_at):
        return None
    quietest = np.flatnonzero(twelve == twelve.min())
    middle = np.exp(2j * np.pi * (quietest + 6) / 24).sum()
    return float(np.angle(middle) / (2 * np.pi) * 24 % 24) if abs(middle) > 1e-9 else None


def _in_utc(day: date, further: timedelta) -> int:
    return day_start(day, ZoneInfo("UTC")) + int(further.total_seconds())
