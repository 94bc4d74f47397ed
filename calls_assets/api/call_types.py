"""What the API itself says of call types, over the same window as a crawl.

The calls of types that fields cannot tell are fetched. Those of types that fields tell for certain are only counted, and
fetched where the count differs from ours. A type that the account's plan does not allow is refused; one that the server
ignores is answered with the list of all calls.
"""

import threading
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, reduce

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from calls_assets.api.concurrency import map_concurrently
from calls_assets.api.crawl import Calls, Crawled, Crawler, NotProven, TooDeep
from calls_assets.api.crawled import merged
from calls_assets.api.decode import Page
from calls_assets.api.document import CALL_TYPES, CERTAIN_CALL_TYPES, DIRECTIONS, Query
from calls_assets.api.errors import ApiError, NotServed, RequestRefused, Unavailable
from calls_assets.arrow import Ints, int_array, texts

# How the API answered for a type: calls by id, a count equal to ours, a refusal, the calls of all types, or not asked.
LABELLED, SETTLED, REFUSED, IGNORED, NOT_ASKED = "labelled", "settled", "refused", "ignored", "not_asked"
UNPROVEN = "unproven"  # a type that decides no outcome, whose list the API never gave in full

# The types that decide no call's outcome: the fields tell those of some, the others only add detail.
WITHOUT_OUTCOME = frozenset({*CERTAIN_CALL_TYPES, "transfer", "warm_transfer", "automated_callback"})
LABELS = pa.schema([("id", pa.int64()), ("started_at", pa.int64()), ("call_type", pa.string())])

# The fields that rule call types out.
TELLING = ["is_inbound", "is_answered", "is_answered_within_sla", "is_ended", "external_numbers"]
UNANSWERED_INBOUND = frozenset({"outbound", "answered"})

# Call type -> the traits that rule it out.
CONTRARY: Mapping[str, frozenset[str]] = {
    "all_inbound": frozenset({"outbound"}),
    "inbound_answered": frozenset({"outbound", "unanswered"}),
    "inbound_answered_within_sla": frozenset({"outbound", "unanswered", "late"}),
    "inbound_answered_but_not_within_sla": frozenset({"outbound", "unanswered", "in_time"}),
    "inbound_ivr_exit": UNANSWERED_INBOUND,
    "abandoned": UNANSWERED_INBOUND,
    "callback": frozenset({"outbound"}),
    "overflowed": UNANSWERED_INBOUND,
    "all_outbound": frozenset({"inbound"}),
    "outbound_answered": frozenset({"inbound", "unanswered"}),
    "outbound_not_answered": frozenset({"inbound", "answered"}),
    "transfer": frozenset({"unreached"}),
    "warm_transfer": frozenset({"unreached"}),
    "out_of_business_hours": UNANSWERED_INBOUND,
    "short_abandoned": UNANSWERED_INBOUND,
    "automated_callback": frozenset({"inbound"}),
    "short_abandoned_distributed": UNANSWERED_INBOUND,
    "abandoned_distributed": UNANSWERED_INBOUND,
}

CAN_WAIT = (408, 429)  # statuses that only ask us to come back later
MOST_ODD = 0.5  # a list is of something else where a larger share of its calls rule its type out
MOST_GONE = 0.01  # two lists are the same where no larger share of calls is missing from one: those went in between


@dataclass(frozen=True)
class Answers:
    """How the API answered for each of the 18 call types, and the calls that it gave.

    `labels` has the columns id, started_at (epoch s) and call_type.
    """

    how: Mapping[str, str]
    labels: pa.Table

    @property
    def refused(self) -> list[str]:
        """The types that the API refused."""
        return [name for name, how in self.how.items() if how == REFUSED]

    @property
    def ignored(self) -> list[str]:
        """The types for which the API gave calls of all types."""
        return [name for name, how in self.how.items() if how == IGNORED]

    @property
    def unproven(self) -> list[str]:
        """The types whose lists are not proven complete."""
        return [name for name, how in self.how.items() if how == UNPROVEN]

    @property
    def sentence(self) -> str:
        """Which types the API did not give, for people."""
        ignored = "gave the same calls with and without " + ", ".join(self.ignored) if self.ignored else ""
        refused = "refused " + ", ".join(self.refused) if self.refused else ""
        unproven = "gave incomplete lists of " + ", ".join(self.unproven) if self.unproven else ""
        missing = " and ".join(part for part in (refused, ignored, unproven) if part)
        return f"The API {missing or 'gave every call type asked for'}."


def crawl_call_types(
    crawler: Crawler, query: Query, wanted: Collection[str], ours: Mapping[str, int], crawled: Crawled
) -> Answers:
    """Ask the API about every call type.

    Costs a request for each certain type, and the list of each other type that is wanted; also a certain type's list where
    its count differs from ours, and one where a type is refused. Where the crawl was merged from dates, so is each list.

    Args:
        crawler: Reads pages and whole lists.
        query: The window and filters of the crawl.
        wanted: The types whose calls to fetch; of the others, only the certain ones are counted.
        ours: Certain type -> how many calls of the crawl are of it by their fields.
        crawled: The crawl.

    Raises:
        Incomplete: the calls of a type that decides outcomes never added up to the API's total.
        ApiError: the list without a call type is refused too.
    """
    asking = _Enquiry(crawler, query, frozenset(wanted), ours, _AllCalls(crawler, query, crawled))
    # First, since where they show that the server ignores call types, the others are not worth a crawl.
    counts = dict(zip(DIRECTIONS, map_concurrently(asking.count, DIRECTIONS, crawler.concurrency), strict=True))
    if _is_all_ignored(counts, asking.plain.calls):
        answers = {name: _Answer(IGNORED if asking.asks_for(name) else NOT_ASKED) for name in CALL_TYPES}
    else:

        def answer(call_type: str) -> _Answer:
            return asking.answer(call_type, counts.get(call_type))

        answers = dict(zip(CALL_TYPES, map_concurrently(answer, CALL_TYPES, crawler.concurrency), strict=True))
    labelled = [_labels(answer.calls, name) for name, answer in answers.items() if answer.calls is not None]
    how = {name: answer.how for name, answer in answers.items()}
    return Answers(how, pa.concat_tables(labelled) if labelled else pa.Table.from_batches([], LABELS))


@dataclass(frozen=True)
class _Answer:
    how: str
    calls: Calls | None = None


class _AllCalls:
    """The list of all calls, as it was crawled: as one, or as `lists` by date."""

    def __init__(self, crawler: Crawler, query: Query, crawled: Crawled) -> None:
        self._crawler, self._crawled = crawler, crawled
        self.lists = crawled.date_queries or (query,)
        self._lock = threading.Lock()
        self._is_answered = False

    @property
    def calls(self) -> int:
        """How many calls it holds; a total below what came is a cap, and proves nothing."""
        crawled = self._crawled
        return max(crawled.total, len(crawled.calls) + len(crawled.rejects))

    @cached_property
    def traits(self) -> frozenset[str]:
        """The traits of its calls."""
        return _traits(self._crawled.calls.tables(TELLING))

    def is_within(self, ids: Ints) -> bool:
        """Whether these include all of its calls."""
        ours = self._crawled.calls.ids
        gone = len(ours) - int(np.count_nonzero(np.isin(ours, ids, assume_unique=True)))
        return len(ours) > 0 and gone <= MOST_GONE * len(ours)

    def check_answered(self) -> None:
        """Ask for it again, so that an API that refuses everything does not count as refusing a type."""
        with self._lock:
            if not self._is_answered:
                self._crawler.first(replace(self.lists[0], limit=1))
                self._is_answered = True


@dataclass(frozen=True)
class _Enquiry:
    crawler: Crawler
    query: Query
    wanted: frozenset[str]
    ours: Mapping[str, int]
    plain: _AllCalls

    def asks_for(self, call_type: str) -> bool:
        return call_type in self.wanted or call_type in CERTAIN_CALL_TYPES

    def count(self, call_type: str) -> Page | _Answer | None:
        """A page whose total counts the calls of a type, or its refusal; None where the type is not counted."""
        if call_type in self.wanted or call_type not in CERTAIN_CALL_TYPES or len(self.plain.lists) > 1:
            return None  # lists by date may overlap, so their counts prove nothing
        try:
            return self.crawler.first(replace(self.query, call_type=call_type, limit=1))
        except (RequestRefused, NotServed, Unavailable) as error:
            return self.refused(error, call_type)

    def answer(self, call_type: str, counted: Page | _Answer | None) -> _Answer:
        if not self.asks_for(call_type):
            return _Answer(NOT_ASKED)
        counted = counted or self.count(call_type)
        if isinstance(counted, _Answer):
            return counted
        if counted is not None and self.is_settled(counted, self.ours.get(call_type, 0)):
            return _Answer(SETTLED)
        if counted is not None and _is_ignored(call_type, counted, self.plain.calls):
            return _Answer(IGNORED)
        return self.by_id(call_type)

    def is_settled(self, counted: Page, ours: int) -> bool:
        """Whether a page of one call shows that the API counts as many calls as we do.

        A total below what came proves nothing; nor does a total of 1 where totals have been found to count the page.
        """
        may_count_the_page = counted.total == counted.records > 0 and self.crawler.has_shown_more_than_its_total
        return counted.total == ours >= counted.records and not may_count_the_page

    def refused(self, error: ApiError, call_type: str) -> _Answer:
        if not refuses_type(error, call_type):
            raise error
        self.plain.check_answered()
        return _Answer(REFUSED)

    def by_id(self, call_type: str) -> _Answer:
        try:
            found = [self.whole(replace(asked, call_type=call_type)) for asked in self.plain.lists]
        except (RequestRefused, NotServed, Unavailable) as error:
            return self.refused(error, call_type)
        except NotProven:
            if call_type not in WITHOUT_OUTCOME:
                raise
            return _Answer(UNPROVEN)
        calls = (found[0] if len(found) == 1 else merged(found)).calls
        if self.plain.is_within(calls.ids) and CONTRARY[call_type] & self.plain.traits:
            return _Answer(IGNORED)
        if share_that_cannot_be(call_type, calls) > MOST_ODD:
            return _Answer(IGNORED)
        return _Answer(LABELLED, calls)

    def whole(self, asked: Query) -> Crawled:
        """A whole list; where its total proves nothing, as far as its end."""
        try:
            return replace(self.crawler, concurrency=1).crawl(asked)
        except NotProven as error:
            if isinstance(error, TooDeep) or not self.proves_nothing(asked, error.total):
                raise
            return error.shown

    def proves_nothing(self, asked: Query, total: int) -> bool:
        """Whether a total counts all calls, whatever the call type or the dates."""
        return total == self.plain.calls or self.crawler.counts_all(asked, total)


def _is_all_ignored(counts: Mapping[str, Page | _Answer | None], plain: int) -> bool:
    """Whether the server ignores call types: no list is both that of all inbound and that of all outbound calls."""
    pages = {name: page for name, page in counts.items() if isinstance(page, Page)}
    same = [name for name, page in pages.items() if page.total == plain > 0]
    return len(same) == len(counts) and any(_is_ignored(name, pages[name], plain) for name in same)


def _is_ignored(call_type: str, page: Page, plain: int) -> bool:
    """Whether a type's list is as long as that of all calls, and shows one that cannot be of the type.

    The total alone proves nothing: some servers give that of all calls along with the right calls.
    """
    return page.total == plain > 0 and cannot_be(call_type, page.calls)


def refuses_type(error: ApiError, call_type: str) -> bool:
    """Whether an error refuses a call type, where the list of all calls is answered.

    So does a 403 with a web page, and any other 4xx except 401. A persistent 5xx, or 200 without a page, only does so for a
    type that decides no outcome; for the others, the next run may get what this one would lack.
    """
    match error:
        case RequestRefused():
            return True
        case NotServed():
            return error.status in range(400, 500)
        case Unavailable():
            return call_type in WITHOUT_OUTCOME and error.status is not None and error.status not in CAN_WAIT
    return False


def cannot_be(call_type: str, calls: pa.Table) -> bool:
    """Whether some of the calls cannot be of the type, judging by their fields."""
    return bool(CONTRARY[call_type] & _traits([calls]))


def share_that_cannot_be(call_type: str, calls: Calls) -> float:
    """The share of the calls that cannot be of the type, judging by their fields."""
    odd = 0
    for table in calls.tables(TELLING):
        having = _having(table)
        contrary = [pc.fill_null(having[trait], False) for trait in CONTRARY[call_type]]
        odd += pc.sum(reduce(pc.or_, contrary)).as_py() or 0
    return odd / len(calls) if len(calls) else 0.0


def _traits(tables: Iterable[pa.Table]) -> frozenset[str]:
    """The traits of at least one of the calls, as far as its fields tell."""
    return frozenset(trait for calls in tables for trait, where in _having(calls).items() if pc.any(where).as_py())


def _having(calls: pa.Table) -> dict[str, pa.ChunkedArray]:
    """Which calls have each trait, as far as their fields tell."""
    inbound, answered, in_time, ended, outside = (calls[name] for name in TELLING)
    unanswered = pc.and_(pc.invert(answered), pc.fill_null(ended, True))
    alone = pc.equal(pc.fill_null(pc.list_value_length(outside), 0), 0)
    return {
        "inbound": inbound,
        "outbound": pc.invert(inbound),
        "answered": answered,
        "unanswered": unanswered,
        # A menu can transfer a caller to an outside number without an agent answering.
        "unreached": pc.and_(unanswered, alone),
        "in_time": pc.and_(answered, in_time),
        "late": pc.and_(answered, pc.invert(in_time)),
    }


def _labels(calls: Calls, call_type: str) -> pa.Table:
    columns = [int_array(calls.ids), int_array(calls.started_at), texts([call_type] * len(calls))]
    return pa.Table.from_arrays(columns, schema=LABELS)
