"""How fast requests follow each other, on a clock that only naps move."""

import logging
import math
import re
import threading
from collections import deque
from dataclasses import replace
from itertools import pairwise

import pytest

from calls_assets.api import client
from calls_assets.api.client import RETRIES, Client
from calls_assets.api.decode import read_page
from calls_assets.api.errors import Unavailable
from calls_assets.api.pace import ANSWERS_PER_STEP, LONGEST_GAP_S, Pace
from calls_assets_tests.api.script import PAGE, QUERY, TOKEN, FakeTime, serving

ANSWER, REFUSAL = (200, {}, PAGE), (429, {}, b'{"error": "slow down"}')


@pytest.fixture
def fake():
    return FakeTime()


def started(pace, fake, requests):
    """When so many requests in a row are sent, and answered at once."""
    starts = []
    for _ in range(requests):
        pace.wait()
        starts.append(fake.now)
        pace.answered()
    return starts


def gaps(starts):
    return [round(after - before, 3) for before, after in pairwise(starts)]


def test_a_pace_without_a_bound_never_waits(fake):
    assert gaps(started(Pace(None, fake.sleep, fake), fake, 50)) == [0] * 49


def test_a_refusal_halves_the_pace_and_it_recovers_slowly_up_to_its_bound(fake):
    pace = Pace(2, fake.sleep, fake)
    started(pace, fake, 5)
    assert pace.too_many(pace.wait()) == 1
    found = gaps(started(pace, fake, 8 * ANSWERS_PER_STEP + 99))
    assert found[:ANSWERS_PER_STEP] == [1] * ANSWERS_PER_STEP
    assert found[2 * ANSWERS_PER_STEP] == pytest.approx(1 / 1.1**2, abs=0.001)
    assert found[-50:] == [0.5] * 50
    assert found == sorted(found, reverse=True)


def test_refusals_in_a_row_halve_it_further_down_to_one_request_in_half_a_minute(fake):
    pace = Pace(2, fake.sleep, fake)
    paces = [pace.too_many(pace.wait()) for _ in range(8)]
    assert paces == [1, 0.5, 0.25, 0.125, 0.0625, 1 / LONGEST_GAP_S, None, None]


def test_a_slower_bound_than_that_is_kept(fake):
    pace = Pace(0.01, fake.sleep, fake)
    assert pace.too_many(pace.wait()) is None
    assert gaps(started(pace, fake, 3)) == [100, 100]


def test_refusals_of_requests_that_were_under_way_together_halve_it_once(fake):
    pace = Pace(8, fake.sleep, fake)
    tickets = [pace.wait() for _ in range(8)]
    assert [pace.too_many(ticket) for ticket in tickets] == [4, *[None] * 7]


def test_without_a_bound_it_is_halved_from_what_was_seen(fake):
    pace = Pace(None, fake.sleep, fake)
    for _ in range(20):
        ticket = pace.wait()
        pace.answered()
        fake.now += 0.1
    assert pace.too_many(ticket) == pytest.approx(5)


def test_after_a_row_of_refusals_it_goes_on_at_what_was_let_through(fake):
    pace = Pace(None, fake.sleep, fake)
    started(pace, fake, 10)
    while fake.now < 1060:
        pace.too_many(pace.wait())
    assert gaps(started(pace, fake, 10))[1:] == [pytest.approx((fake.now - 1000) / 10, rel=0.6)] * 8


def test_nothing_is_proposed_that_the_server_did_not_let_through(fake):
    pace = Pace(None, fake.sleep, fake)
    started(pace, fake, 10)
    fake.now += 59
    assert pace.achieved(0) == "0.16"
    assert pace.achieved(86_400) == "0.001"
    started(pace, fake, 9990)
    assert pace.achieved(0) == "160"


class Limited:
    """Refuses, without a word on when to ask again, what is beyond so many requests a minute."""

    def __init__(self, clock, a_minute, is_sliding):
        self.clock, self.a_minute, self.is_sliding = clock, a_minute, is_sliding
        self.let_in, self.refused = deque(), 0
        self.lock = threading.Lock()

    def __call__(self, _path):
        with self.lock:
            start = self.clock.now - 60 if self.is_sliding else self.clock.now // 60 * 60
            while self.let_in and self.let_in[0] <= start - (not self.is_sliding):
                self.let_in.popleft()
            within = sum(at >= start for at in self.let_in) if not self.is_sliding else len(self.let_in)
            if within >= self.a_minute:
                self.refused += 1
                return REFUSAL
            self.let_in.append(self.clock.now)
            return ANSWER


@pytest.mark.parametrize("is_sliding", [False, True], ids=["by the minute", "sliding"])
@pytest.mark.parametrize("a_minute", [2, 10, 60])
@pytest.mark.parametrize("bound", [None, 5])
def test_a_server_that_allows_few_requests_a_minute_gives_a_whole_day(fake, is_sliding, a_minute, bound):
    limited = Limited(fake, a_minute, is_sliding)
    with (
        serving(limited) as server,
        Client(server.url, TOKEN, sleep=fake.sleep, clock=fake, requests_per_second=bound) as asking,
    ):
        for page in range(1, 61):
            asking.fetch(replace(QUERY, page=page), read_page)
    least_s = 60 * (math.ceil(60 / a_minute) - 1)
    assert fake.now - 1000 < 2.5 * least_s + 120
    assert limited.refused < 60


class Together(FakeTime):
    """The fake clock of several threads: it moves on to the next one that wakes when all sleep."""

    def __init__(self, threads):
        super().__init__()
        self.turn, self.awake, self.due = threading.Condition(), threads, []

    def sleep(self, seconds):
        with self.turn:
            at = self.now + seconds
            self.due.append(at)
            self.leave()
            while at in self.due and self.now < at:
                self.turn.wait(10)

    def leave(self):
        """A thread sleeps, or is done."""
        with self.turn:
            self.awake -= 1
            if not self.awake and self.due:
                self.now = max(self.now, min(self.due))
                woken = [at for at in self.due if at <= self.now]
                self.due = [at for at in self.due if at > self.now]
                self.awake = len(woken)
                self.turn.notify_all()


@pytest.mark.parametrize("threads", [4, 16])
def test_several_threads_share_what_is_allowed(threads):
    clock = Together(threads)
    limited = Limited(clock, 10, is_sliding=False)
    pages, failures = deque(range(1, 61)), []

    def work(asking):
        try:
            while pages:
                asking.fetch(replace(QUERY, page=pages.popleft()), read_page)
        except (IndexError, Unavailable) as error:
            failures.extend([error] if isinstance(error, Unavailable) else [])
        finally:
            clock.leave()

    with serving(limited) as server, Client(server.url, TOKEN, sleep=clock.sleep, clock=clock) as asking:
        workers = [threading.Thread(target=work, args=(asking,), daemon=True) for _ in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(60)
    assert failures == []
    assert not pages
    assert clock.now - 1000 < 1800


def test_slowing_down_is_logged_and_the_answer_comes(fake, caplog):
    log = logging.getLogger("calls")
    with (
        serving(REFUSAL, REFUSAL, ANSWER) as server,
        Client(server.url, TOKEN, sleep=fake.sleep, clock=fake, requests_per_second=2, log=log) as asking,
    ):
        asking.fetch(QUERY, read_page)
    assert len(server.asked) == 3
    told = [record.getMessage().removeprefix(f"{server.url}/calls/ ") for record in caplog.records]
    assert told[0] == "got too many requests; sending at most 1 a second from now on."
    assert told[1].startswith("answered 429; asking again in ")
    assert told[2] == "got too many requests; sending at most 0.5 a second from now on."
    assert sum(fake.naps) == pytest.approx(1 + 2)


def test_a_retry_after_of_nothing_slows_down_too(fake, caplog):
    past = (429, {"Retry-After": "0"}, b"")
    with (
        serving(past, (429, {"Retry-After": "soon"}, b""), ANSWER) as server,
        Client(server.url, TOKEN, sleep=fake.sleep, clock=fake, requests_per_second=2) as asking,
    ):
        asking.fetch(QUERY, read_page)
    assert caplog.text.count("from now on") == 2


def test_a_wait_that_the_server_names_is_kept_and_slows_nothing_down(fake, caplog):
    with (
        serving((429, {"Retry-After": "17"}, b""), ANSWER) as server,
        Client(server.url, TOKEN, sleep=fake.sleep, clock=fake) as asking,
    ):
        asking.fetch(QUERY, read_page)
    assert fake.naps == [17]
    assert "from now on" not in caplog.text


def test_a_server_that_refuses_for_ever_ends_the_run_with_a_pace_to_set(fake):
    with (
        serving(*[ANSWER] * 30, REFUSAL) as server,
        Client(server.url, TOKEN, sleep=fake.sleep, clock=fake, requests_per_second=1) as asking,
    ):
        for _ in range(30):
            asking.fetch(QUERY, read_page)
        with pytest.raises(Unavailable) as caught:
            asking.fetch(QUERY, read_page)
    assert caught.value.status == 429
    told = re.search(r"answered 429 \((\d+) tries\): set CALLS_REQUESTS_PER_SECOND=([0-9.]+),", str(caught.value))
    assert int(told[1]) > 1 + RETRIES
    assert float(told[2]) == pytest.approx(30 / (fake.now - 1000), rel=0.1)
    assert client.UNANSWERED_S < fake.now - 1029 < client.UNANSWERED_S + 3 * LONGEST_GAP_S


def test_too_long_a_wait_ends_the_run_with_the_pace_that_would_have_done(fake):
    with (
        serving(*[ANSWER] * 500, (429, {"Retry-After": "3600"}, b"")) as server,
        Client(server.url, TOKEN, sleep=fake.sleep, clock=fake) as asking,
    ):
        for _ in range(500):
            asking.fetch(QUERY, read_page)
        with pytest.raises(Unavailable, match=r"asks us to wait 3600 s \(1 try\): set CALLS_REQUESTS_PER_SECOND=0.13,"):
            asking.fetch(QUERY, read_page)


def test_other_failures_are_still_counted(fake):
    replies = [(500, {}, b""), REFUSAL] * 20
    with (
        serving(*replies) as server,
        Client(server.url, TOKEN, sleep=fake.sleep, clock=fake) as asking,
        pytest.raises(Unavailable, match="answered 500"),
    ):
        asking.fetch(QUERY, read_page)
    assert len(server.asked) == 2 * RETRIES + 1
