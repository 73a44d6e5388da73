"""Rules that compare dates judge as of one day, so that a test says the same next year."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from breakwater_guards.facts.clock import pinned

DAY = date(2026, 11, 22)


@pytest.fixture(autouse=True)
def day() -> Iterator[date]:
    with pinned(DAY):
        yield DAY
