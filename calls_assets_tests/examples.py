"""How many examples a property is tried on: a few in `make test`, all of them in `make test-all`."""

from collections.abc import Callable
from typing import Any

import hypothesis
import pytest


def examples(most: int, few: int, **others: Any) -> Callable[[Any], Any]:
    """Marks a property test whose examples cost seconds; `others` are further settings of Hypothesis."""
    count = most if hypothesis.settings.get_current_profile_name() == "all" else few
    return lambda test: pytest.mark.examples(hypothesis.settings(max_examples=count, **others)(test))
