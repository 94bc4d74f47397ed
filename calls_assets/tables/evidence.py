"""What the numbers rest on, tested on the account's own calls: differences by id, call types, tokens, waits."""

import pyarrow as pa

from calls_assets.tables.columns import CALL_ID, LOCAL_DATE, count, ratio, text
from calls_assets.tables.schema import Column, Table

CERTAIN_PREDICATES = {
    "all_inbound": "direction = 'inbound'",
    "inbound_answered": "direction = 'inbound' AND is_answered",
    "inbound_answered_within_sla": "direction = 'inbound' AND is_answered AND is_answered_within_sla",
    "inbound_answered_but_not_within_sla": "direction = 'inbound' AND is_answered AND NOT is_answered_within_sla",
    "all_outbound": "direction = 'outbound'",
    "outbound_answered": "direction = 'outbound' AND is_answered",
    "outbound_not_answered": "direction = 'outbound' AND is_ended AND NOT is_answered",
}
"""The call types that a call's fields tell for certain, each as SQL on the columns of `calls`."""

LIKELY_PREDICATES = {
    "inbound_ivr_exit": "direction = 'inbound' AND is_ended AND NOT is_answered AND ivr_id IS NOT NULL "
    "AND ring_group_id IS NULL AND coalesce(len(all_agents), 0) = 0",
    "callback": "direction = 'inbound' AND requested_callback",
    "transfer": "is_ended AND is_transferred",
}
"""Those that the fields suggest, likewise; `all_agents` is in `raw_calls`."""

OTHER_ENDS = (
    *("inbound_ivr_exit", "abandoned", "abandoned_distributed", "short_abandoned", "short_abandoned_distributed"),
    *("callback", "overflowed", "out_of_business_hours"),
)
"""The call types that say how an inbound call ended which nobody answered."""

RECONCILIATION_CALLS = Table(
    "reconciliation_calls",
    "The calls that make up the differences: for each of the ten call types that the fields tell or suggest, those that "
    "the API lists and we do not count, and those that we count and it does not list. A type that was asked for by id has "
    "its rows even where as many differ on either side and `reconciliation` shows 0. A certain type of which the API's "
    "count over the whole request window equals ours was not asked for by id, and has none.",
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
    "How the API's call types relate: tested by id on the day's ended calls. One day may have too few "
    "calls to tell: `weekly` and `monthly` cover longer periods, and `calls-assets evidence` the last 30 closed days.",
    (
        LOCAL_DATE,
        text(
            "relation",
            "Two sets of calls: 'a = b', 'a in b' (every call of a is one of b) or 'a apart from b'. A set is named by the "
            "call type that its calls have in `calls.call_types`, or by the flag of `calls`; requested_callback is that "
            "of inbound calls, 'rang an agent' is agents_offered > 0, and 'another way to end' is any of "
            f"{', '.join(OTHER_ENDS)}.",
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
    "Which `type` goes with which call types: among the day's ended calls. Counts add up over days.",
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
    "How the waits agree with the vendor: whether those that the account's method tells (CALLS_WAIT) fit its own verdict on "
    "the day's answered inbound calls, for each ring group and for all together. A day does not have to prove the method, "
    "which `calls-assets doctor` and `calls-assets evidence` do on many days; it can only contradict it. No rows without a "
    "method.",
    (
        LOCAL_DATE,
        text("member_id", "A ring group's id, '(none)', or '(all)' for all calls.", required=True),
        text("member_name", "Name of the ring group."),
        text("method", "'duration_less_talk' or 'leg_start': see `calls.wait_s`.", required=True),
        count("calls", "Answered inbound calls that have a wait and a verdict (is_answered_within_sla)."),
        count("calls_late", "Calls among them that the vendor calls late."),
        Column(
            "threshold_s",
            pa.int64(),
            "Waits up to this long should be in time. Of 'best_fit' the lowest that misclassifies the fewest calls, which is "
            "1 s below all waits where all calls are late; null for '(all)' where none suits every ring group.",
            "s",
        ),
        Column(
            "threshold_most_s",
            pa.int64(),
            "Any threshold from threshold_s to this one misclassifies the same calls; null where there is no upper "
            "bound, or no threshold_s.",
            "s",
        ),
        text(
            "threshold_source",
            "'setting' (CALLS_SLA_SECONDS); or 'best_fit': the one that misclassifies the fewest calls of the ring groups "
            "without one, or the fewest of its own where the former contradicts it or costs it many errors. "
            "Of '(all)' 'setting' only where every ring group has that.",
            required=True,
        ),
        count("errors", "Calls on the wrong side of the threshold; of '(all)' the sum over the ring groups."),
        ratio("error_rate", "errors / calls."),
        text(
            "agreement",
            "'contradicts' where chance explains so many errors less often than once in 1,000 days if the method is "
            "wrong about 2 % of the calls (binomial); 'too_few' where even a threshold below or above all waits would not be "
            "contradicted; else 'agrees'.",
            required=True,
        ),
    ),
    key=("member_id",),
    inputs=("calls",),
    group="evidence",
)
