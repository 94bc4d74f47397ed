"""The calls that prove how waits are told: pages of closed days, as many as it takes."""

from collections.abc import Iterator, Sequence
from itertools import islice

import pyarrow as pa
import pyarrow.compute as pc

from calls_assets.days import ONE_DAY
from calls_assets.doctor.account import Account, Answer
from calls_assets.doctor.sample import Sample
from calls_assets.metrics.wait_proof import WaitProof, prove_on_records

MOST_PAGES = 100
"""The most pages that are asked for beyond those of the sample."""

MOST_RANGES = 12
"""How often a range as long as the sample's is asked for before it."""


def prove_waits(account: Account, sample: Sample) -> WaitProof:
    """The proof on the calls of the sample, and of further pages while those are too few to tell."""
    pages = [answer.page.calls for answer in sample.pages]
    further = islice(_further_pages(account, sample), MOST_PAGES)
    proof = prove_on_records(unique(pages))
    while not proof.is_settled and (
        more := list(islice(further, len(pages)))
    ):  # each look is a chance of a false proof
        pages += [answer.page.calls for answer in more]
        proof = prove_on_records(unique(pages))
    return proof


def unique(pages: Sequence[pa.Table]) -> pa.Table:
    """The calls of some pages, each once by id."""
    calls = pa.concat_tables(pages)
    first = pc.index_in(pc.unique(calls["id"]), calls["id"].combine_chunks())
    return calls.take(first)


def _further_pages(account: Account, sample: Sample) -> Iterator[Answer]:
    """The other pages of the sample's range, then those of the ranges before it, until one is empty or refused."""
    for number in range(3, sample.last_page):
        if answer := sample.ask(account, number):
            yield answer
    days = sample.last_day - sample.first_day + ONE_DAY
    for back in range(1, MOST_RANGES + 1):
        first = sample.first_day - back * days
        answer = account.try_ask(first, first + days - ONE_DAY, 1, sample.limit)
        number = 1
        while answer and answer.page.records:
            yield answer
            if answer.page.records < sample.size:
                break
            number += 1
            answer = account.try_ask(first, first + days - ONE_DAY, number, sample.limit)
        if not answer or (number == 1 and not answer.page.records):
            return
