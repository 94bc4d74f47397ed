"""The cleaned calls, their agent legs, and whether a day can still change."""

import pyarrow as pa

from calls_assets.tables.columns import (
    CALL_ID,
    DIRECTION,
    INBOUND_OUTCOMES,
    INTERVAL_START,
    INTERVAL_START_LOCAL,
    LOCAL_DATE,
    OUTBOUND_OUTCOMES,
    RING_GROUP_ID,
    an_id,
    count,
    flag,
    instant,
    seconds,
    text,
    wall_clock,
)
from calls_assets.tables.schema import Column, Table

CALLS = Table(
    "calls",
    "One row per call: cleaned values, and how the call ended.",
    (
        LOCAL_DATE,
        CALL_ID,
        instant("started_at", "When the call began: dialled, or received."),
        wall_clock(
            "started_at_local",
            "started_at on the wall clock of the partitions' zone: hour(started_at_local) is the hour at the centre, "
            "whatever reads the file.",
            varies=True,
        ),
        INTERVAL_START,
        INTERVAL_START_LOCAL,
        Column("utc_offset_s", pa.int64(), "Offset of local time from UTC at the call's start.", "s", required=True),
        DIRECTION,
        text(
            "outcome",
            f"How the call ended, exactly one of: inbound {', '.join(INBOUND_OUTCOMES)}; outbound "
            f"{', '.join(OUTBOUND_OUTCOMES)}. 'answered' is of both directions: callers who were answered are those that "
            "also have the direction 'inbound'.",
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
            "All call types of the call, sorted: those that the API's filter gave, and of the seven that the fields tell "
            "for certain those that they tell (docs/tables.md has their predicates).",
            required=True,
        ),
        text("type", "The API's own token for how the call went; the set of values is open."),
        flag("is_ended", "Whether the call had ended when it was fetched."),
        flag("is_answered", "Whether somebody answered: of an outbound call, whoever or whatever picked up."),
        flag(
            "is_answered_within_sla",
            "The vendor's verdict on an answered inbound call: answered within its threshold. Of other calls it says "
            "nothing, whether it is null or false. Its average is not the service level, because it divides by whichever "
            "calls have a value and not by the answered and abandoned ones: use `service_level`, W / (A + B).",
            required=False,
        ),
        flag("requested_callback", "Whether the caller asked to be called back."),
        flag(
            "is_transferred",
            "Whether the call was transferred to an agent or an outside number, or somebody tried: transfers > 0. Calls "
            "that went to an outside number alone have it without any leg that has `call_agents.is_transfer`.",
        ),
        count(
            "transfers",
            "Transfers of the call, those that nobody took included: legs with is_any_transfer (of `all_agents`, or of "
            "`answered_agents` where more of these have it) and outside numbers with it.",
            "transfers",
        ),
        flag("is_linked", "Whether the call follows another one: original_call_id is not null."),
        an_id("original_call_id", "Id of the call that this one follows, as a callback does.", varies=True),
        seconds(
            "duration_s", "Duration as the API gives it; null where it is impossible: negative, or longer than a year."
        ),
        seconds(
            "talk_s",
            "Talk time, 0 of calls that nobody answered; null where it is unknown or impossible: negative, or longer than a "
            "year.",
        ),
        seconds(
            "speed_of_answer_s",
            "Answered calls: earliest known start of an answering leg - start of the call, which may leave out the "
            "final ring; null where unknown or impossible.",
        ),
        seconds(
            "wait_s",
            "Inbound calls: how long the caller waited, from the start of the call on, by wait_method. Null where that "
            "says nothing of the call: 'duration_less_talk' only of answered calls (duration_s - talk_s, where that is not "
            "negative) and of abandoned and short-abandoned ones (duration_s), 'leg_start' only of answered ones "
            "(speed_of_answer_s). On a day on which `wait_calibration` contradicts it for the ring group, do not use it.",
        ),
        text(
            "wait_method",
            "Inbound calls: how the account's waits are told (CALLS_WAIT), 'duration_less_talk' or 'leg_start'; null where "
            "that is not set, or 'none'.",
        ),
        seconds(
            "sla_threshold_s",
            "Inbound calls: the vendor's service-level threshold for the call's ring group (CALLS_SLA_SECONDS); null where "
            "that is not set.",
        ),
        count("agents_offered", "Distinct agents who were rung or who spoke.", "agents"),
        count("agents_answered", "Distinct agents who spoke.", "agents"),
        an_id("first_agent_id", "Agent of the first answered leg."),
        text("first_agent_alias", "Name of that agent in the phone system."),
        an_id("last_agent_id", "Agent of the last answered leg."),
        text("last_agent_alias", "Name of that agent in the phone system."),
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
        Column("list_ids", pa.list_(pa.int64()), "Contact lists that the contact was on when the call was fetched."),
        Column("tags", pa.list_(pa.string()), "Tags of the call."),
    ),
    key=("call_id",),
    inputs=("raw_calls", "raw_call_types"),
)

CALL_AGENTS = Table(
    "call_agents",
    "One row per call and agent leg, with its share of the talk time. The API does not say when a leg ended, so on "
    "calls with several answering agents the share is an estimate: each leg owns the time until the next one begins. "
    "Outside numbers have no leg beside those of agents: see `raw_calls.external_numbers`.",
    (
        LOCAL_DATE,
        CALL_ID,
        DIRECTION,
        count("leg", "Position of the leg in its call, from 0: answered legs by their start, then the others.", "legs"),
        text(
            "agent_key",
            "The agent id; or 'external' (an outside number talked) or 'unattributed' (nobody known talked).",
            required=True,
        ),
        an_id("agent_id", "Id of the agent."),
        text("agent_alias", "Name of the agent in the phone system."),
        flag("answered", "Whether the agent answered."),
        flag("is_first", "Whether this is the call's first answered leg."),
        flag("is_last", "Whether this is the call's last answered leg."),
        flag(
            "is_transfer",
            "Whether the leg resulted from a transfer; false for talk that no agent owns. Fewer calls have such a leg than "
            "have `calls.is_transferred`: an outside number has no leg, nor has a ring that its agent missed before "
            "taking the call, nor a call in progress.",
        ),
        seconds(
            "offset_s", "Time from the start of the first answered leg to the start of this one, at most the talk time."
        ),
        seconds("talk_s", "The leg's own share of the talk time; a call's shares sum to its talk time exactly."),
        seconds("talk_s_max", "Talk time - offset: the longest the agent can have talked; not additive."),
        text(
            "attribution",
            "How the share was determined: exact_single (one agent answered; where the call went on to an outside "
            "number, see `raw_calls.external_numbers`, the share is an upper bound), handoff, equal_split, "
            "start_missing, no_talk, external, unattributed, not_answered.",
            required=True,
        ),
        text(
            "hangup_reason",
            "Why the leg ended, as the phone system names the cause; of a leg that was not answered, why the ring was "
            "missed. The API's document shows only NORMAL_CLEARING, an ordinary end; other names are taken to be "
            "FreeSWITCH's: NO_ANSWER (rang out), CALL_REJECTED (declined), ORIGINATOR_CANCEL (the caller hung up first), "
            "LOSE_RACE (another agent was faster), USER_BUSY. Of an outbound call it may be the called party's. A ring "
            "that its agent missed before taking the call has no row. Null where the API gives none, and for talk that "
            "no agent owns.",
        ),
    ),
    key=("call_id", "leg"),
    inputs=("raw_calls",),
)

DAY_STATUS = Table(
    "day_status",
    "Whether a day can still change: calls that were in progress when it was pulled, mornings that will pull it "
    "again, call types that the API counts differently, records that could not be read. One row per day.",
    (
        LOCAL_DATE,
        count("days", "Days that the row covers: 1, and more in `weekly` and `monthly`.", "days"),
        count("calls", "Calls of the day."),
        count("calls_open", "Calls that had not ended when they were pulled; no metric counts them yet."),
        count(
            "days_inside_lookback",
            "1 where the day was pulled before the last of the mornings that pull it again: CALLS_REPULL_HOUR of the "
            "day that is CALLS_REPULL_DAYS later.",
            "days",
        ),
        count(
            "call_types_differing",
            "Call types under which the API lists or counts other calls than we do; in `weekly` and `monthly` the sum of "
            "the days' numbers, so that a type which differs on three days counts three times.",
            "call types",
        ),
        count(
            "records_unread",
            "Records that could not be read (`rejected_calls`), and calls for which a flag that decides their "
            "outcome or the service level could not be read: is_inbound, is_ended, is_answered of ended calls, and "
            "is_answered_within_sla of answered inbound ones.",
            "records",
        ),
        text(
            "status",
            "'final', or why the day can still change, separated by commas: open_calls, inside_lookback, "
            "not_reconciled, records_unread (more than 1 % of the calls).",
            required=True,
        ),
    ),
    key=("local_date",),
    inputs=("raw_calls", "rejected_calls", "raw_call_types", "reconciliation", "calls"),
)
