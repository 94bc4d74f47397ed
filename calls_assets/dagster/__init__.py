"""What knows Dagster. All that Dagster keeps to itself, and may move in any release, is taken in `internals` alone."""
