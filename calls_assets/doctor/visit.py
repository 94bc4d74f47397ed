"""The whole visit: the questions in their order, and what their answers come to."""

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
from calls_assets.doctor.account import Learned, PageSize
from calls_assets.doctor.dates import USUAL, ZoneFinding, judge, other_seasons
from calls_assets.doctor.limits import limit_headers, requests_per_second
from calls_assets.doctor.lists import call_types, lists
from calls_assets.doctor.pages import Answer, deviations, night, order, types
from calls_assets.doctor.questions import (
    Account,
    Days,
    busy_days,
    day_by_day,
    days_like,
    ends_of_days,
    full_pages,
    last_closed_day,
)
from calls_assets.doctor.volume import Pull, backfill, volume
from calls_assets.doctor.waits import best_threshold, waits_of


def visit(
    fetch: Callable[[Query], Page],
    filters: Query,
    candidates: Sequence[ZoneInfo],
    pull: Pull,
    now: datetime,
    headers: Callable[[], Mapping[str, str]],
    since: date,
) -> Learned:
    """Ask the account what it takes to know how to ask it.

    Args:
        fetch: One request -> its page.
        filters: Which calls to ask for.
        candidates: The zones that the account is likely to read its dates in.
        pull: How the pipeline will ask.
        now: The time, with its zone.
        headers: Gives the headers that came so far.
        since: The first day that may be pulled.

    Raises:
        ApiError: the API gave no answer; the sentence says what to do.
    """
    account = Account(fetch, filters)
    days = busy_days(account, last_closed_day(now))
    if not days:
        return _with_limits(Learned(account.questions), headers())
    whole = account.ask(days[0], days[-1]).total
    by_day = day_by_day(account, days, whole)
    pages = full_pages(account, days, whole)
    learned = replace(_of_pages(pages.given), inclusive=by_day.inclusive)
    found = lists(account, by_day, pages, learned.order, since)
    page = _page_size(pages.given[0], has_more=found.has_more or bool(pages.given[0].total and found.deepest))
    learned = replace(learned, lists=found, page=page)
    if page is None or learned.obstacle:
        return _with_limits(replace(learned, questions=account.questions), headers())
    if found.has_true_totals and not (found.ignores_dates or found.lacks_calls):
        learned = replace(learned, volume=volume(by_day.counts))
    learned = replace(learned, call_types=call_types(account, days[0], days[-1]))
    learned = replace(learned, zone=_zone(account, by_day, candidates, learned.order, page.size, since))
    learned = _with_limits(learned, headers())
    return replace(_with_backfill(learned, pull), questions=account.questions)


def _zone(
    account: Account, by_day: Days, candidates: Sequence[ZoneInfo], order: str | None, limit: int, since: date
) -> ZoneFinding | None:
    """The zone of the dates; the other seasons are only asked for where they can tell more than this one."""
    if by_day.inclusive is None:
        return None
    ends = list(ends_of_days(account, by_day, order, limit))
    found = judge(ends, candidates, since)
    if ends and not found.fitting:
        candidates = [*candidates, *map(ZoneInfo, USUAL)]
        found = judge(ends, candidates, since)
    if found.rivals:
        for day in other_seasons(max(by_day.answers)):
            ends += ends_of_days(account, days_like(account, day, by_day.inclusive), order, limit)
        found = judge(ends, candidates, since)
    return found


def _of_pages(pages: Sequence[Answer]) -> Learned:
    first, tables = pages[0].page, [answer.page.calls for answer in pages]
    calls = pa.concat_tables(tables)
    rejects = [reject.reason for answer in pages for reject in answer.page.rejects]
    full = [answer.seconds for answer in pages if answer.page.records == first.records]
    return Learned(
        questions=0,
        calls=max(pages[0].total, first.records),
        order=order(tables),
        types=types(calls),
        deviations=deviations([answer.page for answer in pages]),
        unreadable=Counter(rejects),
        sampled=sum(answer.page.records for answer in pages),
        night_utc=night(ints(calls["started_at"])),
        threshold=best_threshold(waits_of(calls)),
        seconds_a_page=mean(full),
    )


def _page_size(first: Answer, has_more: bool) -> PageSize | None:
    page = first.page
    return PageSize(first.asked, page.records, first.total, page.limit, has_more) if page.records else None


def _with_limits(learned: Learned, headers: Mapping[str, str]) -> Learned:
    return replace(
        learned, headers=limit_headers(headers), requests_per_second=requests_per_second(limit_headers(headers))
    )


def _with_backfill(learned: Learned, pull: Pull) -> Learned:
    if learned.volume is None or learned.page is None or learned.seconds_a_page is None:
        return learned
    paced = replace(pull, requests_per_second=learned.requests_per_second)
    return replace(learned, backfill=backfill(learned.volume.a_day, learned.page.size, learned.seconds_a_page, paced))
