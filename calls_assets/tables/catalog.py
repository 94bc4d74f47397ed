"""The data dictionary: every table of the project, with its columns, units, formulas and sources.

The tables are declared beside this file: those that come `raw` from the API, the cleaned `calls`, the `evidence` that the
numbers rest on, and the `metrics`. Views are tables without files: their rows are computed when they are read.
"""

from calls_assets.tables.calls import CALL_AGENTS, CALLS, DAY_STATUS
from calls_assets.tables.columns import ENDED_OUTCOMES, INBOUND_OUTCOMES, OUTBOUND_OUTCOMES, OUTCOMES
from calls_assets.tables.evidence import CALL_TYPE_RELATIONS, RECONCILIATION_CALLS, TYPE_VALUES, WAIT_CALIBRATION
from calls_assets.tables.metrics import (
    ABANDONMENT,
    AGENT_INTERVALS,
    AGENT_TALK_TIME,
    CALL_FLOW,
    CALL_INTERVALS,
    CALLBACKS_NEVER_DIALLED,
    CALLERS_NOT_SPOKEN_TO,
    SERVICE_LEVEL,
    TALK_LOAD,
    TIME_DISTRIBUTION,
)
from calls_assets.tables.raw import CALL_CHANGES, RAW_CALL_TYPES, RAW_CALLS, RECONCILIATION, REJECTED_CALLS

TABLES = {
    table.name: table
    for table in (
        RAW_CALLS,
        REJECTED_CALLS,
        CALL_CHANGES,
        RAW_CALL_TYPES,
        RECONCILIATION,
        CALLS,
        CALL_AGENTS,
        DAY_STATUS,
        WAIT_CALIBRATION,
        SERVICE_LEVEL,
        ABANDONMENT,
        AGENT_TALK_TIME,
        CALL_INTERVALS,
        CALL_FLOW,
        AGENT_INTERVALS,
    )
}
"""Every table that has files, by name, in the order of the data flow."""

VIEWS = {
    table.name: table
    for table in (
        RECONCILIATION_CALLS,
        CALL_TYPE_RELATIONS,
        TYPE_VALUES,
        CALLERS_NOT_SPOKEN_TO,
        CALLBACKS_NEVER_DIALLED,
        TIME_DISTRIBUTION,
        TALK_LOAD,
    )
}
"""Every table that is computed from the files of others when it is read."""

ALL_TABLES = TABLES | VIEWS
"""Every table that can be read."""

PULLED_AT = "pulled_at"
"""The metadata of a day of `raw_calls` that says when its crawl began."""

REPORT = "daily_report"
"""The asset of each day's page, which is not a table."""

REPORT_INPUTS = (
    *("service_level", "agent_talk_time", "call_intervals"),
    *("call_changes", "rejected_calls", "reconciliation", "calls", "raw_calls"),
)

__all__ = [
    "ABANDONMENT",
    "AGENT_INTERVALS",
    "AGENT_TALK_TIME",
    "ALL_TABLES",
    "CALLBACKS_NEVER_DIALLED",
    "CALLERS_NOT_SPOKEN_TO",
    "CALLS",
    "CALL_AGENTS",
    "CALL_CHANGES",
    "CALL_FLOW",
    "CALL_INTERVALS",
    "CALL_TYPE_RELATIONS",
    "DAY_STATUS",
    "ENDED_OUTCOMES",
    "INBOUND_OUTCOMES",
    "OUTBOUND_OUTCOMES",
    "OUTCOMES",
    "PULLED_AT",
    "RAW_CALLS",
    "RAW_CALL_TYPES",
    "RECONCILIATION",
    "RECONCILIATION_CALLS",
    "REJECTED_CALLS",
    "REPORT",
    "REPORT_INPUTS",
    "SERVICE_LEVEL",
    "TABLES",
    "TALK_LOAD",
    "TIME_DISTRIBUTION",
    "TYPE_VALUES",
    "VIEWS",
    "WAIT_CALIBRATION",
]
