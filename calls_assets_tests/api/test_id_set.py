from itertools import chain

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from calls_assets.api.id_set import IdSet

PAGES = st.lists(st.lists(st.integers(-(2**63), 2**63 - 1) | st.integers(0, 20), max_size=12), max_size=12)


def seen_of(pages):
    seen = IdSet()
    return seen, [seen.add(np.array(page, np.int64)) for page in pages]


@given(PAGES)
def test_it_counts_as_a_python_set_does(pages):
    seen, again = seen_of(pages)
    known = set()
    for page, count in zip(pages, again, strict=True):
        assert count == len(page) - len(set(page) - known)
        known |= set(page)
    assert len(seen) == len(known)


@given(PAGES, PAGES)
def test_two_are_equal_when_their_numbers_are(some, others):
    assert seen_of(some)[0].equals(seen_of(others)[0]) == (set(chain(*some)) == set(chain(*others)))
    assert seen_of(some)[0].equals(seen_of(some[::-1])[0])
