"""What is loaded when: a code location loads in little more than Dagster itself, and a fetch never loads pandas."""

import os
import subprocess
import sys

from calls_assets.sandbox import Centre, Sandbox

HEAVY = ("pandas", "duckdb", "requests", "tenacity", "upath", "fsspec", "rich", "s3fs")
HEAVY_PARTS = ("pyarrow.compute", "pyarrow.dataset", "pyarrow.json", "pyarrow.parquet")

RUN = """
import sys
import dagster as dg
from calls_assets.definitions import defs

result = dg.materialize(
    [*defs.assets], partition_key="2025-03-04", selection=sys.argv[1:] or None, resources=defs.resources
)
assert result.success
"""


def loaded(code, *arguments, **environ):
    """The modules that are loaded at the end of a program."""
    ending = "\nimport sys\nprint('loaded:', *sys.modules)"
    command = [sys.executable, "-W", "ignore", "-c", code + ending, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | environ)
    return set(done.stdout.splitlines()[-1].split())


def test_a_code_location_loads_nothing_that_only_a_run_needs():
    modules = loaded("import calls_assets.definitions")
    assert "pyarrow" in modules
    assert modules & {*HEAVY, *HEAVY_PARTS} == set()


def test_a_fetch_loads_no_pandas(tmp_path):
    with Sandbox(Centre(calls_per_day=100)) as api:
        settings = {"CALLS_API_URL": api.url, "CALLS_API_TOKEN": api.token, "CALLS_DATA_URL": str(tmp_path)}
        modules = loaded(RUN, "raw_calls", "rejected_calls", **settings)
    assert {"requests", "pyarrow.json"} <= modules
    assert "pandas" not in modules
