"""What Celery workers read at their start: `celery -A dagster_celery.app worker` with this folder on PYTHONPATH."""

import os

broker_url = result_backend = os.environ["CALLS_BROKER_URL"]
broker_connection_retry_on_startup = True
broker_transport_options = {"visibility_timeout": 43_200}
"""Seconds after which Redis would hand a run to a second worker: longer than any run."""
worker_disable_prefetch = True
"""A worker takes a run only when it is free, so that one that dies takes none along that waited."""
worker_max_tasks_per_child = 1
"""Each run gets a process of its own, so that its memory is given back."""
