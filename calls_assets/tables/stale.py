"""Which days were computed from inputs other than those that are there now."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

Placed = Mapping[str, Mapping[date, float]]
"""For each table or page, the time of each day's file in epoch seconds."""


def stale_days(placed: Placed, made_from: Mapping[str, Sequence[str]]) -> dict[date, float]:
    """The days whose computed files are older than their inputs, or are all missing although their inputs are there.

    A day that lacks only some of the computed files does not count: these may be new in the project, or not wanted.

    Args:
        placed: All files of the tree.
        made_from: The inputs of each table or page that is computed.

    Returns:
        Each such day with the time of its newest pulled file, in epoch seconds.
    """
    pulled = {name for inputs in made_from.values() for name in inputs} - {*made_from}
    complete = set.intersection(*({*placed[name]} for name in pulled))
    return {
        day: max(placed[name][day] for name in pulled) for day in sorted(complete) if _is_stale(day, placed, made_from)
    }


def ranges(days: Sequence[date]) -> Iterator[tuple[date, date]]:
    """Group sorted days into ranges, each as its first and its last day."""
    first = None
    for place, day in enumerate(days):
        first = first or day
        if place + 1 == len(days) or (days[place + 1] - day).days > 1:
            yield first, day
            first = None


def _is_stale(day: date, placed: Placed, made_from: Mapping[str, Sequence[str]]) -> bool:
    computed = [name for name in made_from if day in placed[name]]
    older = (
        placed[name][day] < placed[needed][day]
        for name in computed
        for needed in made_from[name]
        if day in placed[needed]
    )
    return not computed or any(older)
