"""Where the sandbox's calls come from: a simulated call centre, or exact records that a test hands in."""

import threading
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, ClassVar, Protocol
from zoneinfo import ZoneInfo

from calls_assets.sandbox import cast
from calls_assets.sandbox.calls import SimulatedCall, as_of, finished, types_as_of
from calls_assets.sandbox.cast import Agent, RingGroup
from calls_assets.sandbox.dice import Dice
from calls_assets.sandbox.simulation import DayPlan, Shift, simulate

__all__ = ["Centre", "FixedCalls", "SimulatedCall", "Source", "as_of", "types_as_of"]

_SLOT_S = 900
_INBOUND_SHARE = 0.8
_HANDLING_S = 290
_HOURS = (0.6, 1.0, 1.25, 1.2, 0.95, 0.95, 1.1, 1.15, 1.0, 0.8, 0.5, 0.35)
_OPENS, _CLOSES = 8, 20
_NIGHT, _EVENING = 0.01, 0.06
_WEEKDAYS = (1.2, 1.06, 1.0, 0.97, 0.95, 0.8, 1.0)
"""How busy an hour is, Monday to Sunday, against the same hour of a normal weekday."""


class Source(Protocol):
    """Anything that the sandbox can serve; `live` tells whether nothing starts after now and calls have a live view."""

    live: ClassVar[bool]

    def between(self, start: int, end: int) -> list[SimulatedCall]:
        """The calls whose `started_at` lies in [start, end), in epoch seconds."""


class Centre:
    """A simulated call centre: any day can be asked for, and the same call always comes back the same.

    Args:
        seed: another seed is another centre of the same kind.
        zone: IANA zone in which the centre keeps its hours; its calls are numbered by the days of this zone.
        calls_per_day: calls of a normal weekday, inbound and outbound, about; the staff grows with it.
        days_kept: how many simulated days stay in memory.
    """

    live: ClassVar[bool] = True

    def __init__(self, seed: int = 7, zone: str = "UTC", calls_per_day: int = 400, days_kept: int = 120) -> None:
        self.seed = seed
        self.zone = ZoneInfo(zone)
        self.calls_per_day = calls_per_day
        self._lock = threading.Lock()
        self._days = lru_cache(maxsize=days_kept)(self._simulate)

    def day(self, local_date: date) -> tuple[SimulatedCall, ...]:
        """The calls that start on a day of the centre's zone, over, in order of start and id."""
        with self._lock:
            return self._days(local_date)

    def between(self, start: int, end: int) -> list[SimulatedCall]:
        """The calls whose `started_at` lies in [start, end), in epoch seconds from 1970 on, in order of start and id."""
        start = max(start, 0)
        if start >= end:
            return []
        day, last = (datetime.fromtimestamp(moment, self.zone).date() for moment in (start, end - 1))
        calls: list[SimulatedCall] = []
        while day <= last:
            calls += self.day(day)
            day += timedelta(days=1)
        return [call for call in calls if start <= call.started_at < end]

    def _simulate(self, day: date) -> tuple[SimulatedCall, ...]:
        seed = f"{self.seed} {self.zone.key} {self.calls_per_day}"
        journeys = simulate(self._plan(day), Dice(f"{seed} {day.isoformat()}"))
        # A day's ids lie above those of all days before it, whatever was asked for before.
        first = (day - date(1970, 1, 1)).days * 1_000_000 + 1
        ids = {id(journey): first + place for place, journey in enumerate(journeys)}
        return tuple(finished(journey, ids[id(journey)], ids.get(id(journey.follows)), seed) for journey in journeys)

    def _plan(self, day: date) -> DayPlan:
        start, end = self._moment(day, 0), self._moment(day + timedelta(days=1), 0)
        hours = _open_hours(day)
        open_at, close_at = (self._moment(day, hour) for hour in hours) if hours else (None, None)
        weekend = day.weekday() >= 5
        staffed = frozenset(group.id for group in cast.GROUPS if not weekend or group.id in cast.WEEKEND_GROUPS)
        groups = frozenset() if hours is None else staffed
        shifts = [shift for group in cast.GROUPS if group.id in groups for shift in self._shifts(group, day)]
        rates = [self._rate(moment, hours) for moment in range(start, end, _SLOT_S)]
        return DayPlan(start, end, open_at, close_at, shifts, groups, rates, _SLOT_S)

    def _moment(self, day: date, hour: int) -> int:
        return int(datetime(day.year, day.month, day.day, hour, tzinfo=self.zone).timestamp())

    def _rate(self, moment: int, hours: tuple[int, int] | None) -> float:
        """Inbound calls to expect in the slot that begins at `moment`."""
        local = datetime.fromtimestamp(moment, self.zone)
        awake = _OPENS - 1 <= local.hour < _CLOSES + 2
        level = _EVENING if awake else _NIGHT
        if hours is not None and hours[0] <= local.hour < hours[1]:
            level = _HOURS[local.hour - _OPENS]
        per_hour = self.calls_per_day * _INBOUND_SHARE / sum(_HOURS)
        return per_hour * level * _WEEKDAYS[local.weekday()] * _SLOT_S / 3600

    def _shifts(self, group: RingGroup, day: date) -> list[Shift]:
        weekend = day.weekday() >= 5
        busiest = self.calls_per_day * _INBOUND_SHARE / sum(_HOURS) * max(_HOURS) * group.share
        seats = cast.seats(busiest * _HANDLING_S / 3600)
        team = cast.agents(group, len(_spells(seats, weekend=False)) + 2)
        # On Saturdays there are fewer calls, but also fewer ring groups to take them.
        spells = _spells(seats, weekend)
        # Everybody moves on by two places a day, so that shifts and days off go round.
        turn = day.toordinal() * 2
        return [self._shift(team[(turn + seat) % len(team)], day, seat, *spell) for seat, spell in enumerate(spells)]

    def _shift(self, agent: Agent, day: date, seat: int, begin: int, stop: int) -> Shift:
        start, end = self._moment(day, begin), self._moment(day, stop)
        # Lunches are staggered, so that a ring group is never empty at noon.
        lunch_at = start + 3 * 3600 + seat % 4 * 2400 if stop - begin >= 8 else None
        hours = _open_hours(day)
        closing = hours is not None and stop == hours[1]
        return Shift(agent, start, end + 300 if closing else end, lunch_at)


def _open_hours(day: date) -> tuple[int, int] | None:
    """The local hours from which and until which the centre is open; None when it is closed."""
    return {5: (9, 14), 6: None}.get(day.weekday(), (_OPENS, _CLOSES))


def _spells(seats: int, weekend: bool) -> list[tuple[int, int]]:
    """Local hours of the shifts that fill so many seats in the busy hours."""
    if weekend:
        return [(9, 14)] * seats
    early, late = -(-seats * 6 // 10), -(-seats // 2)
    return [(8, 16)] * early + [(9, 17)] * (seats - early) + [(12, 20)] * late


class FixedCalls:
    """Exact records, given by a test, each with the call types that the API would count it under.

    They are served as they are, at any time. A record whose `started_at` is missing or no plausible epoch second
    belongs to no window, so it comes with every one.
    """

    live: ClassVar[bool] = False

    def __init__(self, calls: Iterable[tuple[dict[str, Any], Iterable[str]]]) -> None:
        self.calls = tuple(_fixed(record, frozenset(types)) for record, types in calls)

    def between(self, start: int, end: int) -> list[SimulatedCall]:
        """The calls whose `started_at` lies in [start, end), in epoch seconds, and those that have none."""
        return [call for call in self.calls if call.started_at == 0 or start <= call.started_at < end]


def _fixed(record: dict[str, Any], types: frozenset[str]) -> SimulatedCall:
    given = record.get("started_at") if isinstance(record, Mapping) else None
    plausible = isinstance(given, (int, float)) and not isinstance(given, bool) and 0 < given < 1e11
    started_at = int(given) if given is not None and plausible else 0
    return SimulatedCall(record, types, started_at, started_at)
