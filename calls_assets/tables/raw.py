"""The tables that come from the API, one pull at a time."""

import pyarrow as pa

from calls_assets.api.document import CALL
from calls_assets.tables.columns import CALL_ID, LOCAL_DATE, an_id, instant, seconds, text
from calls_assets.tables.schema import Column, Table

RAW_CALLS = Table(
    "raw_calls",
    "Calls as the API returned them: every documented field under its own name and nesting.",
    (
        LOCAL_DATE,
        *(Column.documented(field) for field in CALL),
        text(
            "extra",
            "JSON object with the record's own nesting that holds what the other columns do not: fields that the API "
            "document does not name, and the originals of values that could not be read without loss.",
            varies=True,
        ),
    ),
    key=("id",),
)

REJECTED_CALLS = Table(
    "rejected_calls",
    "Records that are not known as calls: set aside with the reason, because they are not objects, or have no "
    "readable id or start.",
    (
        LOCAL_DATE,
        an_id("call_id", "Id of the call; null where it could not be read.", varies=True),
        text("reason", "The field that could not be read, and the JSON type of its value.", required=True),
        text(
            "record",
            "The record as it came, as JSON with sorted keys; contains personal data.",
            required=True,
            varies=True,
        ),
    ),
    key=("call_id", "record"),
)

CALL_CHANGES = Table(
    "call_changes",
    "Late changes: what each pull changed about a day that was already over at the pull before it. Every pull adds "
    "its rows, so the table shows how long days keep changing.",
    (
        LOCAL_DATE,
        CALL_ID,
        instant("pulled_at", "When the pull that saw the change began."),
        instant("compared_with", "When the file that the pull replaced had been written."),
        seconds("age_s", "Time from the end of the local day to the pull.", required=True),
        text("change", "'new', 'gone' or 'changed'.", required=True),
        text("field", "The field of `raw_calls` that changed; null for calls that are new or gone."),
    ),
    key=("compared_with", "call_id", "field"),
)

RAW_CALL_TYPES = Table(
    "raw_call_types",
    "The call types that the API's own `callType` filter puts each call in.",
    (LOCAL_DATE, CALL_ID, text("call_type", "A value of the API's `callType` parameter.", required=True)),
    key=("call_id", "call_type"),
)

RECONCILIATION = Table(
    "reconciliation",
    "The API's own count of each call type beside ours.",
    (
        LOCAL_DATE,
        text("call_type", "A value of the API's `callType` parameter.", required=True),
        Column("api_calls", pa.int64(), "Calls that the API counts; null where it refused the call type.", "calls"),
        Column(
            "our_calls",
            pa.int64(),
            "Calls that we count by their fields, of the seven types that these tell for certain and the three that they "
            "suggest (docs/tables.md has the predicates); null for the other eight.",
            "calls",
        ),
        Column("difference", pa.int64(), "api_calls - our_calls; null where either is null.", "calls"),
    ),
    key=("call_type",),
)
