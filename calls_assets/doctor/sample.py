"""A sample of the account's calls: the first, the second and the last page of a range that fills them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise

import pyarrow as pa

from calls_assets.api.document import MAX_LIMIT
from calls_assets.api.errors import DatesRefused, RequestRefused
from calls_assets.days import ONE_DAY
from calls_assets.doctor.account import Account, Answer
from calls_assets.doctor.records import began_after, began_before

LIMITS = (MAX_LIMIT, 500, 100, 50, 10)
"""The page sizes to try, until one is not refused."""

CALLS = 1500
"""Calls that the range should hold, so that one page does not take them all."""

MOST_DAYS = 366


@dataclass(frozen=True)
class Sample:
    """Pages of the list from `first_day` to `last_day`, requested with `limit`.

    Attributes:
        last_page: The number of the last page, by the total.
        answers: Pages 1, 2 and the last by number, if the list has them; None where one is refused.
        cut_at: A larger limit at which pages are cut short; None where that was not seen.
        one_row: Page 1 for limit=1.
    """

    first_day: date
    last_day: date
    limit: int
    last_page: int
    answers: Mapping[int, Answer | None]
    cut_at: int | None = None
    one_row: Answer | None = None

    def ask(self, account: Account, number: int) -> Answer | None:
        """Another page of the list; None where it is refused."""
        return account.try_ask(self.first_day, self.last_day, number, self.limit)

    def ask_row(self, account: Account, number: int) -> Answer | None:
        """A page of a single row of the list; None where it is refused."""
        return account.try_ask(self.first_day, self.last_day, number)

    @property
    def pages(self) -> list[Answer]:
        """The pages that came, in order, without those that only repeat the one before."""
        came = [answer for _, answer in sorted(self.answers.items()) if answer is not None]
        return came[:1] + [answer for before, answer in pairwise(came) if not answer.ids or answer.ids != before.ids]

    @property
    def calls(self) -> pa.Table:
        """The readable calls of the pages."""
        return pa.concat_tables([answer.page.calls for answer in self.pages])

    @property
    def size(self) -> int:
        """The records of page 1."""
        return self.pages[0].page.records

    @property
    def is_cut(self) -> bool:
        """Whether pages are shorter than requested and of different sizes, or empty before the end by the total."""
        later = [(number, answer.page.records) for number, answer in self.answers.items() if answer and number > 1]
        is_uneven = any(records < self.size if number < self.last_page else not records for number, records in later)
        return 0 < self.size < self.limit and is_uneven

    @property
    def shortfall(self) -> int:
        """How many calls the last page lacks by the total; negative: it has more; 0 where it did not come."""
        first, last = self.answers[1], self.answers.get(self.last_page)
        if first is None or last is None or not first.total:
            return 0
        return first.total - (self.last_page - 1) * first.page.records - last.page.records

    @property
    def is_whole(self) -> bool:
        """Whether every page of the list came, by the total."""
        return all(self.answers.get(page) for page in range(1, self.last_page + 1)) and self.shortfall <= 0

    @property
    def reaches_before(self) -> bool:
        """Whether calls came from before the first day, in whichever zone."""
        return any(began_before(answer.started_at, self.first_day) for answer in self.pages)

    @property
    def reaches_after(self) -> bool:
        """Whether calls came from after the last day, in whichever zone."""
        return any(began_after(answer.started_at, self.last_day) for answer in self.pages)

    @property
    def deepest(self) -> int | None:
        """How many calls can be read at least, where the last page is refused; None where it is not."""
        is_refused = self.answers.get(self.last_page, self.pages) is None
        return sum(answer.page.records for answer in self.pages) if is_refused else None


def take_sample(account: Account, days: Sequence[date], calls: int) -> Sample:
    """Pages of a range that ends with `days`, which have about `calls` calls, and goes back until it fills them.

    Raises:
        RequestRefused: the API refused every page size.
    """
    wanted = min(MOST_DAYS, max(len(days), math.ceil(CALLS * len(days) / max(calls, 1))))
    try:
        return _take(account, days[-1] - (wanted - 1) * ONE_DAY, days[-1])
    except RequestRefused:  # the range is too wide, or calls are not kept for so long
        return _take(account, days[0], days[-1])


def _take(account: Account, first_day: date, last_day: date) -> Sample:
    one_row = account.ask(first_day, last_day)
    sample = replace(_read(account, first_day, last_day, *_largest_page(account, first_day, last_day)), one_row=one_row)
    if not sample.is_cut:
        return sample
    limit = max(1, sample.size // 2)  # as other pages hold longer records
    first = account.try_ask(first_day, last_day, 1, limit)
    if first is None or first.page.records < limit:
        return sample
    smaller = _read(account, first_day, last_day, limit, first)
    behind = smaller.ask(account, sample.size // limit + 1)
    # The total alone does not prove that calls are cut off: it may count others.
    is_proven = behind is not None and not set(behind.ids) <= {call for answer in sample.pages for call in answer.ids}
    return sample if smaller.is_cut or not is_proven else replace(smaller, cut_at=sample.limit, one_row=one_row)


def _read(account: Account, first_day: date, last_day: date, limit: int, first: Answer) -> Sample:
    """The list's first page, which came already, the second and the last."""
    size = first.page.records
    last = max(1, math.ceil(first.total / size)) if size else 1
    later = {page: account.try_ask(first_day, last_day, page, limit) for page in sorted({2, last}) if 1 < page <= last}
    return Sample(first_day, last_day, limit, last, {1: first} | later)


def _largest_page(account: Account, first: date, last: date) -> tuple[int, Answer]:
    for limit in LIMITS[:-1]:
        try:
            return limit, account.ask(first, last, limit=limit)
        except DatesRefused:
            raise
        except RequestRefused:
            continue
    return LIMITS[-1], account.ask(first, last, limit=LIMITS[-1])
