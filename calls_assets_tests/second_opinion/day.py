"""Every derived table of one day in the second reading."""

from datetime import date
from zoneinfo import ZoneInfo

import pandas as pd

from calls_assets_tests.second_opinion import counts, opinion, times

REPULL_DAYS, REPULL_HOUR = 3, 5


def opinions(
    raw: pd.DataFrame,
    labels: pd.DataFrame,
    given: pd.DataFrame,
    day: date,
    zone: ZoneInfo,
    pulled_at: float,
    rejected: int = 0,
    waits: opinion.Waits = opinion.UNKNOWN,
    every: pd.DataFrame | None = None,
) -> dict[str, pd.DataFrame]:
    """Every derived table of a day, from its `raw_calls`, its `raw_call_types` and the API's counts in `reconciliation`.

    `pulled_at` is when the raw calls were put in place, in epoch seconds; `rejected` counts the day's rejected records;
    `waits` is what is set of the account's waits; `every` are the `calls` of all days read together with it.
    """
    calls, legs = opinion.calls(raw, labels, day, zone, waits), opinion.call_agents(raw, day)
    reconciled = counts.reconciliation(raw, given, day)
    differing = counts.reconciliation_calls(raw, labels, reconciled, day)
    settled = counts.day_status(
        raw, calls, reconciled, differing, day, zone, pulled_at, REPULL_DAYS, REPULL_HOUR, rejected
    )
    status = settled["status"].item()
    calibration = times.wait_calibration(calls, day)
    return {
        "calls": calls,
        "call_agents": legs,
        "reconciliation": reconciled,
        "reconciliation_calls": differing,
        "day_status": settled,
        "call_type_relations": counts.call_type_relations(calls, day),
        "type_values": counts.type_values(calls, day),
        "wait_calibration": calibration,
        "service_level": times.service_level(calls, calibration, day, status, waits.method),
        "abandonment": times.abandonment(calls, calibration, day, status, waits.method),
        "agent_talk_time": times.agent_talk_time(legs, day, status),
        "call_intervals": counts.call_intervals(calls, day, status, zone),
        "callers_not_spoken_to": counts.callers_not_spoken_to(calls, raw),
        "callbacks_never_dialled": counts.callbacks_never_dialled(calls, raw, calls if every is None else every),
        "call_flow": counts.call_flow(calls, day, status),
        "time_distribution": times.time_distribution(calls, calibration, day, status),
        "talk_load": times.talk_load(calls, day, status, zone),
        "agent_intervals": times.agent_intervals(calls, legs, day, status, zone),
    }
