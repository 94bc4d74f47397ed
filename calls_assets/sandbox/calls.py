"""Finished calls as the API shows them, with the truth behind them, and the same calls while they were in progress."""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from calls_assets.sandbox import cast
from calls_assets.sandbox.dice import Dice
from calls_assets.sandbox.journey import Journey, Leg
from calls_assets.sandbox.meaning import Meaning


@dataclass(frozen=True)
class Talk:
    """An agent on the line with the other party, from `start` to `end` in epoch seconds."""

    agent_id: int
    start: int
    end: int


@dataclass(frozen=True)
class Timeline:
    """When things became known during a call, in epoch seconds (None: never).

    `duration_from` is when the record's `duration` begins to count. `rung_at` are the times at which the legs of
    `all_agents` were rung, `joined_at` those at which the legs of `answered_agents` answered, `external_at` those at
    which `external_numbers` joined, each in the record's order.
    """

    queued_at: int | None
    answered_at: int | None
    duration_from: int | None
    rung_at: tuple[int, ...]
    joined_at: tuple[int, ...]
    external_at: tuple[int, ...]


@dataclass(frozen=True)
class SimulatedCall:
    """A call with its truth.

    `record` is the finished call exactly as the API returns it; it is shared and must not be changed. `call_types` are
    the values of `callType` that it counts under once it is over. `started_at` and `ended_at` are epoch seconds,
    `wait_s` the seconds in the queue, rings included (None: it was not queued). `survey_id` is the survey that the
    caller answered, which is in no field of the record. A call without a `timeline` has no live view: it is always
    `record`.
    """

    record: dict[str, Any]
    call_types: frozenset[str]
    started_at: int
    ended_at: int
    wait_s: int | None = None
    survey_id: int | None = None
    talks: tuple[Talk, ...] = ()
    timeline: Timeline | None = None

    @cached_property
    def encoded(self) -> bytes:
        """`record` as JSON."""
        return encode(self.record)


def encode(value: object) -> bytes:
    """Compact JSON."""
    return json.dumps(value, separators=(",", ":")).encode()


def as_of(call: SimulatedCall, now: int) -> dict[str, Any] | None:
    """The call as the API shows it at `now` (epoch seconds): None before it starts, `record` itself once it is over."""
    if call.timeline is None or now >= call.ended_at:
        return call.record
    return None if now < call.started_at else _live(call.record, call.timeline, now)


def types_as_of(call: SimulatedCall, now: int) -> frozenset[str]:
    """The values of `callType` that the call counts under at `now`; its outcome shows only once it is over."""
    if call.timeline is None or now >= call.ended_at:
        return call.call_types
    known = {"all_inbound"} if call.record["is_inbound"] else {"all_outbound"}
    if _past(call.timeline.answered_at, now):
        known |= {"inbound_answered"} if call.record["is_inbound"] else {"outbound_answered"}
    return frozenset(known)


def _past(when: int | None, now: int) -> bool:
    return when is not None and when <= now


def _live(record: dict[str, Any], timeline: Timeline, now: int) -> dict[str, Any]:
    answered, queued = _past(timeline.answered_at, now), _past(timeline.queued_at, now)
    rung = zip(record["all_agents"], timeline.rung_at, strict=True)
    # While an agent's phone rings, nobody knows whether they will answer.
    begun = [_live_leg(leg, when if leg["started_at"] > now else None) for leg, when in rung if when <= now]
    joined = zip(record["answered_agents"], timeline.joined_at, strict=True)
    outside = zip(record["external_numbers"], timeline.external_at, strict=True)
    since = timeline.duration_from
    return {
        **record,
        "is_answered": answered,
        "is_in_queue": queued and not answered,
        "agents": _ids(begun),
        "all_agents": begun,
        "answered_agents": [_live_leg(leg) for leg, when in joined if when <= now],
        "external_numbers": [number for number, when in outside if when <= now],
        "duration": max(0, now - since) if since is not None else 0,
        "talk_time": None,
        "requested_callback": False,
        "is_ended": False,
        "type": "answered" if answered else "in_progress",
        "is_answered_within_sla": None,
        "is_data_cached": False,
        "ring_group": record["ring_group"] if queued or not record["is_inbound"] else None,
        "disposition": None,
        "recordings": [],
        "tags": [],
    }


def _live_leg(leg: dict[str, Any], started_at: int | None = None) -> dict[str, Any]:
    """A leg of a call in progress, with another start (epoch seconds) if one is given."""
    return {**leg, "started_at": leg["started_at"] if started_at is None else started_at, "hangup_reason": None}


def finished(journey: Journey, seed: str, meaning: Meaning) -> SimulatedCall:
    """The finished call of a journey, recorded as `meaning` says; `seed` and its id decide what agents note down."""
    if journey.ended_at is None:
        raise ValueError(f"Call {journey.id} never ended.")
    dice = Dice(f"{seed} {journey.id}")
    within = _verdict(journey, meaning, f"{seed} {journey.id} verdict")
    answered = [leg for leg in journey.legs if leg.joined_at is not None]
    return SimulatedCall(
        record=_record(journey, within, meaning, dice),
        call_types=_call_types(journey, within, meaning),
        started_at=journey.started_at,
        ended_at=journey.ended_at,
        wait_s=journey.wait_s,
        survey_id=dice.choice(cast.SURVEYS) if journey.inbound and answered and dice.chance(0.12) else None,
        talks=tuple(Talk(leg.agent.id, leg.joined_at or 0, leg.left_at or 0) for leg in answered),
        timeline=Timeline(
            journey.queued_at,
            journey.answered_at,
            journey.started_at if journey.inbound and meaning.duration == "call" else journey.answered_at,
            tuple(leg.rung_at for leg in journey.legs),
            tuple(leg.joined_at or 0 for leg in answered),
            tuple(when for _, _, when in journey.external),
        ),
    )


def _record(journey: Journey, within: bool | None, meaning: Meaning, dice: Dice) -> dict[str, Any]:
    ended_at = journey.ended_at or 0
    talk_s = 0 if journey.answered_at is None else ended_at - journey.answered_at
    legs = [_leg(leg, meaning) for leg in journey.legs]
    group = journey.group
    coarse = "missed" if journey.answered_at is None else "answered"
    return {
        "id": journey.id,
        "is_inbound": journey.inbound,
        "is_answered": journey.answered_at is not None,
        "is_in_queue": False,
        "contact": None if journey.caller is None else cast.customer(journey.caller),
        "agents": _ids(legs),
        "all_agents": legs,
        "answered_agents": [shown for shown, leg in zip(legs, journey.legs, strict=True) if leg.joined_at is not None],
        "external_numbers": [{"number": number, "is_any_transfer": moved} for number, moved, _ in journey.external],
        "number": journey.line.record,
        "started_at": journey.started_at,
        "duration": ended_at - journey.started_at if journey.inbound and meaning.duration == "call" else talk_s,
        "talk_time": talk_s,
        "requested_callback": journey.outcome == "callback",
        "is_ended": True,
        "type": journey.outcome if meaning.tokens == "outcome" else coarse,
        "is_answered_within_sla": within,
        "is_data_cached": True,
        "original_call_id": None if journey.follows is None else journey.follows.id,
        "campaign": _named(journey.campaign),
        "ring_group": None if group is None else _named((group.id, group.name)),
        "ivr": _named(journey.ivr),
        **_notes(journey, dice),
    }


def _notes(journey: Journey, dice: Dice) -> dict[str, Any]:
    answered = journey.answered_at is not None
    disposition, recordings = None, []
    if answered and dice.chance(0.85):
        codes = cast.DISPOSITIONS[journey.inbound]
        number, code = dice.choices(codes, range(len(codes) + 2, 2, -1))[0]
        note = dice.choice(cast.NOTES) if dice.chance(0.2) else None
        disposition = {"id": number, "code": code, "note": note}
    if answered and dice.chance(0.9):
        recordings = [{"id": journey.id, "url": f"https://media.example.com/recordings/{journey.id}.mp3"}]
    tags = sorted(dice.sample(cast.TAGS, dice.seconds(1, 2))) if answered and dice.chance(0.2) else []
    return {"disposition": disposition, "recordings": recordings, "tags": tags}


def _leg(leg: Leg, meaning: Meaning) -> dict[str, Any]:
    answer = leg.joined_at if meaning.leg_start == "answer" else None
    return {
        "id": leg.agent.id,
        "user_id": leg.agent.user_id,
        "alias": leg.agent.alias,
        "sip": leg.agent.sip,
        "started_at": leg.rung_at if answer is None else answer,
        "type": "agent",
        "is_any_transfer": leg.transfer,
        "hangup_reason": leg.hangup_reason,
    }


def _ids(legs: list[dict[str, Any]]) -> list[int]:
    return list(dict.fromkeys(leg["id"] for leg in legs))


def _named(thing: tuple[int, str] | None) -> dict[str, Any] | None:
    return None if thing is None else {"id": thing[0], "name": thing[1]}


def _verdict(journey: Journey, meaning: Meaning, seed: str) -> bool | None:
    """Whether an answered inbound call waited no longer than its threshold, or the opposite where noise hits it."""
    if not journey.inbound or journey.answered_at is None or journey.group is None:
        return None
    waited_s = journey.wait_s or 0 if meaning.sla_clock == "queue" else journey.answered_at - journey.started_at
    within = waited_s <= (journey.group.sla_s if meaning.sla_s is None else meaning.sla_s)
    return within if meaning.noise == 0 else within != Dice(seed).chance(meaning.noise)


def _call_types(journey: Journey, within: bool | None, meaning: Meaning) -> frozenset[str]:
    types = _inbound_types(journey, within, meaning) if journey.inbound else _outbound_types(journey)
    if journey.warm:
        types.add("warm_transfer")
    if journey.transferred and not (journey.warm and meaning.warm == "beside"):
        types.add("transfer")
    return frozenset(types)


def _inbound_types(journey: Journey, within: bool | None, meaning: Meaning) -> set[str]:
    outcome = journey.outcome
    types = {"all_inbound"}
    if outcome == "answered":
        types |= {"inbound_answered"}
        types |= {"inbound_answered_within_sla" if within else "inbound_answered_but_not_within_sla"}
    elif outcome == "ivr_exit":
        types |= {"inbound_ivr_exit"}
    elif outcome in {"abandoned", "short_abandoned"}:
        types |= _abandoned_types(outcome, bool(journey.legs), meaning)
    elif outcome != "missed":  # the document has no call type for a call that is lost in the queue
        types |= {outcome}
    return types


def _abandoned_types(outcome: str, rang: bool, meaning: Meaning) -> set[str]:
    """The call types of a caller who hung up; `rang`: whether an agent was rung for them."""
    plain = {outcome, "abandoned"} if meaning.short == "inside" else {outcome}
    distributed = {f"{name}_distributed" for name in plain} if rang else set()
    return distributed if rang and meaning.distributed == "beside" else plain | distributed


def _outbound_types(journey: Journey) -> set[str]:
    types = {"all_outbound", "outbound_not_answered" if journey.answered_at is None else "outbound_answered"}
    if journey.follows is not None:
        types |= {"automated_callback"}
    return types
