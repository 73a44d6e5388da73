"""A running embedded AWS for tests, and its clients."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from embedded_aws.clients import Aws, clients
from embedded_aws.emulator import Emulator
from embedded_testing.ports import free_port


def run_emulator(
    python: Path, tmp_path_factory: pytest.TempPathFactory, tasks_python: Path | None = None
) -> Iterator[Emulator]:
    """Run an embedded AWS in a temporary folder, and stop it in the end."""
    made = Emulator(python, tmp_path_factory.mktemp("embedded-aws") / "state", tasks_python)
    made.start(free_port())
    yield made
    made.stop()


def clients_of(emulator: Emulator) -> Aws:
    """Return clients of a running embedded AWS."""
    running = emulator.running()
    assert running is not None
    return clients(running.port, running.key)


def processes_of(emulator: Emulator) -> list[str]:
    """Return the command line of each process that works in the folders of an embedded AWS."""
    listed = subprocess.run(["ps", "-axww", "-o", "command="], capture_output=True, text=True, check=True)
    folders = (str(emulator.state), str(emulator.postgres))
    return [line for line in listed.stdout.splitlines() if any(folder in line for folder in folders)]


def eventually(holds: Callable[[], object], seconds: float = 30) -> None:
    """Wait until something holds, and fail when it does not."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"it did not hold within {seconds} s"
        time.sleep(0.05)
