"""What a run does for the tables from the API: windows, crawls, and what lands from them."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from calls_assets.api.call_types import Answers, crawl_call_types
from calls_assets.api.client import Client
from calls_assets.api.crawl import Calls, Crawled, Crawler, NotProven, TooDeep
from calls_assets.api.decode import SCHEMA, Decoder, Reject
from calls_assets.api.document import Query
from calls_assets.api.errors import Incomplete
from calls_assets.api.parts import SplitDay, parts
from calls_assets.api.privacy import Privacy
from calls_assets.api.rules import Deviation
from calls_assets.api.truncation import check_lacks_none
from calls_assets.api.windows import Reading, Window
from calls_assets.arrow import int_array, ints
from calls_assets.checks.catalog import ALL_ANSWERED, COMPLETE, FRESH, NO_REJECTS, CheckOutcome, CheckOutcomes
from calls_assets.checks.fetched import MOST_TOLD, check_fresh, check_raw_calls, check_reconciliation
from calls_assets.days import ONE_DAY, by_day, day_start
from calls_assets.metrics.run import count_field_call_types, differing_calls, reconcile
from calls_assets.pipeline.landing import Instant, Landing
from calls_assets.pipeline.late import add_changes, late_changes, late_figures
from calls_assets.pipeline.progress import Progress
from calls_assets.tables.catalog import PULLED_AT, RAW_CALL_TYPES, RAW_CALLS, RECONCILIATION, REJECTED_CALLS
from calls_assets.tables.made_with import made_with

Cut = Callable[..., Iterator[tuple[Window, Query, Crawled | Incomplete]]]
"""`parts`, for some filters."""

CHECKED = pa.schema([SCHEMA.field(name) for name in ("id", "duration", "talk_time", "extra")])
"""The columns of `raw_calls` that its checks look at."""

REFUSED_FOLDER = "_refused"
"""The folder for the records of pulls that were refused because of them; readers skip names with an underscore."""


@dataclass(frozen=True)
class Account:
    """An account to pull from, and how.

    Attributes:
        client: The session with its API.
        decoder: Decodes its pages.
        reading: What is known about how it reads dates.
        query: The page size and the filters of every request.
        call_types: The call types to request by id.
        privacy: What lands of personal data.
        times_zone: IANA zone of its times without an offset; None if unknown.
        calls_per_window: A range of days with more calls than this is pulled in smaller ones.
        concurrency: Concurrent requests.
        read_twice: Whether a list counts as complete only where two readings agree.
        max_rejected_share: The share of unreadable records, from 0 to 1, beyond which a pull fails.
    """

    client: Client
    decoder: Decoder
    reading: Reading
    query: Query
    call_types: tuple[str, ...]
    privacy: Privacy
    times_zone: str | None
    calls_per_window: int
    concurrency: int
    read_twice: bool
    max_rejected_share: float


def fetch(land: Landing, account: Account) -> None:
    """Pull the run's days in windows, and land each window's days as soon as it is complete.

    Raises:
        Refused: the tree was made with other settings; no request was sent.
        ApiError: some window could not be pulled completely; the others have landed.
    """
    zone, query, reading = land.zone, account.query, account.reading
    progress = Progress(len(land.days))
    with account.client as client:
        land.made_with = made_with(zone.key, account.privacy, query, account.times_zone or "")
        land.check_settings()
        crawler = Crawler(partial(client.fetch, read=account.decoder.read), account.read_twice, account.concurrency)
        fetcher = _Fetcher(land, crawler, reading, account.privacy, account.call_types, account.max_rejected_share)
        for whole in reading.windows(land.days, zone):
            for window, calls, pages in fetcher.pull(
                whole, partial(parts, filters=query, most=account.calls_per_window)
            ):
                line = progress.after(len(window.days), calls)
                land.log.info("%s: %d calls on %d pages.%s", window, calls, pages, line)
                if window.days[-1] != land.days[-1]:
                    land.show()
        fetcher.report_deviations()
        fetcher.refuse_what_is_incomplete()


@dataclass
class _Fetcher:
    landing: Landing
    crawler: Crawler
    reading: Reading
    privacy: Privacy
    call_types: tuple[str, ...]
    max_rejected_share: float
    first_day_rejects: tuple[Reject, ...] = ()
    strays: Counter[Reject] = field(default_factory=Counter)
    pulled_s: float = 0.0
    incomplete: list[Incomplete] = field(default_factory=list)
    deviations: Counter[Deviation] = field(default_factory=Counter)

    def pull(self, whole: Window, cut: Cut) -> Iterator[tuple[Window, int, int]]:
        """Land a window in the parts that `cut` makes of it; yields each with its number of calls and pages."""
        zone, reading = self.landing.zone, self.reading
        for window, query, crawled in cut(self.crawler, whole, zone=zone, reading=reading):
            if isinstance(crawled, Incomplete):
                self.fail(window, crawled)
                continue
            try:
                done = window, self.land(window, query, crawled), crawled.pages
            except NotProven as error:
                # A call type's list is incomplete, or has calls that the list of all calls lacks.
                if len(window.days) == 1:
                    yield from self.land_by_direction(window, query, error)
                for day in window.days if len(window.days) > 1 else ():
                    yield from self.pull(reading.window((day,), zone), cut)
                continue
            del crawled  # so that two windows are never in memory at once
            yield done

    def land_by_direction(self, window: Window, query: Query, error: NotProven) -> Iterator[tuple[Window, int, int]]:
        """Land a day whose list of all calls is incomplete from the lists of both directions."""
        found: Crawled | Incomplete = error
        if isinstance(error, TooDeep):
            found = SplitDay(self.crawler, window, query, self.reading).by_direction(error)
        if isinstance(found, Crawled):
            try:
                yield window, self.land(window, query, found), found.pages
            except NotProven as still:
                found = still
        if isinstance(found, Incomplete):
            self.fail(window, found)

    def land(self, window: Window, query: Query, crawled: Crawled) -> int:
        """Land the window's days; returns how many calls they have."""
        self.pulled_s = crawled.began_s
        self.reading.check(window, crawled.calls.started_at, self.landing.zone)
        self._refuse_mostly_unreadable(crawled, window)
        return self.land_window(window, crawled, query)

    def fail(self, window: Window, error: Incomplete) -> None:
        """Remember that a window's calls are not proven complete, and show that in the UI on each of its days."""
        for day in window.days:
            self.landing.fail(RAW_CALLS, day, COMPLETE, CheckOutcome(False, str(error)))
        self.incomplete.append(error)

    def refuse_what_is_incomplete(self) -> None:
        """Fail the run if a window's calls were not proven complete; the other windows have landed.

        Raises:
            Incomplete: the first window's sentence, and how many more there are.
        """
        if self.incomplete:
            more = f" (and {len(self.incomplete) - 1} more like it)" if len(self.incomplete) > 1 else ""
            raise Incomplete(f"{self.incomplete[0]}{more}")

    def _refuse_mostly_unreadable(self, crawled: Crawled, window: Window) -> None:
        rejected, records = len(crawled.rejects), len(crawled.calls) + len(crawled.rejects)
        if rejected <= self.max_rejected_share * records:
            return
        rows = _reject_rows(self.privacy.rejects(crawled.rejects)).to_pylist()
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        path = self.landing.store.put(f"{REFUSED_FOLDER}/{window.days[0]}_{window.days[-1]}.jsonl", lines.encode())
        raise ValueError(
            f"{rejected} of {records} records around {window} could not be read, more than the share of "
            f"{self.max_rejected_share:g} that CALLS_MAX_REJECTED_SHARE allows; none of these days was replaced, and the "
            f"records lie in {path}; the first one's reason: {crawled.rejects[0].reason}."
        )

    def land_window(self, window: Window, crawled: Crawled, query: Query) -> int:
        """Land all tables of the window's days; returns how many calls they have."""
        places = by_day(crawled.calls.started_at, window.days, self.landing.zone)
        raw = {day: crawled.calls.at(places[day]) for day in window.days}
        answers = None
        if self.landing.selects(RAW_CALL_TYPES) or self.landing.selects(RECONCILIATION):
            ours = count_field_call_types(crawled.calls.tables())
            answers = crawl_call_types(self.crawler, query, self.call_types, ours, crawled)
            check_lacks_none(window, query, crawled, answers.labels, self.landing.zone)
        with self.landing.alone(create=True):
            if answers and not self.landing.selects(RAW_CALLS):
                self._refuse_other_calls(raw)
            for day in window.days:
                self._land_calls(day, raw[day], crawled)
            self._land_rejects(window, self.privacy.rejects(crawled.rejects))
            if answers:
                self._land_call_types(window, raw, answers)
        return sum(map(len, raw.values()))

    def report_deviations(self) -> None:
        """Log once per run how the records differ from the API's document."""
        if self.deviations:
            told = sorted({f"{one.path} as {one.sent}" for one in self.deviations})
            more = f" and {len(told) - MOST_TOLD} more" if len(told) > MOST_TOLD else ""
            self.landing.log.warning(
                "The API's records differ from its document; what cannot be read is kept in raw_calls.extra: %s%s.",
                ", ".join(told[:MOST_TOLD]),
                more,
            )

    def _refuse_other_calls(self, raw: dict[date, Calls]) -> None:
        """Refuse labels and counts for calls other than those in the files: they were requested together."""
        for day, calls in raw.items():
            ours = pa.concat_tables([RAW_CALLS.empty(), *self._raw_calls(day, calls)])
            if not self.landing.store.read(RAW_CALLS, [day]).equals(ours):
                raise ValueError(
                    f"raw_calls of {day} is no longer what the API returns: materialize it together with raw_call_types and "
                    "reconciliation."
                )

    def _raw_calls(self, day: date, calls: Calls) -> Iterator[pa.Table]:
        """A day's rows of `raw_calls` as they land, in row groups."""
        # Not a generator of ours, whose variables would keep one group alive while the next is made.
        return map(partial(RAW_CALLS.stamp, day=day), map(self.privacy.calls, calls.tables()))

    def _land_calls(self, day: date, calls: Calls, crawled: Crawled) -> None:
        figures = {"window_total": crawled.total, "window_crawls": crawled.crawls, "collisions": crawled.collisions}
        sentence = f"All {crawled.total} records of the request window were returned."
        if crawled.collisions:
            sentence += f" {crawled.collisions} of them had the id of another; the later one is kept."
        checked = pa.concat_tables([pa.Table.from_batches([], CHECKED), *calls.tables(CHECKED.names)])
        deviations = calls.deviations()
        self.deviations.update(deviations)
        metadata = {
            PULLED_AT: Instant(self.pulled_s),
            "calls": len(calls),
            "calls_with_extra": len(calls) - checked["extra"].null_count,
        } | figures
        outcomes: CheckOutcomes = {
            COMPLETE: CheckOutcome(True, sentence, figures),
            FRESH: check_fresh(day_start(day + ONE_DAY, self.landing.zone), self.pulled_s, time.time()),
            **check_raw_calls(checked, deviations),
        }
        late = None
        if self.landing.selects(RAW_CALLS):
            late = late_changes(self.landing, day, self._raw_calls(day, calls), self.pulled_s)
        add_changes(self.landing, day, late)
        metadata |= late_figures(late)
        self.landing.land(RAW_CALLS, day, self._raw_calls(day, calls), metadata, outcomes)

    def _land_rejects(self, window: Window, rejects: tuple[Reject, ...]) -> None:
        first = self.landing.days[0]
        known = [reject for reject in rejects if reject.started_at is not None]
        starts = np.array([reject.started_at for reject in known], np.int64)
        split = by_day(starts, window.days, self.landing.zone)
        before = self.strays
        # Windows overlap, so a record without a readable day comes with several of them.
        self.strays = before | Counter(reject for reject in rejects if reject.started_at is None)
        for day in window.days:
            here = tuple(known[place] for place in split[day])
            if day == first:
                self.first_day_rejects = here
            else:
                self._land_rejects_of(day, here)
        if first in window.days or self.strays != before:
            self._land_rejects_of(first, self.first_day_rejects + tuple(self.strays.elements()))

    def _land_rejects_of(self, day: date, rejects: tuple[Reject, ...]) -> None:
        found = CheckOutcome(not rejects, f"{len(rejects)} records could not be read.", {"rejects": len(rejects)})
        rows = REJECTED_CALLS.stamp(_reject_rows(rejects), day) if rejects else REJECTED_CALLS.empty()
        self.landing.land(REJECTED_CALLS, day, rows, {}, {NO_REJECTS: found})

    def _land_call_types(self, window: Window, raw: dict[date, Calls], answers: Answers) -> None:
        missing = {"refused": answers.refused, "ignored": answers.ignored, "unproven": answers.unproven}
        told = {how: ", ".join(names) or "none" for how, names in missing.items()}
        outcome = CheckOutcome(not any(missing.values()), answers.sentence, told)
        labels = {}
        places = by_day(ints(answers.labels["started_at"]), window.days, self.landing.zone)
        for day, calls in raw.items():
            rows = answers.labels.take(int_array(places[day]))
            ours = rows.filter(pc.is_in(rows["id"], int_array(calls.ids)))
            kept = RAW_CALL_TYPES.stamp(ours.rename_columns({"id": "call_id"}), day)
            labels[day] = kept.sort_by([("call_id", "ascending"), ("call_type", "ascending")])
            metadata = {
                "labels": len(ours),
                "labels_of_unknown_calls": len(rows) - len(ours),
                "refused_types": len(answers.refused),
                "ignored_types": len(answers.ignored),
            }
            self.landing.land(RAW_CALL_TYPES, day, labels[day], metadata, {ALL_ANSWERED: outcome})
        files, listed = self.landing.store.files(RAW_CALLS, window.days), pa.concat_tables(labels.values())
        compared = reconcile(files, listed, answers.how, window.days, self.landing.zone)
        counts = pa.concat_tables(compared.values())
        differing = differing_calls(files, listed, counts, window.days, self.landing.zone)
        for day, rows in compared.items():
            self.landing.land(RECONCILIATION, day, rows, {}, check_reconciliation(rows, differing[day]))


def _reject_rows(rejects: tuple[Reject, ...]) -> pa.Table:
    columns = {
        "call_id": pa.array([reject.call_id for reject in rejects], pa.int64()),
        "reason": pa.array([reject.reason for reject in rejects], pa.string()),
        "record": pa.array([reject.record for reject in rejects], pa.string()),
    }
    return pa.table(columns).sort_by([("call_id", "ascending"), ("record", "ascending")])
