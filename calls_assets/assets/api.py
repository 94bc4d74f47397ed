"""The assets that come from the API: the calls, what could not be read, and what the API says of call types."""

import time
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc

from calls_assets.api.call_types import REFUSED, Answers, ask
from calls_assets.api.crawl import Crawled, Crawler, cut
from calls_assets.api.decode import Page, Reject, read_page
from calls_assets.api.document import Query
from calls_assets.api.errors import Incomplete
from calls_assets.api.windows import ONE_DAY, Window, by_day, day_start, windows
from calls_assets.assets.landing import Landing, landing
from calls_assets.assets.specs import POOL, Partitions, check_specs, specs
from calls_assets.checks import (
    Finding,
    check_fresh,
    check_raw_calls,
    check_reconciliation,
    undocumented_fields,
)
from calls_assets.metrics.run import count_field_call_types, reconcile
from calls_assets.resources import CallsApi, Tables
from calls_assets.tables.dictionary import RAW_CALL_TYPES, RAW_CALLS, RECONCILIATION, REJECTED_CALLS

PULLED_AT = "pulled_at"
"""The metadata that says when a day's crawl began."""

FETCHED = (RAW_CALLS, REJECTED_CALLS, RAW_CALL_TYPES, RECONCILIATION)


def api_assets(partitions: Partitions) -> dg.AssetsDefinition:
    """One step for all that comes from the API, so that its labels and counts are asked over the very window of the calls."""

    @dg.multi_asset(
        name="fetch_calls",
        specs=specs(FETCHED, partitions, skippable=True),
        check_specs=check_specs(FETCHED, partitions),
        partitions_def=partitions.definition,
        backfill_policy=dg.BackfillPolicy.single_run(),
        can_subset=True,
        pool=POOL,
    )
    def fetch_calls(context: dg.AssetExecutionContext, calls_api: CallsApi, tables: Tables) -> Any:
        with landing(context, tables, partitions.zone, partitions.problems) as land:
            query, privacy = calls_api.query(), calls_api.policy()
            with calls_api.client(context.log) as client:
                crawler = Crawler(partial(client.fetch, read=read_page), calls_api.read_twice)
                fetcher = _Fetcher(land, crawler, tuple(calls_api.call_types))
                for whole in windows(land.days, partitions.zone):
                    for part in cut(crawler.fetch, whole, query, partitions.zone, calls_api.calls_per_window):
                        window, in_window, first = part
                        crawled = fetcher.crawl(window, in_window, first)
                        _refuse_mostly_unreadable(crawled, window, calls_api.max_rejected_share)
                        seen = replace(
                            crawled, calls=privacy.calls(crawled.calls), rejects=privacy.rejects(crawled.rejects)
                        )
                        fetcher.land_window(window, seen, in_window)
                        context.log.info("%s: %d calls on %d pages.", window, crawled.calls.num_rows, crawled.pages)
                fetcher.report_drift()
        yield from land.results()

    return fetch_calls


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
    call_types: tuple[str, ...]
    first_day_rejects: tuple[Reject, ...] = ()
    strays: Counter[Reject] = field(default_factory=Counter)
    pulled_s: float = 0.0
    drift: set[str] = field(default_factory=set)

    def crawl(self, window: Window, query: Query, first: Page) -> Crawled:
        """Every call of the window; where they are not proven complete, the UI shows that of each of its days."""
        self.pulled_s = time.time()
        try:
            return self.crawler.crawl(query, first)
        except Incomplete as error:
            for day in window.days:
                self.landing.fail(RAW_CALLS, day, "complete", Finding(False, str(error)))
            raise

    def land_window(self, window: Window, crawled: Crawled, query: Query) -> None:
        zone = self.landing.zone
        raw = {day: RAW_CALLS.stamp(rows, day) for day, rows in by_day(crawled.calls, window.days, zone).items()}
        answers = None
        if self.landing.selects(RAW_CALL_TYPES) or self.landing.selects(RECONCILIATION):
            answers = ask(self.crawler, query, self.call_types, count_field_call_types(crawled.calls))
        with self.landing.alone(create=True):
            if answers and not self.landing.selects(RAW_CALLS):
                self._refuse_other_calls(raw)
            for day in window.days:
                self._land_calls(day, raw[day], crawled)
            self._land_rejects(window, crawled.rejects)
            if answers:
                self._land_call_types(window, raw, answers)

    def report_drift(self) -> None:
        """Say once a run which fields the API's document does not name."""
        if self.drift:
            self.landing.context.log.warning(
                "The API sends fields that its document does not name, kept in raw_calls.extra: %s.",
                ", ".join(sorted(self.drift)),
            )

    def _refuse_other_calls(self, raw: dict[date, pa.Table]) -> None:
        """Labels and counts belong to the calls that they were asked with, so those in the files must be the same."""
        for day, rows in raw.items():
            if not self.landing.store.read(RAW_CALLS, [day]).equals(rows):
                raise ValueError(
                    f"raw_calls of {day} is not what the API gives any more: materialize it together with raw_call_types and "
                    "reconciliation."
                )

    def _land_calls(self, day: date, rows: pa.Table, crawled: Crawled) -> None:
        figures = {"window_total": crawled.total, "window_crawls": crawled.crawls, "collisions": crawled.collisions}
        sentence = f"All {crawled.total} records of the request window came, each id once."
        drift = undocumented_fields(rows)
        self.drift.update(drift)
        unnamed = len(rows) - rows["extra"].null_count
        metadata = {
            PULLED_AT: dg.MetadataValue.timestamp(self.pulled_s),
            "calls": rows.num_rows,
            "calls_with_undocumented_fields": unnamed,
        } | figures
        findings = {
            "complete": Finding(True, sentence, figures),
            "fresh": check_fresh(day_start(day + ONE_DAY, self.landing.zone), self.pulled_s, time.time()),
        } | check_raw_calls(rows, drift)
        self.landing.land(RAW_CALLS, day, rows, metadata, findings)

    def _land_rejects(self, window: Window, rejects: tuple[Reject, ...]) -> None:
        first = self.landing.days[0]
        known = [reject for reject in rejects if reject.started_at is not None]
        starts = pa.table(
            {"started_at": pa.array([r.started_at for r in known], pa.int64()), "n": list(range(len(known)))}
        )
        split = by_day(starts, window.days, self.landing.zone) if known else {}
        before = self.strays
        # Windows overlap, so a record that tells no day of its own comes with several of them.
        self.strays = before | Counter(reject for reject in rejects if reject.started_at is None)
        for day in window.days:
            here = tuple(known[n] for n in split[day]["n"].to_pylist()) if known else ()
            if day == first:
                self.first_day_rejects = here
            else:
                self._land_rejects_of(day, here)
        if first in window.days or self.strays != before:
            self._land_rejects_of(first, self.first_day_rejects + tuple(self.strays.elements()))

    def _land_rejects_of(self, day: date, rejects: tuple[Reject, ...]) -> None:
        rows = pa.table(
            {
                "call_id": pa.array([reject.call_id for reject in rejects], pa.int64()),
                "reason": pa.array([reject.reason for reject in rejects], pa.string()),
                "record": pa.array([reject.record for reject in rejects], pa.string()),
            }
        ).sort_by([("call_id", "ascending"), ("record", "ascending")])
        found = Finding(not rejects, f"{len(rejects)} records could not be read.", {"rejects": len(rejects)})
        self.landing.land(REJECTED_CALLS, day, REJECTED_CALLS.stamp(rows, day), {}, {"no_rejects": found})

    def _land_call_types(self, window: Window, raw: dict[date, pa.Table], answers: Answers) -> None:
        labels = {}
        refused = [name for name, how in answers.how.items() if how == REFUSED]
        sentence = f"The API refused {', '.join(refused)}." if refused else "The API gave every call type asked for."
        for day, rows in by_day(answers.labels, window.days, self.landing.zone).items():
            ours = rows.filter(pc.is_in(rows["id"], raw[day]["id"].combine_chunks()))
            kept = RAW_CALL_TYPES.stamp(ours.rename_columns({"id": "call_id"}), day)
            labels[day] = kept.sort_by([("call_id", "ascending"), ("call_type", "ascending")])
            metadata = {
                "labels": len(ours),
                "labels_of_unknown_calls": len(rows) - len(ours),
                "refused_types": len(refused),
            }
            finding = Finding(not refused, sentence, {"refused": ", ".join(refused) or "none"})
            self.landing.land(RAW_CALL_TYPES, day, labels[day], metadata, {"all_answered": finding})
        compared = reconcile(
            pa.concat_tables(raw.values()),
            pa.concat_tables(labels.values()),
            answers.how,
            window.days,
            self.landing.zone,
        )
        for day, rows in compared.items():
            self.landing.land(RECONCILIATION, day, rows, {}, check_reconciliation(rows))
