"""What a run does, without Dagster: fetch, compute, and the pages."""
