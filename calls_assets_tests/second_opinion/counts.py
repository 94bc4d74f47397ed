"""A second reading of the written definitions, by other means: what a day's calls add up to."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd

from calls_assets_tests.second_opinion.opinion import (
    CERTAIN_TYPES,
    LIKELY_TYPES,
    OTHER_ENDS,
    Row,
    field_types,
    frame,
    on_the_wall,
    ratio,
)

OFFERED = ("answered", "abandoned", "short_abandoned", "overflowed", "callback_requested", "unanswered_other")
OUTCOMES = (
    "answered",
    "short_abandoned",
    "abandoned",
    "overflowed",
    "callback_requested",
    "ivr_exit",
    "out_of_hours",
    "unanswered_other",
    "not_answered",
)
DIMENSIONS = {
    "ring_group": ("ring_group_id", "ring_group_name"),
    "ivr": ("ivr_id", "ivr_name"),
    "number": ("number_id", "number_alias"),
    "campaign": ("campaign_id", "campaign_name"),
}


def ended(calls: pd.DataFrame) -> list[Row]:
    """The calls that are over, as rows."""
    return [call for call in calls.to_dict("records") if call["is_ended"]]


RECONCILIATION = "local_date call_type api_calls our_calls difference"


def reconciliation(raw: pd.DataFrame, given: pd.DataFrame, day: date) -> pd.DataFrame:
    """What we count of each call type beside what the API counts, which is taken as given."""
    ours = Counter(name for record in raw.to_dict("records") for name in field_types(record))
    rows = []
    for name, theirs in zip(given["call_type"], given["api_calls"], strict=True):
        own = ours[name] if name in CERTAIN_TYPES + LIKELY_TYPES else None
        difference = None if own is None or theirs is None else theirs - own
        rows.append({"call_type": name, "api_calls": theirs, "our_calls": own, "difference": difference})
    return frame(({"local_date": day} | row for row in rows), RECONCILIATION)


RECONCILIATION_CALLS = "local_date call_type call_id counted_by"


def reconciliation_calls(raw: pd.DataFrame, labels: pd.DataFrame, reconciled: pd.DataFrame, day: date) -> pd.DataFrame:
    """The calls that the API lists under a call type and we do not count, and the other way round."""
    rows, records, given = [], raw.to_dict("records"), labels.to_dict("records")
    for one in reconciled.to_dict("records"):
        name = one["call_type"]
        theirs = {row["call_id"] for row in given if row["call_type"] == name}
        # Without ids the type was settled by its count over the whole window.
        if one["difference"] is None or not (theirs or one["difference"]):
            continue
        ours = {record["id"] for record in records if name in field_types(record)}
        for call_id in theirs ^ ours:
            who = "api" if call_id in theirs else "us"
            rows.append({"local_date": day, "call_type": name, "call_id": call_id, "counted_by": who})
    return frame(rows, RECONCILIATION_CALLS)


DAY_STATUS = "local_date days calls calls_open days_inside_lookback call_types_differing records_unread status"


def day_status(
    raw: pd.DataFrame,
    calls: pd.DataFrame,
    reconciled: pd.DataFrame,
    differing: pd.DataFrame,
    day: date,
    zone: ZoneInfo,
    pulled_at: float,
    repull_days: int,
    repull_hour: int,
    rejected: int,
) -> pd.DataFrame:
    """Whether the day can still move, where `pulled_at` is when the file of its raw calls was put in place."""
    settles = day + timedelta(days=repull_days)
    inside = pulled_at < datetime(settles.year, settles.month, settles.day, repull_hour, tzinfo=zone).timestamp()
    still_open = sum(1 for is_ended in calls["is_ended"] if not is_ended)
    types = {row["call_type"] for row in reconciled.to_dict("records") if row["difference"]}
    types |= set(differing["call_type"])
    unread = rejected + sum(
        1
        for record in raw.to_dict("records")
        if record["is_inbound"] is None
        or record["is_ended"] is None
        or (record["is_ended"] and record["is_answered"] is None)
        or (
            record["is_inbound"]
            and record["is_ended"]
            and record["is_answered"]
            and record["is_answered_within_sla"] is None
        )
    )
    reasons = {"open_calls": still_open, "inside_lookback": inside, "not_reconciled": types}
    reasons["records_unread"] = unread > len(calls) / 100
    row = {
        "local_date": day,
        "days": 1,
        "calls": len(calls),
        "calls_open": still_open,
        "days_inside_lookback": int(inside),
        "call_types_differing": len(types),
        "records_unread": unread,
        "status": ", ".join(name for name, holds in reasons.items() if holds) or "final",
    }
    return frame([row], DAY_STATUS)


RELATIONS = "local_date relation left_calls right_calls both_calls breaking_calls verdict"


def call_type_relations(calls: pd.DataFrame, day: date) -> pd.DataFrame:
    """How the call types relate to each other on the day, each relation tested by id."""
    over = ended(calls)
    everything = {call["call_id"] for call in over}

    def of(*names: str) -> set[int]:
        return {call["call_id"] for call in over if set(names) & set(call["call_types"])}

    def where(column: str) -> set[int]:
        return {call["call_id"] for call in over if call[column]}

    inbound = {call["call_id"] for call in over if call["direction"] == "inbound"}
    within, late = "inbound_answered_within_sla", "inbound_answered_but_not_within_sla"
    either_abandoned = of("abandoned", "abandoned_distributed")
    another_end = of("all_inbound") & of(*OTHER_ENDS)
    tested = [
        ("all_inbound or all_outbound = every call", of("all_inbound", "all_outbound"), everything),
        (f"inbound_answered = {within} or {late}", of("inbound_answered"), of(within, late)),
        (f"{within} apart from {late}", of(within), of(late)),
        (
            "all_outbound = outbound_answered or outbound_not_answered",
            of("all_outbound"),
            of("outbound_answered", "outbound_not_answered"),
        ),
        ("abandoned apart from short_abandoned", of("abandoned"), of("short_abandoned")),
        ("abandoned_distributed in abandoned", of("abandoned_distributed"), of("abandoned")),
        ("abandoned_distributed apart from abandoned", of("abandoned_distributed"), of("abandoned")),
        ("short_abandoned_distributed in short_abandoned", of("short_abandoned_distributed"), of("short_abandoned")),
        (
            "short_abandoned_distributed apart from short_abandoned",
            of("short_abandoned_distributed"),
            of("short_abandoned"),
        ),
        (
            "abandoned_distributed = abandoned and rang an agent",
            of("abandoned_distributed"),
            either_abandoned & where("agents_offered"),
        ),
        ("warm_transfer in transfer", of("warm_transfer"), of("transfer")),
        ("transfer = is_transferred", of("transfer"), where("is_transferred")),
        ("callback = requested_callback", of("callback"), inbound & where("requested_callback")),
        ("automated_callback in all_outbound", of("automated_callback"), of("all_outbound")),
        (
            "all_inbound = inbound_answered or another way to end",
            of("all_inbound"),
            of("inbound_answered") | another_end,
        ),
    ]
    return frame(({"local_date": day} | _tested(*relation) for relation in tested), RELATIONS)


def _tested(relation: str, left: set[int], right: set[int]) -> Row:
    if " = " in relation:
        breaking, could_break = left ^ right, [left, right]
    elif " apart from " in relation:
        breaking, could_break = left & right, [left, right]
    else:
        breaking, could_break = left - right, [left]
    enough = all(len(calls) >= 20 for calls in could_break)
    return {
        "relation": relation,
        "left_calls": len(left),
        "right_calls": len(right),
        "both_calls": len(left & right),
        "breaking_calls": len(breaking),
        "verdict": "fails" if breaking else "holds" if enough else "not enough data",
    }


TYPE_VALUES = "local_date type call_type calls"


def type_values(calls: pd.DataFrame, day: date) -> pd.DataFrame:
    """How many calls have each pair of a `type` and a call type."""
    pairs = Counter(
        (value, name)
        for call in ended(calls)
        for value in ("(none)" if call["type"] is None else call["type"], "(all)")
        for name in (*call["call_types"], "(all)")
    )
    rows = ({"local_date": day, "type": value, "call_type": name, "calls": n} for (value, name), n in pairs.items())
    return frame(rows, TYPE_VALUES)


def latest_name(rows: list[Row], column: str) -> str | None:
    """The name that the latest call which has one gives."""
    named = [row for row in rows if row[column] is not None]
    return max(named, key=lambda row: (row["started_at"], row["call_id"]))[column] if named else None


def names_of(rows: list[Row], dimension: str) -> dict[int | None, str | None]:
    """The name of each thing of a dimension that calls belong to; calls that belong to none have none."""
    key, name = DIMENSIONS[dimension]
    return {member: latest_name(own, name) for (member,), own in groups_of(rows, key).items() if member is not None}


def groups_of(rows: list[Row], *columns: str) -> dict[tuple, list[Row]]:
    """Rows by the values of some columns; null is a value."""
    found: dict[tuple, list[Row]] = {}
    for row in rows:
        found.setdefault(tuple(row[column] for column in columns), []).append(row)
    return found


def total(values: Iterator[int | None]) -> int:
    """The sum of the known ones."""
    return sum(value for value in values if value is not None)


def members(rows: list[Row]) -> Iterator[tuple[Row, list[Row]]]:
    """Every member of every dimension with its rows; the total is always among them."""
    yield {"dimension": "total", "member_id": "(all)", "member_name": "(all)"}, rows
    for dimension, (key, name) in DIMENSIONS.items():
        for (member,), own in groups_of(rows, key).items():
            names = ("(none)", "(none)") if member is None else (str(member), latest_name(own, name))
            yield {"dimension": dimension, "member_id": names[0], "member_name": names[1]}, own
    for (start, offset), own in groups_of(rows, "interval_start", "utc_offset_s").items():
        local = (start + timedelta(seconds=offset)).strftime("%H:%M")
        sign, minutes = "-" if offset < 0 else "+", abs(offset) // 60
        name = f"{local}{sign}{minutes // 60:02}:{minutes % 60:02}"
        yield {"dimension": "half_hour", "member_id": start.strftime("%Y-%m-%dT%H:%M:%SZ"), "member_name": name}, own


CALL_INTERVALS = (
    "local_date interval_start interval_start_local direction ring_group_id ring_group_name ivr_id ivr_name number_id "
    "number_alias campaign_id campaign_name calls "
    + " ".join(f"calls_{outcome}" for outcome in OUTCOMES)
    + " calls_answered_within_sla speed_of_answer_calls speed_of_answer_total_s talk_calls talk_s day_status"
)


def call_intervals(calls: pd.DataFrame, day: date, status: str, zone: ZoneInfo) -> pd.DataFrame:
    """Counts and sums by half-hour, direction and what the calls belong to."""
    keys = ("interval_start", "direction", "ring_group_id", "ivr_id", "number_id", "campaign_id")
    rows, names = [], {dimension: names_of(ended(calls), dimension) for dimension in DIMENSIONS}
    for values, own in groups_of(ended(calls), *keys).items():
        outcomes = Counter(call["outcome"] for call in own)
        row = {"local_date": day, "calls": len(own), "day_status": status} | dict(zip(keys, values, strict=True))
        row |= {name: names[dimension].get(row[key]) for dimension, (key, name) in DIMENSIONS.items()}
        row["interval_start_local"] = on_the_wall(row["interval_start"], zone)
        row |= {f"calls_{outcome}": outcomes[outcome] for outcome in OUTCOMES}
        row["calls_answered_within_sla"] = sum(map(met, own))
        row["speed_of_answer_calls"] = sum(call["speed_of_answer_s"] is not None for call in own)
        row["speed_of_answer_total_s"] = total(call["speed_of_answer_s"] for call in own)
        row["talk_calls"] = sum(call["talk_s"] is not None for call in own)
        row["talk_s"] = total(call["talk_s"] for call in own)
        rows.append(row)
    return frame(rows, CALL_INTERVALS)


def met(call: Row) -> bool:
    """Whether an inbound call was answered within the vendor's threshold."""
    return call["direction"] == "inbound" and call["outcome"] == "answered" and call["is_answered_within_sla"] is True


CALL_FLOW = (
    "local_date direction dimension member_id member_name calls calls_offered calls_answered calls_transferred "
    "calls_warm_transferred transfer_rate transfers transfers_per_call "
    "callbacks_requested callbacks_dialled callbacks_completed "
    "callback_request_rate callback_completion_rate callback_delay_total_s average_callback_delay_s connect_rate "
    "callers repeat_callers repeat_caller_rate day_status"
)


def call_flow(calls: pd.DataFrame, day: date, status: str) -> pd.DataFrame:
    """How calls move on: transfers, callbacks, connects and repeat callers, by direction and member."""
    over = ended(calls)
    followers: dict[int, list[Row]] = {}
    for call in sorted(over, key=lambda call: (call["started_at"], call["call_id"])):
        if call["direction"] == "outbound" and call["original_call_id"] is not None:
            followers.setdefault(call["original_call_id"], []).append(call)
    rows = []
    for direction in ("inbound", "outbound"):
        common = {"local_date": day, "direction": direction, "day_status": status}
        for member, own in members([call for call in over if call["direction"] == direction]):
            only = _inbound_only(own, followers) if direction == "inbound" else _outbound_only(own)
            rows.append(common | member | _moving(own) | only)
    return frame(rows, CALL_FLOW)


NEVER_DIALLED = (
    "local_date call_id started_at outcome contact_id contact_number ring_group_id ring_group_name number_id number "
    "number_alias contact_dialled_since contact_spoken_to_since"
)


def callbacks_never_dialled(calls: pd.DataFrame, raw: pd.DataFrame, every: pd.DataFrame) -> pd.DataFrame:
    """The requests of a day's calls that none of every day's outbound calls names."""
    others = every.to_dict("records")
    named = {call["original_call_id"] for call in others if call["direction"] == "outbound"}
    contacts = {record["id"]: record["contact"] or {} for record in raw.to_dict("records")}
    rows = []
    for call in ended(calls):
        asked = call["requested_callback"] or call["outcome"] == "callback_requested"
        if call["direction"] == "inbound" and asked and call["call_id"] not in named:
            later = [
                other
                for other in others
                if other["contact_id"] == call["contact_id"] and other["started_at"] > call["started_at"]
            ]
            known = call["contact_id"] is not None
            since = {
                "contact_number": contacts[call["call_id"]].get("number"),
                "contact_dialled_since": any(other["direction"] == "outbound" for other in later) if known else None,
                "contact_spoken_to_since": any(other["is_answered"] for other in later) if known else None,
            }
            rows.append({name: value for name, value in call.items() if name in NEVER_DIALLED.split()} | since)
    return frame(rows, NEVER_DIALLED)


NOT_SPOKEN_TO = (
    "local_date call_id started_at contact_id contact_number times_hung_up ring_group_id ring_group_name number_id number "
    "number_alias contact_dialled_since"
)


def callers_not_spoken_to(calls: pd.DataFrame, raw: pd.DataFrame) -> pd.DataFrame:
    """Who hung up after waiting, with nobody having spoken to them in a later call, in the order of the last such call."""
    contacts = {record["id"]: record["contact"] or {} for record in raw.to_dict("records")}
    given_up: dict[object, Row] = {}
    for call in sorted(calls.to_dict("records"), key=lambda call: (call["started_at"], call["call_id"])):
        caller = (call["contact_id"], call["call_id"] if call["contact_id"] is None else None)
        if call["is_answered"]:
            given_up.pop(caller, None)
        elif call["direction"] == "inbound" and call["outcome"] == "abandoned":
            times = given_up.pop(caller, {"times_hung_up": 0})["times_hung_up"] + 1
            known = {"contact_dialled_since": None if call["contact_id"] is None else False}
            given_up[caller] = call | {"times_hung_up": times} | known
        elif call["direction"] == "outbound" and caller in given_up:
            given_up[caller]["contact_dialled_since"] = True
    rows = [call | {"contact_number": contacts[call["call_id"]].get("number")} for call in given_up.values()]
    rows = [{name: value for name, value in row.items() if name in NOT_SPOKEN_TO.split()} for row in rows]
    return frame(sorted(rows, key=lambda row: (row["local_date"], row["call_id"])), NOT_SPOKEN_TO)


def _moving(rows: list[Row]) -> Row:
    answered = [call for call in rows if call["outcome"] == "answered"]
    transferred = sum(call["is_transferred"] for call in answered)
    transfers = sum(call["transfers"] for call in answered)
    return {
        "calls": len(rows),
        "calls_answered": len(answered),
        "calls_transferred": transferred,
        "calls_warm_transferred": sum("warm_transfer" in call["call_types"] for call in answered),
        "transfer_rate": ratio(transferred, len(answered)),
        "transfers": transfers,
        "transfers_per_call": ratio(transfers, len(answered)),
    }


def _inbound_only(rows: list[Row], followers: dict[int, list[Row]]) -> Row:
    offered = sum(call["outcome"] in OFFERED for call in rows)
    requests = [call for call in rows if call["requested_callback"] or call["outcome"] == "callback_requested"]
    delays = []
    for request in requests:
        answered = [call for call in followers.get(request["call_id"], []) if call["outcome"] == "answered"]
        if answered:
            delays.append((answered[0]["started_at"] - request["started_at"]) // timedelta(seconds=1))
    often = Counter(call["contact_id"] for call in rows if call["contact_id"] is not None)
    repeat = sum(n >= 2 for n in often.values())
    return {
        "calls_offered": offered,
        "callbacks_requested": len(requests),
        "callbacks_dialled": sum(request["call_id"] in followers for request in requests),
        "callbacks_completed": len(delays),
        "callback_request_rate": ratio(len(requests), offered),
        "callback_completion_rate": ratio(len(delays), len(requests)),
        "callback_delay_total_s": sum(delays),
        "average_callback_delay_s": ratio(sum(delays), len(delays)),
        "connect_rate": None,
        "callers": len(often),
        "repeat_callers": repeat,
        "repeat_caller_rate": ratio(repeat, len(often)),
    }


def _outbound_only(rows: list[Row]) -> Row:
    nothing = ("callback_request_rate", "callback_completion_rate", "average_callback_delay_s")
    unknown = ("callers", "repeat_callers", "repeat_caller_rate")
    counts = ("calls_offered", "callbacks_requested", "callbacks_dialled", "callbacks_completed")
    answered = sum(call["outcome"] == "answered" for call in rows)
    return (
        dict.fromkeys(nothing + unknown)
        | dict.fromkeys((*counts, "callback_delay_total_s"), 0)
        | {"connect_rate": ratio(answered, len(rows))}
    )
