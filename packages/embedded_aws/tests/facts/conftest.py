"""An embedded AWS for the facts alone: what their calls leave behind is in no other test's way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded_testing.replay import Replay
from embedded_testing.running import clients_of, run_emulator


@pytest.fixture(scope="session")
def replay(emulator_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replay]:
    for emulator in run_emulator(emulator_python, tmp_path_factory):
        yield Replay(clients_of(emulator))
