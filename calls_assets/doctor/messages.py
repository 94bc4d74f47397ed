"""Each finding in plain words."""

from collections.abc import Iterator, Mapping, Sequence

from calls_assets.api.document import CALL, Kind
from calls_assets.api.redact import redacted
from calls_assets.api.rules import Deviation
from calls_assets.display import shown
from calls_assets.doctor.account import Learned, PageSize
from calls_assets.doctor.dates import ZoneFinding, usual_offsets
from calls_assets.doctor.hidden import LONG
from calls_assets.doctor.lists import GIVEN, Lists
from calls_assets.doctor.pages import NONE_SEEN
from calls_assets.doctor.volume import Backfill, Volume
from calls_assets.doctor.waits import FEWEST, Threshold

UNSET = "CALLS_DATES_ZONE may stay unset: more days are pulled then, and none is missed."

MOST_DEVIATIONS = 60
"""Deviations that are listed at most."""

MOST_SHOWN = 20
"""Values, fields or headers that are listed at most."""

MOST_OF_A_HEADER = 100
"""Characters of a header's name and value."""


def findings(learned: Learned, token: str) -> Iterator[tuple[str, str]]:
    """What was found, each with a short title; `token` is redacted wherever the account may echo it."""
    yield "dateTo", inclusive_words(learned.inclusive)
    if not learned.obstacle:
        yield "Date zone", zone_words(learned.zone)
        yield "Page size", page_words(learned.page)
        yield "Order", order_words(learned.order)
    yield "Rate limit", header_words(learned, token)
    types = [f"{shown(redacted(name, token))} {count:,}" for name, count in learned.types.items()]
    yield "type", _listed(types) or "No value seen."
    if told := list_words(learned.lists):
        yield "Lists", told
    if learned.call_types:
        yield "Call types", call_type_words(learned.call_types)
    yield "Records", deviation_words(learned)
    if learned.unreadable:
        yield "Unreadable", unreadable_words(learned.unreadable, learned.sampled)
    if learned.obstacle:  # what else there is to know was not asked, or told by the wrong pages
        return
    yield "SLA", threshold_words(learned.threshold)
    yield "Volume", volume_words(learned.volume)
    yield "A year", backfill_words(learned.backfill, learned)


def inclusive_words(inclusive: bool | None) -> str:
    """Whether the day of dateTo is in the answer."""
    match inclusive:
        case True:
            return "The day of dateTo is in the answer (inclusive)."
        case False:
            return "The day of dateTo is not in the answer (exclusive)."
    return "Undecided: the counts of single days and of pairs of days do not tell whether the day of dateTo is in the answer."


def zone_words(zone: ZoneFinding | None) -> str:
    """The zone in which the dates are read."""
    if zone is None or not zone.days:
        return "Undecided: the first and last calls of single days could not be had."
    if zone.offsets is None and not zone.fitting:
        return (
            f"Undecided: no offset from UTC fits all {zone.days} days, so the account's clocks change between them; set "
            "CALLS_DATES_ZONE to its zone and ask again."
        )
    if zone.proven:
        return f"The dates are read in {zone.proven}: no other zone fits the calls near midnight of {zone.days} days."
    if zone.is_close:
        rivals = zone.rivals if len(zone.fitting) == 1 else zone.fitting[1:]
        return (
            f"Perhaps {zone.fitting[0]}: it fits the calls near midnight of {zone.days} days, and so does "
            f"{_named(rivals)}, whose clocks change otherwise. {UNSET}"
        )
    room = f"the first and last calls of {zone.days} days leave room for {_offsets(zone.offsets)}"
    if len(zone.fitting) > 1:
        return f"Undecided between {' and '.join(zone.fitting)}: {room}. {UNSET}"
    if zone.fitting:
        return f"Perhaps {zone.fitting[0]}: it fits, but {room}, for few calls come near midnight. {UNSET}"
    return f"In no zone that was tried: {room}. Set CALLS_DATES_ZONE to the zone with such an offset, and ask again."


def page_words(page: PageSize | None) -> str:
    """How many rows a page has."""
    if page is None:
        return "Undecided: no rows came."
    if page.is_seen and page.rows == page.asked:
        return f"{page.rows} rows came for limit={page.asked}."
    if page.is_seen:
        return f"{page.rows} rows came for limit={page.asked}, although there were more."
    told = page.told or "not told"
    if page.total > page.rows:
        return f"Not seen full: {page.rows:,} rows came for limit={page.asked}, and no others; meta.limit is {told}."
    return f"Not seen full: there were only {page.rows:,} calls; for limit={page.asked}, meta.limit is {told}."


def order_words(order: str | None) -> str:
    """How the rows run."""
    if order is None:
        return "Undecided: too few rows."
    if order == NONE_SEEN:
        return f"Rows come {order}."
    return f"Rows come {order}{'' if order.startswith('by') else ', by started_at'}."


def header_words(learned: Learned, token: str) -> str:
    """The headers of a rate limit."""
    if not learned.headers:
        return "No headers that tell of one."
    told = [f"{name}: {value}" for name, value in learned.headers.items()]
    values = _listed([shown(redacted(header, token), MOST_OF_A_HEADER) for header in told], "; ")
    rate = learned.requests_per_second
    pace = f"That is {rate:g} request{'' if rate == 1 else 's'} a second." if rate else "They do not tell a pace."
    return f"{values} {pace}"


def list_words(lists: Lists) -> str:
    """What lists do otherwise than the document says; empty where they do nothing such."""
    return " ".join((*_date_words(lists), *_hidden_words(lists), *_total_words(lists)))


def _date_words(lists: Lists) -> Iterator[str]:
    if lists.ignores_from and lists.ignores_to:
        yield "Dates are ignored: calls come whatever dateFrom and dateTo say; every pull reads the whole account."
    elif lists.ignores_from:
        yield "dateFrom is ignored: calls come from long before it; every pull reads all calls up to its last day."
    elif lists.ignores_to:
        yield "dateTo is ignored: calls come from long after it; every pull reads all calls from its first day on."
    if lists.ignores_filters:
        yield "CALLS_FILTERS changes nothing: the account ignores it, or every call is of it."


def _hidden_words(lists: Lists) -> Iterator[str]:
    if lists.cuts_ranges:
        yield (
            "A range of days lacks calls that its days have one by one: it is cut off without a word, so that ranges are "
            "pulled in smaller ones, down to single days."
        )
    elif lists.cuts_long_ranges:
        yield (
            f"{LONG.days} days have fewer calls than their halves, by meta.total: long ranges are cut off without a word, or "
            "their totals are capped; they are pulled in smaller ones."
        )
    if lists.lacks_calls:
        yield (
            "The list of all calls lacks some that those of inbound and outbound calls have: days are read by direction "
            "instead."
        )


def _total_words(lists: Lists) -> Iterator[str]:
    if lists.tells_no_total:
        yield "Calls come without a meta.total that can be read, or with 0: days are read to their end, twice, in its place."
    if lists.counts_all:
        yield "meta.total is the same whatever the dates, so that it proves nothing: lists are read to their end."
    if lists.total_of_none is not None:
        yield (
            f"meta.total says {lists.total_of_none:,} of days without calls, so it counts more than the lists show, and no "
            "day is proven whole: ask the vendor."
        )
    if lists.total_at_most is not None:
        yield (
            f"meta.total says {lists.total_at_most:,}, but there are more calls: it is a cap, counts a page, or is too low; "
            "days are read to their end, twice, in its place."
        )
    if lists.total_beyond is not None:
        yield (
            f"A list ends before its meta.total, {lists.total_beyond:,}: only so many calls of one are shown, or some are "
            "counted that the token may not see; ranges are pulled in smaller ones, and days that stay short are refused."
        )
    if lists.cut_at is not None:
        yield (
            f"Pages for limit={lists.cut_at} are cut short, and what is cut off is on no other: lists that lack calls are "
            "read again in smaller pages."
        )
    if lists.refused_day is not None:
        yield (
            f"The calls of {lists.refused_day}, the first day that may be pulled, are refused, but not those of later ones: "
            "set CALLS_START_DATE to the first day that the account gives."
        )
    if lists.deepest is not None:
        yield (
            f"Pages far back are refused, and at least {lists.deepest:,} calls of a list can be read: ranges are pulled in "
            "smaller ones; where that is needed often, set CALLS_PER_WINDOW to what can be read."
        )


def call_type_words(call_types: Mapping[str, str]) -> str:
    """Which call types the account gives."""
    others = [f"{name} {how}" for name, how in call_types.items() if how != GIVEN]
    given = len(call_types) - len(others)
    if not others:
        return f"All {given} are given."
    lost = "what depends on the others comes from `type` and the other fields, and the check all_answered says so"
    return f"{given} of {len(call_types)} are given; {lost}: {_listed(others)}"


def deviation_words(learned: Learned) -> str:
    """Whether records are as documented; the table beneath tells the rest."""
    if not learned.deviations:
        return f"As documented, {learned.sampled:,} of {learned.sampled:,}."
    return f"Not all as documented, of {learned.sampled:,}; each deviation is in the table below."


def deviation_rows(deviations: Mapping[Deviation, int], sampled: int) -> Iterator[tuple[str, str, str, str, str]]:
    """Each deviation: the field, as documented, as sent, in how many of how many records, what becomes of it."""
    listed = sorted(deviations.items())
    for deviation, count in listed[:MOST_DEVIATIONS]:
        documented = documented_as(deviation.path)
        yield deviation.path, documented, deviation.sent, f"{count:,} of {sampled:,}", deviation.became
    if len(listed) > MOST_DEVIATIONS:
        yield f"and {len(listed) - MOST_DEVIATIONS} more", "", "", "", ""


def documented_as(path: str) -> str:
    """What the document has at a path, such as `an integer`."""
    fields, found = CALL, None
    for name in path.replace("[]", "").split("."):
        found = next((field for field in fields if field.name == name), None)
        if found is None:
            return "not named"
        fields = found.parts
    item = found.kind.value if found and isinstance(found.kind, Kind) else "object"
    if found and found.many and not path.endswith("[]"):
        return f"list of {item}s"
    return item


def unreadable_words(unreadable: Mapping[str, int], sampled: int) -> str:
    """Why records could not be read."""
    reasons = [f"{reason} ({count:,})" for reason, count in unreadable.items()]
    return f"{sum(unreadable.values()):,} of {sampled:,} records, which would be set aside: {_listed(reasons, '; ')}"


def threshold_words(threshold: Threshold | None) -> str:
    """Whether the agent's start tells the wait."""
    if threshold is None or not threshold.is_enough:
        calls = threshold.calls if threshold else 0
        late = f", {threshold.late:,} of them late" if threshold else ""
        return (
            f"Not enough data: {calls:,} answered inbound calls with is_answered_within_sla{late}; it takes {FEWEST}, and "
            "more of both kinds."
        )
    seconds = (
        f"{threshold.least_s} s"
        if threshold.least_s == threshold.most_s
        else f"{threshold.least_s} to {threshold.most_s} s"
    )
    verb = "tracks" if threshold.tracks else "does not track"
    trust = "is the caller's wait" if threshold.tracks else "is not the wait that the vendor judges"
    return (
        f"The first agent's started_at {verb} is_answered_within_sla, so speed_of_answer_s {trust}. Taking waits up to "
        f"{seconds} for in time agrees best with the vendor, and differs from it on {threshold.error:.1%} of "
        f"{threshold.calls:,} calls."
    )


def volume_words(volume: Volume | None) -> str:
    """How many calls a day."""
    if volume is None:
        return "Undecided: single days could not be counted."
    kinds = {"a weekday": volume.a_weekday, "a day at the weekend": volume.a_weekend_day}
    told = [f"{round(count):,} calls {kind}" for kind, count in kinds.items() if count is not None]
    return f"About {' and '.join(told)}, from {volume.first} to {volume.last}."


def backfill_words(backfill: Backfill | None, learned: Learned) -> str:
    """How long a year takes."""
    if backfill is None or learned.page is None or learned.seconds_a_page is None:
        return "Undecided without the calls a day."
    return (
        f"An estimate: {backfill.calls:,} calls in at least {backfill.requests:,} requests, about "
        f"{_duration(backfill.seconds)}; a page of {learned.page.rows:,} calls took {learned.seconds_a_page:.2f} s."
    )


def _named(zones: Sequence[str]) -> str:
    return zones[0] if len(zones) == 1 else f"{zones[0]}, or one of {len(zones) - 1} others"


def _listed(items: list[str], between: str = ", ") -> str:
    rest = len(items) - MOST_SHOWN
    return between.join(items[:MOST_SHOWN]) + (f"{between}and {rest} more." if rest > 0 else "." if items else "")


def _duration(seconds: float) -> str:
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds >= 1.5 * length:
            return f"{seconds / length:.1f} {unit}" if seconds < 10 * length else f"{seconds / length:.0f} {unit}"
    return f"{max(1, round(seconds))} s"


def _offsets(found: tuple[int, int] | None) -> str:
    usual = usual_offsets(found) if found else None
    if usual is None:
        return "no one usual offset"
    least, most = (_offset(seconds) for seconds in usual)
    return f"{least} alone" if least == most else f"{least} to {most}"


def _offset(seconds: int) -> str:
    hours, minutes = divmod(abs(seconds) // 60, 60)
    return f"UTC{'-' if seconds < 0 else '+'}{hours:02d}:{minutes:02d}"
