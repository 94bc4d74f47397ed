"""The account that the doctor examines: one request at a time, counted and timed."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date

from calls_assets.api.decode import Page
from calls_assets.api.document import Query
from calls_assets.api.errors import DatesRefused, NotServed, RequestRefused, Unavailable
from calls_assets.arrow import Ints, ints
from calls_assets.days import ONE_DAY


@dataclass(frozen=True)
class Answer:
    """A page, the limit that was asked for, and how many seconds it took."""

    page: Page
    asked: int = 0
    seconds: float = 0.0

    @property
    def total(self) -> int:
        """The account's count of the list; 0 where it gives none."""
        return self.page.total or 0

    @property
    def has_calls(self) -> bool:
        """Whether the list has any, by its total or its rows."""
        return self.total > 0 or self.page.records > 0

    @property
    def ids(self) -> list[int]:
        """The ids of the readable calls, in order."""
        found: list[int] = ints(self.page.calls["id"]).tolist()
        return found

    @property
    def started_at(self) -> Ints:
        """When the readable calls began, in epoch seconds, in order."""
        return ints(self.page.calls["started_at"])


class Account:
    """Asks an account, and counts the requests; `fetch` turns a query into its page."""

    def __init__(self, fetch: Callable[[Query], Page], filters: Query) -> None:
        self._fetch = fetch
        self.filters = filters
        self.requests = 0

    def ask(
        self,
        first: date,
        last: date,
        page: int = 1,
        limit: int = 1,
        *,
        call_type: str | None = None,
        filters: Query | None = None,
    ) -> Answer:
        """A page of the calls from `first` (dateFrom) to `last` (dateTo); `filters` stand in for the account's own."""
        self.requests += 1
        filters = self.filters if filters is None else filters
        query = replace(filters, date_from=first, date_to=last, page=page, limit=limit, call_type=call_type)
        began = time.monotonic()
        return Answer(self._fetch(query), limit, time.monotonic() - began)

    def try_ask(
        self, first: date, last: date, page: int = 1, limit: int = 1, *, filters: Query | None = None
    ) -> Answer | None:
        """The same, or None where the API does not answer, as some refuse pages far back."""
        try:
            return self.ask(first, last, page, limit, filters=filters)
        except (RequestRefused, NotServed, Unavailable):
            return None

    def refuses(self, day: date) -> bool:
        """Whether the account refuses the dates of a day in particular."""
        try:
            self.ask(day, day + ONE_DAY)
        except DatesRefused:
            return True
        except (RequestRefused, NotServed, Unavailable):
            return False
        return False
