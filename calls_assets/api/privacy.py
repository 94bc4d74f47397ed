"""What lands of the texts that tell who the other party of a call is: names, numbers, notes, where recordings lie.

`keep` leaves them, `drop` makes them null, `pseudonymise` replaces each by a keyed hash: the same text gives the same hash,
so that calls of one contact still join, and nobody without the key can try texts out. What the document does not name, and
what stands where another type is documented, could hold anything: of it only the names of the fields, booleans and nulls are
left. Of the originals in `extra`, a policy leaves what it leaves of their fields.
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from calls_assets.api.document import CALL, Field, Kind

if TYPE_CHECKING:
    from calls_assets.api.decode import Reject

KEEP, PSEUDONYMISE, DROP = POLICIES = ("keep", "pseudonymise", "drop")

LEAST_KEY = 16
"""Characters that a key must have at least."""

HASH_DIGITS = 32

FINGERPRINT_DIGITS = 16

_JSON_TYPES: dict[Kind, tuple[type, ...]] = {Kind.INTEGER: (int, float), Kind.BOOLEAN: (int, float), Kind.TEXT: (str,)}


@dataclass(frozen=True)
class Privacy:
    """A policy, one of `POLICIES`, with the key of its hash.

    Raises:
        ValueError: the policy is unknown, or its key too short; the key is never shown.
    """

    policy: str = KEEP
    key: str = ""

    def __post_init__(self) -> None:
        if self.policy not in POLICIES:
            raise ValueError(f"CALLS_PRIVACY is one of {', '.join(POLICIES)}, but {self.policy!r} was given.")
        if self.policy == PSEUDONYMISE and len(self.key) < LEAST_KEY:
            raise ValueError(
                f"CALLS_PRIVACY_KEY is a secret of at least {LEAST_KEY} characters, but {len(self.key)} were given: "
                "set it to one that you keep, because another key gives other pseudonyms."
            )

    @property
    def fingerprint(self) -> str:
        """What tells two keys apart and gives neither away."""
        of = hmac.new(self.key.encode(), b"fingerprint of CALLS_PRIVACY_KEY", hashlib.sha256)
        return of.hexdigest()[:FINGERPRINT_DIGITS]

    def calls(self, calls: pa.Table) -> pa.Table:
        """Calls, as decoded, with what the policy leaves of them."""
        if self.policy == KEEP:
            return calls
        for position, field in enumerate(CALL):
            if _is_personal(field):
                column = self._column(field, calls.column(position).combine_chunks())
                calls = calls.set_column(position, calls.schema.field(position), column)
        extra = calls.schema.get_field_index("extra")
        return calls.set_column(extra, calls.schema.field(extra), self._texts(calls.column(extra), self._json))

    def rejects(self, rejects: "Iterable[Reject]") -> "tuple[Reject, ...]":
        """Rejected records with what the policy leaves of them."""
        return tuple(rejects) if self.policy == KEEP else tuple(map(self._reject, rejects))

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
        """Each text as `read` leaves it; equal ones are read once."""
        different = texts.dictionary_encode()
        if isinstance(different, pa.ChunkedArray):
            different = different.combine_chunks()
        left = pa.array([read(text) for text in different.dictionary.to_pylist()], pa.string())
        return left.take(different.indices)

    def _text(self, text: str) -> str | None:
        if self.policy == DROP:
            return None
        return hmac.new(self.key.encode(), text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[
            :HASH_DIGITS
        ]

    def _json(self, text: str) -> str:
        return json.dumps(self._record(CALL, json.loads(text)), sort_keys=True)

    def _reject(self, reject: "Reject") -> "Reject":
        return replace(reject, record=json.dumps(self._record(CALL, json.loads(reject.record)), sort_keys=True))

    def _unknown(self, value: Any) -> Any:
        match value:
            case None | bool():
                return value
            case dict():
                return {name: self._unknown(part) for name, part in value.items()}
            case list():
                return [self._unknown(item) for item in value]
            case str():
                return self._text(value)
            case _:
                return self._text(json.dumps(value))

    def _record(self, fields: tuple[Field, ...], value: Any) -> Any:
        if not isinstance(value, dict):
            return self._unknown(value)
        known = {field.name: field for field in fields}
        return {
            name: self._documented(known[name], part) if name in known else self._unknown(part)
            for name, part in value.items()
        }

    def _documented(self, field: Field, value: Any) -> Any:
        if field.many and isinstance(value, list):
            return [self._documented(field.item, item) for item in value]
        if isinstance(field.kind, tuple):
            return self._record(field.kind, value)
        if field.personal or field.many or not isinstance(value, _JSON_TYPES[field.kind]):
            return self._unknown(value)
        return value


def _is_personal(field: Field) -> bool:
    return field.personal or (isinstance(field.kind, tuple) and any(map(_is_personal, field.kind)))
