"""What an account's lists do otherwise than the document says: dates, totals, pages, call types."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from calls_assets.api.call_types import cannot_be, refuses_type
from calls_assets.api.crawl import LONG_AGO
from calls_assets.api.document import CALL_TYPES
from calls_assets.api.errors import ApiError
from calls_assets.days import ONE_DAY
from calls_assets.doctor.hidden import cuts_long_ranges, cuts_ranges, lacks_calls
from calls_assets.doctor.pages import Answer
from calls_assets.doctor.questions import Account, Days, FullPages

FEW = 20
"""Calls of each call type that are looked at."""

GIVEN, IGNORED = "given", "ignored"
"""How an account answers for a call type; a refusal is told by its status."""


@dataclass(frozen=True)
class Lists:
    """Habits of lists; each is False or None where it is as documented, or could not be found out.

    Attributes:
        ignores_from, ignores_to: Calls come from before dateFrom, or from after dateTo.
        ignores_filters: The same calls come with the filters and without them.
        cuts_ranges: A range of days lacks calls that its days have one by one.
        cuts_long_ranges: A long range has fewer calls than its halves have, by the totals.
        lacks_calls: The list of all calls lacks some that those of the directions have.
        first_is_empty: Page 1 is empty although the total is not.
        begins_late: A list begins before its page 1.
        repeats_pages: The pages after page 1 are page 1 again.
        has_more: There are other calls on another page than the first.
        tells_no_total: Calls come without a total that can be read.
        counts_all: The total is the same whatever the dates.
        total_of_none: The total of days without calls, where it is neither 0 nor that of all.
        total_at_most: The total where there are calls beyond it: a cap, the count of a page, or too low a number.
        total_beyond: The total where a list ends before it.
        deepest: So many calls of a list can be read before pages are refused.
        cut_at: A limit for which pages are cut short, and lack calls.
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
        """Whether one date at least changes nothing."""
        return self.ignores_from or self.ignores_to

    @property
    def has_true_totals(self) -> bool:
        """Whether totals count the calls of their lists, as far as was seen."""
        untrue = (self.total_of_none, self.total_at_most, self.total_beyond)
        return not (self.tells_no_total or self.counts_all) and all(total is None for total in untrue)


def lists(account: Account, days: Days, pages: FullPages, order: str | None, since: date) -> Lists:
    """What single days, the full pages and some more questions tell of the account's lists.

    Args:
        account: Whom to ask.
        days: Some days one by one.
        pages: Full pages.
        order: How they run.
        since: The first day that may be pulled.
    """
    first = pages.answers[1]
    if first is None or not first.page.records:
        return Lists(first_is_empty=first is not None and first.total > 0)
    if _begins_late(account, pages, first):
        return Lists(begins_late=True)
    if _repeats_pages(account, pages, first):
        return Lists(repeats_pages=True)
    beyond = pages.ask(account, pages.last + 1)
    is_more = beyond is not None and _is_new(beyond, pages)
    found, is_whole = _dates_and_totals(account, pages, first, is_more), pages.is_whole and not is_more
    has_totals = found.has_true_totals and not found.ignores_dates
    return replace(
        found,
        cut_at=pages.cut_at,
        refused_day=since if account.refuses(since) else None,
        ignores_filters=_ignores_filters(account, pages, first),
        cuts_ranges=not found.ignores_dates and cuts_ranges(days, pages, is_whole, has_totals),
        cuts_long_ranges=has_totals and cuts_long_ranges(account, pages.last_day),
        lacks_calls=account.asks_for_all and lacks_calls(account, pages, order, is_whole, has_totals),
    )


def call_types(account: Account, first: date, last: date) -> Mapping[str, str]:
    """How the account answers for each call type between two dates.

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


def _begins_late(account: Account, pages: FullPages, first: Answer) -> bool:
    """Whether page 1 of one row has a call that page 1 of many lacks: then neither is where the list begins."""
    begin = pages.begin
    if begin is None or not begin.ids or not first.ids or begin.ids[0] in first.ids:
        return False
    # Rows that come in another order each time would look alike.
    again = account.ask_for_more(pages.first_day, pages.last_day, 1, 1)
    return again is not None and again.ids == begin.ids


def _repeats_pages(account: Account, pages: FullPages, first: Answer) -> bool:
    """Whether every page is the same; a server may well give its last page for any page beyond it."""
    begin, second = pages.begin, pages.answers.get(2)
    if begin is None or not begin.ids or not 1 == begin.page.records < first.page.records:
        return second is not None and second.page.records > 0 and second.ids == first.ids
    others = (account.ask_for_more(pages.first_day, pages.last_day, page, 1) for page in (2, 3))
    return all(other is not None and other.ids == begin.ids for other in others)


def _dates_and_totals(account: Account, pages: FullPages, first: Answer, is_more: bool) -> Lists:
    nothing = account.ask_for_more(LONG_AGO, LONG_AGO + ONE_DAY, 1, 1)
    of_none = nothing.total if nothing and not nothing.page.records else 0
    second = pages.answers.get(2)
    return Lists(
        ignores_from=pages.reaches_before,
        ignores_to=pages.reaches_after or (nothing is not None and nothing.page.records > 0),
        has_more=is_more or (second is not None and second.page.records > 0 and second.ids != first.ids),
        tells_no_total=not first.total,
        counts_all=of_none == first.total > 0,
        total_of_none=of_none if of_none not in (0, first.total) else None,
        total_at_most=first.total if first.total and (is_more or pages.lacking < 0) else None,
        total_beyond=first.total if pages.lacking > 0 and not of_none else None,
        deepest=None if of_none else pages.deepest,
    )


def _ignores_filters(account: Account, pages: FullPages, first: Answer) -> bool:
    if account.asks_for_all:
        return False
    whole = account.ask_unfiltered(pages.first_day, pages.last_day, pages.limit)
    return whole is not None and whole.total == first.total and whole.ids == first.ids


def _is_new(beyond: Answer, pages: FullPages) -> bool:
    known = [answer.ids for answer in pages.answers.values() if answer is not None]
    return beyond.page.records > 0 and beyond.ids not in known
