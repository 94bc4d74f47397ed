"""What the API itself says of call types, over the very window of a crawl.

The types that fields cannot tell are asked for by id. Those that fields tell for certain are only counted; where a count
differs from ours, its calls are asked for by id too.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import pyarrow as pa

from calls_assets.api.crawl import Crawler
from calls_assets.api.document import CALL_TYPES, CERTAIN_CALL_TYPES, Query
from calls_assets.api.errors import RequestRefused

LABELLED, SETTLED, REFUSED, NOT_ASKED = "labelled", "settled", "refused", "not_asked"
"""How the API answered for a call type: its calls by id, a count equal to ours, a refusal, or not at all."""


@dataclass(frozen=True)
class Answers:
    """For each of the 18 call types how the API answered, and the calls that it gave by id.

    `labels` has the columns id, started_at (epoch s) and call_type.
    """

    how: Mapping[str, str]
    labels: pa.Table


def ask(crawler: Crawler, query: Query, wanted: Collection[str], ours: Mapping[str, int]) -> Answers:
    """Ask the API about every call type.

    Args:
        crawler: Reads pages and whole lists.
        query: The window and filters of the crawl.
        wanted: The types to ask for by id; of the others only the certain ones are counted.
        ours: How many calls of the crawl each certain type holds by our fields.

    Raises:
        Incomplete: the calls of a type never added up to the API's total.
    """
    how, labels = {}, []
    for call_type in CALL_TYPES:
        asked = replace(query, call_type=call_type)
        try:
            if call_type in wanted:
                how[call_type] = LABELLED
            elif call_type in CERTAIN_CALL_TYPES:
                counted = crawler.fetch(replace(asked, page=1, limit=1)).total
                how[call_type] = SETTLED if counted == ours.get(call_type, 0) else LABELLED
            else:
                how[call_type] = NOT_ASKED
            if how[call_type] == LABELLED:
                labels.append(_labelled(crawler.crawl(asked).calls, call_type))
        except RequestRefused:
            how[call_type] = REFUSED
    return Answers(how, pa.concat_tables(labels) if labels else _labelled(pa.table({"id": [], "started_at": []}), ""))


def _labelled(calls: pa.Table, call_type: str) -> pa.Table:
    return pa.table(
        {
            "id": calls["id"].cast(pa.int64()),
            "started_at": calls["started_at"].cast(pa.int64()),
            "call_type": pa.repeat(pa.scalar(call_type, pa.string()), len(calls)),
        }
    )
