"""The bytes of one page -> Arrow.

A clean page goes through Arrow's own JSON reader. A page that it refuses, or that holds a field the document does not name,
goes record by record through Python instead, which tells what is wrong with a record and sets only that one aside. Both ways
give the same table.
"""

import codecs
import json
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from calls_assets.api.arrow import arrow_type
from calls_assets.api.document import CALL, Field, Kind
from calls_assets.api.errors import NotAPage

EARLIEST_S, LATEST_S = 946_684_800, 4_102_444_800
"""Plausible epoch seconds: the years 2000 to 2099. Milliseconds lie far beyond."""

_STRUCT = pa.struct([pa.field(field.name, arrow_type(field)) for field in CALL])
_META = pa.struct(
    [
        ("page", pa.int64()),
        ("limit", pa.int64()),
        ("total", pa.int64()),
        ("next", pa.string()),
        ("previous", pa.string()),
    ]
)
_PAGE_SCHEMA = pa.schema([("calls", pa.list_(_STRUCT)), ("meta", _META)])

SCHEMA = pa.schema([*_STRUCT, pa.field("extra", pa.string())])
"""The schema of `Page.calls`: every documented field, then `extra`."""


@dataclass(frozen=True)
class Reject:
    """A record that could not be read: its id and start (epoch s) where those could, the reason, and its JSON."""

    call_id: int | None
    started_at: int | None
    reason: str
    record: str


@dataclass(frozen=True)
class Page:
    """One page: its calls, the records that could not be read, and the API's own total for the request."""

    calls: pa.Table
    rejects: tuple[Reject, ...]
    total: int

    @property
    def records(self) -> int:
        """How many records the page holds, readable or not."""
        return len(self.calls) + len(self.rejects)


class _Unreadable(Exception):
    """A value that is not what the document says; the message names field and type, never the value."""


def read_page(body: bytes) -> Page:
    """The page that `body` holds.

    Raises:
        NotAPage: `body` is not the documented JSON: no JSON object with a list `calls` and a number `meta.total`.
    """
    body = body.removeprefix(codecs.BOM_UTF8)
    return _read_clean(body) or _read_record_by_record(body)


def _read_clean(body: bytes) -> Page | None:
    """The page, or None where it takes a closer look."""
    try:
        body.isascii() or body.decode()
        table = pj.read_json(
            pa.BufferReader(body),
            pj.ReadOptions(use_threads=False, block_size=len(body) + 1),
            pj.ParseOptions(explicit_schema=_PAGE_SCHEMA, unexpected_field_behavior="error"),
        )
    except (pa.ArrowInvalid, UnicodeDecodeError):
        return None
    if table.num_rows != 1:
        return None
    calls, total = table["calls"].chunk(0), table["meta"][0].as_py()
    if calls.null_count or total is None or total["total"] is None or total["total"] < 0:
        return None
    rows = calls.flatten()
    if rows.null_count:
        return None
    batch = pa.Table.from_batches([pa.RecordBatch.from_struct_array(rows)])
    if batch["id"].null_count or batch["started_at"].null_count or not _all_plausible(batch["started_at"]):
        return None
    return Page(batch.append_column("extra", pa.nulls(batch.num_rows, pa.string())), (), total["total"])


def _all_plausible(started_at: pa.ChunkedArray) -> bool:
    if not len(started_at):
        return True
    span = pc.min_max(started_at).as_py()
    return bool(span["min"] >= EARLIEST_S and span["max"] < LATEST_S)


def _read_record_by_record(body: bytes) -> Page:
    try:
        # Bytes that are no UTF-8 become lone surrogates, which only cost the record that holds them.
        page = json.loads(body.decode("utf-8", "surrogateescape"), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise NotAPage("a body that is no JSON") from None
    if not isinstance(page, dict) or not isinstance(page.get("calls"), list):
        raise NotAPage("JSON without a list 'calls'")
    total = _whole_number(page["meta"].get("total") if isinstance(page.get("meta"), dict) else None)
    if total is None:
        raise NotAPage("JSON without a number 'meta.total'")
    rows, rejects = [], []
    for record in page["calls"]:
        try:
            rows.append(_read_record(record))
        except _Unreadable as why:
            rejects.append(_set_aside(record, str(why)))
    return Page(pa.Table.from_pylist(rows, SCHEMA), tuple(rejects), total)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _whole_number(value: object) -> int | None:
    if isinstance(value, str) and value.strip().isdecimal():
        return int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _read_record(record: object) -> dict[str, Any]:
    if not isinstance(record, dict):
        raise _Unreadable(f"the record is {_json_type(record)}, not an object")
    row = {field.name: _read(field, record.get(field.name), field.name) for field in CALL}
    for name in ("id", "started_at"):
        if row[name] is None:
            raise _Unreadable(f"{name} is {'null' if name in record else 'missing'}, not an integer")
    if not EARLIEST_S <= row["started_at"] < LATEST_S:
        raise _Unreadable("started_at is an integer that is no plausible epoch second")
    unknown = _unknown(CALL, record)
    row["extra"] = None if unknown is None else _as_json(unknown)
    return row


def _read(field: Field, value: object, path: str) -> Any:
    if not field.many:
        return _read_one(field, value, path)
    if value is None:
        return None
    if not isinstance(value, list):
        raise _Unreadable(f"{path} is {_json_type(value)}, not an array")
    return [_read_one(field, item, f"{path}[{position}]") for position, item in enumerate(value)]


def _read_one(field: Field, value: object, path: str) -> Any:
    if value is None:
        return None
    match field.kind:
        case Kind.INTEGER:
            return _integer(value, path)
        case Kind.BOOLEAN if isinstance(value, bool):
            return value
        case Kind.TEXT if isinstance(value, str):
            return _text(value, path)
        case tuple() as inner if isinstance(value, dict):
            return {part.name: _read(part, value.get(part.name), f"{path}.{part.name}") for part in inner}
        case tuple() if value == []:
            return None  # some servers write an empty object so
        case tuple():
            raise _Unreadable(f"{path} is {_json_type(value)}, not an object")
        case kind:
            raise _Unreadable(f"{path} is {_json_type(value)}, not {_article(kind.value)}")


def _integer(value: object, path: str) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise _Unreadable(f"{path} is {_json_type(value)}, not an integer")
    if not -(2**63) <= value < 2**63:
        raise _Unreadable(f"{path} is an integer beyond 64 bits")
    return value


def _text(value: str, path: str) -> str:
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise _Unreadable(f"{path} is a string that is no valid Unicode") from None
    return value


def _unknown(fields: tuple[Field, ...], record: dict[str, Any]) -> dict[str, Any] | None:
    """What of `record` the document does not name, in the record's own nesting; None where it names all."""
    known = {field.name: field for field in fields}
    unknown = {name: value for name, value in record.items() if name not in known}
    for name, field in known.items():
        inner, value = field.kind, record.get(name)
        if isinstance(inner, tuple) and isinstance(value, list):
            items = [_unknown(inner, item) if isinstance(item, dict) else None for item in value]
            if any(item is not None for item in items):
                unknown[name] = items
        elif isinstance(inner, tuple) and isinstance(value, dict) and (part := _unknown(inner, value)) is not None:
            unknown[name] = part
    return unknown or None


def _set_aside(record: object, reason: str) -> Reject:
    got = record if isinstance(record, dict) else {}
    call_id, started_at = (_or_none(got.get(name)) for name in ("id", "started_at"))
    plausible = started_at is not None and EARLIEST_S <= started_at < LATEST_S
    return Reject(call_id, started_at if plausible else None, reason, _as_json(record))


def _as_json(value: object) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return text if _encodable(text) else json.dumps(value, sort_keys=True)


def _or_none(value: object) -> int | None:
    try:
        return _integer(value, "")
    except _Unreadable:
        return None


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _json_type(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int():
            return "an integer"
        case float():
            return "a number with a fraction"
        case str():
            return "a string"
        case list():
            return "an array"
        case _:
            return "an object"


def _article(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"
