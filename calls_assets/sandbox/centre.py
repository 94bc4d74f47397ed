"""A simulated call centre: any day of it, the same whenever it is asked for."""

import threading
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import accumulate
from typing import ClassVar
from zoneinfo import ZoneInfo

from calls_assets.sandbox import cast
from calls_assets.sandbox.callers import CUSTOMERS, FIRST, Callers
from calls_assets.sandbox.calls import SimulatedCall, finished
from calls_assets.sandbox.cast import Agent, RingGroup
from calls_assets.sandbox.dice import Dice
from calls_assets.sandbox.journey import Journey
from calls_assets.sandbox.kinds import KINDS, KindName, Spell
from calls_assets.sandbox.meaning import Meaning
from calls_assets.sandbox.simulation import DayPlan, Shift, call_back_first, simulate
from calls_assets.waits import Thresholds, Waits

_SLOT_S = 900


class Centre:
    """A simulated call centre: any day can be asked for, and the same call always comes back the same.

    Args:
        seed: another seed is another centre of the same kind.
        zone: IANA zone in which the centre keeps its hours; its calls are numbered by the days of this zone.
        calls_per_day: about how many calls a normal weekday has, inbound and outbound; the staff grows with it.
        days_kept: how many simulated days stay in memory.
        kind: which kind of call centre it is.
        meaning: what its records say where the document leaves it open; the calls are the same.
    """

    live: ClassVar[bool] = True
    changes: ClassVar[bool] = False

    def __init__(
        self,
        seed: int = 7,
        zone: str = "UTC",
        calls_per_day: int = 400,
        days_kept: int = 120,
        kind: KindName = "office",
        meaning: Meaning | None = None,
    ) -> None:
        self.seed = seed
        self.zone = ZoneInfo(zone)
        self.calls_per_day = calls_per_day
        self.kind = KINDS[kind]
        self.meaning = meaning or Meaning()
        self._seed = f"{seed} {zone} {calls_per_day}"
        self._inbound = max(1, round(calls_per_day * self.kind.inbound_share))
        self._lock = threading.Lock()
        self._days = lru_cache(maxsize=days_kept)(self._finished)
        self._journeys = lru_cache(maxsize=6)(self._simulate)  # a day and the one before, over a long weekend

    @property
    def waits(self) -> Waits:
        """How the waits of its calls are told from their records."""
        seconds = {group.id: self.meaning.sla_s or group.sla_s for group in self.kind.groups}
        usual = max(seconds.values(), key=list(seconds.values()).count)
        own = {group: threshold for group, threshold in seconds.items() if threshold != usual}
        return Waits(self.meaning.wait_method, Thresholds(usual, own))

    def day(self, local_date: date) -> tuple[SimulatedCall, ...]:
        """The finished calls that start on a day of the centre's zone, in order of start and id."""
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

    def _finished(self, day: date) -> tuple[SimulatedCall, ...]:
        journeys = self._journeys(day)
        if self.kind.week[day.weekday()].hours:
            journeys = call_back_first(journeys, self._journeys(self._working_day_before(day)))
        return tuple(finished(journey, self._seed, self.meaning) for journey in journeys)

    def _simulate(self, day: date) -> list[Journey]:
        journeys = simulate(self._plan(day), Dice(f"{self._seed} {day.isoformat()}"))
        # A day's ids are above those of all days before it, whichever days were asked for first.
        first = (day - date(1970, 1, 1)).days * 1_000_000 + 1
        for place, journey in enumerate(journeys):
            journey.id = first + place
        return journeys

    def _working_day_before(self, day: date) -> date:
        before = day - timedelta(days=1)
        return before if self.kind.week[before.weekday()].hours else self._working_day_before(before)

    def _plan(self, day: date) -> DayPlan:
        start, end = self._moment(day, 0), self._moment(day, 24)
        weekday = self.kind.week[day.weekday()]
        open_at, close_at = (self._moment(day, hour) for hour in weekday.hours) if weekday.hours else (None, None)
        groups = [group for group in self.kind.groups if weekday.hours and group.id not in weekday.away]
        dial_from, dial_until = (self._moment(day, hour) for hour in self.kind.dial_hours)
        return DayPlan(
            kind=self.kind,
            start=start,
            end=end,
            open_at=open_at,
            close_at=close_at,
            shifts=[shift for group in groups for shift in self._shifts(group, day)],
            callers=Callers(self._seed, day.toordinal(), CUSTOMERS * self._inbound, self._inbound),
            groups=groups,
            rates=[self._rate(moment) for moment in range(start, end, _SLOT_S)],
            slot_s=_SLOT_S,
            dial_from=dial_from,
            dial_until=dial_until,
        )

    def _moment(self, day: date, hour: int) -> int:
        """The epoch second of a local hour of a day, 0 to 24."""
        day, hour = day + timedelta(days=hour // 24), hour % 24
        return int(datetime(day.year, day.month, day.day, hour, tzinfo=self.zone).timestamp())

    def _rate(self, moment: int) -> float:
        """Inbound calls to expect in the slot that begins at `moment`, without those who call again."""
        local = datetime.fromtimestamp(moment, self.zone)
        weekday = self.kind.week[local.weekday()]
        opened = weekday.hours is not None and weekday.hours[0] <= local.hour < weekday.hours[1]
        level = (self.kind.busy if opened else self.kind.quiet)[local.hour]
        return self._per_hour() * FIRST * level * weekday.busy * _SLOT_S / 3600

    def _per_hour(self) -> float:
        """Inbound calls to expect in an hour of a normal weekday that is neither busy nor quiet."""
        return self.calls_per_day * self.kind.inbound_share / sum(self.kind.busy)

    def _shifts(self, group: RingGroup, day: date) -> list[Shift]:
        kind = self.kind
        busiest = self._per_hour() * max(kind.busy) * group.share
        seats = cast.seats(busiest * kind.work_s / 3600, kind.spare, kind.least_seats)
        spells = [_manned(weekday.spells, seats) for weekday in kind.week]
        team = cast.agents(group, max(map(len, spells)) + 2)
        # Everyone moves on by two places a day, so that shifts and days off rotate.
        turn = day.toordinal() * 2
        return [
            self._shift(team[(turn + seat) % len(team)], day, seat, spell)
            for seat, spell in enumerate(spells[day.weekday()])
        ]

    def _shift(self, agent: Agent, day: date, seat: int, spell: Spell) -> Shift:
        start, end = self._moment(day, spell.begin), self._moment(day, spell.stop)
        # Lunches are staggered, so that a ring group is never empty at noon.
        lunch_at = start + 3 * 3600 + seat % 4 * 2400 if spell.stop - spell.begin >= 8 else None
        hours = self.kind.week[day.weekday()].hours
        closing = hours is not None and spell.stop == hours[1]
        return Shift(agent, start, end + 300 if closing else end, lunch_at)


def _manned(spells: Sequence[Spell], seats: int) -> list[Spell]:
    """Each spell, as many times as agents work it in a ring group of `seats` seats."""
    heads = [-(-seats * tenths // 10) for tenths in accumulate(spell.tenths for spell in spells)]
    return [spell for spell, first, last in zip(spells, [0, *heads], heads, strict=False) for _ in range(last - first)]
