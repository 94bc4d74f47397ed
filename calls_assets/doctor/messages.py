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

UNSET = "You can leave CALLS_DATES_ZONE unset: extra days are then pulled, and no call is missed."

MOST_DEVIATIONS = 60
"""The most deviations that are listed."""

MOST_SHOWN = 20
"""The most values, call types or headers that are listed."""

MOST_OF_A_HEADER = 100
"""The most characters of a header with its value that are shown."""


def describe(found: Findings, token: str) -> Iterator[tuple[str, str]]:
    """Each finding in words, after a short title; `token` is redacted wherever the account may echo it."""
    yield "dateTo", _date_to(found.inclusive)
    if not found.obstacle:
        yield "Date zone", _zone(found.zone)
        yield "Page size", _page_size(found.page)
        yield "Order", _order(found.order)
    yield "Rate limit", _rate_limit(found, token)
    types = [f"{shown(redacted(name, token))} {count:,}" for name, count in found.types.items()]
    yield "type", _listed(types) or "No value seen."
    if words := _lists(found.lists):
        yield "Lists", words
    if found.call_types:
        yield "Call types", _call_types(found.call_types)
    yield "Records", _deviations(found)
    if found.unreadable:
        yield "Unreadable", _unreadable(found.unreadable, found.sampled)
    if found.obstacle:  # the rest was not asked for, or comes from the wrong pages
        return
    yield "Waits", " ".join(found.waits.describe())
    yield "Volume", _volume(found.volume)
    yield "A year", _backfill(found.backfill, found)


def _date_to(inclusive: bool | None) -> str:
    match inclusive:
        case True:
            return "The day of dateTo is in the answer (inclusive)."
        case False:
            return "The day of dateTo is not in the answer (exclusive)."
    return (
        "Undecided: the counts of single days and of pairs of days do not show whether the day of dateTo is included."
    )


def _zone(zone: ZoneFinding | None) -> str:
    if zone is None or not zone.days:
        return "Undecided: the first and last calls of single days are unavailable."
    if zone.offsets is None and not zone.fitting:
        return (
            f"Undecided: no offset from UTC fits all {zone.days} days, so the account's clocks change during them: set "
            "CALLS_DATES_ZONE to its zone and run the doctor again."
        )
    if zone.proven:
        return f"The dates are read in {zone.proven}: no other zone fits the calls around midnight on {zone.days} days."
    if zone.is_close:
        rivals = zone.rivals if len(zone.fitting) == 1 else zone.fitting[1:]
        return (
            f"Perhaps {zone.fitting[0]}: it fits the calls around midnight on {zone.days} days, but so does "
            f"{_named(rivals)}, whose clocks change on other dates. {UNSET}"
        )
    allowed = f"the first and last calls of {zone.days} days allow {_offsets(zone.offsets)}"
    if len(zone.fitting) > 1:
        return f"Undecided between {' and '.join(zone.fitting)}: {allowed}. {UNSET}"
    if zone.fitting:
        return f"Perhaps {zone.fitting[0]}: it fits, but {allowed}, because few calls come around midnight. {UNSET}"
    return (
        f"None of the zones that were tried fits: {allowed}. Set CALLS_DATES_ZONE to the account's zone, which has such an "
        "offset, and run the doctor again."
    )


def _page_size(page: PageSize | None) -> str:
    if page is None:
        return "Undecided: no rows came."
    if page.is_seen and page.rows == page.asked:
        return f"{page.rows} rows came for limit={page.asked}."
    if page.is_seen:
        return f"{page.rows} rows came for limit={page.asked}, although there were more."
    limit = page.meta_limit or "missing"
    if page.total > page.rows:
        return (
            f"No page was full: {page.rows:,} rows came for limit={page.asked}, and no others; meta.limit is {limit}."
        )
    return f"No page was full: there were only {page.rows:,} calls; for limit={page.asked}, meta.limit is {limit}."


def _order(order: str | None) -> str:
    if order is None:
        return "Undecided: too few rows."
    return f"Rows come {order}{', by started_at' if order in BY_TIME else ''}."


def _rate_limit(found: Findings, token: str) -> str:
    if not found.headers:
        return "No headers about a rate limit."
    lines = [f"{name}: {value}" for name, value in found.headers.items()]
    values = _listed([shown(redacted(line, token), MOST_OF_A_HEADER) for line in lines], "; ")
    rate = found.requests_per_second
    pace = f"That is {rate:g} request{'' if rate == 1 else 's'} a second." if rate else "They do not state a rate."
    return f"{values} {pace}"


def _lists(lists: ListFindings) -> str:
    return " ".join((*_about_dates(lists), *_about_hidden_calls(lists), *_about_totals(lists)))


def _about_dates(lists: ListFindings) -> Iterator[str]:
    if lists.ignores_from and lists.ignores_to:
        yield "Dates are ignored: the same calls come for any dateFrom and dateTo, so every pull reads the whole account."
    elif lists.ignores_from:
        yield "dateFrom is ignored: calls come from long before it, so every pull reads all calls up to its last day."
    elif lists.ignores_to:
        yield "dateTo is ignored: calls come from long after it, so every pull reads all calls from its first day on."
    if lists.ignores_filters:
        yield "CALLS_FILTERS changes nothing: the account ignores it, or it matches every call."


def _about_hidden_calls(lists: ListFindings) -> Iterator[str]:
    if lists.cuts_ranges:
        yield (
            "A range of days lacks calls that its days have one by one: it is cut off silently, so ranges are split, down "
            "to single days."
        )
    elif lists.cuts_long_ranges:
        yield (
            f"{LONG_RANGE.days} days have fewer calls than their halves, by meta.total: long ranges are cut off silently, "
            "or their totals are capped; they are split."
        )
    if lists.lacks_calls:
        yield (
            "The list of all calls lacks some that the lists of inbound and outbound calls have, so days are read by "
            "direction instead."
        )


def _about_totals(lists: ListFindings) -> Iterator[str]:
    if lists.tells_no_total:
        yield "Calls come without a readable meta.total, or with 0: days are read to the end twice instead."
    if lists.counts_all:
        yield "meta.total is the same whatever the dates, so it proves nothing: lists are read to the end."
    if lists.total_of_none is not None:
        yield (
            f"meta.total says {lists.total_of_none:,} for days without calls, so it counts more than the lists show, and "
            "no day can be proven complete: ask the vendor."
        )
    if lists.total_at_most is not None:
        yield (
            f"meta.total says {lists.total_at_most:,}, but there are more calls: it is a cap, counts one page, or is too "
            "low; days are read to the end twice instead."
        )
    if lists.total_beyond is not None:
        yield (
            f"A list ends before its meta.total, {lists.total_beyond:,}: it is cut off, or the total counts calls that "
            "the token may not see; ranges are split, and days that stay incomplete fail."
        )
    if lists.cut_at is not None:
        yield (
            f"Pages for limit={lists.cut_at} are cut short, and the rest is on no other page: lists that lack calls "
            "are read again in smaller pages."
        )
    if lists.refused_day is not None:
        yield (
            f"The calls of {lists.refused_day}, the first day that may be pulled, are refused, but not those of later days: "
            "set CALLS_START_DATE to the first day that the account has."
        )
    if lists.deepest is not None:
        yield (
            f"Pages far back are refused, and at least {lists.deepest:,} calls of a list can be read: ranges are split; "
            "where that happens often, set CALLS_PER_WINDOW to that number."
        )


def _call_types(call_types: Mapping[str, str]) -> str:
    others = [f"{name} {how}" for name, how in call_types.items() if how != GIVEN]
    given = len(call_types) - len(others)
    if not others:
        return f"All {given} are given."
    instead = "what depends on the others is taken from `type` and other fields, and the check all_answered says so"
    return f"{given} of {len(call_types)} are given; {instead}: {_listed(others)}"


def _deviations(found: Findings) -> str:
    if not found.deviations:
        return f"All {found.sampled:,} are as documented."
    return f"Some of {found.sampled:,} differ from the document, as listed below."


def deviations(found: Mapping[Deviation, int]) -> Iterator[tuple[str, list[str]]]:
    """What the document has, what is sent and what becomes of it, with the fields and records of which that is so."""
    alike: dict[str, list[str]] = {}
    for deviation, count in sorted(found.items())[:MOST_DEVIATIONS]:
        documented = _documented(deviation.path)
        alike.setdefault(f"As documented {documented}, as sent {deviation.sent}: {deviation.became}", []).append(
            f"{deviation.path} ({count:,})"
        )
    yield from alike.items()
    if len(found) > MOST_DEVIATIONS:
        yield f"and {len(found) - MOST_DEVIATIONS} more", []


def _documented(path: str) -> str:
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


def _unreadable(unreadable: Mapping[str, int], sampled: int) -> str:
    reasons = [f"{reason} ({count:,})" for reason, count in unreadable.items()]
    return f"{sum(unreadable.values()):,} of {sampled:,} records would be rejected: {_listed(reasons, '; ')}"


def _volume(volume: Volume | None) -> str:
    if volume is None:
        return "Undecided: single days could not be counted."
    kinds = {"weekday": volume.a_weekday, "weekend day": volume.a_weekend_day}
    averages = [f"{round(count):,} calls per {kind}" for kind, count in kinds.items() if count is not None]
    return f"About {' and '.join(averages)}, from {volume.first} to {volume.last}."


def _backfill(backfill: Backfill | None, found: Findings) -> str:
    if backfill is None or found.page is None or found.seconds_a_page is None:
        return "Undecided: the number of calls per day is unknown."
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
        return "no common offset"
    least, most = (_offset(seconds) for seconds in usual)
    return f"{least} alone" if least == most else f"{least} to {most}"


def _offset(seconds: int) -> str:
    hours, minutes = divmod(abs(seconds) // 60, 60)
    return f"UTC{'-' if seconds < 0 else '+'}{hours:02d}:{minutes:02d}"
