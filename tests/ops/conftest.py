"""The embedded AWS of the platform's tests: not that of the package's own, which ask what is in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded_aws.clients import Aws
from embedded_aws.emulator import Emulator
from embedded_testing.running import clients_of, run_emulator
from ops.local.workspace import Workspace


def pytest_configure(config: pytest.Config) -> None:
    """Take the fixtures of the package's tests."""
    config.pluginmanager.import_plugin("embedded_testing.fixtures")


@pytest.fixture(scope="session")
def emulator(emulator_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """Run an embedded AWS for the platform."""
    yield from run_emulator(emulator_python, tmp_path_factory)


@pytest.fixture(scope="session")
def aws(emulator: Emulator) -> Aws:
    """Return its clients."""
    return clients_of(emulator)


@pytest.fixture(scope="session")
def emulator_workspace(emulator: Emulator) -> Workspace:
    """Return this checkout with the running embedded AWS, whose state is a temporary folder."""
    return Workspace(state=emulator.state)
