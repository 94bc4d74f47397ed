"""The kinds of call centres: opening hours, ring groups, numbers, staff, patience and campaigns.

All telephone numbers are from the ranges reserved for fiction.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from calls_assets.sandbox.cast import Line, RingGroup

KindName = Literal["office", "help_desk", "sales_floor", "round_the_clock"]


@dataclass(frozen=True)
class Spell:
    """A shift's local hours, and how many tenths of a ring group's seats work it; running sums are rounded up."""

    begin: int
    stop: int
    tenths: int


@dataclass(frozen=True)
class Weekday:
    """A day of the week: its opening hours (local; None: closed all day), how busy it is, and its shifts.

    `busy` is relative to the same hour of a normal weekday. Ring groups in `away` do not work on this day.
    """

    hours: tuple[int, int] | None
    busy: float
    spells: tuple[Spell, ...] = ()
    away: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Kind:
    """What makes a kind of call centre.

    Attributes:
        groups: its ring groups.
        lines: its numbers; each ring group dials out with the first that routes to it.
        week: its weekdays, Monday to Sunday.
        busy: how busy each local hour is while the centre is open, relative to the others.
        quiet: the same while it is closed.
        inbound_share: share of a normal weekday's calls that are inbound.
        work_s: seconds of work per inbound call that staffing is planned with, including the outbound calls that go with it.
        spare: staff beyond the load of the busiest hour, as in `cast.seats`.
        least_seats: the fewest seats of a ring group.
        patience_s: mean time after which queued callers hang up.
        callback_share: share of the known callers who ask for a callback after about a minute.
        dial_after_s: mean idle time in seconds before an agent dials from a campaign.
        dial_hours: the local hours between which they do.
        kept_free: how many idle agents of a ring group stay free for callers.
        reached: share of the dialled calls that are answered.
    """

    groups: tuple[RingGroup, ...]
    lines: tuple[Line, ...]
    week: tuple[Weekday, ...]
    busy: tuple[float, ...]
    quiet: tuple[float, ...]
    inbound_share: float
    work_s: int = 290
    spare: float = 0.95
    least_seats: int = 2
    patience_s: int = 480
    callback_share: float = 0.35
    dial_after_s: int = 1800
    dial_hours: tuple[int, int] = (0, 24)
    kept_free: int = 1
    reached: float = 0.55

    def caller_id(self, group: RingGroup) -> Line:
        """The number that outbound calls of a ring group show."""
        return next(line for line in self.lines if line.group == group.id)


_MAIN_MENU = (1, "Main menu")
_SERVICE_MENU = (2, "Service menu")
_WELCOME = (1, "Welcome calls")
_RENEWALS = (2, "Renewals")
_QUIET = (0.01,) * 7 + (0.06,) * 15 + (0.01,) * 2


def _from(hour: int, *busy: float) -> tuple[float, ...]:
    """How busy the 24 hours are: the given ones from `hour` on, and 0 in the others."""
    return (0.0,) * hour + busy + (0.0,) * (24 - hour - len(busy))


_DAY_SHIFTS = (Spell(8, 16, 6), Spell(9, 17, 4), Spell(12, 20, 5))
_OFFICE = Kind(
    groups=(
        RingGroup(1, "Customer Support", 0.45, 205, campaigns=(_WELCOME,)),
        RingGroup(2, "Sales", 0.30, 180, max_wait_s=240, rung=2, campaigns=(_RENEWALS, _WELCOME)),
        RingGroup(3, "Billing", 0.25, 150, campaigns=((3, "Payment reminders"),)),
    ),
    lines=(
        Line(11, "12125550100", "Main line", 0.50, _MAIN_MENU),
        Line(12, "12125550110", "Support line", 0.22, _SERVICE_MENU, 1),
        Line(13, "12125550120", "Sales line", 0.16, None, 2, (4, "Website")),
        Line(14, "12125550130", "Billing line", 0.12, _SERVICE_MENU, 3),
    ),
    week=(
        *(Weekday((8, 20), busy, _DAY_SHIFTS) for busy in (1.2, 1.06, 1.0, 0.97, 0.95)),
        # On Saturdays there are fewer calls, but also fewer ring groups to take them.
        Weekday((9, 14), 0.8, (Spell(9, 14, 10),), away=frozenset({3})),
        Weekday(None, 1.0),
    ),
    busy=_from(8, 0.6, 1.0, 1.25, 1.2, 0.95, 0.95, 1.1, 1.15, 1.0, 0.8, 0.5, 0.35),
    quiet=_QUIET,
    inbound_share=0.8,
)

_HELP_DESK = Kind(
    groups=(
        RingGroup(4, "First Level", 0.7, 230, max_wait_s=240, room=8, campaigns=((5, "Ticket follow-ups"),)),
        RingGroup(5, "Second Level", 0.3, 330, max_wait_s=240, room=5, rung=2, campaigns=((5, "Ticket follow-ups"),)),
    ),
    lines=(
        Line(21, "12125550140", "Help line", 0.75, _MAIN_MENU, 4),
        Line(22, "12125550141", "Outage line", 0.25, None, 5),
    ),
    week=(
        *(
            Weekday((7, 19), busy, (Spell(7, 15, 6), Spell(10, 18, 4), Spell(11, 19, 5)))
            for busy in (1.25, 1.1, 1, 1, 0.9)
        ),
        Weekday(None, 1.0),
        Weekday(None, 1.0),
    ),
    busy=_from(7, 0.4, 0.9, 1.4, 1.5, 1.3, 0.8, 0.9, 1.2, 1.1, 0.8, 0.5, 0.3),
    quiet=_QUIET,
    inbound_share=0.9,
    work_s=330,
    spare=-0.5,
    least_seats=1,
    patience_s=240,
    callback_share=0.2,
    dial_after_s=3600,
)

_SALES_FLOOR = Kind(
    groups=(
        RingGroup(6, "New Business", 0.55, 200, rung=3, campaigns=((6, "New leads"), (7, "Trade fair contacts"))),
        RingGroup(7, "Key Accounts", 0.45, 240, campaigns=(_RENEWALS, (8, "Win-back"))),
    ),
    lines=(
        Line(31, "12125550150", "Order line", 0.6, None, 6, (4, "Website")),
        Line(32, "12125550151", "Account line", 0.4, _SERVICE_MENU, 7),
    ),
    week=(
        *(Weekday((9, 19), busy, (Spell(9, 17, 10), Spell(11, 19, 6))) for busy in (1.0, 1.05, 1.05, 1.0, 0.9)),
        Weekday((10, 14), 0.6, (Spell(10, 14, 6),)),
        Weekday(None, 1.0),
    ),
    busy=_from(9, 0.8, 1.1, 1.1, 0.9, 0.9, 1.1, 1.1, 1.0, 0.8, 0.6),
    quiet=_QUIET,
    inbound_share=0.28,
    work_s=660,
    spare=0.0,
    least_seats=1,
    dial_after_s=200,
    kept_free=0,
    reached=0.35,
)

_ROUND_THE_CLOCK = Kind(
    groups=(
        RingGroup(8, "Assistance", 0.65, 210, campaigns=((9, "Satisfaction calls"),)),
        RingGroup(9, "Travel Desk", 0.35, 240, rung=2, campaigns=(_WELCOME,)),
    ),
    lines=(
        Line(41, "12125550160", "Assistance line", 0.6, None, 8),
        Line(42, "12125550161", "Travel line", 0.4, _MAIN_MENU, 9),
    ),
    # Everyone works an early shift between a night and a late one, so no agent who still talks at midnight is due then.
    week=tuple(
        Weekday((0, 24), busy, (Spell(0, 8, 6), Spell(8, 16, 10), Spell(16, 24, 10)))
        for busy in (1.05, 1.0, 1.0, 1.0, 1.05, 0.95, 0.9)
    ),
    busy=(
        *(0.6, 0.55, 0.5, 0.45, 0.45, 0.5, 0.7, 0.9, 1.1, 1.3, 1.35, 1.3),
        *(1.2, 1.2, 1.25, 1.3, 1.35, 1.4, 1.3, 1.2, 1.1, 1.0, 0.9, 0.75),
    ),
    quiet=_QUIET,
    inbound_share=0.85,
    dial_hours=(9, 20),
)

KINDS: Mapping[KindName, Kind] = {
    "office": _OFFICE,
    "help_desk": _HELP_DESK,
    "sales_floor": _SALES_FLOOR,
    "round_the_clock": _ROUND_THE_CLOCK,
}
"""An ordinary office, a help desk with long queues, a sales floor that mostly dials, and a centre that never closes."""
