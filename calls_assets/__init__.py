"""Daily Parquet, service level, abandonment and agent talk time from a call centre's API, as a Dagster project."""
