"""The sparkline: gaps are gaps, and nothing leaves the drawing."""

import re

from hypothesis import given
from hypothesis import strategies as st

from calls_assets.report.period_charts import HEIGHT, WIDTH, sparkline

SHARES = st.lists(st.none() | st.floats(0, 1), min_size=1).filter(any)


@given(SHARES, st.none() | st.floats(0, 1))
def test_every_known_day_is_a_point_inside_the_drawing(shares, target):
    svg = sparkline(shares, target, "says")
    points = re.findall(r'cx="([\d.]+)" cy="([\d.]+)"', svg)
    assert len(points) == len([share for share in shares if share is not None])
    assert all(0 <= float(x) <= WIDTH and 0 <= float(y) <= HEIGHT for x, y in points)
    assert ("stroke-dasharray" in svg or 'class="aim"' in svg) is (target is not None)


def test_days_without_a_share_part_the_line():
    svg = sparkline([0.5, 0.6, None, None, 0.7, None], 0.8, "says")
    assert svg.count("<polyline") == 2
    assert 'role="img" aria-labelledby="says"' in svg
