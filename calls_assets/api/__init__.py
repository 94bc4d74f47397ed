"""The Fetch Calls API: HTTP, JSON and Arrow; knows nothing of Dagster."""
