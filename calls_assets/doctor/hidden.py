"""Signs that an account hides calls: of ranges of days, and of the list of all calls."""

from datetime import date, timedelta

import numpy as np

from calls_assets.api.call_types import cannot_be, refuses_type
from calls_assets.api.document import DIRECTIONS
from calls_assets.api.errors import ApiError
from calls_assets.arrow import Ints, ints
from calls_assets.days import ONE_DAY
from calls_assets.doctor.pages import ORDERS, Answer
from calls_assets.doctor.questions import Account, Days, FullPages

LONG = timedelta(days=100)
"""A range that is longer than most limits: a month, a quarter."""


def cuts_ranges(days: Days, pages: FullPages, is_whole: bool, has_totals: bool) -> bool:
    """Whether a range of days lacks calls that its days have one by one.

    Args:
        days: The days one by one.
        pages: Pages of the range.
        is_whole: Whether they are all that it has.
        has_totals: Whether totals count the calls of their lists.
    """
    if is_whole and not np.isin(days.seen, ints(pages.calls["id"])).all():
        return True
    return has_totals and days.hidden > 0


def cuts_long_ranges(account: Account, last: date) -> bool:
    """Whether a long range up to `last` has fewer calls than its halves have, by the totals."""
    first, middle = last - LONG, last - LONG / 2
    ranges = ((first, last), (first, middle), (middle + ONE_DAY, last))
    whole, *halves = (account.ask_for_more(begin, end, 1, 1) for begin, end in ranges)
    return whole is not None and whole.total < sum(half.total for half in halves if half)


def lacks_calls(account: Account, pages: FullPages, order: str | None, is_whole: bool, has_totals: bool) -> bool:
    """Whether the list of all calls lacks some that the lists of the directions have.

    Args:
        account: Whom to ask.
        pages: Pages of the list of all calls.
        order: How they run.
        is_whole: Whether they are all that it has.
        has_totals: Whether totals count the calls of their lists.
    """
    answers = {name: _of_direction(account, pages, name) for name in DIRECTIONS}
    given = [answer for name, answer in answers.items() if answer and not cannot_be(name, answer.page.calls)]
    first = pages.given[0]
    if is_whole:
        return any(_others(answer, ints(pages.calls["id"])).any() for answer in given)
    if order in ORDERS[:2] and len(first.started_at):
        # A page in order of time has every call between its first and its last one.
        least, most = first.started_at.min(), first.started_at.max()
        return any(
            (_others(answer, np.array(first.ids)) & (answer.started_at > least) & (answer.started_at < most)).any()
            for answer in given
        )
    return has_totals and len(given) == len(DIRECTIONS) and sum(answer.total for answer in given) > first.total


def _of_direction(account: Account, pages: FullPages, name: str) -> Answer | None:
    try:
        return account.ask(pages.first_day, pages.last_day, limit=pages.limit, call_type=name)
    except ApiError as error:
        if not refuses_type(error, name):
            raise
        return None


def _others(answer: Answer, known: Ints) -> np.ndarray:
    return ~np.isin(np.array(answer.ids, dtype=np.int64), known)
