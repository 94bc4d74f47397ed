"""Several pieces of work under way at a time, their results in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

S = TypeVar("S")
T = TypeVar("T")


def map_concurrently(work: Callable[[S], T], items: Iterable[S], most: int) -> Iterator[T]:
    """What `work` makes of each item, in the items' order.

    Args:
        work: Called from several threads.
        items: What is to be done.
        most: How many are under way at a time; as many more may be done and wait to be taken, which bounds the memory.
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
        pool.shutdown(wait=False, cancel_futures=True)  # nobody waits for what is not wanted any more
