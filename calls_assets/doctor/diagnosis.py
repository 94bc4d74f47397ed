"""The whole examination: what is asked in which order, and what the answers come to."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from statistics import mean
from zoneinfo import ZoneInfo

import pyarrow as pa

from calls_assets.api.decode import Page
from calls_assets.api.document import Query
from calls_assets.arrow import ints
from calls_assets.doctor.account import Account, Answer
from calls_assets.doctor.dates import USUAL, ZoneFinding, find_zone, other_seasons
from calls_assets.doctor.findings import Findings, PageSize
from calls_assets.doctor.lists import examine_call_types, examine_lists
from calls_assets.doctor.rate_limit import limit_headers, requests_per_second
from calls_assets.doctor.records import deviations, order, quietest_hour, types
from calls_assets.doctor.sample import take_sample
from calls_assets.doctor.single_days import (
    SingleDays,
    ask_day_by_day,
    busy_days,
    days_like,
    ends_of_days,
    last_closed_day,
)
from calls_assets.doctor.volume import Pull, backfill, volume
from calls_assets.doctor.waits import prove_waits


def diagnose(
    fetch: Callable[[Query], Page],
    filters: Query,
    candidates: Sequence[ZoneInfo],
    pull: Pull,
    now: datetime,
    headers: Callable[[], Mapping[str, str]],
    since: date,
) -> Findings:
    """Ask the account what it takes to know how to ask it.

    Args:
        fetch: Turns a query into its page.
        filters: Which calls to ask for.
        candidates: The zones in which the account is likely to read its dates.
        pull: How the pipeline will ask.
        now: The time, with its zone.
        headers: Gives the headers that came so far.
        since: The first day that may be pulled.

    Raises:
        ApiError: the API gave no answer; the sentence says what to do.
    """
    account = Account(fetch, filters)
    found = _examine(account, candidates, now, since)
    limits = limit_headers(headers())
    found = replace(found, requests=account.requests, headers=limits, requests_per_second=requests_per_second(limits))
    if found.volume is None or found.page is None or found.seconds_a_page is None:
        return found
    paced = replace(pull, requests_per_second=found.requests_per_second)
    return replace(found, backfill=backfill(found.volume.a_day, found.page.size, found.seconds_a_page, paced))


def _examine(account: Account, candidates: Sequence[ZoneInfo], now: datetime, since: date) -> Findings:
    days = busy_days(account, last_closed_day(now))
    if not days:
        return Findings()
    whole = account.ask(days[0], days[-1]).total
    by_day = ask_day_by_day(account, days, whole)
    sample = take_sample(account, days, whole)
    found = replace(_of_pages(sample.pages), inclusive=by_day.inclusive)
    lists = examine_lists(account, by_day, sample, found.order, since)
    first = sample.pages[0]
    found = replace(found, lists=lists)
    if not first.page.records:
        return found
    has_more = lists.has_more or bool(first.total and lists.deepest)
    page = PageSize(first.asked, first.page.records, first.total, first.page.limit, has_more)
    found = replace(found, page=page)
    if found.obstacle:
        return found
    is_countable = lists.has_true_totals and not (lists.ignores_dates or lists.lacks_calls)
    return replace(
        found,
        volume=volume(by_day.counts) if is_countable else None,
        call_types=examine_call_types(account, days[0], days[-1]),
        waits=prove_waits(account, sample),
        zone=_zone(account, by_day, candidates, found.order, page.size, since),
    )


def _zone(
    account: Account, by_day: SingleDays, candidates: Sequence[ZoneInfo], order: str | None, limit: int, since: date
) -> ZoneFinding | None:
    """The zone of the dates; the other seasons are only requested where they can rule out a zone."""
    if by_day.inclusive is None:
        return None
    ends = list(ends_of_days(account, by_day, order, limit))
    found = find_zone(ends, candidates, since)
    if ends and not found.fitting:
        candidates = [*candidates, *map(ZoneInfo, USUAL)]
        found = find_zone(ends, candidates, since)
    if found.rivals:
        for day in other_seasons(max(by_day.answers)):
            ends += ends_of_days(account, days_like(account, day, by_day.inclusive), order, limit)
        found = find_zone(ends, candidates, since)
    return found


def _of_pages(pages: Sequence[Answer]) -> Findings:
    first, tables = pages[0].page, [answer.page.calls for answer in pages]
    calls = pa.concat_tables(tables)
    rejects = [reject.reason for answer in pages for reject in answer.page.rejects]
    full = [answer.seconds for answer in pages if answer.page.records == first.records]
    return Findings(
        calls=max(pages[0].total, first.records),
        order=order(tables),
        types=types(calls),
        deviations=deviations([answer.page for answer in pages]),
        unreadable=Counter(rejects),
        sampled=sum(answer.page.records for answer in pages),
        quietest_hour=quietest_hour(ints(calls["started_at"])),
        seconds_a_page=mean(full),
    )
