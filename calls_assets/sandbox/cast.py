"""Who and what a simulated call centre consists of: ring groups, numbers, agents, customers and agents' notes.

All names and telephone numbers are fictional; the numbers are from the ranges reserved for fiction.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from calls_assets.sandbox.dice import Dice


@dataclass(frozen=True)
class RingGroup:
    """A queue and the agents who serve it.

    `share` is its share of the queued calls, `talk_median_s` the median talk, `sla_s` the longest wait within the service
    level, `max_wait_s` the wait after which a call overflows, `room` how many may wait, `rung` how many agents are rung
    at once, `campaigns` what its agents dial from.
    """

    id: int
    name: str
    share: float
    talk_median_s: int
    sla_s: int = 20
    max_wait_s: int = 300
    room: int = 6
    rung: int = 1
    campaigns: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True)
class Line:
    """A number of the centre: `ivr` is its voice menu (none: straight to `group`), `share` its share of the calls."""

    id: int
    number: str
    alias: str
    share: float
    ivr: tuple[int, str] | None
    group: int | None = None
    campaign: tuple[int, str] | None = None

    @property
    def record(self) -> dict[str, Any]:
        """The number as the API shows it."""
        shown = f"{self.number} ({self.alias})"
        return {"id": self.id, "number": self.number, "numberWithAlias": shown, "alias": self.alias}


@dataclass(frozen=True)
class Agent:
    """An agent; `group` is the id of their ring group."""

    id: int
    user_id: int
    alias: str
    sip: str
    group: int


PARTNER_NUMBERS = ("16465550181", "16465550182", "16465550183")
"""External numbers that calls are transferred to."""

DISPOSITIONS: Mapping[bool, tuple[tuple[int, str], ...]] = {
    True: ((1, "Resolved"), (2, "Follow-up needed"), (3, "Escalated"), (4, "Wrong number"), (5, "Order placed")),
    False: ((6, "Successful deal"), (7, "Not interested"), (8, "Call back later"), (9, "Payment promised")),
}
"""Whether inbound -> id and code of the dispositions in use, the likelier ones first."""

NOTES = ("Asked for an invoice copy.", "Will send the contract.", "Address updated.", "Call again next week.")
TAGS = ("new customer", "complaint", "vip", "invoice", "delivery", "upgrade")
SURVEYS = (1, 2)
_FIRST_NAMES = (
    "Ada Ben Carla Dario Elena Felix Grace Hugo Iris Jonas Kira Liam Maya Nils Olga Pavel Quinn Rosa Sami Tara Umar "
    "Vera Wes Xenia Yusuf Zoe Amir Bella Cem Dana Emil"
)
_LAST_NAMES = (
    "Abbott Brandt Castillo Dunn Ellery Farrow Gentry Hale Ivers Jansen Keller Lowell Mercer Norwood Okafor Pratt "
    "Quimby Rourke Santoro Tanner Ulrich Vance Whitlock Yates Zimmer Arden Birch Calder Drummond"
)
_AREA_CODES = (
    "201 202 203 205 206 207 208 209 210 212 213 214 215 216 217 218 219 224 225 228 229 231 234 239 240 248 251 252 "
    "253 254 256 260 262 267 269 270 276 281 301 302 303 304 305 307 308 309 310 312 313 314 315 316 317 318 319 320 "
    "321 323 325 330 334 336 337 339 347 351 352 360 361 386 401 402 404 405 406 407 408 409 410 412 413 414 415 417 "
    "419 423 424 425 430 432 434 435 440 443 469 478 479 480 484 501 502 503 504 505 507 508 509 510 512 513 515 516 "
    "517 518 520 530 540 541 559 561 562 563 567 570 571 573 574 580 585 586 601 602 603 605 606 607 608 609 610 612 "
    "614 615 616 617 618 619 620 623 626 630 631 636 641 646 650 651 660 661 662 678"
)
_FIRST, _LAST, _AREAS = _FIRST_NAMES.split(), _LAST_NAMES.split(), _AREA_CODES.split()


def name(index: int) -> tuple[str, str]:
    """The first and last name of person number `index`."""
    # 31 first and 29 last names: without a common factor, all pairs come before one comes back, with an initial.
    first, initial = _FIRST[index % len(_FIRST)], index // (len(_FIRST) * len(_LAST)) % 27
    return (f"{first} {chr(64 + initial)}." if initial else first), _LAST[index % len(_LAST)]


@lru_cache(maxsize=20_000)
def customer(index: int) -> dict[str, Any]:
    """Customer number `index` (from 0) as the API shows a contact; a shared object, not to be changed.

    The first 16,000 have a telephone number each; the ranges for fiction hold no more.
    """
    if index % 10 == 9:
        place = index // 10
        country, national = "44", f"{('7700900', '2079460')[place // 1000 % 2]}{place % 1000:03d}"
    else:
        country, national = "1", f"{_AREAS[index // 100 % len(_AREAS)]}55501{index % 100:02d}"
    return {
        "id": 50_000 + index,
        "full_name": " ".join(name(index * 7 + 3)),
        "number_country_code": country,
        "national_number": national,
        "number": country + national,
        "list_ids": _lists(index % 101),
    }


@cache
def _lists(index: int) -> list[int]:
    dice = Dice(f"lists {index}")
    return [number for number in range(1, 6) if dice.chance(0.25)]


def agents(group: RingGroup, count: int) -> tuple[Agent, ...]:
    """The first `count` agents of a ring group; the earlier ones are the same for any count."""
    return tuple(_agent(group, place) for place in range(count))


def _agent(group: RingGroup, place: int) -> Agent:
    first, last = name(group.id * 211 + place * 5)
    number = group.id * 10_000 + place + 1 if place >= 99 else group.id * 100 + place + 1
    host = "sip.example.com"
    return Agent(number, 7000 + number, f"{first} {last}", f"sip:{first}.{last}{number}@{host}".lower(), group.id)


def seats(load: float, spare: float = 0.95, least: int = 2) -> int:
    """How many agents a load of `load` Erlangs (agents' worth of work) gets, `least` or more.

    `spare` is what there is beyond the load, in square roots of it: with 0.95 most calls are answered within seconds, below
    0 the queue grows.
    """
    return max(least, math.ceil(load + spare * math.sqrt(load)))
