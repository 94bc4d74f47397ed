"""What is stored of the texts that identify people: names, numbers, notes, tags, addresses of recordings.

`keep` stores them, `drop` makes them null, `pseudonymise` replaces each with a keyed hash: the same text gives the same hash,
so that calls of one contact still join, and nobody without the key can try out texts. Undocumented fields, and values of an
undocumented type, could hold anything: only names that are words of the trade, booleans and nulls are kept of these. The
originals in `extra` are treated like their fields.
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Iterable
from dataclasses import InitVar, dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from calls_assets.api.document import CALL, Field, Kind
from calls_assets.api.field_names import ODD_NAME, shown_name
from calls_assets.api.json_values import JSON, as_json

if TYPE_CHECKING:
    from calls_assets.api.decode import Reject

KEEP, PSEUDONYMISE, DROP = POLICIES = ("keep", "pseudonymise", "drop")
LEAST_KEY, LEAST_DIFFERENT = 16, 6  # characters that a key must have, and how many of them must be different
HASH_DIGITS = 32
FINGERPRINT_DIGITS = 16
MOST_DEEP = 32  # undocumented values nested deeper than this become null
_JSON_TYPES: dict[Kind, tuple[type, ...]] = {Kind.INTEGER: (int, float), Kind.BOOLEAN: (bool,), Kind.TEXT: (str,)}


@dataclass(frozen=True)
class Privacy:
    """A policy, one of `POLICIES`, with the key of its hash, which cannot be read back.

    Attributes:
        fingerprint: Distinguishes keys without revealing them.

    Raises:
        ValueError: the policy is unknown, or its key can be guessed; the sentence never holds the key.
    """

    policy: str = KEEP
    key: InitVar[str] = ""
    fingerprint: str = field(init=False, default="")

    def __post_init__(self, key: str) -> None:
        if self.policy not in POLICIES:
            raise ValueError(f"CALLS_PRIVACY must be one of {', '.join(POLICIES)}, but {self.policy!r} was given.")
        if self.policy == PSEUDONYMISE:
            _check_key(key)
        object.__setattr__(self, "_hash", hmac.new(key.encode("utf-8", "surrogateescape"), digestmod=hashlib.sha256))
        of = self._digits("fingerprint of CALLS_PRIVACY_KEY", FINGERPRINT_DIGITS)
        object.__setattr__(self, "fingerprint", of)

    def calls(self, calls: pa.Table) -> pa.Table:
        """Decoded calls, with what the policy keeps of them."""
        if self.policy == KEEP:
            return calls
        for position, each in enumerate(CALL):
            if _is_personal(each):
                column = self._column(each, calls.column(position).combine_chunks())
                calls = calls.set_column(position, calls.schema.field(position), column)
        extra = calls.schema.get_field_index("extra")
        return calls.set_column(extra, calls.schema.field(extra), self._texts(calls.column(extra), self._json))

    def rejects(self, rejects: "Iterable[Reject]") -> "tuple[Reject, ...]":
        """Rejected records, with what the policy keeps of them."""
        if self.policy == KEEP:
            return tuple(rejects)
        return tuple(replace(reject, record=self._json(reject.record)) for reject in rejects)

    def _column(self, field: Field, column: pa.Array) -> pa.Array:
        if not _is_personal(field):
            return column
        if field.many:
            items = self._column(field.item, column.values)
            return pa.ListArray.from_arrays(column.offsets, items, type=column.type, mask=column.is_null())
        if isinstance(field.kind, Kind):
            return self._texts(column, self._text)
        parts = [self._column(part, column.field(place)) for place, part in enumerate(field.kind)]
        return pa.StructArray.from_arrays(parts, fields=list(column.type), mask=column.is_null())

    def _texts(self, texts: pa.Array | pa.ChunkedArray, read: Callable[[str], str | None]) -> pa.Array:
        """Each text after `read`, which is called once for equal ones."""
        different = texts.dictionary_encode()
        if isinstance(different, pa.ChunkedArray):
            different = different.combine_chunks()
        left = pa.array([read(text) for text in different.dictionary.to_pylist()], pa.string())
        return left.take(different.indices)

    def _text(self, text: str) -> str | None:
        return None if self.policy == DROP else self._digits(text, HASH_DIGITS)

    def _digits(self, text: str, digits: int) -> str:
        hashed: hmac.HMAC = self._hash.copy()  # type: ignore[attr-defined]  # not a field, so that nothing shows it
        hashed.update(text.encode("utf-8", "surrogatepass"))
        return hashed.hexdigest()[:digits]

    def _json(self, text: str) -> str:
        try:
            record = JSON.decode(text)
        except (ValueError, RecursionError):
            return json.dumps(self._text(text))  # nested too deep to read
        return json.dumps(self._record(CALL, record), sort_keys=True)

    def _unknown(self, value: Any, depth: int = 0) -> Any:
        match value:
            case None | bool():
                return value
            case dict() | list() if depth == MOST_DEEP:
                return None
            case dict():
                return {self._name(name): self._unknown(part, depth + 1) for name, part in value.items()}
            case list():
                return [self._unknown(item, depth + 1) for item in value]
            case str():
                return self._text(value)
            case _:
                return self._text(as_json(value))

    def _name(self, name: str) -> str:
        """The name of an undocumented field; some accounts use people or numbers as names."""
        return name if shown_name(name) == name else self._text(name) or ODD_NAME

    def _record(self, fields: tuple[Field, ...], value: Any) -> Any:
        if not isinstance(value, dict):
            return self._unknown(value)
        known = {each.name: each for each in fields}
        named = {name: self._documented(known[name], part) for name, part in value.items() if name in known}
        return named | self._unknown({name: part for name, part in value.items() if name not in known})

    def _documented(self, field: Field, value: Any) -> Any:
        if field.many and isinstance(value, list):
            return [self._documented(field.item, item) for item in value]
        if isinstance(field.kind, tuple):
            return self._record(field.kind, value)
        if field.personal or field.many or not isinstance(value, _JSON_TYPES[field.kind]):
            return self._unknown(value)
        return value


def _check_key(key: str) -> None:
    """Raise for a key that is too short, or too regular."""
    what = f"CALLS_PRIVACY_KEY must be a secret of at least {LEAST_KEY} characters"
    keep = "set it to one that you keep, because another key gives other pseudonyms"
    if len(key.strip()) < LEAST_KEY:
        raise ValueError(f"{what}, but {len(key.strip())} were given: {keep}.")
    steps = {ord(after) - ord(before) for before, after in pairwise(key)}
    is_repeated = key in (key + key)[1:-1]
    if len(set(key)) < LEAST_DIFFERENT or is_repeated or len(steps) <= 2:
        raise ValueError(f"{what} that nobody can guess, but the one that was given follows a pattern: {keep}.")


def _is_personal(field: Field) -> bool:
    return field.personal or (isinstance(field.kind, tuple) and any(map(_is_personal, field.kind)))
