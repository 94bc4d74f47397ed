"""What a crawl ends in: every call of a list once, or why these are not proven to be all."""

from dataclasses import dataclass

from calls_assets.api.decode import Reject
from calls_assets.api.document import Query
from calls_assets.api.errors import Incomplete
from calls_assets.api.gathered import Calls, Gathered


class NotProven(Incomplete):
    """A list was read as far as it goes, and its calls are not proven to be all.

    Attributes:
        shown: The calls that came.
        total: How many there are by the API's total.
    """

    def __init__(self, sentence: str, shown: "Crawled", total: int) -> None:
        super().__init__(sentence)
        self.shown = shown
        self.total = total


class TooDeep(NotProven):
    """The API shows no more than a part of a list."""


@dataclass(frozen=True)
class Crawled:
    """Every call of a list once, with the records that could not be read.

    Attributes:
        calls: The calls, sorted by id.
        rejects: The records that could not be read.
        total: How many records the list has.
        pages: How many pages were read.
        crawls: How often the list was read.
        collisions: How many records came under an id that had been seen before; the later one was kept.
        began_s: When the first page was asked for, in epoch seconds.
        pieces: The lists by date that it was put together from, where the account does not give them as one; else none.
    """

    calls: Calls
    rejects: tuple[Reject, ...]
    total: int
    pages: int
    crawls: int
    collisions: int
    began_s: float = 0.0
    pieces: tuple[Query, ...] = ()


def joined(parts: list[Crawled]) -> Crawled:
    """Several lists as one, each call once."""
    gathered = Gathered()
    for part in parts:
        for piece in part.calls.pieces():
            gathered.add(*piece, rejected=[])
    rejects = {(reject.call_id, reject.record): reject for part in parts for reject in part.rejects}
    calls = gathered.calls
    return Crawled(
        calls=calls,
        rejects=tuple(rejects.values()),
        total=len(calls) + len(rejects),
        pages=sum(part.pages for part in parts),
        crawls=max(part.crawls for part in parts),
        collisions=sum(part.collisions for part in parts),
        began_s=min(part.began_s for part in parts),
    )
