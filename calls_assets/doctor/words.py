"""Each finding in plain words."""

from collections.abc import Iterator, Mapping, Sequence

from calls_assets.doctor.account import Learned, PageSize
from calls_assets.doctor.dates import ZoneFinding, usual_offsets
from calls_assets.doctor.pages import NONE_SEEN
from calls_assets.doctor.volume import Backfill, Volume
from calls_assets.doctor.waits import FEWEST, Threshold

UNSET = "CALLS_DATES_ZONE may stay unset: more days are pulled then, and none is missed."

MOST_SHOWN = 20
"""Values, fields or headers that are listed at most."""


def findings(learned: Learned, token: str) -> Iterator[tuple[str, str]]:
    """What was found, each with a short title; `token` is masked wherever the account may echo it."""
    yield "dateTo", inclusive_words(learned.inclusive)
    yield "Date zone", zone_words(learned.zone)
    yield "Page size", page_words(learned.page)
    yield "Order", order_words(learned.order)
    yield "Rate limit", header_words(learned, token)
    yield "type", _listed([f"{name} {count:,}" for name, count in learned.types.items()]) or "No value seen."
    yield "New fields", unknown_words(learned)
    if learned.unreadable:
        yield "Unreadable", unreadable_words(learned.unreadable, learned.sampled)
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
        return f"{page.rows} rows came for limit={page.asked}, although there were {page.total:,}."
    told = page.told or "not told"
    return f"Not seen full: there were only {page.total:,} calls; for limit={page.asked}, meta.limit is {told}."


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
    values = [f"{name}: {value[:80]}" for name, value in learned.headers.items()]
    shown = _listed([value.replace(token, "***") if token else value for value in values], "; ")
    told = learned.requests_per_second
    return f"{shown} " + (f"That is {told:g} requests a second." if told else "They do not tell a pace.")


def unknown_words(learned: Learned) -> str:
    """The fields that the document does not name."""
    if not learned.unknown:
        return f"None beside the documented ones, in {learned.sampled:,} records."
    return _listed([f"{path} ({' or '.join(kinds)})" for path, kinds in learned.unknown.items()])


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
    shown = [f"{round(count):,} calls {kind}" for kind, count in kinds.items() if count is not None]
    return f"About {' and '.join(shown)}, from {volume.first} to {volume.last}."


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
