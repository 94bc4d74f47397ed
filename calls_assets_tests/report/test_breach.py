"""Where a day broke: one ring group or all of them, some half-hours or the whole day."""

from datetime import UTC, datetime, timedelta
from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from calls_assets.report.breach import Breach, Cell, breach
from calls_assets.report.judgement import ABANDONMENT, SERVICE_LEVEL, Rate

NINE = datetime(2026, 3, 10, 9, tzinfo=UTC)


def at(half_hours):
    return NINE + timedelta(minutes=30 * half_hours)


def day(target=0.8, **shares):
    """Ten calls in each half-hour and ring group, of which so many are in time."""
    return [
        Cell(at(place), member, Rate(part, 10), target)
        for member, parts in shares.items()
        for place, part in enumerate(parts)
        if part is not None
    ]


def test_the_half_hours_in_a_row_that_lack_most_are_found():
    found = breach(SERVICE_LEVEL, day(one=[9, 10, 9, 5, 4, 8, 6, 9, 10, 10]))
    assert found == Breach(None, at(3), at(7), is_all_day=False, rate=Rate(23, 40))


def test_a_ring_group_is_named_where_it_lacks_most():
    cells = day(sales=[8, 8, 2, 3, 8, 8], billing=[8, 7, 8, 8, 8, 8])
    assert breach(SERVICE_LEVEL, cells) == Breach("sales", at(2), at(4), is_all_day=False, rate=Rate(5, 20))
    both = day(sales=[8, 8, 2, 8, 8, 8], billing=[8, 8, 8, 2, 8, 8], support=[8, 8, 7, 2, 8, 8])
    assert breach(SERVICE_LEVEL, both).member is None
    assert (breach(SERVICE_LEVEL, both).first, breach(SERVICE_LEVEL, both).end) == (at(2), at(4))


def test_what_other_ring_groups_have_to_spare_puts_the_blame_on_none():
    spare = {f"spare {n}": [10, 10, 10, 10] for n in range(3)}
    alike = day(sales=[8, 3, 3, 8], billing=[8, 3, 3, 8], **spare)
    assert breach(SERVICE_LEVEL, alike) == Breach(None, at(1), at(3), is_all_day=False, rate=Rate(72, 100))
    assert breach(SERVICE_LEVEL, day(sales=[8, 3, 3, 8], billing=[8, 5, 5, 8], **spare)).member == "sales"


def test_what_others_lack_here_and_there_hides_no_ring_group_that_stands_out():
    cells = day(sales=[9, 9, 5, 5, 9, 9], billing=[5, 9, 9, 9, 9, 9], support=[9, 9, 9, 9, 9, 4])
    assert breach(SERVICE_LEVEL, cells) == Breach("sales", at(2), at(4), is_all_day=False, rate=Rate(10, 20))


def test_a_day_on_which_nothing_lacks_has_none():
    assert breach(SERVICE_LEVEL, day(one=[8, 9, 10])) is breach(SERVICE_LEVEL, []) is None


def test_a_breach_of_nearly_every_half_hour_is_one_of_the_whole_day():
    assert breach(SERVICE_LEVEL, day(one=[5, 5, 5, 9])).is_all_day
    assert not breach(SERVICE_LEVEL, day(one=[5, 5, 9, 9])).is_all_day


def test_hours_without_calls_do_not_end_it():
    found = breach(SERVICE_LEVEL, day(one=[9, 5, None, None, 5, 9, 9, 9]))
    assert (found.first, found.end) == (at(1), at(5))


def test_too_many_who_hang_up_break_a_day_too():
    lost = [Cell(at(place), "one", Rate(part, 10), 0.1) for place, part in enumerate([0, 4, 3, 1, 0])]
    assert breach(ABANDONMENT, lost) == Breach(None, at(1), at(3), is_all_day=False, rate=Rate(7, 20))


def test_every_ring_group_is_held_against_its_own_target():
    cells = day(one=[8, 8, 8]) + day(0.5, strict=[5, 5, 5]) + day(1.0, other=[10, 9, 10])
    assert breach(SERVICE_LEVEL, cells).member == "other"


@given(st.lists(st.integers(0, 10), min_size=1, max_size=12))
def test_no_other_half_hours_in_a_row_lack_more(parts):
    lacks = [8 - part for part in parts]
    sums = [0, *accumulate(lacks)]
    most = max(after - before for place, before in enumerate(sums) for after in sums[place:])
    found = breach(SERVICE_LEVEL, day(one=parts))
    assert (found is None) is (most <= 0)
    assert found is None or 0.8 * found.rate.whole - found.rate.part == most
