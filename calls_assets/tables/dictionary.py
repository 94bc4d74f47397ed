"""The data dictionary: every table of the project, with its columns, units, formulas and sources.

The tables are declared beside this file: what is `pulled` from the API, what is `cleaned` of it, the `evidence` that the
numbers rest on, and the `measures`.
"""

from calls_assets.tables.cleaned import CALL_AGENTS, CALLS, DAY_STATUS
from calls_assets.tables.columns import ENDED_OUTCOMES, INBOUND_OUTCOMES, OUTBOUND_OUTCOMES, OUTCOMES
from calls_assets.tables.evidence import CALL_TYPE_RELATIONS, RECONCILIATION_CALLS, TYPE_VALUES, WAIT_CALIBRATION
from calls_assets.tables.measures import (
    ABANDONMENT,
    AGENT_INTERVALS,
    AGENT_TALK_TIME,
    CALL_FLOW,
    CALL_INTERVALS,
    SERVICE_LEVEL,
    TALK_LOAD,
    TIME_DISTRIBUTION,
)
from calls_assets.tables.pulled import CALL_CHANGES, RAW_CALL_TYPES, RAW_CALLS, RECONCILIATION, REJECTED_CALLS

TABLES = {
    table.name: table
    for table in (
        RAW_CALLS,
        REJECTED_CALLS,
        CALL_CHANGES,
        RAW_CALL_TYPES,
        RECONCILIATION,
        RECONCILIATION_CALLS,
        CALLS,
        CALL_AGENTS,
        DAY_STATUS,
        CALL_TYPE_RELATIONS,
        TYPE_VALUES,
        WAIT_CALIBRATION,
        SERVICE_LEVEL,
        ABANDONMENT,
        AGENT_TALK_TIME,
        CALL_INTERVALS,
        CALL_FLOW,
        TIME_DISTRIBUTION,
        TALK_LOAD,
        AGENT_INTERVALS,
    )
}
"""Every table by name, in the order in which the data goes."""

__all__ = [
    "ABANDONMENT",
    "AGENT_INTERVALS",
    "AGENT_TALK_TIME",
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
    "RAW_CALLS",
    "RAW_CALL_TYPES",
    "RECONCILIATION",
    "RECONCILIATION_CALLS",
    "REJECTED_CALLS",
    "SERVICE_LEVEL",
    "TABLES",
    "TALK_LOAD",
    "TIME_DISTRIBUTION",
    "TYPE_VALUES",
    "WAIT_CALIBRATION",
]
