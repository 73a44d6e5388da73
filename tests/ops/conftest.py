"""The embedded AWS of the platform's tests, and a checkout with stand-ins for the programs that `ops local` starts.

It is not the embedded AWS of the package's own tests, which ask what is in it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from embedded_aws.clients import Aws
from embedded_aws.emulator import Emulator
from embedded_testing.running import clients_of, run_emulator
from ops.local.workspace import Workspace

Install: TypeAlias = Callable[[str, str], None]
NODE = "print('v{version}')"  # a stand-in for the program, as a Python script
_PACKAGE = {"engines": {"node": "22 || 24"}, "dependencies": {"aws-cdk": "2.1148.1"}}


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set credentials that lead nowhere: without any, commands take the embedded AWS that runs in this checkout."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """Return a checkout with stand-ins for everything that `up` needs, and stop an emulator that is left running."""
    root = tmp_path / "checkout"
    made = Workspace(root=root, state=root / ".local" / "embedded-aws")
    root.mkdir()
    (root / "package.json").write_text(json.dumps(_PACKAGE))
    cli = root / "node_modules" / "aws-cdk" / "package.json"
    cli.parent.mkdir(parents=True)
    cli.write_text(json.dumps({"version": "2.1148.1"}))
    yield made
    made.emulator.stop()


@pytest.fixture
def install(workspace: Workspace) -> Install:
    """Put a Python script in the place of a program of the checkout: `emulator`, `cdk` or `node`."""
    places = {
        "emulator": workspace.emulator_python,
        "cdk": workspace.root / "node_modules" / ".bin" / "cdk",
        "node": workspace.root / "node_modules" / ".bin" / "node",
    }

    def install_script(program: str, script: str) -> None:
        file = workspace.root / f"{program}.py"
        file.write_text(script)
        starter = places[program]
        starter.parent.mkdir(parents=True, exist_ok=True)
        starter.write_text(f'#!/bin/sh\nexec {sys.executable} {file} "$@"\n')
        starter.chmod(0o755)

    return install_script


def pytest_configure(config: pytest.Config) -> None:
    """Take the fixtures of the package's tests."""
    config.pluginmanager.import_plugin("embedded_testing.fixtures")


@pytest.fixture(scope="session")
def emulator(emulator_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """Run an embedded AWS for the platform and its reference service."""
    yield from run_emulator(emulator_python, tmp_path_factory, Workspace().service_python)


@pytest.fixture(scope="session")
def aws(emulator: Emulator) -> Aws:
    """Return its clients."""
    return clients_of(emulator)


@pytest.fixture(scope="session")
def emulator_workspace(emulator: Emulator) -> Workspace:
    """Return this checkout with the running embedded AWS, whose state is a temporary folder."""
    return Workspace(state=emulator.state)
