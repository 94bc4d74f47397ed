"""How an account can differ from the document, over sockets."""

import time
from datetime import date
from email.utils import parsedate_to_datetime

import pytest
import requests

from calls_assets.api.document import CALL_TYPES
from calls_assets.sandbox import Behaviour, Centre, RepeatedCalls, Sandbox

DAY = str(date(2026, 3, 6))


@pytest.fixture(scope="module")
def centre():
    return Centre(calls_per_day=100)


def get(api, path="/calls/", **given):
    return requests.get(
        f"{api.url}{path}",
        params={"dateFrom": DAY, "dateTo": DAY, "limit": "20"} | given,
        headers={"Access-Token": api.token},
        timeout=10,
        allow_redirects=False,
    )


@pytest.fixture
def ask(centre):
    """Asks an account with a behaviour, and returns the answer."""

    def ask(behaviour, source=None, path="/calls/", **given):
        with Sandbox(source or centre, behaviour) as api:
            return get(api, path, **given)

    return ask


@pytest.fixture
def whole(ask):
    """How many calls the day has."""
    return ask(Behaviour()).json()["meta"]["total"]


def test_totals_can_be_capped_or_count_the_page_or_be_off_or_count_all(ask, whole):
    def total(**how):
        return ask(Behaviour(**how)).json()["meta"]["total"]

    assert whole > 40
    assert total(total_cap=30) == 30
    assert total(total_of_page=True) == 20
    assert total(total_offset=3) == whole + 3
    assert total(total_of_all=9999) == 9999


def test_the_next_page_can_be_named_always_or_never_or_not_even_as_null(ask, whole):
    last = str(-(-whole // 20))
    assert ask(Behaviour(names_next="always"), page=last).json()["meta"]["next"] is not None
    assert ask(Behaviour(names_next="never")).json()["meta"]["next"] is None
    assert "next" not in ask(Behaviour(names_next="absent")).json()["meta"]
    assert ask(Behaviour(), page=last).json()["meta"]["next"] is None


@pytest.mark.parametrize("status", [400, 404, 422])
def test_pages_can_be_refused_that_lie_too_deep_or_beyond_the_end(ask, whole, status):
    assert ask(Behaviour(deepest=40, deeper_status=status), page="2").status_code == 200
    assert ask(Behaviour(deepest=40, deeper_status=status), page="3").status_code == status
    beyond = str(whole // 20 + 2)
    assert ask(Behaviour(beyond_end_status=status), page=beyond).status_code == status
    assert ask(Behaviour(), page=beyond).json()["calls"] == []
    assert ask(Behaviour(deepest=40, deeper_status=200), page="3").json()["calls"] == []
    assert len(ask(Behaviour(deepest=30, deeper_status=200), page="2").json()["calls"]) == 10
    assert ask(Behaviour(deepest=30, deeper_status=status), page="2").status_code == status


def test_ranges_of_too_many_dates_can_be_refused(ask):
    assert ask(Behaviour(widest=2), dateTo="2026-03-07").status_code == 200
    assert ask(Behaviour(widest=2), dateTo="2026-03-08").status_code == 422
    assert ask(Behaviour(widest=2, date_to_inclusive=False), dateTo="2026-03-08").status_code == 200


def test_pages_can_be_cut_by_their_bytes_and_what_is_cut_off_is_on_no_other(ask):
    whole, next_one = (ask(Behaviour(), page=page).json()["calls"] for page in ("1", "2"))
    cut = ask(Behaviour(page_bytes=10_000), page="1").json()
    assert 0 < len(cut["calls"]) < len(whole)
    assert cut["calls"] == whole[: len(cut["calls"])]
    assert cut["meta"] == ask(Behaviour(), page="1").json()["meta"]
    assert ask(Behaviour(page_bytes=10_000), page="2").json()["calls"][0] == next_one[0]


def test_a_total_can_come_in_ways_that_cannot_be_read(ask, whole):
    assert ask(Behaviour(total_as="grouped")).json()["meta"]["total"] == f"{whole} calls"
    assert ask(Behaviour(total_as="null")).json()["meta"]["total"] is None
    assert "total" not in ask(Behaviour(total_as="absent")).json()["meta"]
    assert ask(Behaviour(total_as="no_meta")).json().keys() == {"calls"}


@pytest.mark.parametrize("status", [400, 402, 403, 404, 405, 422, 501])
def test_call_types_can_be_refused_or_ignored(ask, whole, status):
    refusing = Behaviour(refused_call_types=frozenset({"abandoned"}), refusal_status=status)
    answer = ask(refusing, callType="abandoned")
    assert (answer.status_code, "abandoned" in answer.json()["error"]) == (status, True)
    assert ask(refusing, callType="overflowed").status_code == 200
    ignoring = Behaviour(ignored_call_types=frozenset({"abandoned"}))
    assert ask(ignoring, callType="abandoned").json()["meta"]["total"] == whole
    assert ask(ignoring, callType="overflowed").json()["meta"]["total"] < whole


def test_parameters_can_be_ignored(ask):
    assert len(ask(Behaviour(ignored=frozenset({"limit"}))).json()["calls"]) > 20
    one, two = (ask(Behaviour(ignored=frozenset({"page"})), page=page).json()["calls"] for page in ("1", "2"))
    assert one == two


@pytest.mark.parametrize(
    ("how", "status", "body"),
    [
        ("404", 404, ""),
        ("204", 204, ""),
        ("{}", 200, "{}"),
        ("[]", 200, "[]"),
        ("no_meta", 200, '{"calls":[]}'),
        ("null", 200, '{"calls":null,"meta":{"total":0}}'),
    ],
)
def test_an_empty_list_can_come_in_other_ways(ask, how, status, body):
    answer = ask(Behaviour(empty_as=how), dateFrom="1969-01-01", dateTo="1969-01-02")
    assert (answer.status_code, answer.text) == (status, body)
    assert ask(Behaviour(empty_as=how)).json()["meta"]["total"] > 0


def test_calls_can_come_twice_and_are_counted_so(ask, whole):
    answer = ask(Behaviour(every_twice=5), limit="1000").json()
    ids = [call["id"] for call in answer["calls"]]
    assert answer["meta"]["total"] == len(ids) == whole + -(-whole // 5)
    assert len(set(ids)) == whole


def test_a_pace_is_kept_with_429_until_the_oldest_answer_is_a_period_old(centre):
    now_s = 100.0
    with Sandbox(centre, Behaviour(per_period=2, period_s=10), tick=lambda: now_s) as api:

        def ask_at(moment):
            nonlocal now_s
            now_s = moment
            return get(api).status_code

        assert [ask_at(when) for when in (100, 104, 105, 109.9, 110, 111, 114, 125)] == [
            200, 200, 429, 429, 200, 429, 200, 200,
        ]  # fmt: skip
    assert "Retry-After" not in get_too_fast(centre, "none").headers


def get_too_fast(centre, retry_after):
    with Sandbox(centre, Behaviour(per_period=1, period_s=30, retry_after=retry_after)) as api:
        assert get(api).status_code == 200
        answer = get(api)
    assert (answer.status_code, answer.json()) == (429, {"error": "Too many requests."})
    return answer


def test_a_429_can_say_when_to_come_again(centre):
    assert 25 <= int(get_too_fast(centre, "seconds").headers["Retry-After"]) <= 30
    moment = parsedate_to_datetime(get_too_fast(centre, "date").headers["Retry-After"]).timestamp()
    for when in (moment, int(get_too_fast(centre, "epoch").headers["Retry-After"])):
        assert 20 < when - time.time() <= 31


@pytest.mark.parametrize(
    ("slash", "with_slash", "without"),
    [
        ("required", 200, 404),
        ("redirect_to_slash", 200, 308),
        ("redirect_to_bare", 308, 200),
        ("both", 200, 200),
    ],
)
def test_the_path_can_end_with_or_without_a_slash(ask, slash, with_slash, without):
    behaviour = Behaviour(slash=slash)
    answers = {path: ask(behaviour, path=path) for path in ("/calls/", "/calls")}
    assert [answer.status_code for answer in answers.values()] == [with_slash, without]
    for path, answer in answers.items():
        if answer.status_code == 308:
            (other,) = {"/calls/", "/calls"} - {path}
            assert answer.headers["Location"].partition("?")[::2] == (
                f"/api/v1{other}", f"dateFrom={DAY}&dateTo={DAY}&limit=20",
            )  # fmt: skip
    assert ask(behaviour, path="/agents").status_code == 404


@pytest.mark.parametrize(
    ("error_as", "words"),
    [
        ("error", lambda told: told["error"]),
        ("message", lambda told: told["message"]),
        ("detail", lambda told: told["detail"]),
        ("errors", lambda told: told["errors"][0]["message"]),
        ("nested", lambda told: told["error"]["message"]),
    ],
)
def test_the_words_of_a_refusal_can_stand_elsewhere(ask, error_as, words):
    behaviour = Behaviour(error_as=error_as, refused_call_types=frozenset({"abandoned"}), refusal_status=200)
    answer = ask(behaviour, callType="abandoned")
    assert (answer.status_code, words(answer.json())) == (200, "callType: 'abandoned' is not allowed.")


def test_a_refusal_can_be_a_web_page(ask):
    refusing = Behaviour(error_as="html", refused_call_types=frozenset({"abandoned"}), refusal_status=403)
    answer = ask(refusing, callType="abandoned")
    assert (answer.status_code, answer.headers["Content-Type"]) == (403, "text/html")
    assert answer.text.startswith("<!doctype html>")


def test_a_status_that_no_standard_knows_is_sent_all_the_same(ask):
    behaviour = Behaviour(refused_call_types=frozenset(CALL_TYPES), refusal_status=499)
    assert ask(behaviour, callType="transfer").status_code == 499


def test_lists_of_ready_made_pages_can_be_so_too(ask):
    fast = RepeatedCalls(50)

    def page(number, **how):
        return ask(Behaviour(**how), source=fast, page=str(number))

    plain = page(3).json()
    assert (len(plain["calls"]), plain["meta"]["total"], plain["meta"]["next"]) == (10, 50, None)
    assert page(1, total_cap=30).json()["meta"]["total"] == 30
    assert page(3, total_of_page=True).json()["meta"]["total"] == 10
    assert page(2, deepest=30, deeper_status=422).status_code == 422
    assert len(page(2, deepest=30, deeper_status=200).json()["calls"]) == 10
    assert page(4).json()["calls"] == []
    assert page(4, beyond_end_status=404).status_code == 404
    assert ask(Behaviour(empty_as="204"), source=fast, dateTo="2026-03-05").status_code == 204
