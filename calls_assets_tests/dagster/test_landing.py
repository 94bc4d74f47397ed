"""What Dagster is told of the days of a range."""

from datetime import date

import dagster as dg
import pytest

from calls_assets.checks.catalog import CHECKS, CheckOutcome
from calls_assets.dagster.landing import evaluation, landing, latest
from calls_assets.dagster.resources import Tables
from calls_assets.dagster.specs import JOB, AssetSettings, report_spec
from calls_assets.definitions import build
from calls_assets.settings import Settings
from calls_assets.tables.catalog import REPORT


def test_of_each_day_the_newest_materialization_counts():
    with dg.DagsterInstance.ephemeral() as instance:
        for day, take in [("2026-03-01", 1), ("2026-03-02", 2), ("2026-03-01", 3), ("2026-03-03", 4)]:
            event = dg.AssetMaterialization("calls", partition=day, metadata={"take": take})
            instance.report_runless_asset_event(event)
        found = latest(instance, "calls", ["2026-03-01", "2026-03-02", "2026-03-04"])
    takes = {day: record.asset_materialization.metadata["take"].value for day, record in found.items()}
    assert takes == {"2026-03-01": 3, "2026-03-02": 2}


def test_only_a_day_whose_calls_are_incomplete_is_an_error_and_every_other_check_warns():
    outcome = CheckOutcome(False, "Why.")
    severities = {check.name: evaluation(check, outcome, "2026-03-01", None).severity for check in CHECKS}
    assert severities == dict.fromkeys(severities, dg.AssetCheckSeverity.WARN) | {
        "complete": dg.AssetCheckSeverity.ERROR
    }


def sentences(result):
    """What the steps that failed say, and the frames that are shown with it."""
    errors = [event.step_failure_data.error for event in result.get_step_failure_events()]
    return [(error.message, error.stack, error.cause) for error in errors]


def run_with(tags, tmp_path, **settings):
    job = build(Settings(data_url=str(tmp_path), **settings)).resolve_job_def(JOB)
    return job.execute_in_process(tags=tags, raise_on_error=False)


def test_a_run_of_no_day_says_in_a_sentence_how_to_choose_days(tmp_path):
    ((sentence, *frames),) = sentences(run_with({}, tmp_path))
    assert sentence.startswith("This run has no days: ")
    assert "--partition-range 2026-11-16...2026-11-22" in sentence
    assert frames == [[], None]


@pytest.mark.parametrize(
    ("first", "last", "told"),
    [
        ("2026-03-06", "2026-03-06", "2026-03-06 is"),
        ("2026-03-06", "2026-03-08", "2026-03-06 to 2026-03-08 are"),
        ("2026-03-30", "2026-04-02", "2026-03-30 to 2026-04-02 are"),
        ("2999-01-01", "2999-01-01", "2999-01-01 is"),
    ],
)
def test_a_run_of_days_that_the_project_does_not_have_names_them_and_the_start_date(tmp_path, first, last, told):
    days = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
    for tags in (days, {"dagster/partition": first}) if first == last else (days,):
        ((sentence, *frames),) = sentences(run_with(tags, tmp_path, start_date=date(2026, 4, 1)))
        assert sentence.startswith(f"{told} not among the days from CALLS_START_DATE, 2026-04-01, to today, ")
        assert frames == [[], None]


@pytest.mark.parametrize(
    ("pages_url", "links"),
    [("", {}), ("/daily_report", {"page": "/daily_report/date=2026-03-06/daily_report.html"})],
    ids=["served nowhere", "served"],
)
def test_a_page_is_linked_from_its_day_where_it_is_served(tmp_path, pages_url, links):
    day = date(2026, 3, 6)
    settings = AssetSettings.of(Settings(pages_url=pages_url))

    @dg.asset(name=REPORT, partitions_def=settings.partitions)
    def page(context: dg.AssetExecutionContext) -> None:
        with landing(context, Tables(url=str(tmp_path)), settings) as land:
            land.land_page(REPORT, day, b"page", {})

    (found,) = dg.materialize([page], partition_key=str(day)).asset_materializations_for_node(REPORT)
    assert {name: value.value for name, value in found.metadata.items() if name == "page"} == links


@pytest.mark.parametrize(
    ("pages_url", "links"), [("", []), ("/daily_report", ["/daily_report/index.html"])], ids=["nowhere", "served"]
)
def test_the_asset_links_all_days_where_they_are_served(pages_url, links):
    metadata = report_spec(AssetSettings.of(Settings(pages_url=pages_url))).metadata
    assert [value.value for value in metadata.values()] == links
