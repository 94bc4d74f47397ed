"""The data dictionary: every table of the project with its columns, units, formulas and sources.

Letters in formulas count one day's ended inbound calls by outcome: A answered, W answered within the vendor's
threshold, B abandoned, S short-abandoned, O overflowed, C callback requested, U unanswered for another reason.
"""

import pyarrow as pa

from calls_assets.api.document import CALL
from calls_assets.tables.schema import Column, Table

INBOUND_OUTCOMES = (
    "in_progress",
    "answered",
    "short_abandoned",
    "abandoned",
    "overflowed",
    "callback_requested",
    "ivr_exit",
    "out_of_hours",
    "unanswered_other",
)
OUTBOUND_OUTCOMES = ("in_progress", "answered", "not_answered")
ENDED_OUTCOMES = (*INBOUND_OUTCOMES[1:], "not_answered")
"""Every outcome that an ended call can have."""
OUTCOMES = ("in_progress", *ENDED_OUTCOMES)

INSTANT = pa.timestamp("us", "UTC")


def _id(name: str, description: str, required: bool = False, varies: bool = False) -> Column:
    return Column(name, pa.int64(), description, required=required, varied=(name,) if varies else ())


def _text(name: str, description: str, required: bool = False, varies: bool = False) -> Column:
    return Column(name, pa.string(), description, required=required, varied=(name,) if varies else ())


def _flag(name: str, description: str, required: bool = True) -> Column:
    return Column(name, pa.bool_(), description, required=required)


def _count(name: str, description: str, unit: str = "calls") -> Column:
    return Column(name, pa.int64(), description, unit, required=True)


def _seconds(name: str, description: str, required: bool = False) -> Column:
    return Column(name, pa.int64(), description, "s", required, varied=(name,))


def _ratio(name: str, description: str) -> Column:
    return Column(name, pa.float64(), f"{description} Null when the denominator is 0.", "share from 0 to 1")


def _instant(name: str, description: str) -> Column:
    return Column(name, INSTANT, description, "UTC", required=True, varied=(name,))


LOCAL_DATE = Column("local_date", pa.date32(), "Local day of the call's start, in the partitions' zone.", required=True)
CALL_ID = _id("call_id", "Id of the call.", required=True, varies=True)
DIRECTION = _text("direction", "'inbound' or 'outbound'; null where the API does not say.")
INTERVAL_START = Column(
    "interval_start",
    INSTANT,
    "Start of the half-hour of the call's start, floored in local time.",
    "UTC",
    required=True,
)

RAW_CALLS = Table(
    "raw_calls",
    "Calls as the API returned them: every documented field under its own name and nesting.",
    (
        LOCAL_DATE,
        *(Column.documented(field) for field in CALL),
        _text(
            "extra",
            "JSON object of the fields that the API document does not name, in the record's own nesting.",
            varies=True,
        ),
    ),
    key=("id",),
)

REJECTED_CALLS = Table(
    "rejected_calls",
    "Records of the API that could not be read as a call, set aside with the reason.",
    (
        LOCAL_DATE,
        _id("call_id", "Id of the call; null where it could not be read.", varies=True),
        _text("reason", "The field that could not be read, and the JSON type of its value.", required=True),
        _text("record", "The record as it came, as JSON with sorted keys; personal data.", required=True, varies=True),
    ),
    key=("call_id", "record"),
)

CALL_CHANGES = Table(
    "call_changes",
    "Late truth: what each pull changed about a day that was over when the pull before came. Every pull adds its rows, so "
    "the table tells how long days keep moving.",
    (
        LOCAL_DATE,
        CALL_ID,
        _instant("pulled_at", "When the pull that saw the change began."),
        _instant("compared_with", "When the file that the pull replaced had been put in place."),
        _seconds("age_s", "From the end of the local day to the pull.", required=True),
        _text("change", "'new', 'gone' or 'changed'.", required=True),
        _text("field", "The field of `raw_calls` that changed; null for calls that are new or gone."),
    ),
    key=("compared_with", "call_id", "field"),
)

RAW_CALL_TYPES = Table(
    "raw_call_types",
    "Which call types the API's own `callType` filter puts each call in.",
    (LOCAL_DATE, CALL_ID, _text("call_type", "A value of the API's `callType` parameter.", required=True)),
    key=("call_id", "call_type"),
)

RECONCILIATION = Table(
    "reconciliation",
    "The API's own count of each call type beside ours.",
    (
        LOCAL_DATE,
        _text("call_type", "A value of the API's `callType` parameter.", required=True),
        Column("api_calls", pa.int64(), "Calls that the API counts; null where it refused the call type.", "calls"),
        Column("our_calls", pa.int64(), "Calls that we count by their fields; null where no field tells.", "calls"),
        Column("difference", pa.int64(), "api_calls - our_calls; null where either is.", "calls"),
    ),
    key=("call_type",),
)

CALLS = Table(
    "calls",
    "One row per call, cleaned, with how it ended.",
    (
        LOCAL_DATE,
        CALL_ID,
        _instant("started_at", "When the call began: dialled, or received."),
        INTERVAL_START,
        Column("utc_offset_s", pa.int64(), "Offset of local time from UTC at the call's start.", "s", required=True),
        DIRECTION,
        _text(
            "outcome",
            f"How the call ended, exactly one of: inbound {', '.join(INBOUND_OUTCOMES)}; "
            f"outbound {', '.join(OUTBOUND_OUTCOMES)}.",
            required=True,
        ),
        _text(
            "outcome_source",
            "What decided the outcome: 'vendor_filter' (the API's callType filter), 'type_field' (the call's `type`) "
            "or 'predicate' (its other fields).",
            required=True,
        ),
        Column(
            "call_types",
            pa.list_(pa.string()),
            "All call types of the call, sorted: those that the API's filter gave and those that its fields tell.",
            required=True,
        ),
        _text("type", "How the call went in the API's own token; an open list of values."),
        _flag("is_ended", "Whether the call was over when it was fetched."),
        _flag("is_answered", "Whether somebody answered."),
        _flag("is_answered_within_sla", "The vendor's verdict: answered within its threshold.", required=False),
        _flag("requested_callback", "Whether the caller asked to be called back."),
        _flag("is_transferred", "Whether any leg came about by a transfer."),
        _flag("is_linked", "Whether the call follows another one (original_call_id)."),
        _id("original_call_id", "Id of the call that this one follows, as a callback does.", varies=True),
        _seconds(
            "duration_s", "Duration as the API gives it; null where it is impossible: negative, or longer than a year."
        ),
        _seconds("talk_s", "Talk time; null where it is unknown or impossible: negative, or longer than a year."),
        _seconds(
            "speed_of_answer_s",
            "Answered calls: first known answering leg's start - call's start, which may leave out the final ring; "
            "null where unknown or impossible.",
        ),
        _count("agents_offered", "Distinct agents who were rung or spoke.", "agents"),
        _count("agents_answered", "Distinct agents who spoke.", "agents"),
        _id("first_agent_id", "Agent of the first answered leg."),
        _id("last_agent_id", "Agent of the last answered leg."),
        _id("ring_group_id", "Id of the ring group (queue)."),
        _text("ring_group_name", "Name of the ring group."),
        _id("ivr_id", "Id of the voice menu."),
        _text("ivr_name", "Name of the voice menu."),
        _id("number_id", "Id of the centre's own number."),
        _text("number", "The centre's own number."),
        _text("number_alias", "Friendly name of the centre's own number."),
        _id("campaign_id", "Id of the campaign."),
        _text("campaign_name", "Name of the campaign."),
        _id("disposition_id", "Id of the disposition."),
        _text("disposition_code", "Name of the disposition."),
        _id("contact_id", "Id of the contact.", varies=True),
        _text("country_dial_code", "Country dial code of the contact, '1' for all of North America."),
        Column("list_ids", pa.list_(pa.int64()), "Contact lists of the contact, as of the fetch."),
        Column("tags", pa.list_(pa.string()), "Tags put on the call."),
    ),
    key=("call_id",),
    inputs=("raw_calls", "raw_call_types"),
)

CALL_AGENTS = Table(
    "call_agents",
    "One row per call and agent leg, with its share of the talk time. The API gives no end of a leg, so on calls with "
    "several answering agents the share is an estimate: each leg owns the time until the next one begins.",
    (
        LOCAL_DATE,
        CALL_ID,
        DIRECTION,
        _count("leg", "Position of the leg in its call from 0: answered legs by their start, then the others.", "legs"),
        _text(
            "agent_key",
            "The agent id, or 'external' (talk of an outside number) or 'unattributed' (talk of nobody known).",
            required=True,
        ),
        _id("agent_id", "Id of the agent."),
        _text("agent_alias", "Name of the agent in the phone system."),
        _flag("answered", "Whether the agent answered."),
        _flag("is_first", "Whether this is the call's first answered leg."),
        _flag("is_last", "Whether this is the call's last answered leg."),
        _flag("is_transfer", "Whether the leg came about by a transfer."),
        _seconds("offset_s", "Start of the leg after the first answered leg's, within the talk time."),
        _seconds("talk_s", "The leg's own share of the talk time; a call's shares sum to its talk time exactly."),
        _seconds("talk_s_max", "Talk time - offset: the longest that the agent can have talked; not additive."),
        _text(
            "attribution",
            "How the share was found: exact_single (one agent answered; where the call went on to a number outside, see "
            "`raw_calls.external_numbers`, the share is an upper bound), handoff, equal_split, start_missing, no_talk, "
            "external, unattributed, not_answered.",
            required=True,
        ),
    ),
    key=("call_id", "leg"),
    inputs=("raw_calls",),
)

CALL_INTERVALS = Table(
    "call_intervals",
    "Additive counts and sums of ended calls by half-hour of their start, direction and what they belong to.",
    (
        LOCAL_DATE,
        INTERVAL_START,
        DIRECTION,
        _id("ring_group_id", "Id of the ring group (queue)."),
        _id("ivr_id", "Id of the voice menu."),
        _id("number_id", "Id of the centre's own number."),
        _id("campaign_id", "Id of the campaign."),
        _count("calls", "Ended calls."),
        *(_count(f"calls_{outcome}", f"Calls with the outcome {outcome}.") for outcome in ENDED_OUTCOMES),
        _count("calls_answered_within_sla", "Inbound calls answered within the vendor's threshold."),
        _count("speed_of_answer_calls", "Calls whose speed of answer is known."),
        _seconds("speed_of_answer_total_s", "Sum of the known speeds of answer.", required=True),
        _count("talk_calls", "Calls whose talk time is known."),
        _seconds("talk_s", "Sum of the known talk times.", required=True),
    ),
    key=("interval_start", "direction", "ring_group_id", "ivr_id", "number_id", "campaign_id"),
    inputs=("calls",),
)

MEMBER = (
    LOCAL_DATE,
    _text("dimension", "total, ring_group, ivr, number, campaign or half_hour.", required=True),
    _text(
        "member_id",
        "An id, a half-hour's start in UTC, '(all)' for the total, or '(none)' for calls that have none.",
        required=True,
    ),
    _text("member_name", "Name of the member on that day; for a half-hour its local time with offset."),
)
OFFERED = _count("calls_offered", "Calls offered to staff: A + B + S + O + C + U.")
ANSWERED = _count("calls_answered", "A: calls answered.")
ABANDONED = _count("calls_abandoned", "B: callers who waited longer than the short threshold and hung up.")
SHORT_ABANDONED = _count("calls_short_abandoned", "S: callers who hung up within the vendor's short threshold.")

SERVICE_LEVEL = Table(
    "service_level",
    "Are we answering in time: service level of each day, in total and by ring group, IVR, number, campaign and half-hour. "
    "Ended inbound calls only.",
    (
        *MEMBER,
        OFFERED,
        ANSWERED,
        _count("calls_answered_within_sla", "W: calls that the vendor says were answered within its threshold."),
        ABANDONED,
        SHORT_ABANDONED,
        _count("calls_overflowed", "O: calls sent elsewhere because nobody answered in time."),
        _count("calls_callback_requested", "C: callers who asked to be called back."),
        _count("calls_unanswered_other", "U: calls not answered for another reason."),
        _ratio("service_level", "W / (A + B): the headline; abandons count against it, short ones are left out."),
        _ratio("sl_answered_only", "W / A: abandons ignored (ICMI formula 2)."),
        _ratio("sl_all_abandons", "W / (A + B + S): every abandon counts against it (ICMI formula 3)."),
        _ratio("sl_short_positive", "(W + S) / (A + B + S): short abandons count as met (ICMI formula 5)."),
        _ratio("sl_offered", "W / offered: everything offered counts against it."),
        _count("speed_of_answer_calls", "Answered calls whose speed of answer is known."),
        _seconds("speed_of_answer_total_s", "Sum of the known speeds of answer.", required=True),
        Column(
            "average_speed_of_answer_s",
            pa.float64(),
            "speed_of_answer_total_s / speed_of_answer_calls; null when there are none.",
            "s",
        ),
    ),
    key=("dimension", "member_id"),
    inputs=("calls",),
)

ABANDONMENT = Table(
    "abandonment",
    "Whom do we lose: abandonment of each day, in total and by ring group, IVR, number, campaign and half-hour. "
    "Ended inbound calls only.",
    (
        *MEMBER,
        OFFERED,
        ANSWERED,
        ABANDONED,
        SHORT_ABANDONED,
        _count("calls_abandoned_distributed", "Abandoned calls that the API lists as abandoned_distributed too."),
        _ratio("abandonment_rate", "B / (A + B): the headline; short abandons are left out of both sides."),
        _ratio("abandonment_rate_incl_short", "(B + S) / (A + B + S)."),
        _ratio("abandonment_rate_offered", "B / offered."),
        _ratio("short_abandonment_rate", "S / offered."),
    ),
    key=("dimension", "member_id"),
    inputs=("calls",),
)

AGENT_TALK_TIME = Table(
    "agent_talk_time",
    "Who talks how long: calls and talk time of each agent and direction. Ended calls only.",
    (
        LOCAL_DATE,
        _text(
            "agent_key", "The agent id, or 'external' or 'unattributed', which count in no call count.", required=True
        ),
        _id("agent_id", "Id of the agent."),
        _text("agent_alias", "Name of the agent, of the day's latest call."),
        DIRECTION,
        _count("calls_offered", "Distinct calls that rang the agent or that the agent took; not additive over agents."),
        _count("calls_handled", "Distinct calls that the agent took; not additive over agents."),
        _count("calls_answered_first", "Calls that the agent was the first to take; additive."),
        _count("calls_answered_last", "Calls that the agent was the last to take; additive."),
        _count("calls_missed", "calls_offered - calls_handled; ringing several agents at once inflates it."),
        _count("transfers_in", "Legs that came to the agent by a transfer.", "legs"),
        _seconds(
            "talk_s", "The agent's share of the talk time; sums over agents to the calls' talk time.", required=True
        ),
        _seconds("talk_s_max", "Upper bound of the agent's talk time; not additive.", required=True),
        Column(
            "average_talk_s",
            pa.float64(),
            "talk_s / handled calls whose talk time is known; null when there are none.",
            "s",
        ),
    ),
    key=("agent_key", "direction"),
    inputs=("call_agents",),
)

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
        CALL_INTERVALS,
        SERVICE_LEVEL,
        ABANDONMENT,
        AGENT_TALK_TIME,
    )
}
"""Every table by name, in the order in which the data goes."""
