"""Questions in the terminal: what stands in the data does nothing to it, and no query goes beyond the tables."""

import csv
import io
from datetime import date

import pytest

from calls_assets.commands.sql import print_query
from calls_assets.tables.catalog import CALLS
from calls_assets.tables.store import TableStore

DAY = date(2026, 3, 6)

ACTING = "".join(map(chr, [7, 8, 27, 127, 0x85, 0x9B, 0x9D, 0x200B, 0x200F, 0x202E, 0x2066, 0x2028, 0xFEFF]))
"""Signs that ring, erase, colour, hide or turn what is beside them."""

HOSTILE = f"Ann{ACTING}a"


@pytest.fixture
def asked(tmp_path, monkeypatch, capfdbinary):
    """Asks a tree of one empty day, and gives what is printed."""
    TableStore(str(tmp_path)).write(CALLS, DAY, CALLS.empty())
    monkeypatch.setenv("CALLS_DATA_URL", str(tmp_path))

    def asked(query, as_csv=False, allow_files=False):
        with io.TextIOWrapper(io.BytesIO(), encoding="utf-8") as terminal, pytest.MonkeyPatch.context() as patch:
            patch.setattr("sys.stdout", terminal)
            patch.setattr(terminal, "isatty", lambda: as_csv == "terminal", raising=False)
            print_query(query, DAY, DAY, bool(as_csv), allow_files)
            terminal.flush()
            return terminal.buffer.getvalue().decode()

    return asked


def test_no_cell_and_no_name_acts_on_the_terminal(asked):
    told = asked(f"""SELECT '{HOSTILE}' AS "{HOSTILE}", ['{HOSTILE}'] AS l, 'x' || repeat(chr(769), 500) AS m""")
    assert told.count("Ann") == 3
    assert [sign for sign in ACTING if sign in told] == []
    assert told.count("\u0301") <= 4
    assert len(told.splitlines()) == 7


def test_an_error_that_tells_of_the_data_does_not_either(asked):
    with pytest.raises(ValueError, match="Could not convert string 'Ann") as caught:
        asked(f"SELECT '{HOSTILE}'::INT")
    assert [sign for sign in ACTING if sign in str(caught.value)] == []


def test_csv_is_exact_in_a_file_and_acts_on_no_terminal(asked):
    query = f"SELECT '{HOSTILE}' AS name, '=1+1' AS formula, -1 AS number"
    assert list(csv.reader(io.StringIO(asked(query, as_csv="file"), newline=""))) == [
        ["name", "formula", "number"],
        [HOSTILE, "'=1+1", "-1"],
    ]
    told = asked(query, as_csv="terminal")
    assert [sign for sign in ACTING if sign in told] == []
    assert len(told.splitlines()) == 2


@pytest.mark.parametrize(
    "query",
    ["FROM '/etc/hosts.csv'", "COPY (SELECT 1) TO '0://x'", "SET threads = 1", "LOAD httpfs", "ATTACH 'x.db'"],
)
def test_a_query_that_goes_beyond_the_tables_is_refused_with_what_allows_it(asked, query):
    with pytest.raises(ValueError, match=r"The query may read only the tables: .* --allow-files") as caught:
        asked(query)
    assert "Traceback" not in str(caught.value)


def test_a_query_that_may_read_files_does(asked, tmp_path):
    (tmp_path / "own.csv").write_text("a\n7\n")
    assert "7" in asked(f"FROM '{tmp_path}/own.csv'", allow_files=True)
