"""What the commands share."""

import io

import pytest
from rich.console import Console

from calls_assets.commands.base import MOST_CHECKS, print_outcome
from calls_assets.dagster.launch import Outcome


def told_of(outcome):
    printed = io.StringIO()
    print_outcome(outcome, Console(file=printed, width=80))
    return printed.getvalue().splitlines()


def test_of_many_failed_checks_the_rest_are_counted():
    checks = [f"calls.unique of day {n}: twice" for n in range(MOST_CHECKS + 12)]
    *some, rest = told_of(Outcome(True, (), tuple(checks)))
    assert some == [f"Check failed: {check}" for check in checks[:MOST_CHECKS]]
    assert rest == "and 12 more failed checks; the UI has them."


def test_a_run_that_failed_ends_in_its_sentences_each_once():
    with pytest.raises(SystemExit) as ended:
        told_of(Outcome(False, ("The token is wrong.", "The token is wrong."), ()))
    assert ended.value.code == "calls-assets: The token is wrong."
