"""The metrics: how well calls were answered, which were lost, who talked, and when.

Letters in formulas count one day's ended inbound calls by outcome: A answered, W answered within the vendor's
threshold, B abandoned, S short-abandoned, O overflowed, C callback requested, U unanswered for another reason.
"""

import pyarrow as pa

from calls_assets.tables.columns import (
    CALL_ID,
    DIRECTION,
    ENDED_OUTCOMES,
    INSTANT,
    INTERVAL_START,
    INTERVAL_START_LOCAL,
    LOCAL_DATE,
    RING_GROUP_ID,
    RING_GROUP_NAME,
    STATUS_OF_DAY,
    an_id,
    average,
    count,
    flag,
    instant,
    per_call,
    ratio,
    seconds,
    text,
)
from calls_assets.tables.schema import Column, Table

CALL_INTERVALS = Table(
    "call_intervals",
    "Ended calls by half-hour: additive counts and sums by the half-hour in which they began, direction, ring group, IVR, "
    "number and campaign. Choose a direction before you add up: calls_answered and talk are of both.",
    (
        LOCAL_DATE,
        INTERVAL_START,
        INTERVAL_START_LOCAL,
        DIRECTION,
        RING_GROUP_ID,
        RING_GROUP_NAME,
        an_id("ivr_id", "Id of the voice menu."),
        text("ivr_name", "Name of the voice menu; of several in a day, that of the latest call."),
        an_id("number_id", "Id of the centre's own number."),
        text("number_alias", "Friendly name of that number; of several in a day, that of the latest call."),
        an_id("campaign_id", "Id of the campaign."),
        text("campaign_name", "Name of the campaign; of several in a day, that of the latest call."),
        count("calls", "Ended calls."),
        *(count(f"calls_{outcome}", f"Calls with the outcome {outcome}.") for outcome in ENDED_OUTCOMES),
        count("calls_answered_within_sla", "Inbound calls answered within the vendor's threshold."),
        count("speed_of_answer_calls", "Calls whose speed of answer is known."),
        seconds("speed_of_answer_total_s", "Sum of the known speeds of answer.", required=True),
        count(
            "talk_calls",
            "Calls whose talk time is known, unanswered ones with 0 among them: the average talk of an answered call is "
            "talk_s / calls_answered.",
        ),
        seconds(
            "talk_s", "Sum of the known talk times, credited to the half-hour in which the call began.", required=True
        ),
        STATUS_OF_DAY,
    ),
    key=("interval_start", "direction", "ring_group_id", "ivr_id", "number_id", "campaign_id"),
    inputs=("calls", "day_status"),
    group="metrics",
)

MEMBER = (
    LOCAL_DATE,
    text("dimension", "total, ring_group, ivr, number, campaign or half_hour.", required=True),
    text(
        "member_id",
        "An id, a half-hour's start in UTC, '(all)' for the total, or '(none)' for calls without one. Most calls "
        "without a ring group ended in a menu or came out of hours; where none of them was offered, the rates are null.",
        required=True,
    ),
    text("member_name", "Name of the member on that day; for a half-hour its local time with offset."),
)
OFFERED = count("calls_offered", "Calls offered to staff: A + B + S + O + C + U.")
ANSWERED = count("calls_answered", "A: calls answered.")
ABANDONED = count("calls_abandoned", "B: callers who waited longer than the short threshold and hung up.")
SHORT_ABANDONED = count("calls_short_abandoned", "S: callers who hung up within the vendor's short threshold.")

WAIT_STATUS = text(
    "wait_status",
    "Whether figures that need a wait can be trusted: 'verified' where CALLS_WAIT says how waits are told and no ring group "
    "of the member contradicts it in `wait_calibration` (for the total also not all together); else 'contradicted', or "
    "'unknown' where CALLS_WAIT was not set, or 'none', when the calls were computed.",
    required=True,
)

SERVICE_LEVEL = Table(
    "service_level",
    "Are we answering in time: service level of each day, in total and by ring group, IVR, number, campaign and "
    "half-hour. Ended inbound calls only.",
    (
        *MEMBER,
        OFFERED,
        ANSWERED,
        count("calls_answered_within_sla", "W: calls that the vendor says were answered within its threshold."),
        ABANDONED,
        SHORT_ABANDONED,
        count("calls_overflowed", "O: calls sent elsewhere because nobody answered in time."),
        count("calls_callback_requested", "C: callers who asked to be called back."),
        count("calls_unanswered_other", "U: calls unanswered for another reason."),
        ratio("service_level", "W / (A + B): the headline; abandons count against it, short ones are left out."),
        ratio("sl_answered_only", "W / A: abandons ignored (ICMI formula 2)."),
        ratio("sl_all_abandons", "W / (A + B + S): every abandon counts against it (ICMI formula 3)."),
        ratio("sl_short_positive", "(W + S) / (A + B + S): short abandons count as met (ICMI formula 5)."),
        ratio("sl_offered", "W / offered: everything offered counts against it."),
        count(
            "speed_of_answer_calls",
            "Answered calls with a `calls.speed_of_answer_s`, which is not the wait: see wait_calls.",
        ),
        seconds("speed_of_answer_total_s", "Sum of these `calls.speed_of_answer_s`.", required=True),
        average(
            "average_speed_of_answer_s",
            "wait_total_s / wait_calls (Genesys), from the start of the call on; null unless wait_status is 'verified' and "
            "at least 95 % of the answered calls have a wait.",
        ),
        seconds(
            "longest_wait_s",
            "Longest `calls.wait_s` of the answered, abandoned and short-abandoned calls (Talkdesk; of the answered alone "
            "where wait_method is 'leg_start'); null unless wait_status is 'verified'. Not additive.",
        ),
        count(
            "wait_calls",
            "Answered calls with a `calls.wait_s`, without those of ring groups that contradict it on the day.",
        ),
        seconds("wait_total_s", "Sum of their waits.", required=True),
        text(
            "wait_method",
            "How their waits are told (CALLS_WAIT): 'duration_less_talk' or 'leg_start'; null where that is not set, or "
            "'none', or changed within a week or month.",
        ),
        WAIT_STATUS,
        Column(
            "threshold_s",
            pa.int64(),
            "The vendor's threshold for the answered calls: CALLS_SLA_SECONDS, or what `wait_calibration` found where it "
            "agrees; null where neither is known, or no single one suits all ring groups.",
            "s",
        ),
        count(
            "calls_abandoned_within_threshold",
            "Of B + S, the callers who hung up within the threshold; null unless wait_status is 'verified' and at least 95 % "
            "of them have a wait and a threshold.",
            required=False,
        ),
        ratio(
            "sl_abandon_within_threshold_ignored",
            "W / (A + B + S - abandoned within the threshold): early abandons are left out (ICMI formula 4). Null "
            "where that count is null.",
        ),
        ratio(
            "sl_abandon_within_threshold_positive",
            "(W + abandoned within the threshold) / (A + B + S): early abandons count as met (ICMI formula 1). Null "
            "where that count is null.",
        ),
        ratio("sl_offered_excl_short", "W / (offered - S): as sl_offered, but short abandons are left out (Talkdesk)."),
        ratio(
            "sl_incl_overflowed",
            "W / (A + B + O): as the headline, but overflowed calls count against it too (Genesys, with flow-outs).",
        ),
        ratio("answer_rate", "A / offered (Genesys)."),
        ratio("overflow_rate", "O / offered (Genesys, flow-outs)."),
        STATUS_OF_DAY,
    ),
    key=("dimension", "member_id"),
    inputs=("calls", "wait_calibration", "day_status"),
    group="metrics",
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
        count("calls_abandoned_distributed", "Abandoned calls that the API also lists as abandoned_distributed."),
        ratio("abandonment_rate", "B / (A + B): the headline; short abandons are left out of both sides."),
        ratio("abandonment_rate_incl_short", "(B + S) / (A + B + S)."),
        ratio("abandonment_rate_offered", "B / offered."),
        ratio("short_abandonment_rate", "S / offered."),
        count(
            "time_to_abandon_calls",
            "Of B, the calls with a `calls.wait_s`, without those of ring groups that contradict it on the day.",
        ),
        seconds("time_to_abandon_total_s", "Sum of their waits.", required=True),
        average(
            "average_time_to_abandon_s",
            "time_to_abandon_total_s / time_to_abandon_calls (Amazon Connect); null unless wait_status is 'verified' and at "
            "least 95 % of B have a wait.",
        ),
        WAIT_STATUS,
        count("calls_inbound", "All ended inbound calls: calls_offered + calls_ivr_exit + calls_out_of_hours."),
        count("calls_ivr_exit", "Calls that ended in the voice menu; they were not offered to staff."),
        count("calls_out_of_hours", "Calls that came outside business hours; they were not offered to staff."),
        ratio("ivr_exit_rate", "calls_ivr_exit / calls_inbound (Zendesk, abandoned in IVR)."),
        ratio("out_of_hours_rate", "calls_out_of_hours / calls_inbound (Wazo, closed)."),
        STATUS_OF_DAY,
    ),
    key=("dimension", "member_id"),
    inputs=("calls", "wait_calibration", "day_status"),
    group="metrics",
)

AGENT_TALK_TIME = Table(
    "agent_talk_time",
    "Who talks how long: calls and talk time by agent and direction. Ended calls only. Talk is all that the API gives of "
    "an agent's time: ring, hold and after-call work are not in it, nor when an agent was logged in, so that there is no "
    "handle time and no occupancy.",
    (
        LOCAL_DATE,
        text(
            "agent_key",
            "The agent id; or 'external' or 'unattributed', which are left out of all call counts.",
            required=True,
        ),
        an_id("agent_id", "Id of the agent."),
        text("agent_alias", "Name of the agent in the day's call with the highest id."),
        DIRECTION,
        count("calls_offered", "Distinct calls that rang the agent or that the agent took; not additive over agents."),
        count("calls_handled", "Distinct calls that the agent took; not additive over agents."),
        count("calls_answered_first", "Calls that the agent was the first to take; additive."),
        count("calls_answered_last", "Calls that the agent was the last to take; additive."),
        count(
            "calls_missed",
            "calls_offered - calls_handled; inflated where several agents are rung at once. `call_agents.hangup_reason` "
            "says why a ring was missed.",
        ),
        count(
            "transfers_in",
            "Legs that the agent took and that resulted from a transfer; transfers to outside numbers are nobody's.",
            "legs",
        ),
        seconds("talk_s", "The agent's share of the talk time; the shares sum to the calls' talk time.", required=True),
        seconds("talk_s_max", "Upper bound of the agent's talk time; not additive.", required=True),
        average("average_talk_s", "talk_s / talk_calls; null where there are none."),
        count("talk_calls", "Handled calls whose talk time is known; not additive over agents."),
        STATUS_OF_DAY,
    ),
    key=("agent_key", "direction"),
    inputs=("call_agents", "day_status"),
    group="metrics",
)

CALL_FLOW = Table(
    "call_flow",
    "How calls move on: transfers, callbacks, outbound connects and repeat callers of each day and direction, in "
    "total and by ring group, IVR, number, campaign and half-hour. Ended calls only.",
    (
        LOCAL_DATE,
        text("direction", "'inbound' or 'outbound'.", required=True),
        *MEMBER[1:],
        count("calls", "Ended calls."),
        count("calls_offered", "Inbound: calls offered to staff, A + B + S + O + C + U; outbound 0."),
        count("calls_answered", "Calls with the outcome answered."),
        count(
            "calls_transferred",
            "Of the answered calls, those with any leg or outside number that resulted from a transfer "
            "(`calls.is_transferred`).",
        ),
        count("calls_warm_transferred", "Of the answered calls, those that the API lists as warm_transfer."),
        ratio("transfer_rate", "calls_transferred / calls_answered: a call counts once, however often it moved on."),
        count("transfers", "Transfers of the answered calls: the sum of their `calls.transfers`.", "transfers"),
        per_call("transfers_per_call", "transfers / calls_answered.", "transfers per call"),
        count(
            "callbacks_requested",
            "Inbound: callers who asked to be called back, in a menu or in the queue; outbound 0.",
        ),
        count(
            "callbacks_dialled",
            "Of these requests, those followed by an outbound call of the same day (original_call_id); later ones "
            "show in `weekly` and `monthly`. `callbacks_never_dialled` lists the others.",
        ),
        count("callbacks_completed", "Of these requests, those followed by such a call that was answered."),
        ratio("callback_request_rate", "callbacks_requested / calls_offered."),
        ratio("callback_completion_rate", "callbacks_completed / callbacks_requested."),
        seconds(
            "callback_delay_total_s",
            "From each completed request's call to the first answered call that follows it, start to start.",
            required=True,
        ),
        average("average_callback_delay_s", "callback_delay_total_s / callbacks_completed; null where there are none."),
        ratio(
            "connect_rate",
            "Outbound: calls_answered / calls, whoever or whatever picked up (Convoso). Null for inbound.",
        ),
        count(
            "callers",
            "Inbound: distinct contacts who called; calls without a contact are not counted; not additive. Null for "
            "outbound.",
            "contacts",
            required=False,
        ),
        count(
            "repeat_callers",
            "Inbound: contacts with two calls or more; not additive. Null for outbound.",
            "contacts",
            required=False,
        ),
        ratio("repeat_caller_rate", "repeat_callers / callers."),
        STATUS_OF_DAY,
    ),
    key=("direction", "dimension", "member_id"),
    inputs=("calls", "day_status"),
    group="metrics",
)

CONTACT_NUMBER = text("contact_number", "The contact's number, as CALLS_PRIVACY leaves it.", varies=True)

CALLED = (
    RING_GROUP_ID,
    text("ring_group_name", "Name of the ring group."),
    an_id("number_id", "Id of the centre's own number that was called."),
    text("number", "The centre's own number."),
    text("number_alias", "Friendly name of the centre's own number."),
)
"""What one call came in on."""

CALLERS_NOT_SPOKEN_TO = Table(
    "callers_not_spoken_to",
    "Whom we lost and have not reached: callers who hung up after waiting (outcome abandoned), without an answered call from "
    "or to them since, on whichever of the days read. Read it up to today: a call on a day that is not read is not seen.",
    (
        LOCAL_DATE,
        an_id("call_id", "The last call in which the caller hung up.", required=True, varies=True),
        instant("started_at", "When that call began."),
        an_id("contact_id", "Id of the contact; null where the phone system does not know the caller.", varies=True),
        CONTACT_NUMBER,
        count("times_hung_up", "How often the caller has hung up since they were last spoken to."),
        *CALLED,
        flag(
            "contact_dialled_since",
            "Whether an outbound call has gone to the contact since, which nobody answered; null where the contact is not "
            "known.",
            required=False,
        ),
    ),
    key=("call_id",),
    inputs=("calls", "raw_calls"),
    group="metrics",
)

CALLBACKS_NEVER_DIALLED = Table(
    "callbacks_never_dialled",
    "Whom we still owe a call: requests for a callback that no outbound call has followed, on whichever of the days read. "
    "Read it up to today: a callback on a day that is not read is not seen.",
    (
        LOCAL_DATE,
        CALL_ID,
        instant("started_at", "When the call began in which the caller asked."),
        text("outcome", "How that call ended, as in `calls`.", required=True),
        an_id("contact_id", "Id of the contact who asked.", varies=True),
        CONTACT_NUMBER,
        *CALLED,
        flag(
            "contact_dialled_since",
            "Whether an outbound call has gone to the contact since, though none names this request (original_call_id), as "
            "where an agent dials by hand; null where the contact is not known.",
            required=False,
        ),
        flag(
            "contact_spoken_to_since",
            "Whether a later call from or to the contact was answered; null where the contact is not known.",
            required=False,
        ),
    ),
    key=("call_id",),
    inputs=("calls", "raw_calls"),
    group="metrics",
)

TIME_DISTRIBUTION = Table(
    "time_distribution",
    "How long calls talk and wait: counted in fixed bins of up to 15, 20, 25, 30, 45, 60, 90, 120, 180, 240, 300, "
    "600 and more seconds. Bins add up over days and ring groups, so that percentiles of any period can be "
    "estimated. Ended calls only.",
    (
        LOCAL_DATE,
        DIRECTION,
        RING_GROUP_ID,
        RING_GROUP_NAME,
        text(
            "measure",
            "'talk' (talk_s of answered calls); of inbound calls 'wait' (`calls.wait_s` of the answered) and "
            "'time_to_abandon' (that of the abandoned and short-abandoned), without ring groups that "
            "contradict them on the day.",
            required=True,
        ),
        Column("up_to_s", pa.int64(), "Longest time in the bin; null for the last bin, which has no upper bound.", "s"),
        count("calls", "Calls in the bin; a bin without calls has no row."),
        STATUS_OF_DAY,
    ),
    key=("direction", "ring_group_id", "measure", "up_to_s"),
    inputs=("calls", "wait_calibration", "day_status"),
    group="metrics",
)

TALK_INTERVAL = Column(
    "interval_start",
    INSTANT,
    "Start of the half-hour, floored in local time. Talk that goes on after midnight is in half-hours of the next "
    "day, but under the day on which its call began.",
    "UTC",
    required=True,
)
TALK_BY_START = seconds("talk_s_by_start", "Talk time of the calls that began in the half-hour.", required=True)
TALK_IN_INTERVAL = seconds(
    "talk_s_in_interval",
    "Talk time within the half-hour, cut at its borders, taken to begin with the first known answering leg (else "
    "with the call) and to go on without a pause; sums to the same total as talk_s_by_start.",
    required=True,
)

TALK_LOAD = Table(
    "talk_load",
    "How many calls talk at once: talk time, load and peak of each half-hour, in total, by direction and by ring "
    "group, for staffing. Ended calls that began on the day.",
    (
        LOCAL_DATE,
        text("dimension", "total, direction or ring_group.", required=True),
        text(
            "member_id",
            "A direction, a ring group's id, '(all)' for the total, or '(none)' for calls without one.",
            required=True,
        ),
        text(
            "member_name",
            "Name of the ring group, of several in a day that of the latest call; else the member_id again.",
        ),
        TALK_INTERVAL,
        INTERVAL_START_LOCAL,
        count("calls", "Ended calls that began in the half-hour."),
        TALK_BY_START,
        TALK_IN_INTERVAL,
        Column(
            "erlangs",
            pa.float64(),
            "talk_s_in_interval / 1800: how many calls talked on average.",
            "erlangs",
            required=True,
        ),
        count(
            "peak_talk_calls",
            "Most calls that talked at the same moment; one that stops as another begins does not add to it. Not "
            "additive.",
        ),
        STATUS_OF_DAY,
    ),
    key=("dimension", "member_id", "interval_start"),
    inputs=("calls", "day_status"),
    group="metrics",
)

AGENT_INTERVALS = Table(
    "agent_intervals",
    "When each agent talks, and for which ring group: talk time and calls by half-hour, direction and ring group. Talk adds "
    "up over all of these, and calls over all but agents. Ended calls that began on the day.",
    (
        LOCAL_DATE,
        TALK_INTERVAL,
        INTERVAL_START_LOCAL,
        text(
            "agent_key",
            "The agent id; or 'external' or 'unattributed', which are left out of all call counts.",
            required=True,
        ),
        an_id("agent_id", "Id of the agent."),
        text("agent_alias", "Name of the agent in the day's call with the highest id."),
        DIRECTION,
        RING_GROUP_ID,
        RING_GROUP_NAME,
        count("calls_offered", "Distinct calls that began in the half-hour and rang the agent or that the agent took."),
        count("calls_handled", "Distinct calls that began in the half-hour and that the agent took."),
        seconds("talk_s_by_start", "The agent's share of the talk of the calls that began in it.", required=True),
        seconds(
            "talk_s_in_interval",
            "The agent's share of the talk within the half-hour, cut at its borders; sums to the same total as "
            "talk_s_by_start. Legs of a call that begin together share its talk but each begins with it, so that the "
            "agents of one half-hour may sum to more than `talk_load`, and those of a later one to less.",
            required=True,
        ),
        STATUS_OF_DAY,
    ),
    key=("interval_start", "agent_key", "direction", "ring_group_id"),
    inputs=("calls", "call_agents", "day_status"),
    group="metrics",
)
