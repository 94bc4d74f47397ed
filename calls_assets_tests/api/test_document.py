from datetime import date

import pytest

from calls_assets.api.document import CALL_TYPES, CERTAIN_CALL_TYPES, LABEL_CALL_TYPES, Query


def test_a_query_spells_every_parameter_as_the_document_does():
    query = Query(date(2025, 8, 1), date(2025, 8, 4), 1, 100, (1, 2, 3), 1, 1, 1, 1, "abandoned", (1, 2, 3), (1, 2, 3))
    assert query.params() == {
        "dateFrom": "2025-08-01", "dateTo": "2025-08-04", "page": "1", "limit": "100", "numberIds": "1,2,3",
        "ringGroupId": "1", "ivrId": "1", "listId": "1", "agentId": "1", "callType": "abandoned",
        "dispositionIds": "1,2,3", "surveyIds": "1,2,3",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"limit": 0}, "limit must be a whole number from 1 to 1000, but 0 was given"),
        ({"limit": 1001}, "1001"),
        ({"page": 0}, "page"),
        ({"ring_group_id": -1}, "ringGroupId takes whole numbers from 1, but -1"),
        ({"agent_id": True}, "agentId"),
        ({"number_ids": (1, 0)}, "numberIds"),
        ({"call_type": "answered"}, "callType must be one of all_inbound"),
        ({"date_from": date(2025, 1, 2), "date_to": date(2025, 1, 1)}, "dateFrom must not be after dateTo"),
    ],
)
def test_a_wrong_parameter_is_named_before_anything_is_sent(wrong, told):
    with pytest.raises(ValueError, match=told):
        Query(**wrong)


def test_filters_are_read_from_a_query_string():
    assert Query.filters("ringGroupId=7&numberIds=1,2") == Query(ring_group_id=7, number_ids=(1, 2))
    for wrong in ("page=2", "ringGroupId=x", "nonsense", "callType=abandoned", "ivrId=1&ivrId=2"):
        with pytest.raises(ValueError, match=r"filter|whole|query string|twice"):
            Query.filters(wrong)


def test_filters_are_spelt_alike_in_whatever_order_they_were_given():
    given = Query.filters("ringGroupId=7&numberIds=2,1,2&dispositionIds=9")
    assert given.spelt_filters == "dispositionIds=9&numberIds=1,2&ringGroupId=7"
    assert Query(date(2026, 1, 1), date(2026, 1, 2), page=1, limit=50, call_type="abandoned").spelt_filters == ""
    assert Query.filters(given.spelt_filters).spelt_filters == given.spelt_filters


def test_the_call_types_fall_into_certain_ones_and_labels():
    assert len(CALL_TYPES) == 18
    assert len(LABEL_CALL_TYPES) == 11
    assert {*CERTAIN_CALL_TYPES, *LABEL_CALL_TYPES} == {*CALL_TYPES}
