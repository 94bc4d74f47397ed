"""What the account says of single days: their counts, and the first and the last call of each."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from calls_assets.api.errors import RequestRefused
from calls_assets.api.windows import WESTMOST
from calls_assets.days import ONE_DAY
from calls_assets.doctor.account import Account, Answer
from calls_assets.doctor.dates import Ends, reads_inclusively
from calls_assets.doctor.records import BY_TIME

DAYS = 8
"""Consecutive closed days that are requested one by one: a whole week, and one more for the last pair."""

A_YEAR = 366 * ONE_DAY

MOST_PAGES = 20
"""The most full pages that are read to find the first and last calls of days in an unordered list."""


@dataclass(frozen=True)
class SingleDays:
    """Consecutive days, by what the API says of each.

    Attributes:
        inclusive: Whether the day of dateTo is in the answer; None where the counts do not decide.
        answers: Each day that could be requested alone, with page 1 of one row; empty where `inclusive` is None.
        seen: The id of one call of each answer for one day or two.
        hidden: How many more calls the days have one by one than in one range, at least, by the totals.
    """

    inclusive: bool | None
    answers: Mapping[date, Answer]
    seen: Sequence[int] = ()
    hidden: int = 0

    @property
    def counts(self) -> dict[date, int]:
        """The number of calls of each of the last seven days."""
        return {day: answer.total for day, answer in sorted(self.answers.items())[1 - DAYS :]}

    def date_to(self, day: date) -> date:
        """The dateTo that requests `day` alone."""
        return day if self.inclusive else day + ONE_DAY


def last_closed_day(now: datetime) -> date:
    """The latest day that is over everywhere on Earth."""
    return (now.astimezone(UTC) - WESTMOST).date() - ONE_DAY


def busy_days(account: Account, last: date) -> tuple[date, ...]:
    """The days up to `last`, or else days around a call of the last year; empty where there was no call.

    Raises:
        ApiError: the API gave no answer at all.
    """
    if account.ask(last - (DAYS - 1) * ONE_DAY, last).has_calls:
        return _up_to(last)
    answer = account.ask(last - A_YEAR, last)
    if not len(answer.started_at):
        return ()
    day = datetime.fromtimestamp(int(answer.started_at[0]), UTC).date()
    return _up_to(min(last, day + DAYS // 2 * ONE_DAY))


def ask_day_by_day(account: Account, days: Sequence[date], whole: int) -> SingleDays:
    """What each day holds, requested alone and together with the next; `whole` is the total of all of them."""
    alone = {day: _unless_refused(account, day, day) for day in days}
    pairs = {day: _unless_refused(account, day, day + ONE_DAY) for day in days[:-1]}
    of_each, of_pairs = _totals(alone.values()), _totals(pairs.values())
    inclusive = reads_inclusively(of_each, of_pairs)
    if inclusive is False and not any(alone.values()):  # refused, which does not mean a day without calls
        triples = [_unless_refused(account, day, day + 2 * ONE_DAY) for day in days[:-2]]
        inclusive = False if reads_inclusively(of_pairs, _totals(triples)) else None
    answers = {day: answer for day, answer in {None: {}, True: alone, False: pairs}[inclusive].items() if answer}
    if not inclusive:  # the last day is in no range then
        alone.popitem()
    seen = [call for answer in (*alone.values(), *pairs.values()) if answer for call in answer.ids]
    # However dateTo is read, days that are requested alone have no call in common.
    one_by_one = max(sum(_totals(of.values())) for of in (alone, answers))
    return SingleDays(inclusive, answers, seen, max(0, one_by_one - whole))


def days_like(account: Account, last: date, inclusive: bool) -> SingleDays:
    """As many days up to `last`, of an account that is known to include the day of dateTo, or not to."""
    asked = SingleDays(inclusive, {})
    answers = {day: _unless_refused(account, day, asked.date_to(day)) for day in _up_to(last)}
    return SingleDays(inclusive, {day: answer for day, answer in answers.items() if answer})


def ends_of_days(account: Account, days: SingleDays, order: str | None, limit: int) -> tuple[Ends, ...]:
    """The first and the last call of each day that has any, where they are cheap to get.

    Args:
        account: Whom to ask.
        days: The days.
        order: How lists are ordered; where that is not by time, whole days are read, and few.
        limit: The page size for that.
    """
    busy = {day: answer for day, answer in days.answers.items() if answer.total}
    if order in BY_TIME:
        found = (_ends_in_order(account, day, days.date_to(day), answer) for day, answer in busy.items())
        return tuple(ends for ends in found if ends)
    return tuple(_ends_of_whole_days(account, days, busy, limit))


def _ends_in_order(account: Account, day: date, date_to: date, first: Answer) -> Ends | None:
    last = account.try_ask(day, date_to, first.total)
    starts = [int(start) for answer in (first, last) if answer for start in answer.started_at]
    return Ends(day, min(starts), max(starts)) if len(starts) == 2 else None


def _ends_of_whole_days(account: Account, days: SingleDays, busy: Mapping[date, Answer], limit: int) -> Iterator[Ends]:
    left = MOST_PAGES
    for day, answer in sorted(busy.items(), key=lambda item: item[1].total):
        pages = math.ceil(answer.total / limit)
        left -= pages
        if left < 0:
            return
        read = [account.try_ask(day, days.date_to(day), page, limit) for page in range(1, pages + 1)]
        starts = [int(start) for one in read if one for start in one.started_at]
        # A missing call could be the first or the last.
        if len(starts) == answer.total:
            yield Ends(day, min(starts), max(starts))


def _unless_refused(account: Account, first: date, last: date) -> Answer | None:
    try:
        return account.ask(first, last)
    except RequestRefused:
        return None


def _totals(answers: Iterable[Answer | None]) -> list[int]:
    return [answer.total if answer else 0 for answer in answers]


def _up_to(last: date) -> tuple[date, ...]:
    return tuple(last - back * ONE_DAY for back in reversed(range(DAYS)))
