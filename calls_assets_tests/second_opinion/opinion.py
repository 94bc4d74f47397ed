"""A second reading of the written definitions, by other means: calls, legs and evidence of one day in plain pandas.

Every function takes and gives frames of plain Python objects, in which None is null. It shares nothing with the
package, so that a slip in one of both shows as a difference.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pandas as pd

Row = dict[str, Any]


class Waits(NamedTuple):
    """What is set of an account's waits: the method, and the threshold by ring group, with that of all others at None."""

    method: str | None
    thresholds: dict[int | None, int]


UNKNOWN = Waits(None, {})


HALF_HOUR = 1800
YEAR = 366 * 86_400
CERTAIN_TYPES = (
    "all_inbound",
    "inbound_answered",
    "inbound_answered_within_sla",
    "inbound_answered_but_not_within_sla",
    "all_outbound",
    "outbound_answered",
    "outbound_not_answered",
)
LIKELY_TYPES = ("inbound_ivr_exit", "callback", "transfer")
# In the order in which the first decides; a call type stands beside what it makes of the call.
OUTCOME_OF_LABEL = (
    ("short_abandoned", "short_abandoned"),
    ("short_abandoned_distributed", "short_abandoned"),
    ("abandoned", "abandoned"),
    ("abandoned_distributed", "abandoned"),
    ("overflowed", "overflowed"),
    ("callback", "callback_requested"),
    ("inbound_ivr_exit", "ivr_exit"),
    ("out_of_business_hours", "out_of_hours"),
)
OTHER_ENDS = tuple(label for label, _ in OUTCOME_OF_LABEL)


def frame(rows: Iterable[Row], columns: str) -> pd.DataFrame:
    """Rows as a frame of objects, so that integers stay integers beside nulls; the columns' names as one text."""
    return pd.DataFrame(list(rows), columns=columns.split(), dtype=object)


def ratio(above: float | None, below: float | None) -> float | None:
    """A ratio, null where either side is null or nothing stands below."""
    return None if above is None or not below else above / below


def utc(epoch: int) -> datetime:
    """An epoch second as a time in UTC."""
    return datetime.fromtimestamp(epoch, UTC)


def on_the_wall(at: datetime, zone: ZoneInfo) -> datetime:
    """What a clock on the wall of a zone shows at a moment."""
    return at.astimezone(zone).replace(tzinfo=None)


def half_hour(epoch: int, offset: int) -> int:
    """The start of the half-hour that a moment lies in, floored in local time, as an epoch second."""
    return (epoch + offset) // HALF_HOUR * HALF_HOUR - offset


def sensible(seconds: int | None) -> int | None:
    """A length of time, null where it is impossible."""
    return seconds if seconds is not None and 0 <= seconds <= YEAR else None


def direction_of(record: Row) -> str | None:
    """'inbound', 'outbound', or null where the record does not say."""
    return {True: "inbound", False: "outbound"}.get(record["is_inbound"])


def present(parts: Sequence[Row | None] | None) -> list[Row]:
    """The entries of a list that are there."""
    return [part for part in parts or [] if part is not None]


def leg_start(leg: Row) -> int | None:
    """When a leg began, in epoch seconds; null where that is missing. Milliseconds are told by their size."""
    start = leg["started_at"]
    if start is None or start <= 0:
        return None
    return start // 1000 if start > 1e11 else start


def split_talk(talk: int | None, starts: Sequence[int | None]) -> list[tuple[int, int | None]]:
    """Each leg's offset and share of the talk, in list order, where every leg owns the time until the next begins."""
    filled = fill_starts(starts)
    first = min(filled, default=0)
    most = talk if talk is not None else max(filled, default=0)
    offsets = [min(max(start - first, 0), most) for start in filled]
    if talk is None:
        return [(offset, None) for offset in offsets]
    shares = dict.fromkeys(range(len(offsets)), 0)
    for offset, end in pairwise([*sorted(set(offsets)), talk]):
        group = [leg for leg, own in enumerate(offsets) if own == offset]
        each, rest = divmod(end - offset, len(group))
        shares.update({leg: each + (place < rest) for place, leg in enumerate(group)})
    return [(offset, shares[leg]) for leg, offset in enumerate(offsets)]


def fill_starts(starts: Sequence[int | None]) -> list[int]:
    """A missing start is that of the leg before, or the first known one where none precedes."""
    last = next((start for start in starts if start is not None), 0)
    filled = []
    for start in starts:
        last = last if start is None else start
        filled.append(last)
    return filled


def answered_legs(record: Row) -> list[Row]:
    """The answered legs of a record in order of their start, each with its offset, share and how that was found."""
    legs = present(record["answered_agents"])
    talk = sensible(record["talk_time"])
    starts = [leg_start(leg) for leg in legs]
    # An agent cannot have begun well before the call: such a start says nothing.
    starts = [None if start is not None and start < record["started_at"] - 5 else start for start in starts]
    parts = split_talk(talk, starts)
    offsets = [offset for offset, _ in parts]
    rows = []
    for leg, start, filled, (offset, share) in zip(legs, starts, fill_starts(starts), parts, strict=True):
        if not talk:
            how = "no_talk"
        elif len(legs) == 1:
            how = "exact_single"
        elif start is None:
            how = "start_missing"
        else:
            how = "equal_split" if offsets.count(offset) > 1 else "handoff"
        rows.append({"agent": leg, "start": filled, "offset_s": offset, "talk_s": share, "attribution": how})
    return sorted(rows, key=lambda row: row["start"])


def is_transferred(record: Row) -> bool:
    """Whether any leg, or any number outside, came about by a transfer."""
    parts = [part for name in ("all_agents", "answered_agents", "external_numbers") for part in present(record[name])]
    return any(part["is_any_transfer"] for part in parts)


def transfers(record: Row) -> int:
    """How often a call was passed on to an agent, as the longer of both lists has it, or to a number outside."""
    agents, answered, outside = (
        sum(part["is_any_transfer"] is True for part in present(record[name]))
        for name in ("all_agents", "answered_agents", "external_numbers")
    )
    return max(agents, answered) + outside


def id_of(thing: Row | None) -> int | None:
    """The id of what a call belongs to; without an id it belongs to none."""
    return None if thing is None else thing["id"]


def ids_of(legs: Sequence[Row] | None) -> set[int]:
    """The distinct agents of a list of legs."""
    return {leg["id"] for leg in present(legs) if leg["id"] is not None}


def field_types(record: Row) -> set[str]:
    """The call types that a record's own fields tell: the seven certain ones and the three likely ones."""
    inbound, outbound = record["is_inbound"] is True, record["is_inbound"] is False
    answered, ended, in_time = (record[name] for name in ("is_answered", "is_ended", "is_answered_within_sla"))
    told = {
        "all_inbound": inbound,
        "inbound_answered": inbound and answered,
        "inbound_answered_within_sla": inbound and answered and in_time,
        "inbound_answered_but_not_within_sla": inbound and answered and in_time is False,
        "all_outbound": outbound,
        "outbound_answered": outbound and answered,
        "outbound_not_answered": outbound and not answered and ended,
        "inbound_ivr_exit": inbound
        and ended
        and not answered
        and id_of(record["ivr"]) is not None
        and id_of(record["ring_group"]) is None
        and not record["all_agents"],
        "callback": inbound and record["requested_callback"],
        "transfer": ended and is_transferred(record),
    }
    return {name for name, holds in told.items() if holds}


def labels_by_call(labels: pd.DataFrame) -> dict[int, set[str]]:
    """The call types that the API gave each call."""
    found: dict[int, set[str]] = {}
    for row in labels.to_dict("records"):
        found.setdefault(row["call_id"], set()).add(row["call_type"])
    return found


def outcome_of(record: Row, labels: set[str]) -> tuple[str, str]:
    """How a call ended, and what decided that."""
    if not record["is_ended"]:
        return "in_progress", "predicate"
    if record["is_answered"]:
        return "answered", "predicate"
    if record["is_inbound"] is False:
        return "not_answered", "predicate"
    for label, outcome in OUTCOME_OF_LABEL:
        if label in labels:
            return outcome, "vendor_filter"
    if record["type"] in {outcome for _, outcome in OUTCOME_OF_LABEL}:
        return record["type"], "type_field"
    return ("callback_requested" if record["requested_callback"] else "unanswered_other"), "predicate"


CALLS = (
    "local_date call_id started_at started_at_local interval_start interval_start_local utc_offset_s direction outcome "
    "outcome_source call_types type is_ended is_answered is_answered_within_sla requested_callback is_transferred "
    "transfers is_linked original_call_id duration_s talk_s speed_of_answer_s wait_s wait_method sla_threshold_s "
    "agents_offered agents_answered first_agent_id first_agent_alias last_agent_id last_agent_alias ring_group_id "
    "ring_group_name ivr_id ivr_name number_id number number_alias campaign_id campaign_name disposition_id "
    "disposition_code contact_id country_dial_code list_ids tags"
)


def calls(raw: pd.DataFrame, labels: pd.DataFrame, day: date, zone: ZoneInfo, waits: Waits) -> pd.DataFrame:
    """One row per call, with its outcome, its times and what it belongs to."""
    given = labels_by_call(labels)
    rows = (_call(record, given.get(record["id"], set()), day, zone) for record in raw.to_dict("records"))
    return frame((row | _wait(row, waits) for row in rows), CALLS)


def wait_by(method: str | None, call: Row) -> int | None:
    """How long the caller of an inbound call waited, by a method."""
    outcome, duration, talk = call["outcome"], call["duration_s"], call["talk_s"]
    if method == "leg_start" and outcome == "answered":
        return call["speed_of_answer_s"]
    if method == "duration_less_talk" and outcome == "answered":
        return None if duration is None or talk is None or duration < talk else duration - talk
    if method == "duration_less_talk" and outcome in ("abandoned", "short_abandoned"):
        return duration
    return None


def _wait(call: Row, waits: Waits) -> Row:
    if call["direction"] != "inbound":
        return {"wait_s": None, "wait_method": None, "sla_threshold_s": None}
    usual = waits.thresholds.get(None)
    return {
        "wait_s": wait_by(waits.method, call),
        "wait_method": waits.method,
        "sla_threshold_s": waits.thresholds.get(call["ring_group_id"], usual),
    }


def _call(record: Row, labels: set[str], day: date, zone: ZoneInfo) -> Row:
    start = record["started_at"]
    offset = int(datetime.fromtimestamp(start, zone).utcoffset() / timedelta(seconds=1))
    outcome, source = outcome_of(record, labels)
    # A call that is going on has no legs yet.
    legs = answered_legs(record) if record["is_ended"] else []
    known = [at for at in map(leg_start, present(record["answered_agents"])) if at is not None]
    speed = min(known) - start if known and outcome == "answered" else None
    parts = {name: record[name] or {} for name in ("ring_group", "ivr", "number", "campaign", "disposition", "contact")}
    return {
        "local_date": day,
        "call_id": record["id"],
        "started_at": utc(start),
        "started_at_local": on_the_wall(utc(start), zone),
        "interval_start": utc(half_hour(start, offset)),
        "interval_start_local": on_the_wall(utc(half_hour(start, offset)), zone),
        "utc_offset_s": offset,
        "direction": direction_of(record),
        "outcome": outcome,
        "outcome_source": source,
        "call_types": sorted(labels | (field_types(record) & set(CERTAIN_TYPES))),
        "type": record["type"],
        "is_ended": bool(record["is_ended"]),
        "is_answered": bool(record["is_answered"]),
        "is_answered_within_sla": record["is_answered_within_sla"],
        "requested_callback": bool(record["requested_callback"]),
        "is_transferred": is_transferred(record),
        "transfers": transfers(record),
        "is_linked": record["original_call_id"] not in (None, 0),
        "original_call_id": record["original_call_id"] or None,
        "duration_s": sensible(record["duration"]),
        "talk_s": sensible(record["talk_time"]),
        "speed_of_answer_s": sensible(speed),
        "agents_offered": len(ids_of(record["all_agents"]) | ids_of(record["answered_agents"])),
        "agents_answered": len(ids_of(record["answered_agents"])),
        "first_agent_id": legs[0]["agent"]["id"] if legs else None,
        "first_agent_alias": legs[0]["agent"]["alias"] if legs else None,
        "last_agent_id": legs[-1]["agent"]["id"] if legs else None,
        "last_agent_alias": legs[-1]["agent"]["alias"] if legs else None,
        "ring_group_id": parts["ring_group"].get("id"),
        "ring_group_name": parts["ring_group"].get("name"),
        "ivr_id": parts["ivr"].get("id"),
        "ivr_name": parts["ivr"].get("name"),
        "number_id": parts["number"].get("id"),
        "number": parts["number"].get("number"),
        "number_alias": parts["number"].get("alias"),
        "campaign_id": parts["campaign"].get("id"),
        "campaign_name": parts["campaign"].get("name"),
        "disposition_id": parts["disposition"].get("id"),
        "disposition_code": parts["disposition"].get("code"),
        "contact_id": parts["contact"].get("id"),
        "country_dial_code": parts["contact"].get("number_country_code"),
        "list_ids": parts["contact"].get("list_ids"),
        "tags": record["tags"],
    }


CALL_AGENTS = (
    "local_date call_id direction leg agent_key agent_id agent_alias answered is_first is_last is_transfer offset_s "
    "talk_s talk_s_max attribution hangup_reason"
)


def call_agents(raw: pd.DataFrame, day: date) -> pd.DataFrame:
    """One row per call that is over and leg: the answered ones by their start, then those who were rung in vain."""
    rows: list[Row] = []
    for record in raw.to_dict("records"):
        if record["is_ended"]:
            common = {"local_date": day, "call_id": record["id"], "direction": direction_of(record)}
            legs = [*(_taken(record) or _owned_by_no_agent(record)), *_rung_in_vain(record)]
            rows += [common | {"leg": place} | leg for place, leg in enumerate(legs)]
    return frame(rows, CALL_AGENTS)


def _taken(record: Row) -> list[Row]:
    talk, legs = sensible(record["talk_time"]), answered_legs(record)
    return [
        _agent(leg["agent"])
        | {
            "answered": True,
            "is_first": place == 0,
            "is_last": place == len(legs) - 1,
            "offset_s": leg["offset_s"],
            "talk_s": leg["talk_s"],
            "talk_s_max": None if talk is None else talk - leg["offset_s"],
            "attribution": leg["attribution"],
        }
        for place, leg in enumerate(legs)
    ]


def _agent(leg: Row) -> Row:
    return {
        "agent_key": "unattributed" if leg["id"] is None else str(leg["id"]),
        "agent_id": leg["id"],
        "agent_alias": leg["alias"],
        "is_transfer": bool(leg["is_any_transfer"]),
        "hangup_reason": leg["hangup_reason"],
    }


def _owned_by_no_agent(record: Row) -> list[Row]:
    talk = sensible(record["talk_time"])
    if not talk:
        return []
    who = "external" if record["external_numbers"] else "unattributed"
    nobody = {"agent_key": who, "agent_id": None, "agent_alias": None, "attribution": who, "hangup_reason": None}
    whole = {"offset_s": 0, "talk_s": talk, "talk_s_max": talk}
    return [nobody | whole | {"answered": True, "is_first": True, "is_last": True, "is_transfer": False}]


def _rung_in_vain(record: Row) -> list[Row]:
    taken = ids_of(record["answered_agents"])
    none = {"answered": False, "is_first": False, "is_last": False, "offset_s": None, "talk_s": 0, "talk_s_max": 0}
    return [
        _agent(leg) | none | {"attribution": "not_answered"}
        for leg in present(record["all_agents"])
        if leg["id"] not in taken
    ]
