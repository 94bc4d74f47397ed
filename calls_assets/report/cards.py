"""What Dagster's UI shows of a day beside its numbers: a table by ring group and a picture of its half-hours, as Markdown.

No person's name and no phone number stand in them.
"""

import re
from base64 import b64encode
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from calls_assets.metrics.run import connect
from calls_assets.report.charts import half_hours as draw_half_hours
from calls_assets.report.figures import half_hours, ring_groups

PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")
"""What Markdown could take for more than text: a name may not draw a picture from elsewhere."""

HEAD = (
    "| ring group | offered | service level | abandoned |",
    "| --- | ---: | ---: | ---: |",
)


def cards(service_level: pa.Table, zone: ZoneInfo) -> dict[str, str]:
    """The cards of a day by name; a day on which nobody called has none.

    Args:
        service_level: The day's rows of the table.
        zone: The day's zone.
    """
    with connect({"service_level": service_level}) as connection:
        groups, times = ring_groups(connection), half_hours(connection, zone)
    table = {"by_ring_group": "\n".join([*HEAD, *_lines(groups)])} if groups else {}
    return table | ({"by_half_hour": _picture(draw_half_hours(times))} if times else {})


def _lines(groups: tuple[dict[str, Any], ...]) -> Iterator[str]:
    for row in groups:
        name = PUNCTUATION.sub(r"\\\g<0>", " ".join(row["name"].split()))
        counted = row["answered"] + row["abandoned"]
        level, lost = _rate(row["level"], row["within"], counted), _rate(row["lost"], row["abandoned"], counted)
        yield f"| {name} | {row['offered']} | {level} | {lost} |"


def _picture(svg: str) -> str:
    return (
        f"![offered calls and service level by half-hour](data:image/svg+xml;base64,{b64encode(svg.encode()).decode()})"
    )


def _rate(share: float | None, part: int, whole: int) -> str:
    return "-" if share is None else f"{share:.1%} ({part} of {whole})"
