"""What the doctor finds out about an account, in one piece."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from calls_assets.api.rules import Deviation
from calls_assets.doctor.dates import ZoneFinding
from calls_assets.doctor.lists import ListFindings
from calls_assets.doctor.volume import Backfill, Volume
from calls_assets.metrics.wait_proof import WaitProof


@dataclass(frozen=True)
class PageSize:
    """What came for a limit of `asked`: `rows` of `total` calls, and the `meta.limit`, if there was one.

    `has_more` says that another page had other calls, whatever the total.
    """

    asked: int
    rows: int
    total: int
    meta_limit: int | None
    has_more: bool = False

    @property
    def is_seen(self) -> bool:
        """Whether the page was full, so that its rows show the size."""
        return self.rows == self.asked or self.has_more

    @property
    def size(self) -> int:
        """The rows to expect of a full page."""
        return self.rows if self.is_seen else min(self.asked, self.meta_limit or self.asked)


@dataclass(frozen=True)
class Findings:
    """What was found; None where it could not be found out.

    Attributes:
        requests: How many requests it took.
        calls: How many calls the sampled range of days has; 0: the account seems to be empty.
        inclusive: Whether the day of dateTo is in the answer.
        zone: The zones in which the dates may be read.
        page: The size of a page.
        order: How rows are ordered, in words.
        lists: How its lists differ from the document.
        call_types: How it answers for each call type, as `lists.examine_call_types` says.
        types: The values of `type`, each with its number of calls.
        deviations: How records differ from the document, each with its number of records.
        unreadable: Why records could not be read, each reason with its number of records.
        sampled: How many records were looked at.
        quietest_hour: The middle of the quietest hours of the day, in UTC.
        waits: How callers' waits are told, as far as that can be proven.
        volume: Calls a day.
        seconds_a_page: How long a full page took, on average.
        backfill: What a year of calls takes to pull.
        headers: The headers about a rate limit.
        requests_per_second: The pace that those headers allow.
    """

    requests: int = 0
    calls: int = 0
    inclusive: bool | None = None
    zone: ZoneFinding | None = None
    page: PageSize | None = None
    order: str | None = None
    lists: ListFindings = field(default_factory=ListFindings)
    call_types: Mapping[str, str] = field(default_factory=dict)
    types: Mapping[str, int] = field(default_factory=dict)
    deviations: Mapping[Deviation, int] = field(default_factory=dict)
    unreadable: Mapping[str, int] = field(default_factory=dict)
    sampled: int = 0
    quietest_hour: float | None = None
    waits: WaitProof = field(default_factory=WaitProof)
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
                "The first page of a list is empty although its total is not: the account does not number its pages from 1 "
                "as documented, or the total counts calls that the token may not see; ask the vendor."
            )
        if self.lists.begins_late:
            return (
                "Page 1 is not the start of a list, because with limit=1 it has a call that it lacks with a larger limit: "
                "the account does not number its pages from 1 as documented, and calls would be missed; ask the vendor."
            )
        if self.lists.repeats_pages:
            return "Every page is the same: the account ignores the page parameter, so longer lists cannot be read."
        if self.sampled and sum(self.unreadable.values()) == self.sampled:
            return f"None of the {self.sampled:,} records that came could be read: {next(iter(self.unreadable))}."
        return None
