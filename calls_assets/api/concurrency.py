"""Several calls under way at a time, their results in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

S = TypeVar("S")
T = TypeVar("T")


def map_concurrently(work: Callable[[S], T], items: Iterable[S], most: int) -> Iterator[T]:
    """The result of `work` for each item, in the items' order.

    Args:
        work: Called from several threads.
        items: Its arguments.
        most: How many calls are under way at a time; as many results again may wait to be taken, which bounds the memory.
    """
    if most == 1:
        yield from map(work, items)
        return
    waiting: deque[Future[T]] = deque()
    pool = ThreadPoolExecutor(most)
    try:
        for item in items:
            if len(waiting) == 2 * most:
                yield waiting.popleft().result()
            waiting.append(pool.submit(work, item))
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # what is no longer wanted is not waited for
