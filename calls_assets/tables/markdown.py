"""The data dictionary as a page: docs/tables.md, generated from the declarations of the tables."""

from collections.abc import Iterator

import pyarrow as pa

from calls_assets.api.rules import RULES
from calls_assets.tables.catalog import ALL_TABLES, VIEWS
from calls_assets.tables.evidence import CERTAIN_PREDICATES, LIKELY_PREDICATES
from calls_assets.tables.schema import Table

HEAD = """\
# Tables

One file a table and local day, `<CALLS_DATA_URL>/<table>/date=YYYY-MM-DD/<table>.parquet`. `make docs` generates this page
from the code; the files' schemas, the UI and `calls-assets sql <table>` show the same descriptions. Views have no files:
`calls_assets.read`, `calls_assets.connect` and `calls-assets sql` compute their rows from the tables they are made from.

Letters in formulas count one day's ended inbound calls by outcome: A answered, W answered within the vendor's threshold,
B abandoned, S short-abandoned, O overflowed, C callback requested, U unanswered for another reason.
"""


CALL_TYPES = """\
## Call types that the fields tell

`calls.call_types` has the API's labels, and of the first seven types below, which the fields tell for certain, those whose
predicate holds. `reconciliation` and `reconciliation_calls` compare these and the last three, which the fields only suggest,
so that the API has the last word on them; the other eight types are the API's alone. The predicates are on the columns of
`calls`, and `all_agents` is that of `raw_calls`; a predicate that is null does not hold.

| call type | predicate |
| --- | --- |
"""

DIALECTS = """\
## What is not as documented

Accounts differ from the API's document. A value of `raw_calls` that does not have the documented JSON type goes through these
rules, and the first that applies reads it. What none of them reads is null, and its original is in `extra` under its name, as
is the original of a value that was rounded or repaired. The check `as_documented` counts each deviation by field. A record is
set aside in `rejected_calls` only where it is not an object, its `id` or its `started_at` cannot be read, or its `started_at`
is outside 1990 to 2099. An object without any value that the document names is null.

| the document has | the account sends | the column holds |
| --- | --- | --- |
"""


def dictionary_page() -> str:
    """The page as Markdown: every table with its key, its inputs and its columns, nested fields too."""
    links = "".join(f"- [`{name}`](#{name}): {table.description}\n" for name, table in ALL_TABLES.items())
    rules = "".join(f"| {rule.documented} | {rule.sent} | {rule.becomes} |\n" for rule in RULES)
    told = (CERTAIN_PREDICATES | LIKELY_PREDICATES).items()
    predicates = "".join(f"| `{name}` | `{predicate}` |\n" for name, predicate in told)
    return (
        f"{HEAD}\n{links}"
        + "".join(f"\n{part}" for part in map(_section, ALL_TABLES.values()))
        + f"\n{CALL_TYPES}{predicates}"
        + f"\n{DIALECTS}{rules}"
    )


def _section(table: Table) -> str:
    made_from = ", ".join(f"`{name}`" for name in table.inputs) or "the API"
    kind = "A view, made" if table.name in VIEWS else "Made"
    rows = [row for field in table.arrow_schema for row in _rows(field, field.name)]
    return "\n".join(
        [
            f"## {table.name}\n",
            f"{table.description}\n",
            f"{kind} from {made_from}. Unique, and sorted, by {', '.join(f'`{name}`' for name in table.key)}.\n",
            "| column | type | unit | null | meaning |",
            "| --- | --- | --- | --- | --- |",
            *rows,
            "",
        ]
    )


def _rows(field: pa.Field, path: str) -> Iterator[str]:
    """The table rows of a column and of the fields nested in it."""
    notes = {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
    many = pa.types.is_list(field.type)
    inner = field.type.value_type if many else field.type
    kind = "struct" if pa.types.is_struct(inner) else str(inner)
    shown = f"list of {kind}" if many else kind
    meaning = notes.get("description", "").replace("|", "\\|")
    yield f"| `{path}` | {shown} | {notes.get('unit', '')} | {'yes' if field.nullable else 'no'} | {meaning} |"
    if pa.types.is_struct(inner):
        for part in inner:
            yield from _rows(part, f"{path}{'[]' if many else ''}.{part.name}")
