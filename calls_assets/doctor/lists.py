"""How the account's lists differ from the document: dates, totals, pages, hidden calls, call types."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from calls_assets.api.call_types import cannot_be, refuses_type
from calls_assets.api.crawl import LONG_AGO
from calls_assets.api.document import CALL_TYPES, DIRECTIONS, Query
from calls_assets.api.errors import ApiError
from calls_assets.arrow import Ints, ints
from calls_assets.days import ONE_DAY
from calls_assets.doctor.account import Account, Answer
from calls_assets.doctor.records import BY_TIME
from calls_assets.doctor.sample import Sample
from calls_assets.doctor.single_days import SingleDays

FEW = 20
"""Calls of each call type that are looked at."""

LONG_RANGE = 100 * ONE_DAY
"""Longer than most limits on a range: a month, a quarter."""

GIVEN, IGNORED = "given", "ignored"
"""How an account answers for a call type; a refusal is described with its status."""


@dataclass(frozen=True)
class ListFindings:
    """What lists do; each is False or None where it is as documented, or could not be found out.

    Attributes:
        ignores_from, ignores_to: Calls come from before dateFrom, or from after dateTo.
        ignores_filters: The same calls come with the filters and without them.
        cuts_ranges: A range of days lacks calls that its days have one by one.
        cuts_long_ranges: A long range has fewer calls than its halves, by the totals.
        lacks_calls: The list of all calls lacks some that the lists of the directions have.
        first_is_empty: Page 1 is empty although the total is not.
        begins_late: A list begins before its page 1.
        repeats_pages: The pages after page 1 are page 1 again.
        has_more: Pages after the first have other calls.
        tells_no_total: Calls come without a readable total.
        counts_all: The total is the same whatever the dates.
        total_of_none: The total of days without calls, where it is neither 0 nor that of all.
        total_at_most: The total where there are calls beyond it: a cap, the count of a page, or too low a number.
        total_beyond: The total where a list ends before it.
        deepest: So many calls of a list can be read before pages are refused.
        cut_at: A limit at which pages are cut short, and lack calls.
        refused_day: The first day that may be pulled, where the account refuses its dates.
    """

    ignores_from: bool = False
    ignores_to: bool = False
    ignores_filters: bool = False
    cuts_ranges: bool = False
    cuts_long_ranges: bool = False
    lacks_calls: bool = False
    first_is_empty: bool = False
    begins_late: bool = False
    repeats_pages: bool = False
    has_more: bool = False
    tells_no_total: bool = False
    counts_all: bool = False
    total_of_none: int | None = None
    total_at_most: int | None = None
    total_beyond: int | None = None
    deepest: int | None = None
    cut_at: int | None = None
    refused_day: date | None = None

    @property
    def ignores_dates(self) -> bool:
        """Whether at least one date changes nothing."""
        return self.ignores_from or self.ignores_to

    @property
    def has_true_totals(self) -> bool:
        """Whether totals count the calls of their lists, as far as was seen."""
        untrue = (self.total_of_none, self.total_at_most, self.total_beyond)
        return not (self.tells_no_total or self.counts_all) and all(total is None for total in untrue)


def examine_lists(account: Account, days: SingleDays, sample: Sample, order: str | None, since: date) -> ListFindings:
    """What single days, the sample and a few more requests reveal about the account's lists.

    Args:
        account: Whom to ask.
        days: Consecutive days, one by one.
        sample: Pages of a range.
        order: How these are ordered.
        since: The first day that may be pulled.
    """
    first = sample.answers[1]
    if first is None or not first.page.records:
        return ListFindings(first_is_empty=first is not None and first.total > 0)
    if _begins_late(account, sample, first):
        return ListFindings(begins_late=True)
    if _repeats_pages(account, sample, first):
        return ListFindings(repeats_pages=True)
    beyond = sample.ask(account, sample.last_page + 1)
    is_more = beyond is not None and _is_new(beyond, sample)
    found, is_whole = _dates_and_totals(account, sample, first, is_more), sample.is_whole and not is_more
    has_totals = found.has_true_totals and not found.ignores_dates
    return replace(
        found,
        cut_at=sample.cut_at,
        refused_day=since if account.refuses(since) else None,
        ignores_filters=_ignores_filters(account, sample, first),
        cuts_ranges=not found.ignores_dates and _cuts_ranges(days, sample, is_whole, has_totals),
        cuts_long_ranges=has_totals and _cuts_long_ranges(account, sample.last_day),
        lacks_calls=account.filters.asks_for_all and _lacks_calls(account, sample, order, is_whole, has_totals),
    )


def examine_call_types(account: Account, first: date, last: date) -> Mapping[str, str]:
    """How the account answers for each call type between two dates: `GIVEN`, `IGNORED`, or its refusal.

    A type is ignored where its list shows a call that cannot be of it: totals may be capped, or count all calls.
    """

    def answer(name: str) -> str:
        try:
            page = account.ask(first, last, limit=FEW, call_type=name).page
        except ApiError as error:
            if not refuses_type(error, name):
                raise
            return f"refused ({error.status})"
        return IGNORED if cannot_be(name, page.calls) else GIVEN

    return {name: answer(name) for name in CALL_TYPES}


def _begins_late(account: Account, sample: Sample, first: Answer) -> bool:
    """Whether page 1 of one row has a call that page 1 of many lacks: then neither is where the list begins."""
    row = sample.one_row
    if row is None or not row.ids or not first.ids or row.ids[0] in first.ids:
        return False
    # Rows that come in another order each time would look alike.
    again = sample.ask_row(account, 1)
    return again is not None and again.ids == row.ids


def _repeats_pages(account: Account, sample: Sample, first: Answer) -> bool:
    """Whether every page is the same; a server may well give its last page for any page beyond it."""
    row, second = sample.one_row, sample.answers.get(2)
    if row is None or not row.ids or not 1 == row.page.records < first.page.records:
        return second is not None and second.page.records > 0 and second.ids == first.ids
    others = (sample.ask_row(account, page) for page in (2, 3))
    return all(other is not None and other.ids == row.ids for other in others)


def _is_new(beyond: Answer, sample: Sample) -> bool:
    known = [answer.ids for answer in sample.answers.values() if answer is not None]
    return beyond.page.records > 0 and beyond.ids not in known


def _dates_and_totals(account: Account, sample: Sample, first: Answer, is_more: bool) -> ListFindings:
    nothing = account.try_ask(LONG_AGO, LONG_AGO + ONE_DAY)
    of_none = nothing.total if nothing and not nothing.page.records else 0
    second = sample.answers.get(2)
    return ListFindings(
        ignores_from=sample.reaches_before,
        ignores_to=sample.reaches_after or (nothing is not None and nothing.page.records > 0),
        has_more=is_more or (second is not None and second.page.records > 0 and second.ids != first.ids),
        tells_no_total=not first.total,
        counts_all=of_none == first.total > 0,
        total_of_none=of_none if of_none not in (0, first.total) else None,
        total_at_most=first.total if first.total and (is_more or sample.shortfall < 0) else None,
        total_beyond=first.total if sample.shortfall > 0 and not of_none else None,
        deepest=None if of_none else sample.deepest,
    )


def _ignores_filters(account: Account, sample: Sample, first: Answer) -> bool:
    if account.filters.asks_for_all:
        return False
    whole = account.try_ask(sample.first_day, sample.last_day, limit=sample.limit, filters=Query())
    return whole is not None and whole.total == first.total and whole.ids == first.ids


def _cuts_ranges(days: SingleDays, sample: Sample, is_whole: bool, has_totals: bool) -> bool:
    """Whether a range lacks calls of its days: by their ids where the sample is the whole range, else by totals."""
    if is_whole and not np.isin(days.seen, ints(sample.calls["id"])).all():
        return True
    return has_totals and days.hidden > 0


def _cuts_long_ranges(account: Account, last: date) -> bool:
    first, middle = last - LONG_RANGE, last - LONG_RANGE / 2
    ranges = ((first, last), (first, middle), (middle + ONE_DAY, last))
    whole, *halves = (account.try_ask(begin, end) for begin, end in ranges)
    return whole is not None and whole.total < sum(half.total for half in halves if half)


def _lacks_calls(account: Account, sample: Sample, order: str | None, is_whole: bool, has_totals: bool) -> bool:
    """Whether the lists of the directions have calls that the sample of all calls should have, but lacks."""
    answers = {name: _of_direction(account, sample, name) for name in DIRECTIONS}
    given = [answer for name, answer in answers.items() if answer and not cannot_be(name, answer.page.calls)]
    first = sample.pages[0]
    if is_whole:
        return any(_others(answer, ints(sample.calls["id"])).any() for answer in given)
    if order in BY_TIME and len(first.started_at):
        # A page in order of time has every call between its first and its last one.
        least, most = first.started_at.min(), first.started_at.max()
        return any(
            (_others(answer, np.array(first.ids)) & (answer.started_at > least) & (answer.started_at < most)).any()
            for answer in given
        )
    return has_totals and len(given) == len(DIRECTIONS) and sum(answer.total for answer in given) > first.total


def _of_direction(account: Account, sample: Sample, name: str) -> Answer | None:
    try:
        return account.ask(sample.first_day, sample.last_day, limit=sample.limit, call_type=name)
    except ApiError as error:
        if not refuses_type(error, name):
            raise
        return None


def _others(answer: Answer, known: Ints) -> np.ndarray:
    return ~np.isin(np.array(answer.ids, dtype=np.int64), known)
