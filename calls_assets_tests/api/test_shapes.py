"""Shapes: few are told apart, and ever new ones cost no memory without end."""

from calls_assets.api import shapes
from calls_assets.api.rules import Became, Deviation
from calls_assets.api.shapes import EVER_OTHERS, Shapes


def shape(*names):
    return frozenset(Deviation(name, "an integer", Became.UNDOCUMENTED.value) for name in names)


def test_each_shape_has_one_place():
    seen = Shapes()
    assert [seen.place(one) for one in (shape("a"), shape(), shape("b"), shape("a"))] == [0, 1, 2, 0]
    assert seen.all == (shape("a"), shape(), shape("b"))


def test_ever_new_shapes_become_one(monkeypatch):
    monkeypatch.setattr(shapes, "MOST_TOLD", 3)
    seen = Shapes()
    assert [seen.place(shape(f"{n}", f"{n}'")) for n in range(9)] == [0, *[1] * 8]
    assert seen.place(shape("x")) == 2
    assert seen.place(shape("0", "0'")) == 0
    assert seen.all == (shape("0", "0'"), EVER_OTHERS, shape("x"))
