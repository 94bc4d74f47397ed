"""What a policy leaves of names, numbers, notes and addresses of recordings, in calls, in `extra` and in rejects."""

import json
import pickle
from dataclasses import asdict, replace

import pytest

from calls_assets.api.decode import Reject, read_page
from calls_assets.api.document import CALL, Kind
from calls_assets.api.privacy import DROP, KEEP, PSEUDONYMISE, Privacy

START = 1_747_839_084
KEY = "a key of sixteen characters and more"
SECRETS = (
    "Ada Byron", "5550100", "+15550100", "+15550199", "call her sister", "https://files/1.mp3", "15550123",
    "owes Ada money", "spoke to Ada", "ada@sip.example", "0044", "Agent Three",
)  # fmt: skip


def record(call_id=1, **changes):
    return {
        "id": call_id,
        "started_at": START,
        "contact": {
            "id": 4,
            "full_name": "Ada Byron",
            "national_number": "5550100",
            "number": "+15550100",
            "number_country_code": "0044",
            "list_ids": [2],
        },
        "external_numbers": [None, {"number": "+15550199", "is_any_transfer": True}, {"number": "+15550100"}],
        "disposition": {"id": 1, "code": "spoke to Ada", "note": "call her sister"},
        "recordings": [{"id": 9, "url": "https://files/1.mp3"}],
        "answered_agents": [{"id": 3, "alias": "Agent Three", "sip": "ada@sip.example", "mobile": "+15550199"}],
        "tags": ["owes Ada money", None],
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
    assert (first["contact"]["id"], first["contact"]["list_ids"], first["disposition"]["id"]) == (4, [2], 1)
    assert first["answered_agents"][0]["id"] == 3
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
    assert (kept["id"], kept["disposition"]["id"], kept["vip"]) == (1, 1, True)


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


NAMES = (
    "+15551234567",
    "john_smith",
    "ada@example.com",
    "0b9f7a52-96f3-4a0c-8f43-5b0e7d7cb6a1",
    "Ada Byron",
    "x" * 999,
)


@pytest.mark.parametrize("policy", [DROP, PSEUDONYMISE])
def test_a_name_of_a_field_tells_of_nobody_at_whatever_depth(policy):
    strange = {name: {"queue": {name: {name: True}}} for name in NAMES}
    read = page(
        policy, record(**strange), record(2, contact={"id": 4, **strange}), record(3, started_at="no", **strange)
    )
    assert [name for name in NAMES if name in all_text(read)] == []
    first, second = (json.loads(row["extra"]) for row in read.calls.to_pylist())
    assert len(first) == (len(NAMES) if policy == PSEUDONYMISE else 1) + len(["answered_agents", "caller_id", "vip"])
    assert second["contact"] == {name: part for name, part in first.items() if name not in record()}
    assert len(read.rejects) == 1


@pytest.mark.parametrize("policy", [DROP, PSEUDONYMISE])
def test_no_record_however_odd_keeps_the_others_of_its_day_from_landing(policy):
    deep = "[" * 700 + '{"Ada Byron": 5550100}' + "]" * 700
    odd = f'{{"id": 2, "started_at": {START}, "deep": {deep}, "n": NaN, "many": {"5" * 5000}, "huge": 1e999}}'
    bad = f'{{"id": 3, "started_at": "no", "deep": {deep}, "contact": {deep}, "many": -{"5" * 5000}}}'
    body = f'{{"calls": [{json.dumps(record())}, {odd}, {bad}], "meta": {{"total": 3}}}}'.encode()
    read, privacy = read_page(body), Privacy(policy, KEY)
    calls, rejects = privacy.calls(read.calls).to_pylist(), privacy.rejects(read.rejects)
    assert [row["id"] for row in calls] == [1, 2]
    assert len(rejects) == 1
    left = json.dumps(calls) + rejects[0].record
    assert [secret for secret in (*SECRETS, "5" * 20) if secret in left] == []
    assert json.loads(rejects[0].record)["id"] == 3


@pytest.mark.parametrize("policy", [DROP, PSEUDONYMISE])
def test_json_that_nests_beyond_reach_is_taken_out_whole(policy):
    beyond = '{"a": ' * 100_000 + '"Ada Byron"' + "}" * 100_000
    (left,) = Privacy(policy, KEY).rejects([Reject(1, START, "why", beyond)])
    assert "Ada" not in left.record
    assert len(left.record) < 100


def test_a_number_in_the_place_of_a_flag_could_be_one_of_a_person():
    (row,) = page(PSEUDONYMISE, record(is_answered=15551234567, is_ended=True)).calls.to_pylist()
    assert "15551234567" not in row["extra"]
    assert row["is_ended"] is True


def test_of_the_texts_that_the_document_names_these_stay():
    def texts(fields, path=""):
        for field in fields:
            yield from texts(field.parts, f"{path}{field.name}.")
            if field.kind is Kind.TEXT and not field.personal:
                yield path + field.name

    leg = ("type", "hangup_reason")
    assert [*texts(CALL)] == [
        *(f"{legs}.{name}" for legs in ("all_agents", "answered_agents") for name in leg),
        "number.number", "number.numberWithAlias", "number.alias", "type", "campaign.name", "ring_group.name", "ivr.name",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("policy", "key"),
    [
        ("hide", KEY),
        (PSEUDONYMISE, ""),
        (PSEUDONYMISE, "too short"),
        (PSEUDONYMISE, " " * 16),
        (PSEUDONYMISE, "too short" + " " * 16),
        (PSEUDONYMISE, "a" * 40),
        (PSEUDONYMISE, "\t " * 20),
        (PSEUDONYMISE, "secret" * 3),
        (PSEUDONYMISE, "abcdefgh" * 2),
        (PSEUDONYMISE, "abababababababbaba"),
        (PSEUDONYMISE, "1234567890123456"),
        (PSEUDONYMISE, "abcdefghijklmnopqrstuvwxyz"),
        (PSEUDONYMISE, "zyxwvutsrqponmlk"),
    ],
)
def test_a_policy_that_cannot_be_kept_is_refused_and_the_key_is_not_shown(policy, key):
    with pytest.raises(ValueError, match=r"^CALLS_PRIVACY(_KEY)? must be ") as caught:
        Privacy(policy, key)
    assert not key.strip() or key.strip() not in str(caught.value)


@pytest.mark.parametrize("key", [KEY, "0f3c9b1e7a5d2468", "correct horse battery staple", "Zürich-Ölpreis-1987!"])
def test_a_key_that_nobody_guesses_is_taken(key):
    assert Privacy(PSEUDONYMISE, key).fingerprint


def test_nothing_gives_the_key_back():
    privacy = Privacy(PSEUDONYMISE, KEY)
    told = [repr(privacy), str(privacy), repr(asdict(privacy)), repr(vars(privacy)), f"{privacy}"]
    with pytest.raises(TypeError, match="pickle") as caught:
        pickle.dumps(privacy)
    assert [text for text in (*told, str(caught.value)) if KEY in text] == []
    assert privacy == Privacy(PSEUDONYMISE, KEY) != Privacy(PSEUDONYMISE, KEY[::-1])
