"""The Definitions object: what exists and how it is wired."""

import warnings

import dagster as dg

from calls_assets.assets.api import api_assets
from calls_assets.assets.derived import derived_assets
from calls_assets.assets.specs import Partitions
from calls_assets.resources import CallsApi, Tables
from calls_assets.schedules import schedules
from calls_assets.settings import Settings


def build(settings: Settings) -> dg.Definitions:
    """The project under the given settings; the API's address and token are read when a run starts."""
    partitions = Partitions.of(settings)
    with (
        warnings.catch_warnings()
    ):  # partitioned checks and backfill policies are new in Dagster, whose version is pinned
        warnings.simplefilter("ignore", dg.BetaWarning)
        warnings.simplefilter("ignore", dg.PreviewWarning)
        assets = [api_assets(partitions), *derived_assets(partitions)]
    job = dg.define_asset_job("calls_pipeline", dg.AssetSelection.all(), description="Every table of the chosen days.")
    return dg.Definitions(
        assets=assets,
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
