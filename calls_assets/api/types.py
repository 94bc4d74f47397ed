"""The documented fields as Arrow types, with descriptions and units in their metadata."""

from functools import cache

import pyarrow as pa

from calls_assets.api.document import Field, Kind
from calls_assets.arrow import notes

PLAIN = {Kind.INTEGER: pa.int64(), Kind.BOOLEAN: pa.bool_(), Kind.TEXT: pa.string()}


@cache
def arrow_type(field: Field) -> pa.DataType:
    """The Arrow type of a documented field: plain, struct, or a list of either."""
    if isinstance(field.kind, Kind):
        item = PLAIN[field.kind]
    else:
        item = pa.struct(
            [pa.field(part.name, arrow_type(part), metadata=notes(part.description, part.unit)) for part in field.kind]
        )
    return pa.list_(item) if field.many else item
