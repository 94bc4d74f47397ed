"""What a visit learns of an account, in one piece."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from calls_assets.doctor.dates import ZoneFinding
from calls_assets.doctor.volume import Backfill, Volume
from calls_assets.doctor.waits import Threshold


@dataclass(frozen=True)
class PageSize:
    """What came for a `limit`: so many `rows` of `total` calls, and `told`, the `meta.limit` (None: none came)."""

    asked: int
    rows: int
    total: int
    told: int | None

    @property
    def is_seen(self) -> bool:
        """Whether there were more calls than a page took, so that the rows show its size."""
        return 0 < self.rows < self.total or self.rows == self.asked

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
        types: The values of `type`, each with its number of calls.
        unknown: The fields that the document does not name, each with its JSON types.
        unreadable: Why records could not be read, each reason with its number of records.
        sampled: How many records were looked at for types and fields.
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
    types: Mapping[str, int] = field(default_factory=dict)
    unknown: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unreadable: Mapping[str, int] = field(default_factory=dict)
    sampled: int = 0
    threshold: Threshold | None = None
    volume: Volume | None = None
    seconds_a_page: float | None = None
    backfill: Backfill | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    requests_per_second: float | None = None
