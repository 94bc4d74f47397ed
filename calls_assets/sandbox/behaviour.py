"""How an account behaves where the document leaves it open, or differently from the document."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Literal

from calls_assets.api.document import MAX_LIMIT
from calls_assets.sandbox.dialects import known

DAY_S = 86_400


class Refusal(Exception):
    """The account refuses a request, with this status; the text says why."""

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True)
class Behaviour:
    """What the document leaves open, and how an account can differ from it.

    Attributes:
        zone: IANA zone in which dateFrom and dateTo are read.
        date_to_inclusive: whether the day (or the second) of dateTo belongs to the answer.
        order: how lists are ordered; `shuffled` is a fixed order by neither id nor time.
        first_page: the number of the first page; pages count from 1 by the document.
        page_cap: the most rows a page has, whatever `limit` asks for; `meta.limit` is the size in effect.
        total_as: whether `meta.total` is a number, a numeric `string`, words with `grouped` thousands, `null`, or missing:
            `absent` alone, or with all of `meta` (`no_meta`).
        refused_call_types: values of callType that get a 400.
        latency_s: how many seconds longer each answer takes.
        gzip: whether answers are compressed for clients that accept that.
        headers: additional headers of every answer, such as those of a rate limit.
        dialect: the `dialects` in which records are written, all at once; filters and dates apply to the plain record.
        total_cap: `meta.total` is never more than this.
        total_of_page: `meta.total` counts the page.
        total_offset: how many calls too high `meta.total` is.
        total_of_all: `meta.total` is always this, whatever the request.
        most_dates: the most dates of a range that are answered for, the first or the last ones by `dates_kept`.
        widest: a range of more dates than this is refused with 422.
        dates_kept: which dates of a range of more than `most_dates` are answered for.
        lacks: the calls that are missing from the list without a call type, but not from those of the call types.
        names_next: whether `meta.next` is as documented, always a path, `never` one (null), or missing (`absent`).
        deepest: how many calls of a list can be paged through; a page that reaches further is refused with `deeper_status`,
            or ends there if that is 200.
        deeper_status: the status of pages that reach too far.
        page_bytes: a page is cut off before it has more bytes of calls; what is cut off is on no other page.
        keeps_days: how many days calls are kept; the plain list of older dates is refused with `keeps_status`.
        keeps_status: the status of dates that are no longer kept.
        beyond_end_status: a page beyond the end of the list is refused with this status; 200: it is empty.
        refusal_status: the status of `refused_call_types`; with 200, the body is still an error.
        ignored_call_types: values of callType that change nothing.
        ignored: parameters that change nothing.
        empty_as: how an empty list is answered: as documented (`page`), or as `404`, `204`, `{}`, `null` (for the calls),
            `no_meta` (the empty list alone) or `[]`.
        every_twice: every n-th call of a list comes twice, and the total counts both.
        per_period: how many requests are answered in `period_s`; the others get a 429.
        period_s: the period of `per_period` in seconds.
        retry_after: how a 429 says when to try again: not at all, in `seconds`, as an HTTP `date` or as an `epoch` second.
        slash: which of `/calls` and `/calls/` answers: the latter (`required`; with `redirect_to_slash` the former leads
            there), the former (`redirect_to_bare`, where the latter leads), or both.
        error_as: where the message of a refusal is: under `error`, `message` or `detail`, in a list under `errors`, `nested`
            under error.message, or in a web page (`html`).
    """

    zone: str = "UTC"
    date_to_inclusive: bool = True
    order: Literal["newest_first", "oldest_first", "shuffled"] = "newest_first"
    first_page: int = 1
    page_cap: int = MAX_LIMIT
    total_as: Literal["number", "string", "grouped", "null", "absent", "no_meta"] = "number"
    refused_call_types: frozenset[str] = frozenset()
    latency_s: float = 0.0
    gzip: bool = True
    headers: tuple[tuple[str, str], ...] = ()
    dialect: tuple[str, ...] = ()
    total_cap: int | None = None
    total_of_page: bool = False
    total_offset: int = 0
    total_of_all: int | None = None
    most_dates: int | None = None
    widest: int | None = None
    dates_kept: Literal["first", "last"] = "first"
    lacks: Literal["nothing", "outbound", "unanswered"] = "nothing"
    names_next: Literal["documented", "always", "never", "absent"] = "documented"
    deepest: int | None = None
    deeper_status: int = 400
    page_bytes: int | None = None
    keeps_days: int | None = None
    keeps_status: int = 403
    beyond_end_status: int = 200
    refusal_status: int = 400
    ignored_call_types: frozenset[str] = frozenset()
    ignored: frozenset[str] = frozenset()
    empty_as: Literal["page", "404", "204", "{}", "null", "no_meta", "[]"] = "page"
    every_twice: int | None = None
    per_period: int | None = None
    period_s: float = 60.0
    retry_after: Literal["none", "seconds", "date", "epoch"] = "none"
    slash: Literal["required", "redirect_to_bare", "redirect_to_slash", "both"] = "required"
    error_as: Literal["error", "message", "detail", "errors", "nested", "html"] = "error"

    def __post_init__(self) -> None:
        known(self.dialect)

    def total(self, listed: int, on_page: int) -> int:
        """What `meta.total` counts for a list of `listed` calls, of which `on_page` are on the page."""
        if self.total_of_all is not None:
            return self.total_of_all
        counted = on_page if self.total_of_page else max(0, listed + self.total_offset)
        return counted if self.total_cap is None else min(counted, self.total_cap)

    def total_in_json(self, total: int | None) -> int | str | None:
        """A count as `meta.total` shows it."""
        match self.total_as if total is not None else "number":
            case "string":
                return str(total)
            case "grouped":
                return f"{total:,}" if total and total > 999 else f"{total} calls"
            case "null":
                return None
        return total

    def answered_range(self, start: int | None, end: int | None) -> tuple[int | None, int | None]:
        """The part of a range that is answered for, in epoch seconds.

        Raises:
            Refusal: the range has too many dates.
        """
        if start is None or end is None:
            return start, end
        if self.widest is not None and end - start > self.widest * DAY_S + 3_600:  # an hour for a change of the clocks
            raise Refusal(f"At most {self.widest} dates can be asked for.", 422)
        if self.most_dates is None:
            return start, end
        most_s = self.most_dates * DAY_S
        return (start, min(end, start + most_s)) if self.dates_kept == "first" else (max(start, end - most_s), end)

    def fitting(self, rows: list[bytes]) -> list[bytes]:
        """The first rows of a page, that fit into its bytes."""
        if self.page_bytes is None:
            return rows
        sizes = accumulate(map(len, rows))
        return [row for row, size in zip(rows, sizes, strict=True) if size <= self.page_bytes]

    def check_kept(self, start: int | None, call_type: str | None, now: int) -> None:
        """Raise a `Refusal` where the plain list is asked for from a `start` of which calls are no longer kept."""
        if self.keeps_days is None or call_type is not None or start is None:
            return
        if start < now - self.keeps_days * DAY_S:
            raise Refusal(f"Calls are kept for {self.keeps_days} days.", self.keeps_status)

    def check_page(self, first: int, size: int, listed: int) -> None:
        """Raise a `Refusal` where `size` calls from place `first` (from 0) of a list lie too deep, or beyond its end."""
        is_too_deep = self.deepest is not None and first < listed and first + size > self.deepest
        if is_too_deep and self.deeper_status != 200:
            raise Refusal(f"Only the first {self.deepest} results can be paged through.", self.deeper_status)
        if first > 0 and first >= listed and self.beyond_end_status != 200:
            raise Refusal("Invalid page.", self.beyond_end_status)

    def lists(self, record: Any) -> bool:
        """Whether the list without a call type has a call."""
        of = record if isinstance(record, Mapping) else {}
        match self.lacks:
            case "outbound":
                return of.get("is_inbound") is True
            case "unanswered":
                return of.get("is_answered") is True or of.get("is_inbound") is False
        return True
