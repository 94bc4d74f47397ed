"""What a run does for the tables that come from the API: windows, crawls, and what lands of them."""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import partial

import dagster as dg
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from calls_assets.api.call_types import REFUSED, Answers, ask
from calls_assets.api.crawl import Calls, Crawled, Crawler, cut
from calls_assets.api.decode import SCHEMA, Page, Reject, read_page
from calls_assets.api.document import Query
from calls_assets.api.errors import Incomplete
from calls_assets.api.numbers import int_array, ints
from calls_assets.api.privacy import Privacy
from calls_assets.api.windows import ONE_DAY, Reading, Window, by_day, day_start
from calls_assets.assets.landing import Landing
from calls_assets.assets.late import add_changes, late_changes, late_figures
from calls_assets.assets.progress import Progress
from calls_assets.assets.specs import PULLED_AT
from calls_assets.checks import Finding
from calls_assets.findings import check_fresh, check_raw_calls, check_reconciliation, undocumented_fields
from calls_assets.metrics.run import count_field_call_types, reconcile
from calls_assets.resources import CallsApi
from calls_assets.tables.dictionary import RAW_CALL_TYPES, RAW_CALLS, RECONCILIATION, REJECTED_CALLS

CHECKED = pa.schema([SCHEMA.field(name) for name in ("id", "duration", "talk_time", "extra")])
"""The columns of `raw_calls` that its checks look at."""


def fetch(land: Landing, calls_api: CallsApi) -> None:
    """Pull the run's days in windows, and land each window's days as soon as all of it is there."""
    zone, log = land.zone, land.context.log
    query, reading, most = calls_api.query(), calls_api.reading(), calls_api.calls_per_window
    progress = Progress(len(land.days))
    with calls_api.client(log) as client:
        crawler = Crawler(partial(client.fetch, read=read_page), calls_api.read_twice, calls_api.concurrency)
        fetcher = _Fetcher(
            land, crawler, reading, calls_api.policy(), tuple(calls_api.call_types), calls_api.max_rejected_share
        )
        for whole in reading.windows(land.days, zone):
            for window, in_window, first in cut(crawler.fetch, whole, query, zone, reading, most):
                calls, pages = fetcher.pull(window, in_window, first)
                line = progress.after(len(window.days), calls)
                log.info("%s: %d calls on %d pages.%s", window, calls, pages, line)
                if window.days[-1] != land.days[-1]:
                    land.show()
        fetcher.report_drift()


def _refuse_mostly_unreadable(crawled: Crawled, window: Window, most: float) -> None:
    rejected = len(crawled.rejects)
    if rejected > most * crawled.total:
        raise ValueError(
            f"{rejected} of {crawled.total} records around {window} could not be read, more than the share of {most:g} that "
            "max_rejected_share allows; none of these days was replaced; the first one's reason: "
            f"{crawled.rejects[0].reason}."
        )


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
    drift: set[str] = field(default_factory=set)

    def pull(self, window: Window, query: Query, first: Page) -> tuple[int, int]:
        """Land the window's days; says how many calls they have, and how many pages were read.

        What was crawled lives no longer than this: two windows are never in memory at a time.
        """
        crawled = self.crawl(window, query, first)
        self.reading.check(window, crawled.calls.started_at)
        _refuse_mostly_unreadable(crawled, window, self.max_rejected_share)
        return self.land_window(window, crawled, query), crawled.pages

    def crawl(self, window: Window, query: Query, first: Page) -> Crawled:
        """Every call of the window; where they are not proven complete, the UI shows that of each of its days."""
        self.pulled_s = time.time()
        try:
            return self.crawler.crawl(query, first)
        except Incomplete as error:
            for day in window.days:
                self.landing.fail(RAW_CALLS, day, "complete", Finding(False, str(error)))
            raise

    def land_window(self, window: Window, crawled: Crawled, query: Query) -> int:
        """Land all tables of the window's days; says how many calls they have."""
        places = by_day(crawled.calls.started_at, window.days, self.landing.zone)
        raw = {day: crawled.calls.at(places[day]) for day in window.days}
        answers = None
        if self.landing.selects(RAW_CALL_TYPES) or self.landing.selects(RECONCILIATION):
            answers = ask(self.crawler, query, self.call_types, count_field_call_types(crawled.calls.tables()))
        with self.landing.alone(create=True):
            if answers and not self.landing.selects(RAW_CALLS):
                self._refuse_other_calls(raw)
            for day in window.days:
                self._land_calls(day, raw[day], crawled)
            self._land_rejects(window, self.privacy.rejects(crawled.rejects))
            if answers:
                self._land_call_types(window, raw, answers)
        return sum(map(len, raw.values()))

    def report_drift(self) -> None:
        """Say once a run which fields the API's document does not name."""
        if self.drift:
            self.landing.context.log.warning(
                "The API sends fields that its document does not name, kept in raw_calls.extra: %s.",
                ", ".join(sorted(self.drift)),
            )

    def _refuse_other_calls(self, raw: dict[date, Calls]) -> None:
        """Labels and counts belong to the calls that they were asked with, so those in the files must be the same."""
        for day, calls in raw.items():
            ours = pa.concat_tables([RAW_CALLS.empty(), *self._raw_calls(day, calls)])
            if not self.landing.store.read(RAW_CALLS, [day]).equals(ours):
                raise ValueError(
                    f"raw_calls of {day} is not what the API gives any more: materialize it together with raw_call_types and "
                    "reconciliation."
                )

    def _raw_calls(self, day: date, calls: Calls) -> Iterator[pa.Table]:
        """A day's rows of `raw_calls` as they land, in row groups."""
        for rows in calls.tables():
            yield RAW_CALLS.stamp(self.privacy.calls(rows), day)

    def _land_calls(self, day: date, calls: Calls, crawled: Crawled) -> None:
        figures = {"window_total": crawled.total, "window_crawls": crawled.crawls, "collisions": crawled.collisions}
        sentence = f"All {crawled.total} records of the request window came, each id once."
        checked = pa.concat_tables([pa.Table.from_batches([], CHECKED), *calls.tables(CHECKED.names)])
        drift = undocumented_fields(checked)
        self.drift.update(drift)
        metadata = {
            PULLED_AT: dg.MetadataValue.timestamp(self.pulled_s),
            "calls": len(calls),
            "calls_with_undocumented_fields": len(calls) - checked["extra"].null_count,
        } | figures
        findings = {
            "complete": Finding(True, sentence, figures),
            "fresh": check_fresh(day_start(day + ONE_DAY, self.landing.zone), self.pulled_s, time.time()),
        } | check_raw_calls(checked, drift)
        late = None
        if self.landing.selects(RAW_CALLS):
            late = late_changes(self.landing, day, self._raw_calls(day, calls), self.pulled_s)
        add_changes(self.landing, day, late)
        metadata |= late_figures(late)
        self.landing.land(RAW_CALLS, day, self._raw_calls(day, calls), metadata, findings)

    def _land_rejects(self, window: Window, rejects: tuple[Reject, ...]) -> None:
        first = self.landing.days[0]
        known = [reject for reject in rejects if reject.started_at is not None]
        starts = np.array([reject.started_at for reject in known], np.int64)
        split = by_day(starts, window.days, self.landing.zone)
        before = self.strays
        # Windows overlap, so a record that tells no day of its own comes with several of them.
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
        found = Finding(not rejects, f"{len(rejects)} records could not be read.", {"rejects": len(rejects)})
        rows = REJECTED_CALLS.stamp(_reject_rows(rejects), day) if rejects else REJECTED_CALLS.empty()
        self.landing.land(REJECTED_CALLS, day, rows, {}, {"no_rejects": found})

    def _land_call_types(self, window: Window, raw: dict[date, Calls], answers: Answers) -> None:
        refused = [name for name, how in answers.how.items() if how == REFUSED]
        sentence = f"The API refused {', '.join(refused)}." if refused else "The API gave every call type asked for."
        finding = Finding(not refused, sentence, {"refused": ", ".join(refused) or "none"})
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
                "refused_types": len(refused),
            }
            self.landing.land(RAW_CALL_TYPES, day, labels[day], metadata, {"all_answered": finding})
        compared = reconcile(
            self.landing.store.files(RAW_CALLS, window.days),
            pa.concat_tables(labels.values()),
            answers.how,
            window.days,
            self.landing.zone,
        )
        for day, rows in compared.items():
            self.landing.land(RECONCILIATION, day, rows, {}, check_reconciliation(rows))


def _reject_rows(rejects: tuple[Reject, ...]) -> pa.Table:
    columns = {
        "call_id": pa.array([reject.call_id for reject in rejects], pa.int64()),
        "reason": pa.array([reject.reason for reject in rejects], pa.string()),
        "record": pa.array([reject.record for reject in rejects], pa.string()),
    }
    return pa.table(columns).sort_by([("call_id", "ascending"), ("record", "ascending")])
