"""Where the token and the data of people may be, and where they must not."""

import json
import os
import stat
from datetime import UTC, date, datetime
from functools import partial

import dagster as dg
import pyarrow.parquet as pq
import pytest

from calls_assets.api import client
from calls_assets.sandbox import Behaviour, Centre, FixedCalls, ListFault, Sandbox, WireFault
from calls_assets.tables.catalog import CALLS
from calls_assets.tables.store import TableStore

DAY = date(2026, 3, 6)
TOKEN, KEY = "a-conspicuous-token", "a-conspicuous-key-of-pseudonyms"


PERSONAL = ("country_dial_code", "disposition_code", "tags", "agent_alias", "first_agent_alias", "last_agent_alias")
"""The columns of the metrics and what they are made from that a policy takes out."""


@pytest.fixture(scope="module")
def run_pipeline(run_pipeline):
    """With the daily pages."""
    return partial(run_pipeline, select=None)


@pytest.fixture(scope="module")
def centre():
    return Centre(calls_per_day=60)


@pytest.fixture(scope="module")
def people(centre):
    """Every name, number and address of a recording of the day's contacts, and every agent's name."""
    found = set()
    for call in centre.day(DAY):
        record = call.record
        contact = record["contact"] or {}
        found |= {contact.get(name) for name in ("full_name", "national_number", "number")}
        found |= {other["number"] for other in record["external_numbers"] or []}
        found |= {recording["url"] for recording in record["recordings"] or []}
        found |= {(record["disposition"] or {}).get("note")}
        found |= {leg["alias"] for leg in record["all_agents"]}
    found -= {None, ""}
    assert len(found) > 60
    return found


@pytest.fixture
def told(centre, run_pipeline, tmp_path, monkeypatch):
    """Runs the day under a policy; gives what is in its files, and all that Dagster was told."""
    monkeypatch.setenv("CALLS_PRIVACY_KEY", KEY)

    def told(policy, behaviour=None, faults=(), centre=centre):
        home = tmp_path / policy / "dagster"
        home.mkdir(parents=True)
        with (
            Sandbox(centre, behaviour or Behaviour(), token=TOKEN, faults=faults) as api,
            dg.DagsterInstance.local_temp(str(home)) as instance,
        ):
            result = run_pipeline(
                api, tmp_path / policy / "data", DAY, DAY, token=TOKEN, instance=instance, privacy=policy
            )
            records = instance.all_logs(result.run_id)
        events = "\n".join(f"{record.message} {record!r}" for record in records)
        kept = b"\n".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
        return result, tmp_path / policy / "data", events + kept.decode("utf-8", "replace")

    return told


def texts(root):
    """Every value of every file as text."""
    return "\n".join(json.dumps(pq.read_table(path).to_pylist(), default=str) for path in root.rglob("*.parquet"))


def test_dagster_is_told_nothing_of_people_or_of_secrets(told, people, capfd):
    result, data, events = told("keep", Behaviour(refused_call_types=frozenset({"abandoned"})))
    out = capfd.readouterr()
    everything = events + out.out + out.err
    assert result.success
    assert any(person in texts(data) for person in people)
    assert [person for person in people if person in everything] == []
    assert [secret for secret in (TOKEN, KEY) if secret in everything + texts(data)] == []


ECHO = {"Location": f"http://localhost/calls/?token={TOKEN}", "X-Token": TOKEN}
ERRORS = {
    "a redirect": WireFault(kind="status", status=302, headers=ECHO, on=(3,)),
    "a refusal": WireFault(kind="status", status=410, headers=ECHO, on=range(3, 99)),
    "the token refused": WireFault(kind="status", status=401, headers=ECHO, on=(3,)),
    "what never passes": WireFault(kind="status", status=503, headers=ECHO, on=range(3, 99)),
    "a page of HTML": WireFault(kind="html", on=range(3, 99)),
    "cut bodies": WireFault(kind="cut", on=range(3, 99)),
    "a list that never adds up": ListFault(kind="total"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_no_error_tells_of_people_or_of_secrets(told, people, capfd, monkeypatch, name):
    monkeypatch.setattr(client, "LONGEST_BACKOFF_S", 0.02)
    passing = [WireFault(kind=kind, on=(2,)) for kind in ("status", "reset", "short")]
    result, data, events = told("keep", faults=(ERRORS[name], *passing))
    out = capfd.readouterr()
    everything = events + out.out + out.err
    assert not result.success
    assert not data.exists()
    assert "asking again" in events
    assert [secret for secret in (TOKEN, KEY, *people) if secret in everything] == []


@pytest.mark.parametrize("policy", ["drop", "pseudonymise"])
def test_no_file_holds_what_the_policy_takes_out(told, people, policy):
    result, data, _ = told(policy)
    assert result.success
    left = texts(data)
    assert [person for person in people if json.dumps(person)[1:-1] in left] == []


@pytest.mark.slow
def test_the_metrics_are_the_same_under_every_policy(told):
    def metrics(policy):
        _, data, _ = told(policy)
        computed = ("calls", "call_agents", "call_intervals", "service_level", "abandonment")
        for name in (*computed, "agent_talk_time", "agent_intervals"):
            rows = pq.read_table(data / name / f"date={DAY}" / f"{name}.parquet")
            yield rows.drop_columns([column for column in PERSONAL if column in rows.column_names])

    assert [*metrics("drop")] == [*metrics("pseudonymise")] == [*metrics("keep")]


ADA, TAG, CODE, KEYED = "Ada Byron", "owes 15550177", "spoke to Ada Byron", "+15550188"
HOSTILE = {
    "contact": {
        "id": 4,
        "full_name": ADA,
        "national_number": "5550199",
        "number": "+15550199",
        "number_country_code": "881",
    },
    "tags": [TAG],
    "disposition": {"id": 1, "code": CODE, "note": "call +15550166"},
    "is_answered": 15550155,
    "john_smith": {"ada@example.com": {KEYED: {"seen": "+15550144"}}},
    KEYED: True,
    "deep": json.loads("[" * 300 + '"Ada Byron"' + "]" * 300),
    "recordings": [{"id": 1, "url": "https://files.example/ada.mp3"}],
    "external_numbers": ["+15550133"],
}
"""A call in which people are wherever an account can put them."""

OF_PEOPLE = (
    "Ada",
    "ada@",
    "ada.mp3",
    "john_smith",
    *(f"155501{n}" for n in ("99", "88", "77", "66", "55", "44", "33")),
)


@pytest.fixture(params=["keep", *(pytest.param(policy, marks=pytest.mark.slow) for policy in ("pseudonymise", "drop"))])
def hostile(request, told, make_call):
    """A day of hostile records, two of them unreadable, under each policy, with the token wherever an answer can have it."""
    start = int(datetime(2026, 3, 6, 12, tzinfo=UTC).timestamp())
    echo = {TOKEN: TOKEN, "type": TOKEN, "queue": {TOKEN: {"name": TOKEN}}}
    records = [
        *(make_call(n, start + n) for n in range(5, 30)),
        make_call(1, start, **HOSTILE),
        make_call(2, start, **{**HOSTILE, **echo}),
        make_call(3, "at noon, says Ada", **HOSTILE),
        make_call(4, start, **HOSTILE) | {"id": "Ada's 15550199", **echo},
    ]
    result, data, events = told(request.param, centre=FixedCalls([(record, {"all_inbound"}) for record in records]))
    assert result.success
    return request.param, data, events


def test_hostile_records_land_and_nothing_else_tells_of_their_people(hostile, capfd):
    policy, data, events = hostile
    out = capfd.readouterr()
    told, files = events + out.out + out.err, b"".join(path.read_bytes() for path in data.rglob("*") if path.is_file())
    assert len(pq.read_table(data / "raw_calls")) == 27
    assert len(pq.read_table(data / "rejected_calls")) == 2
    assert "(odd name)" in told
    assert [person for person in OF_PEOPLE if person in told] == []
    assert [secret for secret in (TOKEN, KEY) if secret in told + texts(data) or secret.encode() in files] == []
    left = [person for person in OF_PEOPLE if person in texts(data) or person.encode() in files]
    assert (left == []) is (policy != "keep")


def test_a_short_key_ends_the_run_in_a_sentence(told, monkeypatch):
    monkeypatch.setenv("CALLS_PRIVACY_KEY", "short-secret")
    result, data, events = told("pseudonymise")
    monkeypatch.undo()
    assert not result.success
    assert not data.exists()
    assert "short-secret" not in events


@pytest.mark.parametrize(
    ("mask", "files", "folders"), [(0o022, 0o640, 0o750), (0o077, 0o600, 0o700), (0, 0o640, 0o750)]
)
def test_what_lies_in_a_tree_is_readable_by_its_owner_and_group_only(tmp_path, mask, files, folders):
    store = TableStore(str(tmp_path / "new" / "tree"))
    before = os.umask(mask)
    try:
        with store.alone(waiting=lambda: None, create=True):
            store.write(CALLS, DAY, CALLS.empty())
            store.put("report/2026-03-06.html", b"")
            store.put("_refused/2026-03-06.jsonl", b"")
            store.put("_made_with.json", b"{}")
    finally:
        os.umask(before)
    made = list((tmp_path / "new").rglob("*"))
    assert {stat.S_IMODE(path.stat().st_mode) for path in made if path.is_file()} == {files}
    assert {stat.S_IMODE(path.stat().st_mode) for path in made if path.is_dir()} == {folders}
