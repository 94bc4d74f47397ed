"""The call centre of the doctor's tests."""

import pytest

from calls_assets.sandbox import Centre


@pytest.fixture(scope="session")
def centre():
    """A centre in New York that keeps every day it has simulated: the doctor asks for a whole year again and again."""
    return Centre(zone="America/New_York", calls_per_day=120, days_kept=500)
