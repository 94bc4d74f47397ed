"""What is used of Dagster that Dagster does not promise to keep: all in one module, and each name is still there.

Where Dagster moves one, the test of that name says what breaks and what to do.
"""

import ast
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
INTERNALS = ROOT / "calls_assets" / "dagster" / "internals.py"

EXECUTES = (
    "launch.materialize() makes a run that says where it is from, which execute_in_process() cannot, and executes it in this "
    "process: look at how execute_in_process() does so now, or call it, and lose what the origin is for."
)
ORIGIN = (
    "A run of the command line tells the UI which job of which code location it is of, or else it is shown neither with its "
    "job nor on the Timeline, and cannot be done again: look at the remote_job_origin that dagster_graphql gives the runs it "
    "creates, and make the same in launch._origin()."
)

BREAKS = {
    "dagster._core.definitions.asset_checks.asset_check_evaluation.AssetCheckEvaluationTargetMaterializationData": (
        "The Partitions tab leaves a day's check out that does not name the materialization it is of: look at what "
        "AssetCheckEvaluation takes as target_materialization_data now, and give it that in landing.evaluation()."
    ),
    "dagster._core.errors.DagsterUserCodeProcessError": (
        "Stopped must be the kind of error that the UI shows without the frames it came through: look at what "
        "serializable_error_info_from_exc_info() in Dagster's utils/error.py makes an exception of, and derive Stopped "
        "from what it takes as it is."
    ),
    "dagster._core.event_api.PartitionKeyFilter": (
        "freshness asks for the evaluations of one day of a check: give get_asset_check_execution_history() the filter "
        "that it takes now, or read without one and compare each record's partition."
    ),
    "dagster._core.storage.event_log.SqlEventLogStorage": (
        "purge deletes the checks of a run, which delete_run() leaves, over the connection to the storage's index: see "
        "whether delete_run() does so now, or how the storage is reached."
    ),
    "dagster._core.storage.event_log.SqliteEventLogStorage": (
        "purge removes the file of a run on SQLite, which delete_run() empties and leaves: see whether it removes it now."
    ),
    "dagster._core.storage.event_log.schema.AssetCheckExecutionsTable": (
        "purge deletes a run's rows in the table of the checks' results: see what that table is called now."
    ),
    "dagster._core.definitions.job_base.InMemoryJob": EXECUTES,
    "dagster._core.execution.api.execute_run": EXECUTES,
    "dagster._core.remote_origin.ManagedGrpcPythonEnvCodeLocationOrigin": ORIGIN,
    "dagster._core.remote_origin.RemoteJobOrigin": ORIGIN,
    "dagster._core.remote_origin.RemoteRepositoryOrigin": ORIGIN,
    "dagster._core.types.loadable_target_origin.LoadableTargetOrigin": ORIGIN,
    "dagster._cli.dev": (
        "`dg dev` starts its web server without the doorkeeper that refuses other hosts and pages: look at how its command "
        "starts the web server now, and have it start ours in have_dev_start()."
    ),
    "dagster_shared.error.SerializableErrorInfo": (
        "Stopped holds its sentence as an error without frames: build the class of error that a step failure event has now."
    ),
}
"""Each private name, with what breaks where it is gone, and what to do."""


def is_private(module):
    return module.startswith(("dagster._", "dagster_shared"))


def private_names(path):
    """The private names of Dagster that a module imports, dotted."""
    tree = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    for node in tree:
        if isinstance(node, ast.ImportFrom) and node.module and is_private(node.module):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if is_private(alias.name))


@pytest.mark.parametrize("name", BREAKS)
def test_dagster_still_has_the_name(name):
    module, _, attribute = name.rpartition(".")
    try:
        is_there = hasattr(importlib.import_module(module), attribute)
    except ImportError:
        is_there = False
    assert is_there, f"This Dagster has no {name} any more. {BREAKS[name]}"


def test_what_breaks_is_said_of_each_name_and_of_no_other():
    assert set(private_names(INTERNALS)) == BREAKS.keys()


def test_no_other_module_takes_what_is_private():
    folders = (ROOT / "calls_assets", ROOT / "bench", ROOT / "deploy")
    others = [path for folder in folders for path in sorted(folder.rglob("*.py")) if path != INTERNALS]
    assert len(others) > 50
    assert {str(path): names for path in others if (names := list(private_names(path)))} == {}
