"""Which days were computed from something else than what is there now."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

Placed = Mapping[str, Mapping[date, float]]
"""For each table, or page, when each of its days' files was put in place, in epoch seconds."""


def stale_days(placed: Placed, made_from: Mapping[str, Sequence[str]]) -> dict[date, float]:
    """The days whose files can be computed and are older than what they are made from, or were not computed at all.

    A day that lacks only some of the computed files is left alone: they may be new to the project, or not wanted.

    Args:
        placed: All files of the tree.
        made_from: For each table or page that is computed, what from.

    Returns:
        Each such day with when the newest file that it is made from was put in place.
    """
    pulled = {name for inputs in made_from.values() for name in inputs} - {*made_from}
    complete = set.intersection(*({*placed[name]} for name in pulled))
    return {
        day: max(placed[name][day] for name in pulled) for day in sorted(complete) if _is_stale(day, placed, made_from)
    }


def ranges(days: Sequence[date]) -> Iterator[tuple[date, date]]:
    """Days in order as ranges, each with its first and its last day."""
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
