"""The calls themselves, cleaned, their agents' legs, and whether a day can still move."""

import pyarrow as pa

from calls_assets.tables.columns import (
    CALL_ID,
    DIRECTION,
    INBOUND_OUTCOMES,
    INTERVAL_START,
    LOCAL_DATE,
    OUTBOUND_OUTCOMES,
    RING_GROUP_ID,
    an_id,
    count,
    flag,
    instant,
    seconds,
    text,
)
from calls_assets.tables.schema import Column, Table

CALLS = Table(
    "calls",
    "One row per call, cleaned, with how it ended.",
    (
        LOCAL_DATE,
        CALL_ID,
        instant("started_at", "When the call began: dialled, or received."),
        INTERVAL_START,
        Column("utc_offset_s", pa.int64(), "Offset of local time from UTC at the call's start.", "s", required=True),
        DIRECTION,
        text(
            "outcome",
            f"How the call ended, exactly one of: inbound {', '.join(INBOUND_OUTCOMES)}; "
            f"outbound {', '.join(OUTBOUND_OUTCOMES)}.",
            required=True,
        ),
        text(
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
        text("type", "How the call went in the API's own token; an open list of values."),
        flag("is_ended", "Whether the call was over when it was fetched."),
        flag("is_answered", "Whether somebody answered."),
        flag("is_answered_within_sla", "The vendor's verdict: answered within its threshold.", required=False),
        flag("requested_callback", "Whether the caller asked to be called back."),
        flag("is_transferred", "Whether any leg came about by a transfer."),
        flag("is_linked", "Whether the call follows another one (original_call_id; 0 is none)."),
        an_id("original_call_id", "Id of the call that this one follows, as a callback does.", varies=True),
        seconds(
            "duration_s", "Duration as the API gives it; null where it is impossible: negative, or longer than a year."
        ),
        seconds("talk_s", "Talk time; null where it is unknown or impossible: negative, or longer than a year."),
        seconds(
            "speed_of_answer_s",
            "Answered calls: first known answering leg's start - call's start, which may leave out the final ring; "
            "null where unknown or impossible.",
        ),
        count("agents_offered", "Distinct agents who were rung or spoke.", "agents"),
        count("agents_answered", "Distinct agents who spoke.", "agents"),
        an_id("first_agent_id", "Agent of the first answered leg."),
        an_id("last_agent_id", "Agent of the last answered leg."),
        RING_GROUP_ID,
        text("ring_group_name", "Name of the ring group."),
        an_id("ivr_id", "Id of the voice menu."),
        text("ivr_name", "Name of the voice menu."),
        an_id("number_id", "Id of the centre's own number."),
        text("number", "The centre's own number."),
        text("number_alias", "Friendly name of the centre's own number."),
        an_id("campaign_id", "Id of the campaign."),
        text("campaign_name", "Name of the campaign."),
        an_id("disposition_id", "Id of the disposition."),
        text("disposition_code", "Name of the disposition."),
        an_id("contact_id", "Id of the contact.", varies=True),
        text("country_dial_code", "Country dial code of the contact, '1' for all of North America."),
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
        count("leg", "Position of the leg in its call from 0: answered legs by their start, then the others.", "legs"),
        text(
            "agent_key",
            "The agent id, or 'external' (talk of an outside number) or 'unattributed' (talk of nobody known).",
            required=True,
        ),
        an_id("agent_id", "Id of the agent."),
        text("agent_alias", "Name of the agent in the phone system."),
        flag("answered", "Whether the agent answered."),
        flag("is_first", "Whether this is the call's first answered leg."),
        flag("is_last", "Whether this is the call's last answered leg."),
        flag("is_transfer", "Whether the leg came about by a transfer; false for talk that no agent owns."),
        seconds("offset_s", "Start of the leg after the first answered leg's, within the talk time."),
        seconds("talk_s", "The leg's own share of the talk time; a call's shares sum to its talk time exactly."),
        seconds("talk_s_max", "Talk time - offset: the longest that the agent can have talked; not additive."),
        text(
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

DAY_STATUS = Table(
    "day_status",
    "Whether a day can still move: calls that were going on when it was pulled, mornings that will pull it again, call types "
    "that the API counts otherwise, records that could not be read. One row a day.",
    (
        LOCAL_DATE,
        count("days", "Days that the row is about: 1, and more in `weekly` and `monthly`.", "days"),
        count("calls", "Calls of the day."),
        count("calls_open", "Calls that were not over when they were pulled; they count in no metric yet."),
        count(
            "days_inside_lookback",
            "1 where the day was pulled before the last of the mornings that pull it again (CALLS_REPULL_DAYS).",
            "days",
        ),
        count(
            "call_types_differing", "Call types of which the API lists or counts other calls than we do.", "call types"
        ),
        count(
            "records_unread",
            "Records that could not be read (`rejected_calls`), and calls of which a flag that decides their outcome or the "
            "service level could not: is_inbound, is_ended, is_answered of ended calls, and is_answered_within_sla of "
            "answered inbound ones.",
            "records",
        ),
        text(
            "status",
            "'final', or why the day can still move, with commas between: open_calls, inside_lookback, not_reconciled, "
            "records_unread (more than 1 % of them).",
            required=True,
        ),
    ),
    key=("local_date",),
    inputs=("raw_calls", "rejected_calls", "raw_call_types", "reconciliation", "calls"),
)
