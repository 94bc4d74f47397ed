"""The Definitions object: what exists and how it is wired."""

import warnings

import dagster as dg

# Backfill policies and partitioned checks are beta in this Dagster; the pinned version is the one they were tried on.
warnings.filterwarnings("ignore", category=dg.BetaWarning)
warnings.filterwarnings("ignore", category=dg.PreviewWarning)

from calls_assets.assets.api import api_assets  # noqa: E402
from calls_assets.assets.derived import derived_assets  # noqa: E402
from calls_assets.assets.specs import Partitions  # noqa: E402
from calls_assets.resources import CallsApi, Tables  # noqa: E402
from calls_assets.schedules import schedules  # noqa: E402
from calls_assets.settings import Settings  # noqa: E402


def build(settings: Settings) -> dg.Definitions:
    """The project under the given settings; the API's address and token are read when a run starts."""
    partitions = Partitions.of(settings)
    job = dg.define_asset_job("calls_pipeline", dg.AssetSelection.all(), description="Every table of the chosen days.")
    return dg.Definitions(
        assets=[api_assets(partitions), *derived_assets(partitions)],
        jobs=[job],
        schedules=schedules(partitions, job),
        resources={
            "calls_api": CallsApi.filtered(
                settings.filters, url=dg.EnvVar("CALLS_API_URL"), token=dg.EnvVar("CALLS_API_TOKEN")
            ),
            "tables": Tables(url=settings.data_url),
        },
        executor=dg.in_process_executor,
    )


defs = build(Settings.load())
