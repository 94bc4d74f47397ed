"""Which days the doctor requests."""

import json
from datetime import date, timedelta

from calls_assets.api.decode import read_page
from calls_assets.api.document import Query
from calls_assets.doctor.account import Account
from calls_assets.doctor.single_days import DAYS, busy_days

LAST = date(2025, 5, 20)


def test_calls_without_a_total_are_calls(make_call):
    """Otherwise, an account that lists its oldest calls first would lead a year back."""
    asked = []

    def fetch(query):
        asked.append(query)
        return read_page(json.dumps({"calls": [make_call(1, 1_716_000_000)]}).encode())

    assert busy_days(Account(fetch, Query()), LAST) == tuple(LAST - timedelta(days=n) for n in reversed(range(DAYS)))
    assert len(asked) == 1
