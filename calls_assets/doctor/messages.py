"""Each finding in plain words."""

from collections.abc import Iterator, Mapping, Sequence

from calls_assets.api.document import CALL, Kind
from calls_assets.api.redact import redacted
from calls_assets.api.rules import Deviation
from calls_assets.display import shown
from calls_assets.doctor.dates import ZoneFinding, usual_offsets
from calls_assets.doctor.findings import Findings, PageSize
from calls_assets.doctor.lists import GIVEN, LONG_RANGE, ListFindings
from calls_assets.doctor.records import BY_TIME
from calls_assets.doctor.volume import Backfill, Volume
from calls_assets.doctor.waits import FEWEST, Threshold

UNSET = "CALLS_DATES_ZONE may stay unset: more days are pulled then, and none is missed."

MOST_DEVIATIONS = 60
"""Deviations that are listed at most."""

MOST_SHOWN = 20
"""Values, fields or headers that are listed at most."""

MOST_OF_A_HEADER = 100
"""Characters of a header's name and value."""


def describe(found: Findings, token: str) -> Iterator[tuple[str, str]]:
    """Each finding in words, after a short title; `token` is masked wherever the account may echo it."""
    yield "dateTo", describe_inclusive(found.inclusive)
    if not found.obstacle:
        yield "Date zone", describe_zone(found.zone)
        yield "Page size", describe_page(found.page)
        yield "Order", describe_order(found.order)
    yield "Rate limit", describe_header(found, token)
    types = [f"{shown(redacted(name, token))} {count:,}" for name, count in found.types.items()]
    yield "type", _listed(types) or "No value seen."
    if words := describe_list(found.lists):
        yield "Lists", words
    if found.call_types:
        yield "Call types", describe_call_type(found.call_types)
    yield "Records", describe_deviation(found)
    if found.unreadable:
        yield "Unreadable", describe_unreadable(found.unreadable, found.sampled)
    if found.obstacle:  # what else there is to know was not asked, or told by the wrong pages
        return
    yield "SLA", describe_threshold(found.threshold)
    yield "Volume", describe_volume(found.volume)
    yield "A year", describe_backfill(found.backfill, found)


def describe_inclusive(inclusive: bool | None) -> str:
    """Whether the day of dateTo is in the answer."""
    match inclusive:
        case True:
            return "The day of dateTo is in the answer (inclusive)."
        case False:
            return "The day of dateTo is not in the answer (exclusive)."
    return "Undecided: the counts of single days and of pairs of days do not tell whether the day of dateTo is in the answer."


def describe_zone(zone: ZoneFinding | None) -> str:
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


def describe_page(page: PageSize | None) -> str:
    """How many rows a page has."""
    if page is None:
        return "Undecided: no rows came."
    if page.is_seen and page.rows == page.asked:
        return f"{page.rows} rows came for limit={page.asked}."
    if page.is_seen:
        return f"{page.rows} rows came for limit={page.asked}, although there were more."
    told = page.meta_limit or "not told"
    if page.total > page.rows:
        return f"Not seen full: {page.rows:,} rows came for limit={page.asked}, and no others; meta.limit is {told}."
    return f"Not seen full: there were only {page.rows:,} calls; for limit={page.asked}, meta.limit is {told}."


def describe_order(order: str | None) -> str:
    """How the rows run."""
    if order is None:
        return "Undecided: too few rows."
    return f"Rows come {order}{', by started_at' if order in BY_TIME else ''}."


def describe_header(found: Findings, token: str) -> str:
    """The headers of a rate limit."""
    if not found.headers:
        return "No headers that tell of one."
    told = [f"{name}: {value}" for name, value in found.headers.items()]
    values = _listed([shown(redacted(header, token), MOST_OF_A_HEADER) for header in told], "; ")
    rate = found.requests_per_second
    pace = f"That is {rate:g} request{'' if rate == 1 else 's'} a second." if rate else "They do not tell a pace."
    return f"{values} {pace}"


def describe_list(lists: ListFindings) -> str:
    """What lists do otherwise than the document says; empty where they do nothing such."""
    return " ".join((*_describe_date(lists), *_describe_hidden(lists), *_describe_total(lists)))


def _describe_date(lists: ListFindings) -> Iterator[str]:
    if lists.ignores_from and lists.ignores_to:
        yield "Dates are ignored: calls come whatever dateFrom and dateTo say; every pull reads the whole account."
    elif lists.ignores_from:
        yield "dateFrom is ignored: calls come from long before it; every pull reads all calls up to its last day."
    elif lists.ignores_to:
        yield "dateTo is ignored: calls come from long after it; every pull reads all calls from its first day on."
    if lists.ignores_filters:
        yield "CALLS_FILTERS changes nothing: the account ignores it, or every call is of it."


def _describe_hidden(lists: ListFindings) -> Iterator[str]:
    if lists.cuts_ranges:
        yield (
            "A range of days lacks calls that its days have one by one: it is cut off without a word, so that ranges are "
            "pulled in smaller ones, down to single days."
        )
    elif lists.cuts_long_ranges:
        yield (
            f"{LONG_RANGE.days} days have fewer calls than their halves, by meta.total: long ranges are cut off without a "
            "word, or their totals are capped; they are pulled in smaller ones."
        )
    if lists.lacks_calls:
        yield (
            "The list of all calls lacks some that those of inbound and outbound calls have: days are read by direction "
            "instead."
        )


def _describe_total(lists: ListFindings) -> Iterator[str]:
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


def describe_call_type(call_types: Mapping[str, str]) -> str:
    """Which call types the account gives."""
    others = [f"{name} {how}" for name, how in call_types.items() if how != GIVEN]
    given = len(call_types) - len(others)
    if not others:
        return f"All {given} are given."
    lost = "what depends on the others comes from `type` and the other fields, and the check all_answered says so"
    return f"{given} of {len(call_types)} are given; {lost}: {_listed(others)}"


def describe_deviation(found: Findings) -> str:
    """Whether records are as documented; the table beneath tells the rest."""
    if not found.deviations:
        return f"As documented, {found.sampled:,} of {found.sampled:,}."
    return f"Not all as documented, of {found.sampled:,}; each deviation is in the table below."


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


def describe_unreadable(unreadable: Mapping[str, int], sampled: int) -> str:
    """Why records could not be read."""
    reasons = [f"{reason} ({count:,})" for reason, count in unreadable.items()]
    return f"{sum(unreadable.values()):,} of {sampled:,} records, which would be set aside: {_listed(reasons, '; ')}"


def describe_threshold(threshold: Threshold | None) -> str:
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


def describe_volume(volume: Volume | None) -> str:
    """How many calls a day."""
    if volume is None:
        return "Undecided: single days could not be counted."
    kinds = {"a weekday": volume.a_weekday, "a day at the weekend": volume.a_weekend_day}
    told = [f"{round(count):,} calls {kind}" for kind, count in kinds.items() if count is not None]
    return f"About {' and '.join(told)}, from {volume.first} to {volume.last}."


def describe_backfill(backfill: Backfill | None, found: Findings) -> str:
    """How long a year takes."""
    if backfill is None or found.page is None or found.seconds_a_page is None:
        return "Undecided without the calls a day."
    return (
        f"An estimate: {backfill.calls:,} calls in at least {backfill.requests:,} requests, about "
        f"{_duration(backfill.seconds)}; a page of {found.page.rows:,} calls took {found.seconds_a_page:.2f} s."
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
