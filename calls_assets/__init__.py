"""Daily Parquet and service level, abandonment and agent talk time from a Nectar Desk call centre, as a Dagster project."""

import os

# The system's allocator gives back what threads have freed; Arrow's own keeps it, some 60 MiB on a day of 100,000 calls.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")

from calls_assets.reader import MissingDays, connect, read  # after the line above, which pyarrow reads once

__all__ = ["MissingDays", "connect", "read"]
