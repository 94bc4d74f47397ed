"""What the API itself says of call types, over the very window of a crawl.

The types that fields cannot tell are asked for by id. Those that fields tell for certain are only counted; where a count
differs from ours, its calls are asked for by id too.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import pyarrow as pa

from calls_assets.api.crawl import Calls, Crawler
from calls_assets.api.document import CALL_TYPES, CERTAIN_CALL_TYPES, Query
from calls_assets.api.errors import RequestRefused
from calls_assets.api.in_flight import in_flight
from calls_assets.api.numbers import int_array, texts

LABELLED, SETTLED, REFUSED, NOT_ASKED = "labelled", "settled", "refused", "not_asked"
"""How the API answered for a call type: its calls by id, a count equal to ours, a refusal, or not at all."""

LABELS = pa.schema([("id", pa.int64()), ("started_at", pa.int64()), ("call_type", pa.string())])


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

    def answer(call_type: str) -> tuple[str, Calls | None]:
        asked = replace(query, call_type=call_type)
        try:
            if call_type not in wanted:
                if call_type not in CERTAIN_CALL_TYPES:
                    return NOT_ASKED, None
                if crawler.fetch(replace(asked, page=1, limit=1)).total == ours.get(call_type, 0):
                    return SETTLED, None
            return LABELLED, one_by_one.crawl(asked).calls
        except RequestRefused:
            return REFUSED, None

    one_by_one = replace(crawler, concurrency=1)
    answers = dict(zip(CALL_TYPES, in_flight(answer, CALL_TYPES, crawler.concurrency), strict=True))
    labelled = [_labels(calls, call_type) for call_type, (_, calls) in answers.items() if calls is not None]
    how = {call_type: how for call_type, (how, _) in answers.items()}
    return Answers(how, pa.concat_tables(labelled) if labelled else pa.Table.from_batches([], LABELS))


def _labels(calls: Calls, call_type: str) -> pa.Table:
    columns = [int_array(calls.ids), int_array(calls.started_at), texts([call_type] * len(calls))]
    return pa.Table.from_arrays(columns, schema=LABELS)
