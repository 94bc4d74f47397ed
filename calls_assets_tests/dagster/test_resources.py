"""The configuration that Dagster takes, and what it refuses."""

import logging
from dataclasses import replace

import dagster as dg
import pytest
from pydantic import ValidationError

from calls_assets.api.document import Query
from calls_assets.dagster.resources import CallsApi, Tables
from calls_assets.settings import Settings

LOG = logging.getLogger(__name__)


def api(**fields):
    return CallsApi(**({"url": "https://account.example.com/api/v1", "token": "secret-token"} | fields))


@pytest.mark.parametrize("resource", [CallsApi, Tables])
def test_every_field_is_described_with_its_default(resource):
    for name, field in resource.model_fields.items():
        assert field.description, name
        assert "Default:" in field.description or "Required" in field.description, name


@pytest.mark.parametrize("resource", [CallsApi, Tables])
def test_an_unknown_field_is_refused(resource):
    with pytest.raises(ValidationError, match="nonsense"):
        resource(url="x", token="y", nonsense=1)


def test_an_unknown_field_is_refused_in_run_config():
    @dg.op
    def use(calls_api: CallsApi):
        pass

    @dg.job(resource_defs={"calls_api": api()})
    def job():
        use()

    with pytest.raises(dg.DagsterInvalidConfigError, match="nonsense"):
        job.execute_in_process(run_config={"resources": {"calls_api": {"config": {"nonsense": 1}}}})


def test_the_fields_become_the_query():
    query = api(page_size=50, number_ids=[1, 2], ring_group_id=3, ivr_id=4, list_id=5, agent_id=6).query()
    assert query == Query(limit=50, number_ids=(1, 2), ring_group_id=3, ivr_id=4, list_id=5, agent_id=6)
    assert api(disposition_ids=[7], survey_ids=[8]).query() == Query(limit=1000, disposition_ids=(7,), survey_ids=(8,))


def test_filters_of_the_environment_become_fields():
    filters = Query.filters("ringGroupId=7&numberIds=1,2")
    filtered = CallsApi.configured(Settings(filters=filters), url="https://host/api", token="secret-token")
    assert (filtered.ring_group_id, filtered.number_ids) == (7, [1, 2])
    assert filtered.query() == replace(filters, limit=1000)


@pytest.mark.parametrize(
    ("field", "value"),
    [("page_size", 0), ("page_size", 1001), ("ring_group_id", 0), ("number_ids", [-1]), ("call_types", ["answered"])],
)
def test_a_value_that_the_document_does_not_allow_is_one_sentence(field, value):
    with pytest.raises(ValueError, match="was given") as caught:
        api(**{field: value}).query()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("field", "value"), [("timeout_s", 0), ("requests_per_second", -1)])
def test_a_bound_that_makes_no_sense_is_named(field, value):
    with pytest.raises(ValueError, match=field):
        api(**{field: value}).client(LOG)


def test_the_token_shows_in_no_representation():
    assert "secret-token" not in repr(api())
    assert "secret-token" not in str(api())


@pytest.mark.parametrize("url", ["nonsense://bucket/prefix", "gopher://x"])
def test_a_storage_that_nobody_knows_is_named(url):
    with pytest.raises(ValueError, match="CALLS_DATA_URL is a folder or a URL such as s3://bucket/prefix"):
        Tables(url=url).store()


def test_a_run_that_sets_one_field_keeps_the_others():
    seen = []

    @dg.op
    def use(calls_api: CallsApi):
        seen.append((calls_api.token, calls_api.privacy, calls_api.ring_group_id, calls_api.page_size))

    configured = CallsApi.configured(
        Settings(filters=Query(ring_group_id=7), privacy="drop"), url="https://host/api", token="secret"
    )

    @dg.job(resource_defs={"calls_api": configured})
    def job():
        use()

    assert job.execute_in_process(run_config={"resources": {"calls_api": {"config": {"page_size": 50}}}}).success
    assert seen == [("secret", "drop", 7, 50)]


def test_no_resource_shows_its_secrets():
    resource = api(privacy="pseudonymise", privacy_key="a key that nobody guesses")
    told = [repr(resource), str(resource), f"{resource}", repr(resource.policy())]
    with resource.client(LOG) as client:
        told += [repr(client), str(client)]
    assert [text for text in told if "secret-token" in text or "nobody guesses" in text] == []
