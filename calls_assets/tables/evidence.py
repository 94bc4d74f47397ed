"""What the numbers rest on, tested on the account's own calls: differences by id, call types, tokens, waits."""

import pyarrow as pa

from calls_assets.tables.columns import CALL_ID, LOCAL_DATE, count, ratio, text
from calls_assets.tables.schema import Column, Table

RECONCILIATION_CALLS = Table(
    "reconciliation_calls",
    "The calls that make up the differences: for each call type that the fields determine, those that the API lists "
    "and we do not count, and those that we count and it does not list. Call types whose counts agree over the whole "
    "request window have no rows.",
    (
        LOCAL_DATE,
        text("call_type", "A value of the API's `callType` parameter.", required=True),
        CALL_ID,
        text(
            "counted_by",
            "'api' where only the API counts the call under the type, 'us' where only we do.",
            required=True,
        ),
    ),
    key=("call_type", "call_id"),
    inputs=("raw_calls", "raw_call_types", "reconciliation"),
    group="evidence",
)

CALL_TYPE_RELATIONS = Table(
    "call_type_relations",
    "How the API's call types relate to each other, tested by id on the day's ended calls. One day may have too few "
    "calls to tell: `weekly` and `monthly` cover longer periods, and `calls-assets evidence` the last 30 closed days.",
    (
        LOCAL_DATE,
        text(
            "relation",
            "Two sets of calls: 'a = b', 'a in b' (every call of a is one of b) or 'a apart from b'.",
            required=True,
        ),
        count("left_calls", "Calls in the left set."),
        count("right_calls", "Calls in the right set."),
        count("both_calls", "Calls in both sets."),
        count("breaking_calls", "Calls that break the relation."),
        text(
            "verdict",
            "'fails' where any call breaks it; 'holds' where none does and each set that could break it has at least "
            "20 calls; else 'not enough data'.",
            required=True,
        ),
    ),
    key=("relation",),
    inputs=("calls", "day_status"),
    group="evidence",
)

TYPE_VALUES = Table(
    "type_values",
    "Which values of the calls' `type` go with which call types, among the day's ended calls. Counts add up over days.",
    (
        LOCAL_DATE,
        text("type", "The value; '(none)' where there is none, '(all)' for all calls.", required=True),
        text("call_type", "A call type, or '(all)' for all calls.", required=True),
        count("calls", "Calls with both; pairs without calls have no row."),
    ),
    key=("type", "call_type"),
    inputs=("calls",),
    group="evidence",
)

WAIT_CALIBRATION = Table(
    "wait_calibration",
    "Whether callers' waits can be estimated, since the API does not give them: each estimate against the vendor's "
    "own verdict on the day's answered inbound calls, for all ring groups together and for each. The threshold is "
    "the wait that agrees with the verdict on most calls.",
    (
        LOCAL_DATE,
        text("member_id", "A ring group's id, '(none)', or '(all)' for all calls.", required=True),
        text("member_name", "Name of the ring group."),
        text(
            "method",
            "'leg_start': start of the first answering leg - start of the call (`calls.speed_of_answer_s`); "
            "'duration_less_talk': `calls.duration_s` - `calls.talk_s`.",
            required=True,
        ),
        count("calls", "Answered inbound calls that have the estimate and a verdict (is_answered_within_sla)."),
        count("calls_late", "Calls among them that the vendor calls late."),
        text(
            "judged_at",
            "'own': the threshold was found on these calls; 'all': on those of all ring groups together, for a ring "
            "group with fewer than 200 calls.",
            required=True,
        ),
        Column(
            "threshold_s",
            pa.int64(),
            "Counting waits up to this long as in time misclassifies the fewest calls; the lowest such threshold.",
            "s",
            required=True,
        ),
        Column(
            "threshold_most_s",
            pa.int64(),
            "Any threshold from threshold_s to this one misclassifies the same calls; null where there is no upper "
            "bound.",
            "s",
        ),
        count("errors", "Calls on the wrong side of the threshold."),
        ratio("error_rate", "errors / calls."),
        text(
            "wait_status",
            "'validated' where there are at least 200 calls, of which 5 in time and 5 late, and the errors are at "
            "most 2 % of the calls and at most half as many as the rarer verdict; a ring group judged at 'all' takes "
            "the status of all ring groups together, unless its own errors are more than one and more than 2 % of "
            "its calls; else 'unverified'.",
            required=True,
        ),
    ),
    key=("member_id", "method"),
    inputs=("calls",),
    group="evidence",
)
