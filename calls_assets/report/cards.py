"""The tables by ring group and by half-hour that Dagster's UI shows for a day, as Markdown.

Dagster stores them twice each time that a day is pulled, so they are short; the charts are in the daily report. They hold no
person's name and no phone number.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from calls_assets.display import FULL_WIDTH
from calls_assets.metrics.run import reading
from calls_assets.report.figures import half_hours, ring_groups

PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")
"""What Markdown could read as more than text: a name must not load an image, for example."""

LINKS = re.compile(r"(?<=http)s?:(?=//)|(?<=www)\.|@", re.IGNORECASE)
"""What turns a plain address into a link, even when escaped."""

MOST_ROWS = 100
"""Where there are more ring groups, the busiest are shown."""

HEAD = "| {} | offered | service level | abandoned |\n| --- | ---: | ---: | ---: |"


def cards(service_level: pa.Table, zone: ZoneInfo) -> dict[str, str]:
    """The Markdown tables of a day by name; there are none for a day without calls.

    Args:
        service_level: The day's rows of the table.
        zone: The day's zone.
    """
    with reading({"service_level": service_level}) as connection:
        groups, times = ring_groups(connection), half_hours(connection, zone)
    called = [row | {"name": row["at"]} for row in times if row.get("offered")]
    found = {"by_ring_group": _table("ring group", groups), "by_half_hour": _table("half-hour", called)}
    return {name: card for name, card in found.items() if card}


def _table(what: str, rows: Sequence[dict[str, Any]]) -> str:
    more = len(rows) - MOST_ROWS
    rest = [f"\nAnd {more} more, in the daily report."] if more > 0 else []
    return "\n".join([HEAD.format(what), *_lines(rows[:MOST_ROWS]), *rest]) if rows else ""


def _lines(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    for row in rows:
        name = LINKS.sub(lambda found: found[0].translate(FULL_WIDTH), row["name"])
        name = PUNCTUATION.sub(r"\\\g<0>", name)
        counted = row["answered"] + row["abandoned"]
        level, lost = _rate(row["level"], row["within"], counted), _rate(row["lost"], row["abandoned"], counted)
        yield f"| {name} | {row['offered']} | {level} | {lost} |"


def _rate(share: float | None, part: int, whole: int) -> str:
    return "-" if share is None else f"{share:.1%} ({part} of {whole})"
