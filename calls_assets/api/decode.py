"""The bytes of one page -> Arrow, whatever dialect the account speaks.

Arrow reads whole columns in the dialect of the pages before (`dialect`, `columns`). A page in another dialect teaches the
decoder that one; where Arrow can read none, Python reads record by record, by the same rules and with the same result.
"""

import codecs
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from calls_assets.api.columns import Columns, Place
from calls_assets.api.dialect import MARK, NULL, OTHER, Dialect, Kinds, NoDialect, dialect_of, documented_dialect
from calls_assets.api.document import CALL, PAGE
from calls_assets.api.errors import NotAPage, TooMuch
from calls_assets.api.json_columns import NotColumnar, arrays, fields_by_name, has_zero_fractions
from calls_assets.api.json_values import JSON, MOST_VALUES, MOST_VALUES_OF_RECORD, as_json, flattened, slimmed
from calls_assets.api.rules import MOMENT, NOTHING, Deviation, Reader, Shape, Shapes, sent_as
from calls_assets.api.types import arrow_type
from calls_assets.arrow import Flags, ints, texts

T = TypeVar("T")
EARLIEST_S, LATEST_S = 631_152_000, 4_102_444_800  # plausible epoch seconds: the years 1990 to 2099
MOST_LEARNED = 100  # a decoder stops learning after this: no dialect fits an account of ever new names

# How an empty list says whether it is an error: names of errors, names of flags, values of `status`.
SAYING_WRONG, SAYING_RIGHT, FAILED = ("error", "errors"), ("success", "ok"), ("error", "fail", "failed")
MOST_DIGITS = 19
MOST_TOTAL = 10 ** (MOST_DIGITS - 1)  # a total from here on is not believed
MOST_RECORDS = 100_000  # records of one answer: a hundred times what is asked for, since some servers know no pages
_STRUCT = pa.struct([pa.field(field.name, arrow_type(field)) for field in CALL])

# The schema of `Page.calls`: every documented field, then `extra`.
SCHEMA = pa.schema([*_STRUCT, pa.field("extra", pa.string())])


@dataclass(frozen=True)
class Reject:
    """A record that could not be read: its id and start (epoch s) where these could, the reason, and its JSON."""

    call_id: int | None
    started_at: int | None
    reason: str
    record: str


@dataclass(frozen=True)
class Page:
    """One page of a list.

    Attributes:
        calls: The calls, in `SCHEMA`.
        rejects: The records that could not be read.
        total: The API's own count of the list (`meta.total`); 0, which proves nothing, where calls come without a readable
            one; None where an empty answer has none.
        has_next: Whether `meta.next` names a further page.
        limit: The API's page size (`meta.limit`); None where it gives none.
        shapes: The ways in which calls of the page differ from the document.
        shape_of: The position of each call's shape in `shapes`.
    """

    calls: pa.Table
    rejects: tuple[Reject, ...]
    total: int | None
    has_next: bool = False
    limit: int | None = None
    shapes: tuple[Shape, ...] = (frozenset(),)
    shape_of: npt.NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))

    @property
    def records(self) -> int:
        """How many records the page holds, unreadable ones included."""
        return len(self.calls) + len(self.rejects)


class Decoder:
    """Reads pages, and remembers their dialect, which is only faster: what it returns depends on the page alone.

    May be shared by threads.

    Args:
        zone: The zone of times without an offset; None where that is unknown.
    """

    def __init__(self, zone: ZoneInfo | None = None) -> None:
        self._reader = Reader(zone)
        self._as_documented = documented_dialect()
        self._dialects: tuple[Dialect, ...] = (self._as_documented,)
        self._kinds = Kinds()
        self._learned = 0
        self._learning = threading.Lock()
        self._large = threading.Lock()  # large pages are read one at a time, which bounds their memory

    def read(self, body: bytes) -> Page:
        """The page that `body` holds.

        Raises:
            NotAPage: `body` is neither an object with a list `calls` nor an empty answer.
            TooMuch: it is larger than an answer may be.
        """
        body = body.removeprefix(codecs.BOM_UTF8)
        if len(body) <= MOST_VALUES:  # as many bytes hold fewer values
            return self._read(body)
        with self._large:
            return self._read(_readable(slimmed, body))

    def _read(self, body: bytes) -> Page:
        page = self._by_columns(body)
        if page is None and self._learn(body):
            page = self._by_columns(body)
        return page or self._by_records(body)

    def _by_columns(self, body: bytes) -> Page | None:
        """The page; None where its records have to be read one by one."""
        try:
            body.isascii() or body.decode()
        except UnicodeDecodeError:
            return None
        for dialect in self._dialects:
            try:
                table = dialect.read(body)
                page = self._of_columns(table, dialect.leaves(table), body)
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError, NotColumnar):
                # Another dialect, or not exact in columns: where no dialect fits, the page is read by record.
                continue
            if page and dialect is not self._dialects[0]:
                self._dialects = (dialect, *(other for other in self._dialects if other is not dialect))
            return page
        return None

    def _of_columns(self, table: pa.Table, leaves: Iterable[tuple[str, pa.Array]], body: bytes) -> Page | None:
        if table.num_rows != 1 or not {PAGE[0].name, PAGE[1].name} <= set(table.schema.names):
            return None
        calls, meta = table[PAGE[0].name].chunk(0), _plain_meta(table[PAGE[1].name][0].as_py())
        total = _whole_number(meta.get("total"))
        if calls.null_count or not pa.types.is_struct(calls.type.value_type):
            return None
        rows = calls.flatten()
        _check_few(len(rows))
        if rows.null_count or not len(rows):  # an empty list may come with an error
            return None
        columns = Columns(len(rows), self._reader, has_zero_fractions(leaves, body))
        read, extra = columns.object(CALL, fields_by_name(rows), Place("", len(rows)))
        batch = dict(zip(_STRUCT.names, read, strict=True))
        if batch["id"].null_count or batch["started_at"].null_count or not _all_plausible(batch["started_at"]):
            return None
        extra = pa.nulls(len(rows), pa.string()) if extra is None else extra
        shapes, shape_of = _shapes(columns.found, len(rows))
        return _page(pa.Table.from_arrays([*read, extra], schema=SCHEMA), (), total or 0, meta, shapes, shape_of)

    def _by_records(self, body: bytes) -> Page:
        page = _as_json(body)
        if _is_odd_empty(page):
            return _page(SCHEMA.empty_table(), (), None, {}, (), np.empty(0, np.int32))
        if not isinstance(page, dict) or not isinstance(page.get("calls"), list):
            raise NotAPage("JSON without a list 'calls'")
        meta = page["meta"] if isinstance(page.get("meta"), dict) else {}
        total = _whole_number(meta.get("total"))
        if not page["calls"] and _tells_an_error(page):
            raise NotAPage("an empty list next to an error")
        _check_few(len(page["calls"]))
        rows, extras, rejects, places = [], [], [], []
        shapes = Shapes()
        for record in page["calls"]:
            row, rest, found = self._reader.record(CALL, record) if isinstance(record, dict) else ({}, None, set())
            if reason := _why_rejected(record, row):
                rejects.append(_set_aside(record, row, reason))
                continue
            rows.append(row)
            extras.append(None if rest is NOTHING else as_json(rest))
            places.append(shapes.place(frozenset(found)))
        read = pa.RecordBatch.from_struct_array(arrays(rows, _STRUCT))
        calls = pa.Table.from_arrays([*read.columns, texts(extras)], schema=SCHEMA)
        total = total or 0 if page["calls"] else total
        return _page(calls, tuple(rejects), total, meta, shapes.all, np.array(places, np.int32))

    def _learn(self, body: bytes) -> bool:
        """Learn the dialect of a page; returns whether it may be read by columns now.

        Raises:
            NotAPage: `body` is not JSON.
        """
        if self._learned == MOST_LEARNED:
            return False
        page = _as_json(body)
        if not isinstance(page, dict) or not isinstance(page.get("calls"), list) or not page["calls"]:
            return False
        _check_few(len(page["calls"]))
        with self._learning:
            self._learned = min(self._learned + 1, MOST_LEARNED)
            try:
                self._kinds.add(page)
                self._dialects = (dialect_of(self._kinds), self._as_documented)
            except NoDialect:
                self._dialects, self._learned = (self._as_documented,), MOST_LEARNED
            return len(self._dialects) > 1


def read_page(body: bytes) -> Page:
    """The page that `body` holds, read by a `Decoder` that all callers share.

    Raises:
        NotAPage: `body` is not the documented JSON.
    """
    return _DECODER.read(body)


def _as_json(body: bytes) -> Any:
    # Bytes that are not UTF-8 become halves of surrogate pairs, which a rule for texts replaces.
    return _readable(lambda body: JSON.decode(flattened(body).decode("utf-8", "surrogateescape")), body)


def _readable(read: Callable[[bytes], T], body: bytes) -> T:
    """The result of `read` for a body.

    Raises:
        NotAPage: it is not JSON.
        TooMuch: it is larger than an answer may be.
    """
    try:
        return read(body)
    except TooMuch:
        raise
    except (ValueError, RecursionError):
        raise NotAPage("a body that is not JSON") from None


def _check_few(records: int) -> None:
    if records > MOST_RECORDS:
        raise TooMuch(f"more than {MOST_RECORDS:,} records")


def _page(
    calls: pa.Table,
    rejects: tuple[Reject, ...],
    total: int | None,
    meta: Mapping[str, Any],
    shapes: tuple[Shape, ...],
    shape_of: npt.NDArray[np.int32],
) -> Page:
    return Page(calls, rejects, total, bool(meta.get("next")), _whole_number(meta.get("limit")), shapes, shape_of)


def _shapes(found: Mapping[Deviation, Flags], records: int) -> tuple[tuple[Shape, ...], npt.NDArray[np.int32]]:
    """The shapes of a page's records, and the position of each record's shape among them."""
    everywhere = frozenset(deviation for deviation, where in found.items() if where.all())
    somewhere = [item for item in found.items() if item[0] not in everywhere]
    if not somewhere:
        return (everywhere,), np.zeros(records, np.int32)
    bits = np.packbits(np.stack([where for _, where in somewhere]), axis=0)
    keys = np.ascontiguousarray(bits.T).view(f"V{len(bits)}").ravel()
    _, first, shape_of = np.unique(keys, return_index=True, return_inverse=True)
    shapes = tuple(
        everywhere.union(deviation for deviation, where in somewhere if where[place]) for place in first.tolist()
    )
    return shapes, shape_of.astype(np.int32)


def _plain_meta(meta: Any) -> dict[str, Any]:
    """A page's `meta` by plain names, without the marks of kinds."""
    values: dict[str, Any] = {}
    for name, value in (meta if isinstance(meta, dict) else {}).items():
        plain, _, kind = name.partition(MARK)
        if value is not None and kind != NULL:
            if plain in values:
                raise NotColumnar("a name that comes several times")
            values[plain] = JSON.decode(value) if kind == OTHER else value
    return values


def _all_plausible(started_at: pa.Array) -> bool:
    if not len(started_at):
        return True
    seconds = ints(pa.chunked_array([started_at]))
    return bool(seconds.min() >= EARLIEST_S and seconds.max() < LATEST_S)


def _is_odd_empty(page: Any) -> bool:
    """Whether an answer says in an undocumented way that there are no calls."""
    if page == []:
        return True
    if not isinstance(page, dict) or not page.keys() <= {"calls", "meta"} or page.get("calls") not in (None, {}, ""):
        return False
    total = page["meta"].get("total") if isinstance(page.get("meta"), dict) else None
    return total is None or _whole_number(total) == 0


def _tells_an_error(page: Mapping[str, Any]) -> bool:
    """Whether a page reports an error."""
    is_wrong = any(page.get(name) for name in SAYING_WRONG) or page.get("status") in FAILED
    return is_wrong or any(page.get(name) is False for name in SAYING_RIGHT)


def _whole_number(value: object) -> int | None:
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < MOST_DIGITS:
        return int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if 0 <= value < MOST_TOTAL else None


def _why_rejected(record: Any, row: Mapping[str, Any]) -> str | None:
    """Why a record cannot be identified as a call; None where it can."""
    if isinstance(record, str) and len(record) > MOST_VALUES_OF_RECORD:
        return f"the record holds more than {MOST_VALUES_OF_RECORD:,} values"
    if not isinstance(record, dict):
        return f"the record is {sent_as(record)}, not an object"
    for name, expected in (("id", "an integer"), ("started_at", "a moment")):
        if row[name] is None:
            sent = sent_as(record[name]) if name in record else "missing"
            return f"{name} is {sent}, not {expected}{_hint(name, record.get(name))}"
    if not EARLIEST_S <= row["started_at"] < LATEST_S:
        return f"started_at is {sent_as(record['started_at'])} that is no plausible moment"
    return None


def _hint(name: str, value: Any) -> str:
    is_time = (
        name == "started_at" and isinstance(value, str) and (match := MOMENT.fullmatch(value)) and not match["offset"]
    )
    return ": it is a time without an offset, so set CALLS_TIMES_ZONE to the zone of such times" if is_time else ""


def _set_aside(record: Any, row: Mapping[str, Any], reason: str) -> Reject:
    started_at = row.get("started_at")
    plausible = started_at is not None and EARLIEST_S <= started_at < LATEST_S
    return Reject(row.get("id"), started_at if plausible else None, reason, as_json(record))


_DECODER = Decoder()
