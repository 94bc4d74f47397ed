"""The three answers in a terminal: names are shown as they are, whatever stands in them."""

import io
from datetime import date

import pytest
from rich.console import Console

from calls_assets.commands.answers import print_answers
from calls_assets.days import ONE_DAY
from calls_assets.sandbox import Centre, FixedCalls, Sandbox
from calls_assets_tests.accounts import write_tree

DAY = date(2026, 3, 6)
NOON = 1_772_798_400


@pytest.mark.parametrize(
    ("alias", "shown"), [("[/b] Ann | [red]", "[/b] Ann | [red]"), (None, "77"), ("Zoë 🙂", "Zoë 🙂")]
)
def test_an_agent_is_shown_by_name_or_by_id(make_call, run_pipeline, tmp_path, alias, shown):
    leg = {"id": 77, "alias": alias, "started_at": NOON + 9, "is_any_transfer": False}
    call = make_call(
        1, NOON, agents=[77], all_agents=[leg], answered_agents=[leg], is_inbound=True, is_answered=True, talk_time=60
    )
    with Sandbox(FixedCalls([(call, {"all_inbound", "inbound_answered"})])) as api:
        assert run_pipeline(api, tmp_path, DAY, DAY).success
    printed = io.StringIO()
    print_answers(DAY, DAY, str(tmp_path), Console(file=printed, width=120))
    assert shown in printed.getvalue()


def test_a_speed_of_answer_that_no_day_has_is_told_of_instead_of_shown(make_call, run_pipeline, tmp_path):
    call = make_call(1, NOON, is_inbound=True, is_answered=True, talk_time=60)
    with Sandbox(FixedCalls([(call, {"all_inbound", "inbound_answered"})])) as api:
        assert run_pipeline(api, tmp_path, DAY, DAY).success
    printed = io.StringIO()
    print_answers(DAY, DAY, str(tmp_path), Console(file=printed, width=120))
    assert "No speed of answer: CALLS_WAIT is not set, or these days contradict it" in printed.getvalue()
    assert "speed of" not in printed.getvalue().partition("No speed")[0]


def test_of_a_long_range_the_last_days_are_listed_and_the_others_counted(tmp_path):
    last = DAY + 2 * ONE_DAY
    write_tree(tmp_path, Centre(calls_per_day=40), DAY, last)
    printed = io.StringIO()
    print_answers(DAY, last, str(tmp_path), Console(file=printed, width=80), listed=2)
    listed = [line.split()[:3] for line in printed.getvalue().splitlines() if " Mar " in line]
    assert listed == [["Sat", "07", "Mar"], ["Sun", "08", "Mar"]]
    assert "1 earlier day is left out: calls-assets sql has them." in printed.getvalue()
