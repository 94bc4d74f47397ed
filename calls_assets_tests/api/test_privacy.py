"""What a policy leaves of names, numbers, notes and addresses of recordings, in calls, in `extra` and in rejects."""

import json
from dataclasses import replace

import pytest

from calls_assets.api.decode import read_page
from calls_assets.api.privacy import DROP, KEEP, PSEUDONYMISE, Privacy

START = 1_747_839_084
KEY = "a key of sixteen characters and more"
SECRETS = ("Ada Byron", "5550100", "+15550100", "+15550199", "call her sister", "https://files/1.mp3", "15550123")


def record(call_id=1, **changes):
    return {
        "id": call_id,
        "started_at": START,
        "contact": {
            "id": 4,
            "full_name": "Ada Byron",
            "national_number": "5550100",
            "number": "+15550100",
            "list_ids": [2],
        },
        "external_numbers": [None, {"number": "+15550199", "is_any_transfer": True}, {"number": "+15550100"}],
        "disposition": {"id": 1, "code": "sale", "note": "call her sister"},
        "recordings": [{"id": 9, "url": "https://files/1.mp3"}],
        "answered_agents": [{"id": 3, "alias": "Agent Three", "mobile": "+15550199"}],
        "caller_id": 15550123,
        "vip": True,
    } | changes


def page(policy, *records, key=KEY):
    body = json.dumps({"calls": records, "meta": {"total": len(records)}}).encode()
    privacy, read = Privacy(policy, key), read_page(body)
    return replace(read, calls=privacy.calls(read.calls), rejects=privacy.rejects(read.rejects))


def all_text(left):
    return json.dumps([left.calls.to_pylist(), [reject.record for reject in left.rejects]])


def test_keep_leaves_the_page_as_it_is():
    read = page(KEEP, record())
    assert all(secret in all_text(read) for secret in SECRETS)


@pytest.mark.parametrize("policy", [DROP, PSEUDONYMISE])
def test_nothing_personal_is_left_in_calls_or_in_what_the_document_does_not_name(policy):
    left = page(policy, record(), record(2, contact=None, recordings=[]))
    assert [secret for secret in SECRETS if secret in all_text(left)] == []
    first, second = left.calls.to_pylist()
    assert (first["contact"]["id"], first["contact"]["list_ids"], first["disposition"]["code"]) == (4, [2], "sale")
    assert first["answered_agents"][0]["alias"] == "Agent Three"
    assert (second["contact"], second["recordings"]) == (None, [])
    assert json.loads(first["extra"])["vip"] is True


@pytest.mark.parametrize("policy", [DROP, PSEUDONYMISE])
def test_a_rejected_record_keeps_only_what_the_document_names_and_is_not_personal(policy):
    bad = record(
        duration="Ada Byron", tags="+15550100", started_at="no", agents=["5550100"], contact=["Ada Byron", "\ud83d"]
    )
    (reject,) = page(policy, bad).rejects
    assert [secret for secret in SECRETS if secret in reject.record] == []
    kept = json.loads(reject.record)
    assert (kept["id"], kept["disposition"]["code"], kept["vip"]) == (1, "sale", True)


def test_dropped_texts_are_null_and_the_shape_stays():
    (row,) = page(DROP, record()).calls.to_pylist()
    assert row["contact"]["full_name"] is None
    assert [item and item["number"] for item in row["external_numbers"]] == [None, None, None]
    assert row["external_numbers"][1]["is_any_transfer"] is True
    assert json.loads(row["extra"]) == {"answered_agents": [{"mobile": None}], "caller_id": None, "vip": True}


def test_pseudonyms_still_join_and_depend_on_the_key():
    (row,) = page(PSEUDONYMISE, record()).calls.to_pylist()
    assert row["contact"]["number"] == row["external_numbers"][2]["number"] != row["external_numbers"][1]["number"]
    assert json.loads(row["extra"])["answered_agents"][0]["mobile"] == row["external_numbers"][1]["number"]
    (other,) = page(PSEUDONYMISE, record(), key=KEY[::-1]).calls.to_pylist()
    assert other["contact"]["number"] != row["contact"]["number"]


def test_the_schema_is_the_same_under_every_policy():
    assert page(KEEP, record()).calls.schema == page(DROP, record()).calls.schema == page(PSEUDONYMISE).calls.schema


@pytest.mark.parametrize(("policy", "key"), [("hide", KEY), (PSEUDONYMISE, ""), (PSEUDONYMISE, "too short")])
def test_a_policy_that_cannot_be_kept_is_refused_and_the_key_is_not_shown(policy, key):
    with pytest.raises(ValueError, match=r"^CALLS_PRIVACY(_KEY)? is ") as caught:
        Privacy(policy, key)
    assert not key or key not in str(caught.value)
