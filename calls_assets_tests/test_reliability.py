"""The table of docs/reliability.md is made of what ran, or not at all."""

import pytest

from calls_assets_tests import reliability


def junit(*more):
    cases = [f'<testcase name="{names[0]}_x[1]"/>' for _, names in reliability.NIGHTS.values()]
    return f"<testsuites><testsuite>{''.join((*cases, *more))}</testsuite></testsuites>"


def test_every_row_counts_its_tests_and_what_they_say_of_themselves():
    times = '<properties><property name="times" value="20"/></properties>'
    killed = f'<testcase name="test_a_run_killed_at_any">{times}</testcase>'
    made = reliability.table(junit(killed, '<testcase name="test_of_something_else"/>'))
    assert "at a random moment, and its rerun | 21 | the right data | 0 |" in made
    assert f"| all | {len(reliability.NIGHTS) + 20} |" in made


@pytest.mark.parametrize("how", ["failure", "error", "skipped"])
def test_a_night_that_did_not_pass_makes_no_table(how):
    with pytest.raises(ValueError, match="test_a_list did not pass"):
        reliability.table(junit(f'<testcase name="test_a_list"><{how}/></testcase>'))


def test_a_row_that_nothing_tried_makes_no_table():
    with pytest.raises(ValueError, match="No test tried: an answer that fails"):
        reliability.table("<testsuites/>")
