"""The derived tables once more, in plain Python: what the queries are checked against.

Everything here is read off the written definitions and works on lists of dicts, one call at a time. It shares no code
with the package.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

Row = dict[str, Any]

LABEL_OUTCOMES = (
    (("short_abandoned", "short_abandoned_distributed"), "short_abandoned"),
    (("abandoned", "abandoned_distributed"), "abandoned"),
    (("overflowed",), "overflowed"),
    (("callback",), "callback_requested"),
    (("inbound_ivr_exit",), "ivr_exit"),
    (("out_of_business_hours",), "out_of_hours"),
)
"""The labels that decide an outcome, the strongest first."""

OFFERED = ("answered", "abandoned", "short_abandoned", "overflowed", "callback_requested", "unanswered_other")
ENDED = (*OFFERED, "ivr_exit", "out_of_hours", "not_answered")
EARLIEST_LEG_S = -5
LEAST_MILLISECONDS = 100_000_000_000


def derive(raw_calls: list[Row], raw_call_types: list[Row], day: date, zone: ZoneInfo) -> dict[str, list[Row]]:
    """Every derived table of one day, from the day's `raw_calls` and `raw_call_types`."""
    labels = defaultdict(set)
    for row in raw_call_types:
        labels[row["call_id"]].add(row["call_type"])
    calls = [clean_call(raw, labels[raw["id"]], zone) for raw in raw_calls]
    legs = [leg for raw in raw_calls for leg in call_legs(raw, zone)]
    return {
        "calls": calls,
        "call_agents": legs,
        "call_intervals": call_intervals(calls),
        "service_level": service_level(calls, day, zone),
        "abandonment": abandonment(calls, day, zone),
        "agent_talk_time": agent_talk_time(legs),
    }


# Calls.


def clean_call(raw: Row, labels: set[str], zone: ZoneInfo) -> Row:
    """The row of `calls`."""
    local = datetime.fromtimestamp(raw["started_at"], zone)
    half_hour = local.replace(minute=local.minute // 30 * 30, second=0, microsecond=0)
    outcome, source = decide_outcome(raw, labels)
    answered = [leg["agent_id"] for leg in call_legs(raw, zone) if leg["answered"]]
    answered_ids = known(leg["id"] for leg in present(raw["answered_agents"]))
    rung_ids = known(leg["id"] for leg in present(raw["all_agents"]))
    everybody = [*present(raw["all_agents"]), *present(raw["answered_agents"]), *present(raw["external_numbers"])]
    return {
        "local_date": local.date(),
        "call_id": raw["id"],
        "started_at": datetime.fromtimestamp(raw["started_at"], UTC),
        "interval_start": half_hour.astimezone(UTC),
        "utc_offset_s": int(local.utcoffset().total_seconds()),
        "direction": direction_of(raw),
        "outcome": outcome,
        "outcome_source": source,
        "call_types": sorted(labels | certain_types(raw)),
        "type": raw["type"],
        "is_ended": raw["is_ended"] is True,
        "is_answered": raw["is_answered"] is True,
        "is_answered_within_sla": raw["is_answered_within_sla"],
        "requested_callback": raw["requested_callback"] is True,
        "is_transferred": any(one["is_any_transfer"] is True for one in everybody),
        "is_linked": raw["original_call_id"] is not None,
        "original_call_id": raw["original_call_id"],
        "duration_s": possible(raw["duration"]),
        "talk_s": possible(raw["talk_time"]),
        "speed_of_answer_s": speed_of_answer(raw) if outcome == "answered" else None,
        "agents_offered": len(rung_ids | answered_ids),
        "agents_answered": len(answered_ids),
        "first_agent_id": answered[0] if answered else None,
        "last_agent_id": answered[-1] if answered else None,
        "ring_group_id": inner(raw, "ring_group", "id"),
        "ring_group_name": inner(raw, "ring_group", "name"),
        "ivr_id": inner(raw, "ivr", "id"),
        "ivr_name": inner(raw, "ivr", "name"),
        "number_id": inner(raw, "number", "id"),
        "number": inner(raw, "number", "number"),
        "number_alias": inner(raw, "number", "alias"),
        "campaign_id": inner(raw, "campaign", "id"),
        "campaign_name": inner(raw, "campaign", "name"),
        "disposition_id": inner(raw, "disposition", "id"),
        "disposition_code": inner(raw, "disposition", "code"),
        "contact_id": inner(raw, "contact", "id"),
        "country_dial_code": inner(raw, "contact", "number_country_code"),
        "list_ids": inner(raw, "contact", "list_ids"),
        "tags": raw["tags"],
    }


def decide_outcome(raw: Row, labels: set[str]) -> tuple[str, str]:
    """How the call ended, and what decided it."""
    if raw["is_ended"] is not True:
        return "in_progress", "predicate"
    if raw["is_answered"] is True:
        return "answered", "predicate"
    if raw["is_inbound"] is False:
        return "not_answered", "predicate"
    for names, outcome in LABEL_OUTCOMES:
        if labels & set(names):
            return outcome, "vendor_filter"
    if raw["type"] in [outcome for _, outcome in LABEL_OUTCOMES]:
        return raw["type"], "type_field"
    return ("callback_requested" if raw["requested_callback"] is True else "unanswered_other"), "predicate"


def certain_types(raw: Row) -> set[str]:
    """The call types that the fields tell for certain."""
    answered, in_time = raw["is_answered"] is True, raw["is_answered_within_sla"]
    if raw["is_inbound"] is True:
        told = {
            "all_inbound": True,
            "inbound_answered": answered,
            "inbound_answered_within_sla": answered and in_time is True,
            "inbound_answered_but_not_within_sla": answered and in_time is False,
        }
    elif raw["is_inbound"] is False:
        told = {
            "all_outbound": True,
            "outbound_answered": answered,
            "outbound_not_answered": raw["is_ended"] is True and not answered,
        }
    else:
        told = {}
    return {name for name, holds in told.items() if holds}


def speed_of_answer(raw: Row) -> int | None:
    """Seconds from the call's start to the least known start of an answered leg."""
    starts = known(epoch_seconds(leg["started_at"]) for leg in present(raw["answered_agents"]))
    return possible(min(starts) - raw["started_at"]) if starts else None


# Legs.


def call_legs(raw: Row, zone: ZoneInfo) -> list[Row]:
    """The rows of `call_agents` of one call, in the order of `leg`."""
    if raw["is_ended"] is not True:
        return []
    answered = present(raw["answered_agents"])
    talk = possible(raw["talk_time"])
    legs = answered_legs(answered, talk, raw["started_at"])
    if not answered and talk:
        legs = [unowned_leg(talk, bool(raw["external_numbers"]))]
    count = len(legs)
    answered_ids = known(agent["id"] for agent in answered)
    legs += [rung_leg(agent) for agent in present(raw["all_agents"]) if agent["id"] not in answered_ids]
    return [
        {
            "local_date": datetime.fromtimestamp(raw["started_at"], zone).date(),
            "call_id": raw["id"],
            "direction": direction_of(raw),
            "leg": place,
            "is_first": place == 0 and place < count,
            "is_last": place == count - 1,
            **leg,
        }
        for place, leg in enumerate(legs)
    ]


def answered_legs(agents: list[Row], talk: int | None, call_start: int) -> list[Row]:
    """The answered legs by offset, each with its share of the talk time."""
    starts = [leg_start(agent, call_start) for agent in agents]
    offsets = leg_offsets(starts, talk)
    shares = talk_shares(offsets, talk)
    order = sorted(range(len(agents)), key=lambda place: (offsets[place], place))
    return [
        agent_of(agents[place])
        | {
            "answered": True,
            "is_transfer": agents[place]["is_any_transfer"] is True,
            "offset_s": offsets[place],
            "talk_s": shares[place],
            "talk_s_max": None if talk is None else talk - offsets[place],
            "attribution": attribution(place, starts, offsets, talk),
        }
        for place in order
    ]


def leg_start(agent: Row, call_start: int) -> int | None:
    """Start of a leg in epoch seconds; None where it is missing or lies too far before the call's."""
    start = epoch_seconds(agent["started_at"])
    return None if start is None or start - call_start < EARLIEST_LEG_S else start


def leg_offsets(starts: list[int | None], talk: int | None) -> list[int]:
    """Each leg's start after the first one's, within the talk time, in list order."""
    all_known = [start for start in starts if start is not None]
    if not all_known:
        return [0 for _ in starts]
    before, offsets = all_known[0], []
    for start in starts:
        before = before if start is None else start
        offset = before - min(all_known)
        offsets.append(offset if talk is None else min(offset, talk))
    return offsets


def talk_shares(offsets: list[int], talk: int | None) -> list[int | None]:
    """Each leg's talk time in list order: a leg owns the time until the next one starts."""
    shares: list[int | None] = [None for _ in offsets]
    if talk is None:
        return shares
    for offset in set(offsets):
        end = min([later for later in offsets if later > offset], default=talk)
        together = [place for place, other in enumerate(offsets) if other == offset]
        each, rest = divmod(end - offset, len(together))
        for rank, place in enumerate(together):
            shares[place] = each + (1 if rank < rest else 0)
    return shares


def attribution(place: int, starts: list[int | None], offsets: list[int], talk: int | None) -> str:
    """How the share of the leg at `place` was found."""
    if not talk:
        return "no_talk"
    if len(starts) == 1:
        return "exact_single"
    if starts[place] is None:
        return "start_missing"
    return "equal_split" if offsets.count(offsets[place]) > 1 else "handoff"


def unowned_leg(talk: int, external: bool) -> Row:
    """The one leg of talk that no agent owns."""
    key = "external" if external else "unattributed"
    agent = {"agent_key": key, "agent_id": None, "agent_alias": None}
    figures = {"offset_s": 0, "talk_s": talk, "talk_s_max": talk, "attribution": key}
    return agent | {"answered": True, "is_transfer": False} | figures


def rung_leg(agent: Row) -> Row:
    """The leg of an agent who was rung and did not answer."""
    figures = {"offset_s": None, "talk_s": 0, "talk_s_max": 0, "attribution": "not_answered"}
    return agent_of(agent) | {"answered": False, "is_transfer": agent["is_any_transfer"] is True} | figures


def agent_of(agent: Row) -> Row:
    """Key, id and name of a leg's agent."""
    key = "unattributed" if agent["id"] is None else str(agent["id"])
    return {"agent_key": key, "agent_id": agent["id"], "agent_alias": agent["alias"]}


# Aggregates of calls.


def call_intervals(calls: list[Row]) -> list[Row]:
    """The rows of `call_intervals`."""
    names = ("local_date", "interval_start", "direction", "ring_group_id", "ivr_id", "number_id", "campaign_id")
    groups = defaultdict(list)
    for call in calls:
        if call["is_ended"]:
            groups[tuple(call[name] for name in names)].append(call)
    return [
        dict(zip(names, key, strict=True))
        | {"calls": len(group)}
        | {f"calls_{outcome}": count_outcome(group, outcome) for outcome in ENDED}
        | {"calls_answered_within_sla": count_in_time(group)}
        | sums_of_speed(group)
        | {
            "talk_calls": sum(call["talk_s"] is not None for call in group),
            "talk_s": sum(call["talk_s"] or 0 for call in group),
        }
        for key, group in groups.items()
    ]


def count_outcome(calls: list[Row], outcome: str) -> int:
    """How many calls ended so."""
    return sum(call["outcome"] == outcome for call in calls)


def count_in_time(calls: list[Row]) -> int:
    """How many inbound calls were answered within the vendor's threshold."""
    return sum(
        call["direction"] == "inbound" and call["outcome"] == "answered" and call["is_answered_within_sla"] is True
        for call in calls
    )


def sums_of_speed(calls: list[Row]) -> Row:
    """Count and sum of the known speeds of answer."""
    speeds = [call["speed_of_answer_s"] for call in calls if call["speed_of_answer_s"] is not None]
    return {"speed_of_answer_calls": len(speeds), "speed_of_answer_total_s": sum(speeds)}


def members(calls: list[Row], day: date, zone: ZoneInfo) -> list[tuple[Row, list[Row]]]:
    """Each member of each dimension, with its ended inbound calls."""
    calls = [call for call in calls if call["is_ended"] and call["direction"] == "inbound"]
    found = [("total", "(all)", "(all)", calls)]
    for dimension, id_column, name_column in (
        ("ring_group", "ring_group_id", "ring_group_name"),
        ("ivr", "ivr_id", "ivr_name"),
        ("number", "number_id", "number_alias"),
        ("campaign", "campaign_id", "campaign_name"),
    ):
        for member, group in grouped(calls, id_column).items():
            if member is None:
                found.append((dimension, "(none)", "(none)", group))
            else:
                found.append((dimension, str(member), latest_name(group, name_column), group))
    for start, group in grouped(calls, "interval_start").items():
        local_time = start.astimezone(zone).isoformat(timespec="minutes").split("T")[1]
        found.append(("half_hour", f"{start:%Y-%m-%dT%H:%M:%SZ}", local_time, group))
    names = ("local_date", "dimension", "member_id", "member_name")
    return [(dict(zip(names, (day, *member), strict=True)), group) for *member, group in found]


def grouped(rows: list[Row], column: str) -> dict[Any, list[Row]]:
    """The rows by their value of a column."""
    groups = defaultdict(list)
    for row in rows:
        groups[row[column]].append(row)
    return groups


def latest_name(calls: list[Row], column: str) -> str | None:
    """The name on the latest call that has one."""
    named = [call for call in calls if call[column] is not None]
    return max(named, key=lambda call: (call["started_at"], call["call_id"]))[column] if named else None


def service_level(calls: list[Row], day: date, zone: ZoneInfo) -> list[Row]:
    """The rows of `service_level`."""
    rows = []
    for member, group in members(calls, day, zone):
        a, b, s, o, c, u = (count_outcome(group, outcome) for outcome in OFFERED)
        w, offered, speeds = count_in_time(group), a + b + s + o + c + u, sums_of_speed(group)
        row = {
            "calls_offered": offered,
            "calls_answered": a,
            "calls_answered_within_sla": w,
            "calls_abandoned": b,
            "calls_short_abandoned": s,
            "calls_overflowed": o,
            "calls_callback_requested": c,
            "calls_unanswered_other": u,
            "service_level": ratio(w, a + b),
            "sl_answered_only": ratio(w, a),
            "sl_all_abandons": ratio(w, a + b + s),
            "sl_short_positive": ratio(w + s, a + b + s),
            "sl_offered": ratio(w, offered),
            "average_speed_of_answer_s": ratio(speeds["speed_of_answer_total_s"], speeds["speed_of_answer_calls"]),
        }
        rows.append(member | row | speeds)
    return rows


def abandonment(calls: list[Row], day: date, zone: ZoneInfo) -> list[Row]:
    """The rows of `abandonment`."""
    rows = []
    for member, group in members(calls, day, zone):
        a, b, s, o, c, u = (count_outcome(group, outcome) for outcome in OFFERED)
        offered = a + b + s + o + c + u
        abandoned = [call for call in group if call["outcome"] == "abandoned"]
        row = {
            "calls_offered": offered,
            "calls_answered": a,
            "calls_abandoned": b,
            "calls_short_abandoned": s,
            "calls_abandoned_distributed": sum("abandoned_distributed" in call["call_types"] for call in abandoned),
            "abandonment_rate": ratio(b, a + b),
            "abandonment_rate_incl_short": ratio(b + s, a + b + s),
            "abandonment_rate_offered": ratio(b, offered),
            "short_abandonment_rate": ratio(s, offered),
        }
        rows.append(member | row)
    return rows


# Aggregates of legs.


def agent_talk_time(legs: list[Row]) -> list[Row]:
    """The rows of `agent_talk_time`."""
    groups = defaultdict(list)
    for leg in legs:
        groups[leg["local_date"], leg["agent_key"], leg["direction"]].append(leg)
    return [
        {
            "local_date": day,
            "agent_key": key,
            "agent_id": next(iter(known(leg["agent_id"] for leg in group)), None),
            "agent_alias": latest_alias(group),
            "direction": direction,
            **call_counts([] if key in ("external", "unattributed") else group),
            "talk_s": sum(leg["talk_s"] or 0 for leg in group),
            "talk_s_max": sum(leg["talk_s_max"] or 0 for leg in group),
        }
        for (day, key, direction), group in groups.items()
    ]


def latest_alias(legs: list[Row]) -> str | None:
    """The name on the latest leg that has one."""
    named = [leg for leg in legs if leg["agent_alias"] is not None]
    return max(named, key=lambda leg: (leg["call_id"], leg["leg"]))["agent_alias"] if named else None


def call_counts(legs: list[Row]) -> Row:
    """The call counts of an agent's legs, and the average over them."""
    answered = [leg for leg in legs if leg["answered"]]
    offered, handled = ({leg["call_id"] for leg in some} for some in (legs, answered))
    timed = {leg["call_id"] for leg in answered if leg["talk_s"] is not None}
    return {
        "calls_offered": len(offered),
        "calls_handled": len(handled),
        "calls_answered_first": len({leg["call_id"] for leg in answered if leg["is_first"]}),
        "calls_answered_last": len({leg["call_id"] for leg in answered if leg["is_last"]}),
        "calls_missed": len(offered) - len(handled),
        "transfers_in": sum(leg["is_transfer"] for leg in answered),
        "average_talk_s": ratio(sum(leg["talk_s"] or 0 for leg in answered), len(timed)),
    }


# Values.


def direction_of(raw: Row) -> str | None:
    """The call's direction; None where the API does not say."""
    return {True: "inbound", False: "outbound", None: None}[raw["is_inbound"]]


def epoch_seconds(value: int | None) -> int | None:
    """A leg's start in epoch seconds; None where it is unknown."""
    if value is None or value <= 0:
        return None
    return value // 1000 if value > LEAST_MILLISECONDS else value


def possible(seconds: int | None) -> int | None:
    """The time; None where it is negative or longer than a year."""
    return seconds if seconds is not None and 0 <= seconds <= 366 * 86_400 else None


def inner(raw: Row, outer: str, name: str) -> Any:
    """A field of a nested object; None where there is no object."""
    return None if raw[outer] is None else raw[outer][name]


def present(items: list[Row | None] | None) -> list[Row]:
    """The entries of a list that are there."""
    return [item for item in items or [] if item is not None]


def known(values: Iterable[int | None]) -> set[int]:
    """The distinct values that are not null."""
    return {value for value in values if value is not None}


def ratio(numerator: int, denominator: int) -> float | None:
    """A ratio; None over 0."""
    return numerator / denominator if denominator else None
