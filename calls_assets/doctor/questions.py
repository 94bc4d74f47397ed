"""Asks the account, as little as it takes: single rows of single days, and three full pages."""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pyarrow as pa

from calls_assets.api.decode import Page
from calls_assets.api.document import MAX_LIMIT, Query
from calls_assets.api.errors import DatesRefused, NotServed, RequestRefused, Unavailable
from calls_assets.api.windows import WESTMOST
from calls_assets.days import ONE_DAY
from calls_assets.doctor.dates import Ends, reads_inclusively
from calls_assets.doctor.pages import ORDERS, Answer, began_after, began_before

DAYS = 8
"""Neighbouring closed days that are asked for one by one: a whole week, and one that the last pair takes."""

A_YEAR = 366
LIMITS = (MAX_LIMIT, 500, 100, 50, 10)
"""The page sizes to try, until one is not refused."""

SAMPLE = 1500
"""Calls that the range of the full pages should hold, so that one page does not take them all."""

MOST_PAGES = 20
"""The most full pages that are read to find the first and last calls of days in a list without order."""


class Account:
    """Asks, and counts and times the questions; `fetch` turns a request into its answer."""

    def __init__(self, fetch: Callable[[Query], Page], filters: Query) -> None:
        self._fetch, self._filters = fetch, filters
        self.questions = 0

    @property
    def asks_for_all(self) -> bool:
        """Whether no filter is set."""
        return self._filters.asks_for_all

    def ask(self, first: date, last: date, page: int = 1, limit: int = 1, call_type: str | None = None) -> Answer:
        """A page of the calls from `first`, as dateFrom, to `last`, as dateTo."""
        self.questions += 1
        began = time.monotonic()
        query = replace(self._filters, date_from=first, date_to=last, page=page, limit=limit, call_type=call_type)
        return Answer(self._fetch(query), limit, time.monotonic() - began)

    def refuses(self, day: date) -> bool:
        """Whether the dates of a day are refused, where others are not."""
        try:
            self.ask(day, day + ONE_DAY)
        except DatesRefused:
            return True
        except (RequestRefused, NotServed, Unavailable):
            return False
        return False

    def ask_unfiltered(self, first: date, last: date, limit: int) -> Answer | None:
        """The first page without any filter; None where the API does not give it."""
        plain = Account(self._fetch, Query())
        self.questions += 1
        return plain.ask_for_more(first, last, 1, limit)

    def ask_for_more(self, first: date, last: date, page: int, limit: int) -> Answer | None:
        """A later page; None where the API does not give it, as some refuse pages far back."""
        try:
            return self.ask(first, last, page, limit)
        except (RequestRefused, NotServed, Unavailable):
            return None


@dataclass(frozen=True)
class FullPages:
    """Pages of a list from `first` to `last_day`, asked for with `limit`.

    Attributes:
        answers: The first page, the second and the last one, as far as there are such; None where one is refused.
        last: The number of the last page by the total.
        cut_at: A larger limit, for which pages are cut short; None where that was not seen.
        begin: The first page of one row, where that was not refused.
    """

    first_day: date
    last_day: date
    limit: int
    last: int
    answers: Mapping[int, Answer | None]
    cut_at: int | None = None
    begin: Answer | None = None

    @property
    def size(self) -> int:
        """The records of the first page."""
        return self.given[0].page.records

    @property
    def are_cut(self) -> bool:
        """Whether pages are shorter than asked for, and not all alike, or empty where there is more by the total."""
        later = [(number, answer.page.records) for number, answer in self.answers.items() if answer and number > 1]
        is_odd = any(records < self.size if number < self.last else not records for number, records in later)
        return 0 < self.size < self.limit and is_odd

    def ask(self, account: Account, number: int) -> Answer | None:
        """A further page of the list; None where it is refused."""
        return account.ask_for_more(self.first_day, self.last_day, number, self.limit)

    @property
    def given(self) -> list[Answer]:
        """The pages that came, in order, without those that only repeat the one before."""
        came = [answer for _, answer in sorted(self.answers.items()) if answer is not None]
        return came[:1] + [answer for before, answer in pairwise(came) if not answer.ids or answer.ids != before.ids]

    @property
    def calls(self) -> pa.Table:
        """Their calls."""
        return pa.concat_tables([answer.page.calls for answer in self.given])

    @property
    def lacking(self) -> int:
        """How many calls the last page has fewer than the total says; less than 0: more; 0 where it did not come."""
        first, last = self.answers[1], self.answers.get(self.last)
        if first is None or last is None or not first.total:
            return 0
        return first.total - (self.last - 1) * first.page.records - last.page.records

    @property
    def is_whole(self) -> bool:
        """Whether every page of the list came, by the total."""
        return all(self.answers.get(page) for page in range(1, self.last + 1)) and self.lacking <= 0

    @property
    def reaches_before(self) -> bool:
        """Whether calls came from before the dates that were asked for, wherever these begin."""
        return any(began_before(answer.started_at, self.first_day) for answer in self.given)

    @property
    def reaches_after(self) -> bool:
        """Whether calls came from after the dates that were asked for, wherever these end."""
        return any(began_after(answer.started_at, self.last_day) for answer in self.given)

    @property
    def deepest(self) -> int | None:
        """How many calls can be read at least, where the last page is refused; None where it is not."""
        is_refused = self.answers.get(self.last, self.given) is None
        return sum(answer.page.records for answer in self.given) if is_refused else None


@dataclass(frozen=True)
class Days:
    """Neighbouring days by what the API says of each.

    Attributes:
        inclusive: Whether the day of dateTo is in the answer; None where the counts do not tell.
        answers: Each day whose calls alone could be asked for, with page 1 of one row; none where `inclusive` is None.
        seen: The ids that came for one day or two, of one call each.
        hidden: How many calls more they have one by one than in one range, at least, by the totals.
    """

    inclusive: bool | None
    answers: Mapping[date, Answer]
    seen: Sequence[int] = ()
    hidden: int = 0

    @property
    def counts(self) -> dict[date, int]:
        """The number of calls of each of the last seven days."""
        return {day: answer.total for day, answer in sorted(self.answers.items())[1 - DAYS :]}

    def until(self, day: date) -> date:
        """The dateTo that asks for nothing but `day`."""
        return day if self.inclusive else day + ONE_DAY


def last_closed_day(now: datetime) -> date:
    """The latest day that is over everywhere on Earth."""
    return (now.astimezone(UTC) - WESTMOST).date() - ONE_DAY


def busy_days(account: Account, last: date) -> tuple[date, ...]:
    """The days up to `last`, or else such around a call of the last year; none where there was no call.

    Raises:
        ApiError: the API gave no answer at all.
    """
    if account.ask(last - (DAYS - 1) * ONE_DAY, last).has_calls:
        return _up_to(last)
    answer = account.ask(last - A_YEAR * ONE_DAY, last)
    if not len(answer.started_at):
        return ()
    day = datetime.fromtimestamp(int(answer.started_at[0]), UTC).date()
    return _up_to(min(last, day + DAYS // 2 * ONE_DAY))


def day_by_day(account: Account, days: Sequence[date], whole: int) -> Days:
    """What each of the days holds, asked for alone and together with the next one; `whole` is the total of all of them."""
    alone = {day: _unless_refused(account, day, day) for day in days}
    pairs = {day: _unless_refused(account, day, day + ONE_DAY) for day in days[:-1]}
    of_each, of_pairs = _totals(alone.values()), _totals(pairs.values())
    inclusive = reads_inclusively(of_each, of_pairs)
    if inclusive is False and not any(alone.values()):  # refused, which is no sign of a day without calls
        triples = [_unless_refused(account, day, day + 2 * ONE_DAY) for day in days[:-2]]
        inclusive = False if reads_inclusively(of_pairs, _totals(triples)) else None
    answers = {day: answer for day, answer in {None: {}, True: alone, False: pairs}[inclusive].items() if answer}
    if not inclusive:  # the last day is in no range then
        alone.popitem()
    seen = [call for answer in (*alone.values(), *pairs.values()) if answer for call in answer.ids]
    # However dateTo is read, days that are asked for alone have no call in common.
    one_by_one = max(sum(answer.total for answer in of.values() if answer) for of in (alone, answers))
    return Days(inclusive, answers, seen, max(0, one_by_one - whole))


def _totals(answers: Iterable[Answer | None]) -> list[int]:
    return [answer.total if answer else 0 for answer in answers]


def days_like(account: Account, last: date, inclusive: bool) -> Days:
    """As many neighbouring days up to `last`, of an account that is known to give the day of dateTo, or not to."""
    asked = Days(inclusive, {})
    answers = {day: _unless_refused(account, day, asked.until(day)) for day in _up_to(last)}
    return Days(inclusive, {day: answer for day, answer in answers.items() if answer})


def full_pages(account: Account, days: Sequence[date], calls: int) -> FullPages:
    """The first, the second and the last page of a range that ends with `days` and goes back until it fills them.

    Args:
        account: Whom to ask.
        days: Neighbouring days.
        calls: How many calls they have, about.

    Raises:
        RequestRefused: the API refused every page size.
    """
    try:
        return _full_pages(account, days[-1] - (_days_for_pages(days, calls) - 1) * ONE_DAY, days[-1])
    except RequestRefused:  # the range is too wide, or calls are not kept for so long
        return _full_pages(account, days[0], days[-1])


def _days_for_pages(days: Sequence[date], calls: int) -> int:
    return min(A_YEAR, max(len(days), math.ceil(SAMPLE * len(days) / max(calls, 1))))


def _full_pages(account: Account, first_day: date, last_day: date) -> FullPages:
    begin = account.ask(first_day, last_day)
    pages = replace(_pages(account, first_day, last_day, *_largest_page(account, first_day, last_day)), begin=begin)
    if not pages.are_cut:
        return pages
    limit = max(1, pages.size // 2)  # as other pages hold longer records
    first = account.ask_for_more(first_day, last_day, 1, limit)
    if first is None or first.page.records < limit:
        return pages
    smaller = _pages(account, first_day, last_day, limit, first)
    behind = smaller.ask(account, pages.size // limit + 1)
    # The total alone proves no call to be cut off: it may count others.
    is_proven = behind is not None and not set(behind.ids) <= {call for answer in pages.given for call in answer.ids}
    return pages if smaller.are_cut or not is_proven else replace(smaller, cut_at=pages.limit, begin=begin)


def _pages(account: Account, first_day: date, last_day: date, limit: int, first: Answer) -> FullPages:
    """A list's first page, the second and the last one."""
    size = first.page.records
    last = max(1, math.ceil(first.total / size)) if size else 1
    later = {
        page: account.ask_for_more(first_day, last_day, page, limit) for page in sorted({2, last}) if 1 < page <= last
    }
    return FullPages(first_day, last_day, limit, last, {1: first} | later)


def ends_of_days(account: Account, days: Days, order: str | None, limit: int) -> tuple[Ends, ...]:
    """The first and last call of each day that has any, as far as they are cheap to have.

    Args:
        account: Whom to ask.
        days: The days.
        order: How the lists run; where that is not by time, whole days are read, and few.
        limit: The page size to read those with.
    """
    busy = {day: answer for day, answer in days.answers.items() if answer.total}
    if order in ORDERS[:2]:
        found = (_ends_in_order(account, day, days.until(day), answer) for day, answer in busy.items())
        return tuple(ends for ends in found if ends)
    return tuple(_ends_of_whole_days(account, days, busy, limit))


def _ends_in_order(account: Account, day: date, until: date, first: Answer) -> Ends | None:
    last = account.ask_for_more(day, until, first.total, 1)
    starts = [int(start) for answer in (first, last) if answer for start in answer.started_at]
    return Ends(day, min(starts), max(starts)) if len(starts) == 2 else None


def _ends_of_whole_days(account: Account, days: Days, busy: Mapping[date, Answer], limit: int) -> Iterator[Ends]:
    left = MOST_PAGES
    for day, answer in sorted(busy.items(), key=lambda item: item[1].total):
        pages = math.ceil(answer.total / limit)
        left -= pages
        if left < 0:
            return
        read = [account.ask_for_more(day, days.until(day), page, limit) for page in range(1, pages + 1)]
        starts = [int(start) for one in read if one for start in one.started_at]
        # A call that is missing could be the first or the last.
        if len(starts) == answer.total:
            yield Ends(day, min(starts), max(starts))


def _largest_page(account: Account, first: date, last: date) -> tuple[int, Answer]:
    for limit in LIMITS[:-1]:
        try:
            return limit, account.ask(first, last, limit=limit)
        except DatesRefused:
            raise
        except RequestRefused:
            continue
    return LIMITS[-1], account.ask(first, last, limit=LIMITS[-1])


def _unless_refused(account: Account, first: date, last: date) -> Answer | None:
    try:
        return account.ask(first, last)
    except RequestRefused:
        return None


def _up_to(last: date) -> tuple[date, ...]:
    return tuple(last - timedelta(days=back) for back in reversed(range(DAYS)))
