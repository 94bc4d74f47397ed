"""Work is done by several threads at a time, and comes back in order."""

import threading
import time

import pytest

from calls_assets.api.concurrency import map_concurrently


@pytest.mark.parametrize("most", [1, 2, 5])
def test_results_come_in_the_order_of_the_items_and_no_more_than_allowed_are_under_way(most):
    lock, at_work, peak = threading.Lock(), 0, 0

    def work(item):
        nonlocal at_work, peak
        with lock:
            at_work += 1
            peak = max(peak, at_work)
        time.sleep(0.001 * (item % 3))
        with lock:
            at_work -= 1
        return item * item

    assert list(map_concurrently(work, range(40), most)) == [n * n for n in range(40)]
    assert peak == most


def test_what_is_done_and_not_yet_taken_is_bounded():
    done = []
    results = map_concurrently(done.append, range(1000), 3)
    next(results)
    time.sleep(0.05)
    assert len(done) <= 2 * 3 + 1
    results.close()


def test_an_error_comes_at_the_place_of_its_item_and_ends_the_work():
    begun = []

    def work(item):
        begun.append(item)
        if item == 2:
            raise ValueError("2 is bad")
        return item

    results = map_concurrently(work, range(1000), 2)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ValueError, match="2 is bad"):
        next(results)
    assert len(begun) < 10
