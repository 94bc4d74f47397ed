"""A second reading of the written definitions, by other means: how long callers wait and agents talk."""

import math
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pandas as pd

from calls_assets_tests.second_opinion.counts import (
    OFFERED,
    ended,
    groups_of,
    latest_name,
    members,
    met,
    names_of,
    total,
)
from calls_assets_tests.second_opinion.opinion import HALF_HOUR, Row, frame, half_hour, on_the_wall, ratio, utc, wait_by

BINS = (15, 20, 25, 30, 45, 60, 90, 120, 180, 240, 300, 600)
CALIBRATION = (
    "local_date member_id member_name method calls calls_late threshold_s threshold_most_s threshold_source errors "
    "error_rate agreement"
)
NOBODY = ("external", "unattributed")


def answered_inbound(calls: pd.DataFrame) -> list[Row]:
    """The inbound calls that were answered, as rows."""
    return [call for call in ended(calls) if call["direction"] == "inbound" and call["outcome"] == "answered"]


def member_of(call: Row) -> str:
    """The ring group of a call as text."""
    return "(none)" if call["ring_group_id"] is None else str(call["ring_group_id"])


def wait_calibration(calls: pd.DataFrame, day: date) -> pd.DataFrame:
    """The waits of the account's method held against the vendor's own verdict, for each ring group and for all."""
    verdicts: dict[str, list[tuple[int, bool]]] = {}
    calls_of: dict[str, list[Row]] = {}
    for call in answered_inbound(calls):
        wait = wait_by(call["wait_method"], call)
        if call["is_answered_within_sla"] is not None and wait is not None:
            calls_of.setdefault(member_of(call), []).append(call)
            verdicts.setdefault(member_of(call), []).append((wait, call["is_answered_within_sla"]))
    if not verdicts:
        return frame([], CALIBRATION)
    unset = [member for member in verdicts if calls_of[member][0]["sla_threshold_s"] is None]
    of_all = best([verdict for member in unset or verdicts for verdict in verdicts[member]])
    fits = {member: fit(verdicts[member], calls_of[member][0]["sla_threshold_s"], of_all) for member in verdicts}
    rows = [told | {"member_id": member, "member_name": name_of(calls_of[member])} for member, told in fits.items()]
    rows.append({"member_id": "(all)", "member_name": "(all)"} | together(list(fits.values())))
    method = next(own[0]["wait_method"] for own in calls_of.values())
    common = {"local_date": day, "method": method}
    rows = [common | row | {"agreement": agreement(row)} for row in rows]
    return frame(({name: row[name] for name in CALIBRATION.split()} for row in rows), CALIBRATION)


def name_of(calls: list[Row]) -> str | None:
    """The name of the ring group of some calls."""
    return "(none)" if member_of(calls[0]) == "(none)" else latest_name(calls, "ring_group_name")


def errors_at(threshold: int, verdicts: list[tuple[int, bool]]) -> int:
    """How many waits are on the wrong side of a threshold; a verdict is the wait and whether that is in time."""
    return sum((wait <= threshold) != in_time for wait, in_time in verdicts)


def best(verdicts: list[tuple[int, bool]]) -> tuple[int, int | None]:
    """The lowest threshold that agrees with most verdicts, and the highest that is as good; None: there is no highest."""
    waits = sorted({wait for wait, _ in verdicts})
    candidates = [waits[0] - 1, *waits]
    threshold = min(candidates, key=lambda candidate: (errors_at(candidate, verdicts), candidate))
    return threshold, next((wait - 1 for wait in waits if wait > threshold), None)


def fit(verdicts: list[tuple[int, bool]], given: int | None, of_all: tuple[int, int | None]) -> Row:
    """How a ring group agrees with its threshold: the one that is set, that of all, or its own."""
    n = len(verdicts)
    least, most = (given, given) if given is not None else of_all
    if given is None:
        own, errors = best(verdicts), errors_at(least, verdicts)
        if too_many(errors, n) or errors >= 2 * errors_at(own[0], verdicts) + 10:
            least, most = own
    late = sum(not in_time for _, in_time in verdicts)
    source = "best_fit" if given is None else "setting"
    errors = errors_at(least, verdicts)
    return told(n, late, errors, least, most, source, min(late, n - late))


def together(fits: list[Row]) -> Row:
    """The fits of all ring groups in one."""
    highest = max(row["threshold_s"] for row in fits)
    tops = [row["threshold_most_s"] for row in fits if row["threshold_most_s"] is not None]
    suits = all(highest <= top for top in tops)
    n, late, errors, most_errors = (
        sum(row[name] for row in fits) for name in ("calls", "calls_late", "errors", "most_errors")
    )
    source = "setting" if all(row["threshold_source"] == "setting" for row in fits) else "best_fit"
    most = min(tops, default=None) if suits else None
    return told(n, late, errors, highest if suits else None, most, source, most_errors)


def told(n: int, late: int, errors: int, least: int | None, most: int | None, source: str, most_errors: int) -> Row:
    """The columns of a fit, and the most errors that a threshold can have."""
    return {
        "calls": n,
        "calls_late": late,
        "threshold_s": least,
        "threshold_most_s": most,
        "threshold_source": source,
        "errors": errors,
        "error_rate": ratio(errors, n),
        "most_errors": most_errors,
    }


def too_many(errors: int, calls: int) -> bool:
    """Whether a method that is wrong about 1 of 50 has so many errors, or more, less often than once in 1,000; exactly."""
    if errors * 50 <= calls:
        return False
    fewer = sum(math.comb(calls, k) * 49 ** (calls - k) for k in range(errors))
    return (50**calls - fewer) * 1000 < 50**calls


def agreement(row: Row) -> str:
    """Whether the waits of a ring group contradict the vendor, agree, or could not contradict."""
    if too_many(row["errors"], row["calls"]):
        return "contradicts"
    return "agrees" if too_many(row["most_errors"], row["calls"]) else "too_few"


def mostly(known: int, everything: int) -> bool:
    """Whether at least 95 % are known."""
    return known * 20 >= everything * 19


class Trust:
    """Which calls' waits can be trusted on a day."""

    def __init__(self, calibration: pd.DataFrame, method: str | None) -> None:
        self.method = method
        self._told = {row["member_id"]: row for row in calibration.to_dict("records")}

    def contradicts(self, member: str) -> bool:
        """Whether a ring group contradicts the waits."""
        return self._told.get(member, {}).get("agreement") == "contradicts"

    def wait(self, call: Row) -> int | None:
        """A call's wait, unless its ring group contradicts it."""
        return None if self.contradicts(member_of(call)) else call["wait_s"]

    def thresholds(self, call: Row) -> tuple[int, int | None] | None:
        """The lowest and the highest threshold that a call's may be, as far as that is known."""
        if call["sla_threshold_s"] is not None:
            return call["sla_threshold_s"], call["sla_threshold_s"]
        row = self._told.get(member_of(call), {})
        return (row["threshold_s"], row["threshold_most_s"]) if row.get("agreement") == "agrees" else None

    def status(self, rows: list[Row], is_total: bool) -> str:
        """Whether figures of some calls that need a wait can be trusted."""
        if self.method is None:
            return "unknown"
        doubted = any(self.contradicts(member_of(call)) for call in rows) or (is_total and self.contradicts("(all)"))
        return "contradicted" if doubted else "verified"


def common_threshold(ranges: list[tuple[int, int | None]]) -> int | None:
    """The highest of the lowest thresholds, where it is in every range."""
    highest = max((least for least, _ in ranges), default=None)
    return highest if all(most is None or highest <= most for _, most in ranges) else None


SERVICE_LEVEL = (
    "local_date dimension member_id member_name calls_offered calls_answered calls_answered_within_sla calls_abandoned "
    "calls_short_abandoned calls_overflowed calls_callback_requested calls_unanswered_other service_level "
    "sl_answered_only sl_all_abandons sl_short_positive sl_offered speed_of_answer_calls speed_of_answer_total_s "
    "average_speed_of_answer_s longest_wait_s wait_calls wait_total_s wait_method wait_status threshold_s "
    "calls_abandoned_within_threshold sl_abandon_within_threshold_ignored sl_abandon_within_threshold_positive "
    "sl_offered_excl_short sl_incl_overflowed answer_rate overflow_rate day_status"
)


def service_level(
    calls: pd.DataFrame, calibration: pd.DataFrame, day: date, status: str, method: str | None
) -> pd.DataFrame:
    """Whether callers are answered in time, of every member of every dimension."""
    trust = Trust(calibration, method)
    inbound = [call for call in ended(calls) if call["direction"] == "inbound"]
    common = {"local_date": day, "day_status": status}
    return frame((common | member | _answering(member, own, trust) for member, own in members(inbound)), SERVICE_LEVEL)


def _answering(member: Row, rows: list[Row], trust: Trust) -> Row:
    n = Counter(call["outcome"] for call in rows)
    answered = [call for call in rows if call["outcome"] == "answered"]
    lost = [call for call in rows if call["outcome"] in ("abandoned", "short_abandoned")]
    waits = [wait for wait in map(trust.wait, answered) if wait is not None]
    longest = max((wait for wait in map(trust.wait, rows) if wait is not None), default=None)
    status = trust.status(rows, member["dimension"] == "total")
    pairs = [(trust.wait(call), trust.thresholds(call)) for call in lost]
    known = [wait <= threshold[0] for wait, threshold in pairs if wait is not None and threshold]
    is_known = status == "verified" and mostly(len(known), len(lost))
    speeds = [call["speed_of_answer_s"] for call in answered if call["speed_of_answer_s"] is not None]
    return {
        "speed_of_answer_calls": len(speeds),
        "speed_of_answer_total_s": sum(speeds),
        "average_speed_of_answer_s": (
            ratio(sum(waits), len(waits)) if status == "verified" and mostly(len(waits), len(answered)) else None
        ),
        "longest_wait_s": longest if status == "verified" else None,
        "wait_calls": len(waits),
        "wait_total_s": sum(waits),
        "wait_method": trust.method,
        "wait_status": status,
        "threshold_s": common_threshold([found for found in map(trust.thresholds, answered) if found]),
        **service_levels(n, sum(map(met, answered)), sum(known) if is_known else None),
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
        "sl_offered_excl_short": ratio(within, sum(n[outcome] for outcome in OFFERED if outcome != "short_abandoned")),
        "sl_incl_overflowed": ratio(within, answered + abandoned + n["overflowed"]),
        "answer_rate": ratio(answered, sum(n[outcome] for outcome in OFFERED)),
        "overflow_rate": ratio(n["overflowed"], sum(n[outcome] for outcome in OFFERED)),
    }


ABANDONMENT = (
    "local_date dimension member_id member_name calls_offered calls_answered calls_abandoned calls_short_abandoned "
    "calls_abandoned_distributed abandonment_rate abandonment_rate_incl_short abandonment_rate_offered "
    "short_abandonment_rate time_to_abandon_calls time_to_abandon_total_s average_time_to_abandon_s wait_status "
    "calls_inbound calls_ivr_exit calls_out_of_hours ivr_exit_rate out_of_hours_rate day_status"
)


def abandonment(
    calls: pd.DataFrame, calibration: pd.DataFrame, day: date, status: str, method: str | None
) -> pd.DataFrame:
    """Whom the centre loses, of every member of every dimension."""
    trust = Trust(calibration, method)
    inbound = [call for call in ended(calls) if call["direction"] == "inbound"]
    common = {"local_date": day, "day_status": status}
    return frame((common | member | _losing(member, own, trust) for member, own in members(inbound)), ABANDONMENT)


def _losing(member: Row, rows: list[Row], trust: Trust) -> Row:
    n = Counter(call["outcome"] for call in rows)
    answered, lost, short = n["answered"], n["abandoned"], n["short_abandoned"]
    offered = sum(n[outcome] for outcome in OFFERED)
    abandoned = [call for call in rows if call["outcome"] == "abandoned"]
    waits = [wait for wait in map(trust.wait, abandoned) if wait is not None]
    status = trust.status(rows, member["dimension"] == "total")
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
        "time_to_abandon_calls": len(waits),
        "time_to_abandon_total_s": sum(waits),
        "average_time_to_abandon_s": (
            ratio(sum(waits), len(waits)) if status == "verified" and mostly(len(waits), len(abandoned)) else None
        ),
        "wait_status": status,
        "calls_inbound": len(rows),
        "calls_ivr_exit": n["ivr_exit"],
        "calls_out_of_hours": n["out_of_hours"],
        "ivr_exit_rate": ratio(n["ivr_exit"], len(rows)),
        "out_of_hours_rate": ratio(n["out_of_hours"], len(rows)),
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


TIME_DISTRIBUTION = "local_date direction ring_group_id ring_group_name measure up_to_s calls day_status"


def time_distribution(calls: pd.DataFrame, calibration: pd.DataFrame, day: date, status: str) -> pd.DataFrame:
    """How many calls talk and wait up to how long."""
    trust, groups = Trust(calibration, None), names_of(ended(calls), "ring_group")
    found: Counter[tuple] = Counter()
    for call in ended(calls):
        for measure, seconds in timed(call, trust):
            up_to = next((bound for bound in BINS if seconds <= bound), None)
            group = call["ring_group_id"]
            found[call["direction"], group, groups.get(group), measure, up_to] += 1
    common = {"local_date": day, "day_status": status}
    names = ("direction", "ring_group_id", "ring_group_name", "measure", "up_to_s")
    rows = (common | dict(zip(names, values, strict=True)) | {"calls": n} for values, n in found.items())
    return frame(rows, TIME_DISTRIBUTION)


def timed(call: Row, trust: Trust) -> Iterator[tuple[str, int]]:
    """The measures that a call has, with their seconds."""
    if call["outcome"] == "answered" and call["talk_s"] is not None:
        yield "talk", call["talk_s"]
    wait = trust.wait(call)
    if wait is not None:
        yield ("wait" if call["outcome"] == "answered" else "time_to_abandon"), wait


TALK_LOAD = (
    "local_date dimension member_id member_name interval_start interval_start_local calls talk_s_by_start "
    "talk_s_in_interval erlangs peak_talk_calls day_status"
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


def talk_load(calls: pd.DataFrame, day: date, status: str, zone: ZoneInfo) -> pd.DataFrame:
    """How many talk at once in each half-hour, in total, by direction and by ring group."""
    over = ended(calls)
    groups = names_of(over, "ring_group")
    slices: list[tuple[str, object, list[Row]]] = [("total", "(all)", over)]
    slices += [("direction", value, own) for (value,), own in groups_of(over, "direction").items()]
    slices += [("ring_group", value, own) for (value,), own in groups_of(over, "ring_group_id").items()]
    rows = []
    for dimension, value, own in slices:
        member = "(none)" if value is None else str(value)
        name = groups[value] if dimension == "ring_group" and value is not None else member
        common = {"local_date": day, "dimension": dimension, "member_id": member, "member_name": name}
        rows += [common | load | {"day_status": status} for load in _loads(own, zone)]
    return frame(rows, TALK_LOAD)


def _loads(calls: list[Row], zone: ZoneInfo) -> Iterator[Row]:
    began = {start: own for (start,), own in groups_of(calls, "interval_start").items()}
    talks: dict[datetime, list[tuple[int, int]]] = {}
    for call in calls:
        for start, talk in pieces(talk_begin(call), call["talk_s"] or 0, call["utc_offset_s"]).items():
            talks.setdefault(utc(start), []).append(talk)
    for start in began.keys() | talks.keys():
        within = sum(end - begin for begin, end in talks.get(start, []))
        yield {
            "interval_start": start,
            "interval_start_local": on_the_wall(start, zone),
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
    "local_date interval_start interval_start_local agent_key agent_id agent_alias direction ring_group_id ring_group_name "
    "calls_offered calls_handled talk_s_by_start talk_s_in_interval day_status"
)


def agent_intervals(calls: pd.DataFrame, legs: pd.DataFrame, day: date, status: str, zone: ZoneInfo) -> pd.DataFrame:
    """When who talks: each agent's half-hours by direction and ring group."""
    over = {call["call_id"]: call for call in ended(calls)}
    groups = names_of(list(over.values()), "ring_group")
    aliases = {key: last_alias(own) for (key,), own in groups_of(legs.to_dict("records"), "agent_key").items()}
    parts = []
    for leg in legs.to_dict("records"):
        call, talk = over[leg["call_id"]], leg["talk_s"] or 0
        leg |= {"ring_group_id": call["ring_group_id"]}
        parts.append(leg | {"start": call["interval_start"], "began": True, "by_start": talk, "within": 0})
        cut = pieces(talk_begin(call) + (leg["offset_s"] or 0), talk, call["utc_offset_s"])
        for start, (begin, end) in cut.items():
            parts.append(leg | {"start": utc(start), "began": False, "by_start": 0, "within": end - begin})
    rows = []
    keys = ("start", "agent_key", "agent_id", "direction", "ring_group_id")
    for (start, key, agent, direction, group), own in groups_of(parts, *keys).items():
        row = {
            "interval_start": start,
            "interval_start_local": on_the_wall(start, zone),
            "agent_key": key,
            "agent_id": agent,
            "agent_alias": aliases[key],
            "direction": direction,
            "ring_group_id": group,
            "ring_group_name": groups.get(group),
            "calls_offered": distinct(own, lambda part: part["began"]),
            "calls_handled": distinct(own, lambda part: part["began"] and part["answered"]),
            "talk_s_by_start": sum(part["by_start"] for part in own),
            "talk_s_in_interval": sum(part["within"] for part in own),
        }
        rows.append({"local_date": day, "day_status": status} | row)
    return frame(rows, AGENT_INTERVALS)
