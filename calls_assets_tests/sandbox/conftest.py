"""What the tests of the sandbox need: centres that simulate each day themselves."""

from collections.abc import Callable
from typing import Any

import pytest

from calls_assets.sandbox import Centre


@pytest.fixture(autouse=True)
def each_centre_simulates_its_own_days(
    monkeypatch: pytest.MonkeyPatch, days_simulated_once: Callable[..., Any]
) -> None:
    """Otherwise two centres would be compared with each other's days."""
    monkeypatch.setattr(Centre, "_finished", days_simulated_once)
