"""The embedded AWS, started once for all tests that need it."""

from __future__ import annotations

import pytest

from embedded_aws.emulator import Emulator
from ops.local.workspace import Workspace


def pytest_configure(config: pytest.Config) -> None:
    """Take the embedded AWS from the tests of its package, so that one run starts it once."""
    config.pluginmanager.import_plugin("embedded_testing.fixtures")


@pytest.fixture(scope="session")
def emulator_workspace(emulator: Emulator) -> Workspace:
    """Return this checkout with the running embedded AWS, whose state is a temporary folder."""
    return Workspace(state=emulator.state)
