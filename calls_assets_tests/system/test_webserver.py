"""The project in Dagster's real web server: what its UI is told over GraphQL before, during and after one ranged run."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from calls_assets.checks.catalog import CHECKS
from calls_assets.sandbox import Centre, Sandbox
from calls_assets.tables.catalog import TABLES
from calls_assets_tests.live import PLACE, Live, live

pytestmark = pytest.mark.slow  # each worker would start a server; without one, test_pipeline has the checks of each day

FIRST, LAST = date(2026, 3, 6), date(2026, 3, 8)  # New York's clocks go forward on the last day
DAYS = [str(FIRST + timedelta(days=n)) for n in range(3)]
ZONE = "America/New_York"
NAMED = {(check.table, check.name): check for check in CHECKS}
TOKEN = "SECRET-token-that-nobody-may-see-5c1f"
WITHOUT_DAEMON = "run_coordinator:\n  module: dagster.core.run_coordinator\n  class: DefaultRunCoordinator\n"

RUN_S = 120

RESOURCE = """query ($resource: ResourceSelector!) { topLevelResourceDetailsOrError(resourceSelector: $resource) {
    ... on ResourceDetails {
        name description resourceType
        configFields { name description isRequired defaultValueAsJson configType { key description } }
        configuredValues { key value type } } } }"""
LOG = """query ($run: ID!) {
    runOrError(runId: $run) { ... on Run { runConfigYaml tags { key value } } }
    logsForRun(runId: $run) { ... on EventConnection { hasMore events {
        __typename
        ... on MessageEvent { message level stepKey eventType }
        ... on DisplayableEvent { label description metadataEntries { label description
            ... on TextMetadataEntry { text } ... on JsonMetadataEntry { jsonString } ... on PathMetadataEntry { path } } }
        ... on ErrorEvent { error { message stack } } } } } }"""
COLUMNS = """query ($assets: [AssetKeyInput!]) { assetNodes(assetKeys: $assets) {
    assetKey { path } description
    metadataEntries { label ... on TableSchemaMetadataEntry { schema { columns { name description } } } } } }"""
STATUSES = """query ($assets: [AssetKeyInput!]) { assetNodes(assetKeys: $assets) {
    assetKey { path }
    assetPartitionStatuses { ... on TimePartitionStatuses { ranges { status startKey endKey startTime endTime } } } } }"""
MATERIALIZATIONS = """query ($assets: [AssetKeyInput!]) { assetNodes(assetKeys: $assets) {
    assetMaterializations { partition metadataEntries {
        label ... on IntMetadataEntry { intValue } ... on FloatMetadataEntry { floatValue } } } } }"""
EXECUTIONS = """query ($asset: AssetKeyInput!, $check: String!) {
    assetCheckExecutions(assetKey: $asset, checkName: $check, limit: 50) {
        partition status runId evaluation { partition severity description } } }"""
CHECK_STATUSES = """query ($assets: [AssetKeyInput!]) { assetNodes(assetKeys: $assets) {
    assetKey { path }
    assetChecksOrError { ... on AssetChecks { checks {
        name description
        partitionStatuses { ... on AssetCheckTimePartitionStatuses { ranges { status startKey endKey } } } } } } } }"""


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    root = tmp_path_factory.mktemp("webserver")
    with Sandbox(Centre(zone=ZONE, calls_per_day=60), token=TOKEN) as api:
        environ = {
            "CALLS_API_URL": api.url,
            "CALLS_API_TOKEN": api.token,
            "CALLS_TIMEZONE": ZONE,
            "CALLS_DATA_URL": str(root / "data"),
        }
        with live(root, environ, ("dagster_webserver",), WITHOUT_DAEMON) as servers:
            yield servers


@pytest.fixture(scope="module")
def run_id(ui: Live) -> str:
    """The id of one run over all days, which has succeeded."""
    run = ui.launch(str(FIRST), str(LAST))
    assert ui.end_of(run, RUN_S) == "SUCCESS", ui.told(run)
    return run


def keys(*names: str) -> list[dict[str, list[str]]]:
    return [{"path": [name]} for name in names]


def shown(ui: Live, table: str) -> list[tuple[str, dict[str, float]]]:
    """The day and the numbers of each materialization of a table."""
    (node,) = ui.graphql(MATERIALIZATIONS, assets=keys(table))["assetNodes"]
    return [
        (
            event["partition"],
            {
                entry["label"]: entry.get("intValue", entry.get("floatValue"))
                for entry in event["metadataEntries"]
                if entry.keys() & {"intValue", "floatValue"}
            },
        )
        for event in node["assetMaterializations"]
    ]


def file_of(ui: Live, table: str, day: str) -> Path:
    return ui.data / table / f"date={day}" / f"{table}.parquet"


def test_every_table_tells_its_description_and_columns_without_a_run(ui):
    nodes = {node["assetKey"]["path"][-1]: node for node in ui.graphql(COLUMNS)["assetNodes"]}
    assert nodes.keys() == {*TABLES, "daily_report"}
    for name, table in TABLES.items():
        assert nodes[name]["description"] == table.description
        (schema,) = [entry["schema"] for entry in nodes[name]["metadataEntries"] if "schema" in entry]
        assert [column["name"] for column in schema["columns"]] == [column.name for column in table.columns]
        for told, column in zip(schema["columns"], table.columns, strict=True):
            assert column.description
            assert told["description"].startswith(column.description)


def test_every_field_of_the_api_has_a_description_and_the_token_is_only_the_name_of_its_variable(ui):
    details = ui.graphql(RESOURCE, resource={**PLACE, "resourceName": "calls_api"})["topLevelResourceDetailsOrError"]
    fields = {field["name"]: field["description"] for field in details["configFields"]}
    assert {"url", "token", "page_size"} <= fields.keys()
    assert all(fields.values()), fields
    values = {value["key"]: (value["type"], value["value"]) for value in details["configuredValues"]}
    assert values["token"] == ("ENV_VAR", "CALLS_API_TOKEN")
    assert TOKEN not in json.dumps(details)


@pytest.mark.parametrize("resource", ["calls_api", "tables"])
def test_a_field_that_does_not_exist_is_refused_by_its_name_before_a_run_starts(ui, resource):
    refused = ui.try_to_launch(str(FIRST), str(LAST), {"resources": {resource: {"config": {"nonsense": 1}}}})
    assert refused["__typename"] == "RunConfigValidationInvalid"
    (error,) = [error for error in refused["errors"] if error.get("fieldName") == "nonsense"]
    assert f'unexpected config entry "nonsense" at path root:resources:{resource}:config' in error["message"]
    assert TOKEN not in json.dumps(refused)


def test_one_run_over_a_range_materializes_exactly_its_days_in_every_table(ui, run_id):
    nodes = ui.graphql(STATUSES, assets=keys(*TABLES))["assetNodes"]
    assert {node["assetKey"]["path"][-1] for node in nodes} == TABLES.keys()
    for node in nodes:
        (days,) = node["assetPartitionStatuses"]["ranges"]
        assert (days["status"], days["startKey"], days["endKey"]) == ("MATERIALIZED", str(FIRST), str(LAST))
        assert days["endTime"] - days["startTime"] == (24 + 24 + 23) * 3600
    assert {file_of(ui, name, day) for name in TABLES for day in DAYS} == set(ui.data.rglob("*.parquet"))


def test_each_day_shows_the_row_count_of_its_own_file(ui, run_id):
    for name in TABLES:
        in_files = {day: pq.read_metadata(file_of(ui, name, day)).num_rows for day in DAYS}
        assert sorted((day, numbers["dagster/row_count"]) for day, numbers in shown(ui, name)) == sorted(
            in_files.items()
        )
    assert len({numbers["dagster/row_count"] for _, numbers in shown(ui, "service_level")}) > 1


def test_each_day_shows_the_service_level_of_its_own_file_and_none_where_nobody_called(ui, run_id):
    in_files = {}
    for day in DAYS:
        rows = pq.read_table(file_of(ui, "service_level", day)).to_pylist()
        in_files[day] = next(row["service_level"] for row in rows if row["dimension"] == "total")
    assert {day: numbers.get("service_level") for day, numbers in shown(ui, "service_level")} == in_files
    assert len(set(in_files.values())) == len(DAYS)
    assert in_files[str(LAST)] is None  # a Sunday, when the centre is closed


def results(ui: Live, run_id: str, table: str, check: str) -> dict[str | None, str]:
    """How a check ended on each day, and for None in the run as a whole."""
    (asset,) = keys(table)
    executions = ui.graphql(EXECUTIONS, asset=asset, check=check)["assetCheckExecutions"]
    assert len(executions) == len(DAYS) + 1
    for execution in executions:
        evaluation = execution["evaluation"]
        assert execution["runId"] == run_id
        assert evaluation["partition"] == execution["partition"]
        assert evaluation["severity"] == ("ERROR" if NAMED[table, check].is_error else "WARN")
        assert evaluation["description"]
    return {execution["partition"]: execution["status"] for execution in executions}


@pytest.mark.parametrize(("table", "check"), list(NAMED))
def test_each_check_has_a_result_for_each_day(ui, run_id, table, check):
    assert results(ui, run_id, table, check) == dict.fromkeys([*DAYS, None], "SUCCEEDED")


def test_the_calendar_of_each_check_shows_how_it_ended_on_each_day(ui, run_id):
    calendars = {}
    for node in ui.graphql(CHECK_STATUSES, assets=keys(*TABLES))["assetNodes"]:
        for check in node["assetChecksOrError"]["checks"]:
            key = (node["assetKey"]["path"][-1], check["name"])
            ranges = [
                (span["startKey"], span["endKey"], span["status"]) for span in check["partitionStatuses"]["ranges"]
            ]
            calendars[key] = sorted(ranges)
            assert check["description"] == NAMED[key].description
    assert calendars == {key: [(DAYS[0], DAYS[-1], "SUCCEEDED")] for key in NAMED}


def test_the_token_is_in_no_log_and_no_file(ui, run_id):
    told = ui.graphql(LOG, run=run_id)
    assert not told["logsForRun"]["hasMore"]
    assert "RUN_SUCCESS" in {event.get("eventType") for event in told["logsForRun"]["events"]}
    assert TOKEN not in json.dumps(told)
    written = {path: path.read_bytes() for root in (ui.home, ui.data) for path in root.rglob("*") if path.is_file()}
    assert any(run_id.encode() in content for path, content in written.items() if ".db" in path.name)
    assert {path.name for path, content in written.items() if TOKEN.encode() in content} == set()
    assert TOKEN.encode() not in ui.log.read_bytes()
