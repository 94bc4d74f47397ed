"""Small charts of our own as SVG, in which only numbers stand."""

from collections.abc import Sequence
from itertools import groupby

WIDTH, HEIGHT, EDGE = 640, 64, 4
"""In pixels; the edge keeps points from being cut off."""


def sparkline(shares: Sequence[float | None], target: float | None, label_id: str) -> str:
    """Shares of days in a row as a line, with the target as a dashed one; a day without a share leaves a gap.

    It shows what moves: it is as high as the shares and the target differ.

    Args:
        shares: From 0 to 1, or None, in order; at least one is known.
        target: From 0 to 1, or None.
        label_id: The id of the element that says in words what the line shows.
    """
    known = [share for share in (*shares, target) if share is not None]
    low, span = min(known), max(known) - min(known) or 1.0

    def y(share: float) -> float:
        return round(HEIGHT - EDGE - (share - low) / span * (HEIGHT - 2 * EDGE), 1)

    step = (WIDTH - 2 * EDGE) / max(len(shares) - 1, 1)
    points = [
        None if share is None else (round(EDGE + place * step, 1), y(share)) for place, share in enumerate(shares)
    ]
    runs = [[point for point in run if point] for is_known, run in groupby(points, bool) if is_known]
    lines = "".join(f'<polyline points="{" ".join(f"{x},{y}" for x, y in run)}"/>' for run in runs)
    dots = "".join(f'<circle cx="{x}" cy="{y}" r="2.5"/>' for run in runs for x, y in run)
    aim = "" if target is None else f'<path class="aim" d="M0 {y(target)}H{WIDTH}"/>'
    return (
        f'<svg class="spark" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="{label_id}">'
        f"{aim}{lines}{dots}</svg>"
    )
