"""What a record says under each meaning: the calls are the same, only their records and call types differ."""

import hashlib
from datetime import date
from typing import Any

import pytest

from calls_assets.sandbox import Centre, Meaning, SimulatedCall
from calls_assets.sandbox.calls import as_of, encode

MONDAY = date(2025, 8, 4)
Pairs = list[tuple[SimulatedCall, SimulatedCall]]


def told(**meaning: Any) -> Pairs:
    """Each call of a long day under the default meaning and under another."""
    days = [Centre(calls_per_day=600, meaning=each).day(MONDAY) for each in (Meaning(), Meaning(**meaning))]
    return list(zip(*days, strict=True))


def changed(pairs: Pairs) -> set[str]:
    """The fields that differ anywhere, including `call_types`."""
    fields = {name for plain, other in pairs for name in plain.record if plain.record[name] != other.record[name]}
    assert all((plain.wait_s, plain.talks) == (other.wait_s, other.talks) for plain, other in pairs)
    return fields | {"call_types" for plain, other in pairs if plain.call_types != other.call_types}


def labels_follow_records(pairs: Pairs) -> bool:
    labels = {True: "inbound_answered_within_sla", False: "inbound_answered_but_not_within_sla"}
    return all(
        set(labels.values()) & call.call_types == {labels[verdict]}
        for _, call in pairs
        if (verdict := call.record["is_answered_within_sla"]) is not None
    )


def test_the_default_never_changes() -> None:
    whole = [[call.record, sorted(call.call_types), call.wait_s, call.survey_id] for call in Centre().day(MONDAY)]
    assert (
        hashlib.sha256(encode(whole)).hexdigest() == "b6e580773fc7c7099f4756afa5468c16c8e2a05123262e68315252a1970b3cc8"
    )


@pytest.mark.parametrize("clock", ["queue", "call"])
@pytest.mark.parametrize("sla_s", [None, 12, 45])
def test_the_service_level_runs_from_its_start_to_its_threshold(clock: str, sla_s: int | None) -> None:
    pairs = told(sla_clock=clock, sla_s=sla_s)
    default = (clock, sla_s) == ("queue", None)
    assert changed(pairs) == (set() if default else {"is_answered_within_sla", "call_types"})
    assert labels_follow_records(pairs)
    for _, call in pairs:
        if (verdict := call.record["is_answered_within_sla"]) is not None:
            assert call.timeline is not None
            begin = call.timeline.queued_at if clock == "queue" else call.started_at
            assert verdict == ((call.timeline.answered_at or 0) - (begin or 0) <= (sla_s or 20))


def test_an_answered_leg_may_start_when_it_answered() -> None:
    pairs = told(leg_start="answer")
    assert changed(pairs) == {"all_agents", "answered_agents"}
    for plain, call in pairs:
        assert call.timeline is not None
        assert tuple(leg["started_at"] for leg in call.record["answered_agents"]) == call.timeline.joined_at
        in_vain = [
            [leg for leg in each.record["all_agents"] if leg["hangup_reason"] == "NO_ANSWER"] for each in (plain, call)
        ]
        assert in_vain[0] == in_vain[1]


def test_a_leg_starts_at_the_ring_by_default() -> None:
    for call, _ in told():
        assert call.timeline is not None
        assert tuple(leg["started_at"] for leg in call.record["all_agents"]) == call.timeline.rung_at
        answered = zip(call.record["answered_agents"], call.timeline.joined_at, strict=True)
        assert all(leg["started_at"] < joined_at for leg, joined_at in answered)


def test_a_leg_that_rings_is_there_before_it_answers() -> None:
    for plain, call in told(leg_start="answer"):
        for leg, late in zip(plain.record["all_agents"], call.record["all_agents"], strict=True):
            rung_at, answered_at = leg["started_at"], late["started_at"]
            ringing = [(as_of(each, rung_at) or {})["all_agents"][-1] for each in (plain, call)]
            assert ringing[0] == ringing[1]
            live = as_of(call, answered_at) or {}
            assert answered_at in [shown["started_at"] for shown in live["all_agents"]]


def test_the_duration_may_be_the_talk() -> None:
    pairs = told(duration="talk")
    assert changed(pairs) == {"duration"}
    assert all(call.record["duration"] == call.record["talk_time"] for _, call in pairs)
    hung_up = [plain.record["duration"] for plain, call in pairs if call.call_types & {"abandoned", "short_abandoned"}]
    assert min(hung_up) > 0
    assert {call.record["duration"] for _, call in pairs if not call.record["is_answered"]} == {0}
    assert all(call.record["duration"] > 0 for _, call in pairs if "inbound_answered" in call.call_types)
    call = next(call for _, call in pairs if call.wait_s and "inbound_answered" in call.call_types)
    assert call.timeline is not None
    answered_at = call.timeline.answered_at or 0
    assert [(as_of(call, answered_at + second) or {})["duration"] for second in (-1, 0, 2)] == [0, 0, 2]


def ids(pairs: Pairs, call_type: str) -> tuple[set[int], set[int]]:
    """The ids of the calls of a type, under the default meaning and under the other."""
    plain, other = (
        {call.record["id"] for call in calls if call_type in call.call_types} for calls in zip(*pairs, strict=True)
    )
    return plain, other


def test_distributed_calls_may_count_beside_the_abandoned() -> None:
    pairs = told(distributed="beside")
    assert changed(pairs) == {"call_types"}
    for name in ("abandoned", "short_abandoned"):
        (before, plain), (rung, still_rung) = ids(pairs, name), ids(pairs, f"{name}_distributed")
        assert rung == still_rung
        assert rung
        assert plain == before - rung


def test_short_abandoned_calls_may_be_abandoned_ones_too() -> None:
    pairs = told(short="inside")
    assert changed(pairs) == {"call_types"}
    for suffix in ("", "_distributed"):
        (apart, joined), (short, still_short) = ids(pairs, f"abandoned{suffix}"), ids(pairs, f"short_abandoned{suffix}")
        assert short == still_short
        assert short
        assert joined == apart | short


def test_short_and_distributed_go_together() -> None:
    pairs = told(short="inside", distributed="beside")
    by_label = {name: ids(pairs, name)[1] for name in ("abandoned", "abandoned_distributed")}
    assert by_label["abandoned"] & by_label["abandoned_distributed"] == set()
    assert ids(pairs, "short_abandoned_distributed")[1] < by_label["abandoned_distributed"]


def test_warm_transfers_may_count_beside_the_others() -> None:
    pairs = told(warm="beside")
    assert changed(pairs) == {"call_types"}
    (before, transfers), (warm, still_warm) = ids(pairs, "transfer"), ids(pairs, "warm_transfer")
    assert warm == still_warm
    assert warm
    assert transfers == before - warm


def test_the_type_may_be_coarse() -> None:
    pairs = told(tokens="coarse")
    assert changed(pairs) == {"type"}
    assert all(call.record["type"] == ("answered" if call.record["is_answered"] else "missed") for _, call in pairs)


def test_noise_turns_a_share_of_the_verdicts_round() -> None:
    pairs = told(noise=0.2)
    assert changed(pairs) == {"is_answered_within_sla", "call_types"}
    assert labels_follow_records(pairs)
    assert pairs == told(noise=0.2)
    judged = [pair for pair in pairs if pair[0].record["is_answered_within_sla"] is not None]
    turned = [plain for plain, other in judged if plain.record != other.record]
    assert 0.15 < len(turned) / len(judged) < 0.25
    assert {plain.record["is_answered_within_sla"] for plain in turned} == {True, False}


def misjudged(calls: list[SimulatedCall], threshold_s: int) -> float:
    """Share of the verdicts on which `duration` - `talk_time`, against a threshold in seconds, disagrees."""
    records = [call.record for call in calls if call.record["is_answered_within_sla"] is not None]
    wrong = [
        (record["duration"] - record["talk_time"] <= threshold_s) != record["is_answered_within_sla"]
        for record in records
    ]
    return sum(wrong) / len(wrong)


def test_duration_less_talk_agrees_exactly_with_the_clock_of_the_call() -> None:
    calls = [call for _, call in told(sla_clock="call", sla_s=45)]
    assert misjudged(calls, 45) == 0
    assert 0.02 < sum(call.record["is_answered_within_sla"] is False for call in calls) / len(calls) < 0.98
    assert misjudged(calls, 40) > 0


def test_menus_of_different_length_make_duration_less_talk_misjudge_the_clock_of_the_queue() -> None:
    calls = [call for _, call in told(sla_clock="queue", sla_s=20)]
    with_menu = [call for call in calls if call.record["ivr"]]
    menus = {
        call.timeline.queued_at - call.started_at for call in with_menu if call.timeline and call.timeline.queued_at
    }
    assert len(menus) > 20
    assert min(misjudged(calls, threshold_s) for threshold_s in range(300)) > 0.02
    # Where there is no menu, the two clocks are one.
    assert misjudged([call for call in calls if not call.record["ivr"]], 20) == 0


def test_a_talk_alone_says_nothing_of_the_wait() -> None:
    calls = [call for _, call in told(sla_clock="call", sla_s=45, duration="talk")]
    late = [call for call in calls if call.record["is_answered_within_sla"] is False]
    assert len(late) > 10
    assert all(call.record["duration"] == call.record["talk_time"] for call in late)


def test_no_threshold_agrees_with_verdicts_that_are_noise() -> None:
    calls = [call for _, call in told(sla_clock="call", sla_s=45, noise=0.2)]
    assert 0.15 < misjudged(calls, 45) < 0.25
    assert min(misjudged(calls, threshold_s) for threshold_s in range(300)) > 0.1
