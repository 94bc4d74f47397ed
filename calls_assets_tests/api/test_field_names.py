"""Which names of undocumented fields Dagster may be told."""

import pytest

from calls_assets.api.field_names import ODD_NAME, shown_name


@pytest.mark.parametrize(
    "name",
    [
        "queue_time",
        "waitTimeSeconds",
        "SLA",
        "caller_id",
        "vip",
        "customField12",
        "call-id",
        "CRMContactID",
        "numberWithAlias",
    ],
)
def test_a_name_of_the_trades_words_is_shown(name):
    assert shown_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "john_smith", "johnSmith", "Ada", "ada_byron_queue", "+15551234567", "15551234567", "_15551234567",
        "call_15551234567", "ada@example.com", "0b9f7a52-96f3-4a0c-8f43-5b0e7d7cb6a1", "c0ffee", "call id", "call.id", "",
        "_", "12", "queue\n", "queue\x1b[2J", "\u202equeue", "qu\u0435ue", "queue_" * 20, "eyJhbGciOiJIUzI1NiJ9",
        "sk_live_abcDEF",
    ],
)  # fmt: skip
def test_a_name_that_could_be_a_person_a_number_or_a_token_is_not(name):
    assert shown_name(name) == ODD_NAME
