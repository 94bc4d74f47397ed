"""A second reading of the written definitions, by other means: how long callers wait and agents talk."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import NamedTuple

import pandas as pd

from calls_assets_tests.second_opinion.counts import OFFERED, ended, groups_of, latest_name, members, met, total
from calls_assets_tests.second_opinion.opinion import HALF_HOUR, Row, frame, half_hour, ratio, utc

BINS = (15, 20, 25, 30, 45, 60, 90, 120, 180, 240, 300, 600)
CALIBRATION = (
    "local_date member_id member_name method calls calls_late judged_at threshold_s threshold_most_s errors error_rate "
    "wait_status"
)
ENOUGH_CALLS = 200
NOBODY = ("external", "unattributed")


def waits_of(call: Row) -> dict[str, int]:
    """The estimates of an answered inbound call's wait that can be had."""
    waits = {}
    if call["speed_of_answer_s"] is not None:
        waits["leg_start"] = call["speed_of_answer_s"]
    if call["duration_s"] is not None and call["talk_s"] is not None and call["duration_s"] >= call["talk_s"]:
        waits["duration_less_talk"] = call["duration_s"] - call["talk_s"]
    return waits


def answered_inbound(calls: pd.DataFrame) -> list[Row]:
    """The inbound calls that were answered, as rows."""
    return [call for call in ended(calls) if call["direction"] == "inbound" and call["outcome"] == "answered"]


def member_of(call: Row) -> str:
    """The ring group of a call as text."""
    return "(none)" if call["ring_group_id"] is None else str(call["ring_group_id"])


def wait_calibration(calls: pd.DataFrame, day: date) -> pd.DataFrame:
    """Each estimate of the wait held against the vendor's own verdict, for all ring groups and for each."""
    judged: dict[tuple[str, str], list[Row]] = {}
    for call in answered_inbound(calls):
        if call["is_answered_within_sla"] is not None:
            for method, wait in waits_of(call).items():
                for member in ("(all)", member_of(call)):
                    judged.setdefault((member, method), []).append(call | {"wait": wait})
    verdicts = {key: [(call["wait"], call["is_answered_within_sla"]) for call in own] for key, own in judged.items()}
    rows = []
    for (member, method), own in judged.items():
        of_all = judged_alone(verdicts["(all)", method])
        few = member != "(all)" and len(own) < ENOUGH_CALLS
        told = judged_with_all(verdicts[member, method], of_all) if few else judged_alone(verdicts[member, method])
        name = member if member in ("(all)", "(none)") else latest_name(own, "ring_group_name")
        rows.append({"local_date": day, "member_id": member, "member_name": name, "method": method} | told)
    return frame(rows, CALIBRATION)


def errors_at(threshold: int, verdicts: list[tuple[int, bool]]) -> int:
    """How many waits are on the wrong side of a threshold; a verdict is the wait and whether that is in time."""
    return sum((wait <= threshold) != in_time for wait, in_time in verdicts)


def judged_alone(verdicts: list[tuple[int, bool]]) -> Row:
    """The threshold that agrees with most verdicts, and whether it agrees with enough."""
    waits = sorted({wait for wait, _ in verdicts})
    candidates = [waits[0] - 1, *waits]
    threshold = min(candidates, key=lambda candidate: (errors_at(candidate, verdicts), candidate))
    told = _told(verdicts, threshold, next((wait - 1 for wait in waits if wait > threshold), None))
    n, errors = told["calls"], told["errors"]
    rarer = min(told["calls_late"], n - told["calls_late"])
    sound = n >= ENOUGH_CALLS and errors * 50 <= n and rarer >= 5 and errors * 2 <= rarer
    return told | {"judged_at": "own", "wait_status": "validated" if sound else "unverified"}


def judged_with_all(verdicts: list[tuple[int, bool]], of_all: Row) -> Row:
    """A ring group of few calls is judged at the threshold of all, and follows them unless it has errors of its own."""
    told = _told(verdicts, of_all["threshold_s"], of_all["threshold_most_s"])
    stands_out = told["errors"] > 1 and told["errors"] * 50 > told["calls"]
    return told | {"judged_at": "all", "wait_status": "unverified" if stands_out else of_all["wait_status"]}


def _told(verdicts: list[tuple[int, bool]], threshold: int, most: int | None) -> Row:
    errors = errors_at(threshold, verdicts)
    return {
        "calls": len(verdicts),
        "calls_late": sum(not in_time for _, in_time in verdicts),
        "threshold_s": threshold,
        "threshold_most_s": most,
        "errors": errors,
        "error_rate": ratio(errors, len(verdicts)),
    }


def mostly(known: int, everything: int) -> bool:
    """Whether at least 98 % are known."""
    return known * 50 >= everything * 49


class Wait(NamedTuple):
    """A wait that has earned trust: how it was told, and from where to where its ring group's threshold may lie."""

    method: str
    seconds: int
    threshold: int
    most: int | None


class Waits:
    """The waits that have earned trust: those of ring groups whose estimate agrees with the vendor's verdicts."""

    def __init__(self, calibration: pd.DataFrame) -> None:
        self.told = {(row["member_id"], row["method"]): row for row in calibration.to_dict("records")}

    def status(self, call: Row, method: str) -> str:
        """Whether an estimate is validated for the ring group of a call."""
        row = self.told.get((member_of(call), method))
        return "unverified" if row is None else row["wait_status"]

    def earned(self, call: Row) -> Wait | None:
        """A call's wait, where it is validated."""
        # Nobody's leg tells how long a caller waited who was not answered.
        waits = waits_of(call) if call["outcome"] == "answered" else {"duration_less_talk": call["duration_s"]}
        told = [
            (
                row["error_rate"],
                method == "leg_start",
                Wait(method, seconds, row["threshold_s"], row["threshold_most_s"]),
            )
            for method, seconds in waits.items()
            if seconds is not None and self.status(call, method) == "validated"
            for row in [self.told[member_of(call), method]]
        ]
        return min(told)[-1] if told else None


def common_threshold(waits: list[Wait]) -> int | None:
    """The highest threshold of some waits, where all of their ring groups may have it."""
    highest = max((wait.threshold for wait in waits), default=None)
    fits = all(wait.most is None or highest <= wait.most for wait in waits)
    return highest if fits else None


SERVICE_LEVEL = (
    "local_date dimension member_id member_name calls_offered calls_answered calls_answered_within_sla calls_abandoned "
    "calls_short_abandoned calls_overflowed calls_callback_requested calls_unanswered_other service_level "
    "sl_answered_only sl_all_abandons sl_short_positive sl_offered speed_of_answer_calls speed_of_answer_total_s "
    "average_speed_of_answer_s wait_calls wait_total_s wait_method wait_status threshold_s "
    "calls_abandoned_within_threshold sl_abandon_within_threshold_ignored sl_abandon_within_threshold_positive day_status"
)


def service_level(calls: pd.DataFrame, calibration: pd.DataFrame, day: date, status: str) -> pd.DataFrame:
    """Whether callers are answered in time, of every member of every dimension."""
    waits = Waits(calibration)
    inbound = [call for call in ended(calls) if call["direction"] == "inbound"]
    common = {"local_date": day, "day_status": status}
    return frame((common | member | _answering(own, waits) for member, own in members(inbound)), SERVICE_LEVEL)


def _answering(rows: list[Row], waits: Waits) -> Row:
    n = Counter(call["outcome"] for call in rows)
    answered = [call for call in rows if call["outcome"] == "answered"]
    lost = [call for call in rows if call["outcome"] in ("abandoned", "short_abandoned")]
    earned = [wait for wait in map(waits.earned, answered) if wait]
    gave_up = [wait for wait in map(waits.earned, lost) if wait]
    methods = {wait.method for wait in earned}
    early = sum(wait.seconds <= wait.threshold for wait in gave_up) if mostly(len(gave_up), len(lost)) else None
    speeds = [call["speed_of_answer_s"] for call in answered if call["speed_of_answer_s"] is not None]
    told = None
    if answered:
        told = "validated" if mostly(len(earned), len(answered)) else "unverified"
    waited = sum(wait.seconds for wait in earned)
    return {
        "speed_of_answer_calls": len(speeds),
        "speed_of_answer_total_s": sum(speeds),
        "average_speed_of_answer_s": ratio(waited, len(earned)) if told == "validated" else None,
        "wait_calls": len(earned),
        "wait_total_s": waited,
        "wait_method": "both" if len(methods) == 2 else next(iter(methods), None),
        "wait_status": told,
        "threshold_s": common_threshold(earned),
        **service_levels(n, sum(map(met, answered)), early),
    }


def service_levels(n: Counter[str], within: int, early: int | None) -> Row:
    """The counts and every service level, of calls by outcome, those met, and those lost within the threshold."""
    answered, abandoned, short = n["answered"], n["abandoned"], n["short_abandoned"]
    every = answered + abandoned + short
    return {
        "calls_offered": sum(n[outcome] for outcome in OFFERED),
        "calls_answered_within_sla": within,
        **{f"calls_{outcome}": n[outcome] for outcome in OFFERED},
        "service_level": ratio(within, answered + abandoned),
        "sl_answered_only": ratio(within, answered),
        "sl_all_abandons": ratio(within, every),
        "sl_short_positive": ratio(within + short, every),
        "sl_offered": ratio(within, sum(n[outcome] for outcome in OFFERED)),
        "calls_abandoned_within_threshold": early,
        "sl_abandon_within_threshold_ignored": None if early is None else ratio(within, every - early),
        "sl_abandon_within_threshold_positive": None if early is None else ratio(within + early, every),
    }


ABANDONMENT = (
    "local_date dimension member_id member_name calls_offered calls_answered calls_abandoned calls_short_abandoned "
    "calls_abandoned_distributed abandonment_rate abandonment_rate_incl_short abandonment_rate_offered "
    "short_abandonment_rate time_to_abandon_calls time_to_abandon_total_s average_time_to_abandon_s wait_status day_status"
)


def abandonment(calls: pd.DataFrame, calibration: pd.DataFrame, day: date, status: str) -> pd.DataFrame:
    """Whom the centre loses, of every member of every dimension."""
    waits = Waits(calibration)
    inbound = [call for call in ended(calls) if call["direction"] == "inbound"]
    common = {"local_date": day, "day_status": status}
    return frame((common | member | _losing(own, waits) for member, own in members(inbound)), ABANDONMENT)


def _losing(rows: list[Row], waits: Waits) -> Row:
    n = Counter(call["outcome"] for call in rows)
    answered, lost, short = n["answered"], n["abandoned"], n["short_abandoned"]
    offered = sum(n[outcome] for outcome in OFFERED)
    abandoned = [call for call in rows if call["outcome"] == "abandoned"]
    earned = [wait for wait in map(waits.earned, abandoned) if wait]
    told = None
    if abandoned:
        told = "validated" if mostly(len(earned), len(abandoned)) else "unverified"
    waited = sum(wait.seconds for wait in earned)
    return {
        "calls_offered": offered,
        "calls_answered": answered,
        "calls_abandoned": lost,
        "calls_short_abandoned": short,
        "calls_abandoned_distributed": sum("abandoned_distributed" in call["call_types"] for call in abandoned),
        "abandonment_rate": ratio(lost, answered + lost),
        "abandonment_rate_incl_short": ratio(lost + short, answered + lost + short),
        "abandonment_rate_offered": ratio(lost, offered),
        "short_abandonment_rate": ratio(short, offered),
        "time_to_abandon_calls": len(earned),
        "time_to_abandon_total_s": waited,
        "average_time_to_abandon_s": ratio(waited, len(earned)) if told == "validated" else None,
        "wait_status": told,
    }


AGENT_TALK_TIME = (
    "local_date agent_key agent_id agent_alias direction calls_offered calls_handled calls_answered_first "
    "calls_answered_last calls_missed transfers_in talk_s talk_s_max average_talk_s talk_calls day_status"
)


def agent_talk_time(legs: pd.DataFrame, day: date, status: str) -> pd.DataFrame:
    """Who talks how long, by agent and direction."""
    rows = []
    for (key, agent, direction), own in groups_of(
        legs.to_dict("records"), "agent_key", "agent_id", "direction"
    ).items():
        offered, handled, first, last, known = (
            distinct(own, keep)
            for keep in (
                lambda _leg: True,
                lambda leg: leg["answered"],
                lambda leg: leg["is_first"],
                lambda leg: leg["is_last"],
                lambda leg: leg["answered"] and leg["talk_s"] is not None,
            )
        )
        talk = total(leg["talk_s"] for leg in own)
        row = {
            "agent_alias": last_alias(own),
            "calls_offered": offered,
            "calls_handled": handled,
            "calls_answered_first": first,
            "calls_answered_last": last,
            "calls_missed": offered - handled,
            "transfers_in": sum(leg["is_transfer"] and leg["answered"] for leg in own) if key not in NOBODY else 0,
            "talk_s": talk,
            "talk_s_max": total(leg["talk_s_max"] for leg in own),
            "average_talk_s": ratio(talk, known),
            "talk_calls": known,
        }
        names = {"agent_key": key, "agent_id": agent, "direction": direction}
        rows.append({"local_date": day, "day_status": status} | names | row)
    return frame(rows, AGENT_TALK_TIME)


def last_alias(legs: list[Row]) -> str | None:
    """The name in the last leg that has one, by the calls' ids."""
    named = [leg for leg in legs if leg["agent_alias"] is not None]
    return max(named, key=lambda leg: (leg["call_id"], leg["leg"]))["agent_alias"] if named else None


def distinct(legs: list[Row], keep: Callable[[Row], bool]) -> int:
    """How many calls have a leg like that; talk that no agent owns counts in no call count."""
    return len({leg["call_id"] for leg in legs if leg["agent_key"] not in NOBODY and keep(leg)})


TIME_DISTRIBUTION = "local_date direction ring_group_id measure up_to_s calls wait_status day_status"


def time_distribution(calls: pd.DataFrame, calibration: pd.DataFrame, day: date, status: str) -> pd.DataFrame:
    """How many calls talk and wait up to how long."""
    waits = Waits(calibration)
    found: Counter[tuple] = Counter()
    for call in ended(calls):
        for measure, seconds, method in timed(call):
            up_to = next((bound for bound in BINS if seconds <= bound), None)
            status_of_wait = None if method is None else waits.status(call, method)
            found[call["direction"], call["ring_group_id"], measure, up_to, status_of_wait] += 1
    common = {"local_date": day, "day_status": status}
    names = ("direction", "ring_group_id", "measure", "up_to_s", "wait_status")
    rows = (common | dict(zip(names, values, strict=True)) | {"calls": n} for values, n in found.items())
    return frame(rows, TIME_DISTRIBUTION)


def timed(call: Row) -> Iterator[tuple[str, int, str | None]]:
    """The measures that a call has, with their seconds and the estimate of the wait that they rest on."""
    if call["outcome"] == "answered" and call["talk_s"] is not None:
        yield "talk", call["talk_s"], None
    if call["direction"] != "inbound":
        return
    if call["outcome"] == "answered":
        for method, wait in waits_of(call).items():
            yield f"wait_{method}", wait, method
    elif call["outcome"] in ("abandoned", "short_abandoned") and call["duration_s"] is not None:
        yield "time_to_abandon", call["duration_s"], "duration_less_talk"


TALK_LOAD = (
    "local_date dimension member_id interval_start calls talk_s_by_start talk_s_in_interval erlangs peak_talk_calls "
    "day_status"
)


def talk_begin(call: Row) -> int:
    """When a call's talk begins, in epoch seconds: with its first known answering leg, else with the call."""
    return int(call["started_at"].timestamp()) + (call["speed_of_answer_s"] or 0)


def pieces(begin: int, seconds: int, offset: int) -> dict[int, tuple[int, int]]:
    """Talk cut at the borders of half-hours: its begin and end within each one's start, in epoch seconds."""
    cut, start, end = {}, half_hour(begin, offset), begin + seconds
    while seconds and start < end:
        cut[start] = (max(begin, start), min(end, start + HALF_HOUR))
        start += HALF_HOUR
    return cut


def talk_load(calls: pd.DataFrame, day: date, status: str) -> pd.DataFrame:
    """How many talk at once in each half-hour, in total, by direction and by ring group."""
    over = ended(calls)
    slices: list[tuple[str, object, list[Row]]] = [("total", "(all)", over)]
    slices += [("direction", value, own) for (value,), own in groups_of(over, "direction").items()]
    slices += [("ring_group", value, own) for (value,), own in groups_of(over, "ring_group_id").items()]
    rows = []
    for dimension, value, own in slices:
        member = "(none)" if value is None else str(value)
        common = {"local_date": day, "dimension": dimension, "member_id": member, "day_status": status}
        rows += [common | load for load in _loads(own)]
    return frame(rows, TALK_LOAD)


def _loads(calls: list[Row]) -> Iterator[Row]:
    began = {start: own for (start,), own in groups_of(calls, "interval_start").items()}
    talks: dict[datetime, list[tuple[int, int]]] = {}
    for call in calls:
        for start, talk in pieces(talk_begin(call), call["talk_s"] or 0, call["utc_offset_s"]).items():
            talks.setdefault(utc(start), []).append(talk)
    for start in began.keys() | talks.keys():
        within = sum(end - begin for begin, end in talks.get(start, []))
        yield {
            "interval_start": start,
            "calls": len(began.get(start, [])),
            "talk_s_by_start": total(call["talk_s"] for call in began.get(start, [])),
            "talk_s_in_interval": within,
            "erlangs": within / HALF_HOUR,
            "peak_talk_calls": peak(talks.get(start, [])),
        }


def peak(talks: list[tuple[int, int]]) -> int:
    """The most talks that go on at the same moment; who stops as another begins does not add to it."""
    return max((sum(begin <= moment < end for begin, end in talks) for moment, _ in talks), default=0)


AGENT_INTERVALS = (
    "local_date interval_start agent_key agent_id direction calls_offered calls_handled talk_s_by_start "
    "talk_s_in_interval day_status"
)


def agent_intervals(calls: pd.DataFrame, legs: pd.DataFrame, day: date, status: str) -> pd.DataFrame:
    """When who talks: each agent's half-hours by direction."""
    over = {call["call_id"]: call for call in ended(calls)}
    parts = []
    for leg in legs.to_dict("records"):
        call, talk = over[leg["call_id"]], leg["talk_s"] or 0
        parts.append(leg | {"start": call["interval_start"], "began": True, "by_start": talk, "within": 0})
        cut = pieces(talk_begin(call) + (leg["offset_s"] or 0), talk, call["utc_offset_s"])
        for start, (begin, end) in cut.items():
            parts.append(leg | {"start": utc(start), "began": False, "by_start": 0, "within": end - begin})
    rows = []
    for (start, key, agent, direction), own in groups_of(parts, "start", "agent_key", "agent_id", "direction").items():
        row = {
            "interval_start": start,
            "agent_key": key,
            "agent_id": agent,
            "direction": direction,
            "calls_offered": distinct(own, lambda part: part["began"]),
            "calls_handled": distinct(own, lambda part: part["began"] and part["answered"]),
            "talk_s_by_start": sum(part["by_start"] for part in own),
            "talk_s_in_interval": sum(part["within"] for part in own),
        }
        rows.append({"local_date": day, "day_status": status} | row)
    return frame(rows, AGENT_INTERVALS)
