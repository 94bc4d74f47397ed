"""The Definitions object: what exists and how it is wired."""

import os
import warnings
from pathlib import Path

import dagster as dg

from calls_assets.assets import assets
from calls_assets.dagster.alerts import alert_sensors
from calls_assets.dagster.freshness import freshness_sensor
from calls_assets.dagster.recompute import recompute_sensor
from calls_assets.dagster.resources import CallsApi, Tables
from calls_assets.dagster.run_slots import killed_runs_sensor
from calls_assets.dagster.runs import is_ours
from calls_assets.dagster.schedules import schedules
from calls_assets.dagster.specs import JOB, AssetSettings
from calls_assets.dagster.sqlite import spare_the_disk
from calls_assets.settings import Settings


def build(settings: Settings) -> dg.Definitions:
    """The project under the given settings; the API's address and token are read when a run starts."""
    spare_the_disk()
    # Partitioned checks and backfill policies are new in Dagster, whose version is pinned.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        warnings.simplefilter("ignore", dg.PreviewWarning)
        declared = assets(AssetSettings.of(settings))
    every = dg.AssetSelection.assets(*declared)  # those in defs/ may have other partitions, and run separately
    job = dg.define_asset_job(JOB, every, description="Every table and page of the chosen days.")
    return dg.Definitions(
        assets=declared,
        jobs=[job],
        schedules=schedules(settings, job),
        sensors=[
            killed_runs_sensor(is_ours),
            freshness_sensor(settings),
            *alert_sensors(settings),
            recompute_sensor(settings, job),
        ],
        resources={
            "calls_api": CallsApi.configured(
                settings,
                url=_variable("CALLS_API_URL"),
                token=_variable("CALLS_API_TOKEN"),
                privacy_key=_variable("CALLS_PRIVACY_KEY"),
            ),
            "tables": Tables(url=settings.data_url),
        },
        executor=dg.in_process_executor,
    )


def _variable(name: str) -> str:
    """A variable that each run reads; empty if it is not set, so that the run fails with our message, not Dagster's."""
    return dg.EnvVar(name) if os.environ.get(name) else ""


def with_scaffolded(ours: dg.Definitions) -> dg.Definitions:
    """The project with what `dg scaffold defs` has put into `defs/`; an empty folder costs no time."""
    from calls_assets import defs as scaffolded

    (folder,) = map(Path, scaffolded.__path__)
    if all(path.name.startswith("__") for path in folder.iterdir()):
        return ours
    return dg.Definitions.merge(ours, dg.ComponentTree.from_module(scaffolded, folder.parents[1]).build_defs())


defs = with_scaffolded(build(Settings.load()))
