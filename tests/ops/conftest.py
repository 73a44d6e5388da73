"""The embedded AWS, started once for all tests that need it."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from embedded_aws import clients
from embedded_aws.clients import Aws
from ops.local import emulator
from ops.local.workspace import Workspace


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker of the tests that start the embedded AWS."""
    config.addinivalue_line("markers", "emulator: needs the embedded AWS, which the test run starts by itself")


@pytest.fixture(scope="session")
def emulator_workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """This checkout with a running embedded AWS, whose state is a temporary folder."""
    workspace = Workspace(state=tmp_path_factory.mktemp("embedded-aws") / "state")
    assert workspace.emulator_python.exists(), "the embedded AWS is not installed: run `make install`"
    emulator.start(workspace, free_port())
    yield workspace
    emulator.stop(workspace)


@pytest.fixture(scope="session")
def aws(emulator_workspace: Workspace) -> Aws:
    """Clients of the embedded AWS."""
    running = emulator.running(emulator_workspace)
    assert running is not None
    return clients.clients(running.port)


def free_port() -> int:
    """A port on loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
