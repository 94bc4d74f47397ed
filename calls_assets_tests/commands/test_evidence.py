"""What `calls-assets evidence` says of an account: relations, what `type` tells, waits; its advice changes no outcome."""

import io
import re
from dataclasses import replace
from datetime import date, timedelta
from functools import partial

import pytest
from rich.console import Console

import calls_assets
from calls_assets.api.document import LABEL_CALL_TYPES
from calls_assets.commands import cli
from calls_assets.commands.evidence import (
    ENOUGH_CALLS,
    ENOUGH_DAYS,
    Pair,
    _types,
    print_evidence,
    suggestions,
    wait_settings,
)
from calls_assets.metrics.wait_proof import Fit, WaitProof
from calls_assets.sandbox import Centre, Meaning, Sandbox
from calls_assets.settings import Settings
from calls_assets.waits import METHODS, Thresholds, Waits
from calls_assets_tests.accounts import write_tree

FIRST, LAST = date(2026, 3, 2), date(2026, 3, 22)
READ = ("raw_calls", "raw_call_types", "calls", "day_status", "wait_calibration", "service_level")


def exact(type_, call_type, calls=ENOUGH_CALLS):
    return Pair(type_, call_type, calls, calls, calls)


def advice(pairs, days=ENOUGH_DAYS):
    (sentence,) = suggestions(pairs, days)
    return re.match(r"CALLS_CALL_TYPES=(\S+) ", sentence)


def test_a_call_type_that_type_always_tells_is_spared_with_the_evidence():
    (sentence,) = suggestions([exact("abandoned", "abandoned", 314), exact("callback", "callback")], 26)
    rest = ",".join(name for name in LABEL_CALL_TYPES if name != "abandoned")
    assert sentence.startswith(f"CALLS_CALL_TYPES={rest} saves 1 of 11 lists per pull: over 26 days")
    assert "abandoned on 314 calls" in sentence


@pytest.mark.parametrize(
    ("pairs", "days"),
    [
        ([exact("abandoned", "abandoned")], ENOUGH_DAYS - 1),
        ([exact("abandoned", "abandoned", ENOUGH_CALLS - 1)], ENOUGH_DAYS),
        ([Pair("abandoned", "abandoned", 99, 100, 99)], ENOUGH_DAYS),
        ([Pair("abandoned", "abandoned", 99, 99, 100)], ENOUGH_DAYS),
        ([exact("lost", "abandoned")], ENOUGH_DAYS),
        ([exact("short_abandoned", "short_abandoned"), Pair("short_abandoned", "abandoned", 60, 60, 90)], ENOUGH_DAYS),
    ],
    ids=["few days", "few calls", "type alone", "label alone", "another token", "another label would decide"],
)
def test_without_enough_evidence_all_are_asked_for(pairs, days):
    assert advice(pairs, days) is None


def test_of_ever_new_values_of_type_the_frequent_ones_are_shown_as_text():
    pairs = [exact(f"[/] {n}\x1b", "abandoned", calls=1000 + n) for n in range(150)]
    *entries, (rest, _) = _types(pairs)
    assert [head for head, _ in entries] == [f"[/] {n}�: {1000 + n:,} calls" for n in range(50, 150)]
    assert rest == "and 50 less frequent ones"


def test_its_own_distributed_label_is_no_obstacle():
    assert advice([exact("abandoned", "abandoned"), Pair("abandoned", "abandoned_distributed", 20, 50, 20)])


def evidence_of(tree, monkeypatch):
    monkeypatch.setenv("CALLS_DATA_URL", str(tree))
    monkeypatch.delenv("CALLS_TIMEZONE", raising=False)
    out = io.StringIO()
    print_evidence(FIRST, LAST, LAST + timedelta(days=1), Console(file=out, width=200), Settings.load())
    return out.getvalue()


def verdicts(text):
    return dict(re.findall(r"^(\S.*): (holds|fails|not enough data)\n    left [\d,]+, right ", text, re.MULTILINE))


@pytest.fixture
def pulled(run_pipeline, tmp_path):
    def pull(name, **settings):
        with Sandbox(Centre(calls_per_day=200)) as api:
            assert run_pipeline(api, tmp_path / name, FIRST, LAST, **settings).success
            return tmp_path / name, len(api.requests)

    return pull


@pytest.mark.slow
def test_following_the_advice_saves_requests_and_leaves_every_outcome(pulled, monkeypatch):
    tree, asked = pulled("all")
    text = evidence_of(tree, monkeypatch)
    (kept,) = re.findall(r"CALLS_CALL_TYPES=(\S+) saves", text)
    spared, asked_less = pulled("spared", call_types=tuple(kept.split(",")))
    assert asked_less < asked
    columns = ["call_id", "outcome"]
    same = (calls_assets.read("calls", columns=columns, data_url=root) for root in (tree, spared))
    assert next(same).equals(next(same))
    levels = (calls_assets.read("service_level", data_url=root).drop(columns="day_status") for root in (tree, spared))
    assert next(levels).equals(next(levels))


@pytest.mark.parametrize(
    ("meaning", "holds", "fails"),
    [
        (Meaning(), "abandoned_distributed in abandoned", "abandoned_distributed apart from abandoned"),
        pytest.param(
            Meaning(distributed="beside"),
            "abandoned_distributed apart from abandoned",
            "abandoned_distributed in abandoned",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            Meaning(short="inside"),
            "abandoned_distributed in abandoned",
            "abandoned apart from short_abandoned",
            marks=pytest.mark.slow,
        ),
        (Meaning(warm="beside"), "abandoned apart from short_abandoned", "warm_transfer in transfer"),
    ],
    ids=["as documented", "distributed beside", "short inside", "warm beside"],
)
def test_the_relations_of_each_account_are_found_and_outcomes_do_not_depend_on_them(
    monkeypatch, made_once, tmp_path, meaning, holds, fails
):
    def laid(root, meaning=meaning):
        return write_tree(root, Centre(calls_per_day=400, kind="help_desk", meaning=meaning), FIRST, LAST, READ)

    other = made_once("help_desk", partial(laid, meaning=Meaning()))
    tree = other if meaning == Meaning() else laid(tmp_path)
    found = verdicts(evidence_of(tree, monkeypatch))
    assert len(found) == 15
    assert (found[holds], found[fails]) == ("holds", "fails")
    outcomes = (calls_assets.read("calls", columns=["call_id", "outcome"], data_url=root) for root in (tree, other))
    assert next(outcomes).equals(next(outcomes))


@pytest.mark.parametrize(
    ("meaning", "proven"),
    [
        pytest.param(Meaning(), set(), id="timer starts in the queue"),
        pytest.param(
            Meaning(sla_clock="call", sla_s=25),
            {"duration_less_talk"},
            id="legs ring",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            Meaning(sla_clock="call", sla_s=45, leg_start="answer"),
            {"duration_less_talk", "leg_start"},
            id="legs answer",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            Meaning(sla_clock="call", sla_s=45, leg_start="answer", duration="talk"), {"leg_start"}, id="no duration"
        ),
        pytest.param(
            Meaning(sla_clock="call", sla_s=45, leg_start="answer", noise=0.05),
            set(),
            id="verdict with noise",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_accounts_whose_waits_can_be_told_are_told_apart_from_others(monkeypatch, tmp_path, meaning, proven):
    centre = Centre(calls_per_day=300, meaning=meaning)
    tree = write_tree(tmp_path, centre, FIRST, LAST)
    text = evidence_of(tree, monkeypatch)
    found = dict(
        re.findall(r"^(\S+) against the .*?^\(all\) .*? (proven|disproven|too few) *$", text, re.MULTILINE | re.DOTALL)
    )
    assert {method for method, verdict in found.items() if verdict == "proven"} == proven
    assert found.keys() == {"leg_start", "duration_less_talk"}
    method = next((name for name in METHODS if name in proven), "none")
    thresholds = f" CALLS_SLA_SECONDS={meaning.sla_s}" if proven else ""
    assert f"Set CALLS_WAIT={method}{thresholds}, then compute the days again that are there:\n" in text
    assert f"calls-assets run --computed --from {FIRST} --to {LAST}" in text
    if not proven:
        return
    again = write_tree(tmp_path / "again", centre, FIRST, LAST, waits=Waits(method, Thresholds(meaning.sla_s)))
    monthly = calls_assets.read("service_level", by="month", data_url=again)
    total = monthly[monthly["dimension"] == "total"].iloc[0]
    true_waits = [
        call.talks[0].start - call.started_at
        for day in sorted(set(calls_assets.read("calls", columns="local_date", data_url=again)["local_date"]))
        for call in centre.day(day)
        if "inbound_answered" in call.call_types
    ]
    assert (total["wait_status"], total["threshold_s"]) == ("verified", meaning.sla_s)
    assert total["average_speed_of_answer_s"] == pytest.approx(sum(true_waits) / len(true_waits), abs=0.01)


def test_what_is_set_already_is_not_told_again_and_a_wrong_setting_is(tmp_path):
    fit = Fit("leg_start", "(all)", "(all)", 900, 200, 20, 22, 0, 0.0, "proven", 1.0, 0.5)
    found = WaitProof([fit, replace(fit, member_id="1", member_name="One")])

    def advice(**given):
        return [*wait_settings(found, Settings(data_url=str(tmp_path), **given))][-1]

    assert advice() == "Set CALLS_WAIT=leg_start CALLS_SLA_SECONDS=20, then compute the days again that are there:"
    assert advice(wait="leg_start", sla_seconds=Thresholds(20)) == "The settings say so already."
    assert advice(wait="none", sla_seconds=Thresholds(20)).startswith("Set CALLS_WAIT=leg_start, ")


def test_more_days_are_read_where_thirty_do_not_decide_how_waits_are_told(monkeypatch, tmp_path):
    centre = Centre(calls_per_day=10, meaning=Meaning(sla_clock="call", sla_s=45))
    tree = write_tree(tmp_path, centre, FIRST, FIRST + timedelta(days=69), READ)
    monkeypatch.setenv("CALLS_DATA_URL", str(tree))
    out = io.StringIO()
    found = print_evidence(None, None, FIRST + timedelta(days=70), Console(file=out, width=200), Settings.load())
    assert "30 days do not decide how waits are told" in out.getvalue()
    assert found.method == "duration_less_talk"


@pytest.mark.parametrize("name", ["missing/x.env", "", "/dev/null"])
def test_where_nothing_can_be_written_is_said_before_the_work(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match=r"cannot be written, because the folder|is not a file that settings"):
        cli.main(["evidence", "--write-env", name or str(tmp_path)])


def test_what_is_proven_is_set_in_a_file_that_keeps_its_other_lines(monkeypatch, tmp_path, made_once):
    def laid(root):
        return write_tree(
            root, Centre(calls_per_day=300, meaning=Meaning(sla_clock="call", sla_s=45)), FIRST, LAST, READ
        )

    tree = made_once("waits", laid)
    file = tmp_path / ".env"
    file.write_text("# mine\nCALLS_WAIT=none\nCALLS_API_TOKEN=a-secret-token\n")
    file.chmod(0o600)
    monkeypatch.setenv("CALLS_DATA_URL", str(tree))
    arguments = ["evidence", "--from", str(FIRST), "--to", str(LAST), "--write-env", str(file)]
    cli.main(arguments)
    assert file.read_text().splitlines() == [
        "# mine",
        "CALLS_WAIT=duration_less_talk",
        "CALLS_API_TOKEN=a-secret-token",
        "CALLS_SLA_SECONDS=45",
    ]
    assert file.stat().st_mode & 0o777 == 0o600
