"""What a visit learns of an account, in one piece."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from calls_assets.api.rules import Deviation
from calls_assets.doctor.dates import ZoneFinding
from calls_assets.doctor.lists import Lists
from calls_assets.doctor.volume import Backfill, Volume
from calls_assets.doctor.waits import Threshold


@dataclass(frozen=True)
class PageSize:
    """What came for a `limit`: so many `rows` of `total` calls, and `told`, the `meta.limit` (None: none came).

    Where it `has_more`, another page had other calls, whatever the total.
    """

    asked: int
    rows: int
    total: int
    told: int | None
    has_more: bool = False

    @property
    def is_seen(self) -> bool:
        """Whether there were more calls than a page took, so that the rows show its size."""
        return self.rows == self.asked or self.has_more

    @property
    def size(self) -> int:
        """The rows to expect of a full page, as far as seen or told."""
        return self.rows if self.is_seen else min(self.asked, self.told or self.asked)


@dataclass(frozen=True)
class Learned:
    """The findings; what is None could not be found out.

    Attributes:
        questions: How many requests it took.
        calls: How many calls lie in the range of days that the pages came from; 0: the account seems to be empty.
        inclusive: Whether the day of dateTo is in the answer.
        zone: The zones in which the dates may be read.
        page: The size of a page.
        order: One of `pages.ORDERS`.
        lists: How its lists behave otherwise than the document says.
        call_types: How it answers for each call type, one of `lists.GIVEN`, `lists.IGNORED`, or its refusal.
        types: The values of `type`, each with its number of calls.
        deviations: How records differ from the document, each with its number of records.
        unreadable: Why records could not be read, each reason with its number of records.
        sampled: How many records were looked at for types and fields.
        night_utc: The hour of the day, in UTC, in the middle of the quietest hours; None where no hours are quiet.
        threshold: The wait that tells calls in time from late ones best.
        volume: Calls a day.
        seconds_a_page: What a full page took, on average, and `backfill` what a year of them would.
        headers: The headers that tell of a rate limit.
        requests_per_second: The pace that those headers allow.
    """

    questions: int
    calls: int = 0
    inclusive: bool | None = None
    zone: ZoneFinding | None = None
    page: PageSize | None = None
    order: str | None = None
    lists: Lists = field(default_factory=Lists)
    call_types: Mapping[str, str] = field(default_factory=dict)
    types: Mapping[str, int] = field(default_factory=dict)
    deviations: Mapping[Deviation, int] = field(default_factory=dict)
    unreadable: Mapping[str, int] = field(default_factory=dict)
    sampled: int = 0
    night_utc: float | None = None
    threshold: Threshold | None = None
    volume: Volume | None = None
    seconds_a_page: float | None = None
    backfill: Backfill | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    requests_per_second: float | None = None

    @property
    def obstacle(self) -> str | None:
        """Why nothing can be pulled from this account, in a sentence; None where that is not so."""
        if self.lists.first_is_empty:
            return (
                "The first page of a list is empty although its total is not: the account's pages are not numbered from 1 as "
                "the document has it, or the token may count calls that it may not see; ask the vendor."
            )
        if self.lists.begins_late:
            return (
                "Page 1 is not where a list begins, for with limit=1 it has a call that it lacks with a larger limit: the "
                "account's pages are not numbered from 1 as the document has it, and calls would be missed; ask the vendor."
            )
        if self.lists.repeats_pages:
            return (
                "Every page is the same one: the account ignores the parameter page, so no list of several can be read."
            )
        if self.sampled and sum(self.unreadable.values()) == self.sampled:
            return f"None of the {self.sampled:,} records that came could be read: {next(iter(self.unreadable))}."
        return None
