"""JSON as the rules need it: with the spelling of numbers, repeated names, and bounded depth and size."""

import json
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from calls_assets.api.errors import TooMuch

EXACT = 2**53  # whole numbers below this are exact as doubles too
LONGEST_NUMBER = 400  # digits of a number; longer ones are kept as texts
MOST_LEVELS = 512  # what is nested deeper is kept as a text: Python neither reads nor writes a thousand levels
RECORD_LEVEL = 3  # where records are nested: in the list of calls, in the page

# Values in an answer and in a record: a gigabyte in memory, as much as fifty thousand ordinary calls.
MOST_VALUES, MOST_VALUES_OF_RECORD = 5_000_000, 1_000_000
MOST_ODD = 5_000_000  # bytes of an answer that may be control characters or not UTF-8: written again, each takes six
CONTROLS = bytes(set(range(32)) - set(b"\t\n\r"))  # control characters, except those that may stand between values
MOST_SPANS = 1_000_000  # objects and lists in one place
AT_ONCE = 2**23  # bytes searched for brackets in one go

# Halves of surrogate pairs, which is also how bytes that are not UTF-8 come.
HALVES = dict.fromkeys(range(0xD800, 0xE000), "\N{REPLACEMENT CHARACTER}")


class WholeReal(int):
    """A whole number that is not written as one: with a zero fraction, or with an exponent."""


class ZeroFraction(WholeReal):
    """One that is written with a point."""


class UnheldNumber(str):
    """A number that no type can hold, such as NaN, 1e400 or one of thousands of digits, as it was written."""


class DuplicateName:
    """Different values under the same name of one object: nobody can tell which is meant."""

    def __init__(self, values: list[Any]) -> None:
        self.values = values


def as_json(value: Any) -> str:
    """JSON with sorted keys, in plain UTF-8 except for what that cannot hold; a list of the values of a repeated name."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, default=lambda several: several.values)
    return text if is_unicode(text) else text.encode(errors="backslashreplace").decode()


def is_unicode(text: str) -> bool:
    """Whether a text can be encoded in UTF-8: it has no half of a surrogate pair."""
    try:
        return text.isascii() or bool(text.encode())
    except UnicodeEncodeError:
        return False


def _real(text: str) -> Any:
    """A number with a point or an exponent; a whole one as such."""
    number = float(text)
    if not math.isfinite(number):
        return UnheldNumber(text)
    if not number.is_integer() or abs(number) >= EXACT:
        return number
    return ZeroFraction(number) if "." in text else WholeReal(number)


def _whole(text: str) -> Any:
    return int(text) if len(text) <= LONGEST_NUMBER else UnheldNumber(text)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) == len(pairs):
        return values
    given: dict[str, list[Any]] = {}
    for name, value in pairs:
        given.setdefault(name, []).append(value)
    return {name: _one(several) for name, several in given.items()}


def _one(given: list[Any]) -> Any:
    """The value of a repeated name; nulls do not count, as Arrow's reader skips them too."""
    values = [value for value in given if value is not None] or [None]
    return values[0] if len(set(map(as_json, values))) == 1 else DuplicateName(values)


# Reads JSON as the rules take it, with unescaped control characters in texts too.
JSON = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_real, parse_int=_whole, parse_constant=UnheldNumber, strict=False
)


def flattened(body: bytes) -> bytes:
    """JSON with everything nested deeper than `MOST_LEVELS` turned into texts.

    Raises:
        ValueError: not all of its brackets are closed.
    """
    return _in_texts(body, _spans(body, MOST_LEVELS + 1))


def slimmed(body: bytes) -> bytes:
    """A page with its records of more than `MOST_VALUES_OF_RECORD` values turned into texts.

    Raises:
        ValueError: not all of its brackets are closed.
        TooMuch: more than `MOST_VALUES` values are left, or more than `MOST_ODD` of its bytes are odd.
    """
    pieces = (body[first : first + AT_ONCE] for first in range(0, len(body), AT_ONCE))
    if (
        sum(len(piece) - len(piece.decode(errors="ignore").encode().translate(None, CONTROLS)) for piece in pieces)
        > MOST_ODD
    ):
        raise TooMuch(f"more than {MOST_ODD:,} control characters or bytes that are not UTF-8")
    body = flattened(body)
    body = _in_texts(body, [span for span in _spans(body, RECORD_LEVEL) if span.values > MOST_VALUES_OF_RECORD])
    if sum(span.values for span in _spans(body, 1)) > MOST_VALUES:
        raise TooMuch(f"more than {MOST_VALUES:,} values")
    return body


class Span(NamedTuple):
    """An object or list: where its brackets are, and how many values it holds, counted by commas and opening brackets."""

    begin: int
    end: int
    values: int


def _in_texts(body: bytes, spans: list[Span]) -> bytes:
    parts: list[bytes] = []
    done = 0
    for begin, end, _ in spans:
        parts += body[done:begin], json.dumps(body[begin : end + 1].decode("utf-8", "surrogateescape")).encode()
        done = end + 1
    return b"".join([*parts, body[done:]]) if spans else body


_STEPS = np.zeros(256, np.int8)
_STEPS[list(b"[{")], _STEPS[list(b"]}")] = 1, -1
_QUOTE, _COMMA = b'",'
_TELLS = _STEPS != 0
_TELLS[[_QUOTE, _COMMA]] = True


def _spans(body: bytes, level: int) -> list[Span]:
    """The objects and lists at a level of nesting, the page being level 1.

    Raises:
        ValueError: not all of these are closed.
    """
    begins: list[tuple[int, int]] = []
    ends: list[tuple[int, int]] = []
    depth = quotes = values = 0
    for first, signs in _pieces(body):
        places = np.flatnonzero(_TELLS[signs])
        if not len(places):
            continue
        tokens = signs[places]
        is_quote = tokens == _QUOTE
        is_outside = (np.cumsum(is_quote) + quotes) % 2 == 0
        steps = np.where(is_outside, _STEPS[tokens], 0)
        levels = np.cumsum(steps, dtype=np.int64) + depth
        seen = np.cumsum(is_outside & ((tokens == _COMMA) | (steps > 0))) + values
        is_in = levels >= level
        was_in = np.append(depth >= level, is_in[:-1])
        for found, edges in ((begins, is_in & ~was_in), (ends, was_in & ~is_in)):
            found.extend(zip((places[edges] + first).tolist(), seen[edges].tolist(), strict=True))
        if len(begins) > MOST_SPANS:
            raise TooMuch(f"more than {MOST_SPANS:,} objects and lists in one place")
        depth, quotes, values = int(levels[-1]), quotes + int(np.count_nonzero(is_quote)), int(seen[-1])
    if len(begins) != len(ends):
        raise ValueError("A bracket is not closed.")
    return [Span(begin, end, after - before) for (begin, before), (end, after) in zip(begins, ends, strict=True)]


def _pieces(body: bytes) -> Iterator[tuple[int, Any]]:
    """The bytes in chunks, each with its offset, and with blanks for escapes, which could be taken for the end of a text."""
    plain = body.replace(rb"\\", b"  ").replace(rb"\"", b"  ") if b"\\" in body else body
    for first in range(0, len(plain), AT_ONCE):
        yield first, np.frombuffer(plain, np.uint8, min(AT_ONCE, len(plain) - first), first)
