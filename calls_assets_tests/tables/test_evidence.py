"""What the dictionary says of call types is what the queries do."""

import itertools
from datetime import date
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa

from calls_assets.api.document import CERTAIN_CALL_TYPES, LIKELY_CALL_TYPES
from calls_assets.metrics.run import compute, differing_calls, reconcile
from calls_assets.tables.catalog import CALLS, RAW_CALL_TYPES, RAW_CALLS
from calls_assets.tables.evidence import CERTAIN_PREDICATES, LIKELY_PREDICATES

DAY, ZONE = date(2026, 11, 1), ZoneInfo("UTC")
FLAGS = ("is_inbound", "is_ended", "is_answered", "is_answered_within_sla", "requested_callback")
LISTS = (None, [], [{"id": 1}], [{"id": None, "is_any_transfer": True}])


def every_kind_of_call():
    """A call for each combination of what the predicates look at."""
    flags = itertools.product([None, False, True], repeat=len(FLAGS))
    rest = itertools.product([None, {"id": 7}], [None, {"id": 8}, {"id": None}], LISTS, LISTS[:3])
    blank = dict.fromkeys(RAW_CALLS.arrow_schema.names) | {"local_date": DAY, "started_at": 1_793_500_000}
    rows = [
        blank
        | dict(zip(FLAGS, values, strict=True))
        | {"id": number, "ivr": ivr, "ring_group": group, "all_agents": rung, "answered_agents": answered}
        for number, (values, (ivr, group, rung, answered)) in enumerate(itertools.product(flags, rest))
    ]
    return pa.Table.from_pylist(rows, RAW_CALLS.arrow_schema)


def test_an_api_that_lists_what_the_predicates_find_differs_in_no_call():
    predicates = CERTAIN_PREDICATES | LIKELY_PREDICATES
    assert (tuple(CERTAIN_PREDICATES), tuple(LIKELY_PREDICATES)) == (CERTAIN_CALL_TYPES, LIKELY_CALL_TYPES)
    raw_calls, none = every_kind_of_call(), RAW_CALL_TYPES.empty()
    calls = compute(CALLS, {"raw_calls": raw_calls, "raw_call_types": none}, [DAY], ZONE)[DAY]
    connection = duckdb.connect()
    connection.register("calls", calls)
    connection.register("raw_calls", raw_calls.select(["id", "all_agents"]))
    found = " UNION ALL ".join(
        f"SELECT local_date, call_id, '{name}' AS call_type FROM calls JOIN raw_calls ON id = call_id WHERE {predicate}"
        for name, predicate in predicates.items()
    )
    labels = RAW_CALL_TYPES.conform(connection.sql(f"FROM ({found}) ORDER BY ALL").to_arrow_table())
    asked = dict.fromkeys(predicates, "labelled")
    reconciliation = reconcile(raw_calls, labels, asked, [DAY], ZONE)[DAY]
    assert reconciliation["difference"].to_pylist() == [0] * len(predicates)
    assert all(count > 0 for count in reconciliation["our_calls"].to_pylist())
    assert differing_calls(raw_calls, labels, reconciliation, [DAY], ZONE)[DAY].num_rows == 0
    told = dict(zip(calls["call_id"].to_pylist(), calls["call_types"].to_pylist(), strict=True))
    certain = {
        (row["call_id"], row["call_type"]) for row in labels.to_pylist() if row["call_type"] in CERTAIN_PREDICATES
    }
    assert certain == {(number, name) for number, names in told.items() for name in names}
