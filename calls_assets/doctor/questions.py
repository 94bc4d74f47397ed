"""Asks the account, as little as it takes: single rows of single days, and three full pages."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from calls_assets.api.document import MAX_LIMIT, Query
from calls_assets.api.errors import NotServed, RequestRefused, Unavailable
from calls_assets.api.windows import ONE_DAY, WESTMOST
from calls_assets.doctor.dates import Ends, reads_inclusively
from calls_assets.doctor.pages import ORDERS, Answer

DAYS = 8
"""Neighbouring closed days that are asked for one by one: a whole week, and one that the last pair takes."""

A_YEAR = 366
LIMITS = (MAX_LIMIT, 500, 100)
"""The page sizes to try, until one is not refused."""

SAMPLE = 1500
"""Calls that the range of the full pages should hold, so that one page does not take them all."""

MOST_PAGES = 20
"""The most full pages that are read to find the first and last calls of days in a list without order."""


class Account:
    """Asks, and counts and times the questions; `fetch` turns a request into its answer."""

    def __init__(self, fetch: Callable[[Query], Answer], filters: Query) -> None:
        self._fetch, self._filters = fetch, filters
        self.questions = 0

    def ask(self, first: date, last: date, page: int = 1, limit: int = 1) -> Answer:
        """A page of the calls from `first`, as dateFrom, to `last`, as dateTo."""
        self.questions += 1
        began = time.monotonic()
        answer = self._fetch(replace(self._filters, date_from=first, date_to=last, page=page, limit=limit))
        return replace(answer, asked=limit, seconds=time.monotonic() - began)

    def ask_for_more(self, first: date, last: date, page: int, limit: int) -> Answer | None:
        """A later page; None where the API does not give it, as some refuse pages far back."""
        try:
            return self.ask(first, last, page, limit)
        except (RequestRefused, NotServed, Unavailable):
            return None


@dataclass(frozen=True)
class Days:
    """Neighbouring days by what the API says of each.

    Attributes:
        inclusive: Whether the day of dateTo is in the answer; None where the counts do not tell.
        answers: Each day whose calls alone could be asked for, with page 1 of one row; none where `inclusive` is None.
    """

    inclusive: bool | None
    answers: Mapping[date, Answer]

    @property
    def counts(self) -> dict[date, int]:
        """The number of calls of each of the last seven days."""
        return {day: answer.page.total for day, answer in sorted(self.answers.items())[1 - DAYS :]}

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
    if account.ask(last - (DAYS - 1) * ONE_DAY, last).page.total:
        return _up_to(last)
    answer = account.ask(last - A_YEAR * ONE_DAY, last)
    if not len(answer.started_at):
        return ()
    day = datetime.fromtimestamp(int(answer.started_at[0]), UTC).date()
    return _up_to(min(last, day + DAYS // 2 * ONE_DAY))


def day_by_day(account: Account, days: Sequence[date]) -> Days:
    """What each of the days holds, asked for alone and together with the next one."""
    alone = {day: _unless_refused(account, day, day) for day in days}
    pairs = {day: _unless_refused(account, day, day + ONE_DAY) for day in days[:-1]}
    inclusive = reads_inclusively(
        *([answer.page.total if answer else 0 for answer in of.values()] for of in (alone, pairs))
    )
    answers = {None: {}, True: alone, False: pairs}[inclusive]
    return Days(inclusive, {day: answer for day, answer in answers.items() if answer})


def days_like(account: Account, last: date, inclusive: bool) -> Days:
    """As many neighbouring days up to `last`, of an account that is known to give the day of dateTo, or not to."""
    asked = Days(inclusive, {})
    answers = {day: _unless_refused(account, day, asked.until(day)) for day in _up_to(last)}
    return Days(inclusive, {day: answer for day, answer in answers.items() if answer})


def full_pages(account: Account, days: Sequence[date], calls: int) -> list[Answer]:
    """The first, the second and the last page of a range that ends with `days` and goes back until it fills them.

    Args:
        account: Whom to ask.
        days: Neighbouring days.
        calls: How many calls they have, about.

    Raises:
        RequestRefused: the API refused every page size.
    """
    back = min(A_YEAR, max(len(days), math.ceil(SAMPLE * len(days) / max(calls, 1))))
    first_day, last_day = days[-1] - (back - 1) * ONE_DAY, days[-1]
    limit, first = _largest_page(account, first_day, last_day)
    size = first.page.records
    last = math.ceil(first.page.total / size) if size else 1
    later = (account.ask_for_more(first_day, last_day, page, limit) for page in sorted({2, last}) if 1 < page <= last)
    return [first, *(answer for answer in later if answer)]


def ends_of_days(account: Account, days: Days, order: str | None, limit: int) -> tuple[Ends, ...]:
    """The first and last call of each day that has any, as far as they are cheap to have.

    Args:
        account: Whom to ask.
        days: The days.
        order: How the lists run; where that is not by time, whole days are read, and few.
        limit: The page size to read those with.
    """
    busy = {day: answer for day, answer in days.answers.items() if answer.page.total}
    if order in ORDERS[:2]:
        found = (_ends_in_order(account, day, days.until(day), answer) for day, answer in busy.items())
        return tuple(ends for ends in found if ends)
    return tuple(_ends_of_whole_days(account, days, busy, limit))


def _ends_in_order(account: Account, day: date, until: date, first: Answer) -> Ends | None:
    last = account.ask_for_more(day, until, first.page.total, 1)
    starts = [int(start) for answer in (first, last) if answer for start in answer.started_at]
    return Ends(day, min(starts), max(starts)) if len(starts) == 2 else None


def _ends_of_whole_days(account: Account, days: Days, busy: Mapping[date, Answer], limit: int) -> Iterator[Ends]:
    left = MOST_PAGES
    for day, answer in sorted(busy.items(), key=lambda item: item[1].page.total):
        pages = math.ceil(answer.page.total / limit)
        left -= pages
        if left < 0:
            return
        read = [account.ask_for_more(day, days.until(day), page, limit) for page in range(1, pages + 1)]
        starts = [int(start) for one in read if one for start in one.started_at]
        # A call that is missing could be the first or the last.
        if len(starts) == answer.page.total:
            yield Ends(day, min(starts), max(starts))


def _largest_page(account: Account, first: date, last: date) -> tuple[int, Answer]:
    for limit in LIMITS[:-1]:
        try:
            return limit, account.ask(first, last, limit=limit)
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
