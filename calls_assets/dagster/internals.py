"""The parts of Dagster that we use although they are not public, in this module only.

`calls_assets_tests/dagster/test_internals.py` says for each name what breaks if it disappears, and what to do.
"""

from typing import Any

from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationTargetMaterializationData
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.errors import DagsterUserCodeProcessError
from dagster._core.event_api import PartitionKeyFilter
from dagster._core.execution.api import execute_run
from dagster._core.remote_origin import (
    ManagedGrpcPythonEnvCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.storage.event_log import SqlEventLogStorage, SqliteEventLogStorage
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster_shared.error import SerializableErrorInfo

__all__ = [
    "AssetCheckEvaluationTargetMaterializationData",
    "AssetCheckExecutionsTable",
    "DagsterUserCodeProcessError",
    "InMemoryJob",
    "LoadableTargetOrigin",
    "ManagedGrpcPythonEnvCodeLocationOrigin",
    "PartitionKeyFilter",
    "RemoteJobOrigin",
    "RemoteRepositoryOrigin",
    "SerializableErrorInfo",
    "SqlEventLogStorage",
    "SqliteEventLogStorage",
    "execute_run",
    "have_dev_start",
]


def have_dev_start(web_server: str) -> None:
    """Make `dg dev`, run in this process, start a module of ours as its web server instead of Dagster's."""
    from dagster._cli import dev as module  # no code location needs it

    dev: Any = module
    start = dev.open_ipc_subprocess

    def start_ours(command: list[str], **more: Any) -> Any:
        return start([web_server if word == "dagster_webserver" else word for word in command], **more)

    dev.open_ipc_subprocess = start_ours
