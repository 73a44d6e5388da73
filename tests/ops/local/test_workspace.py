"""What a checkout needs on this machine, and what its commands get of the environment."""

from __future__ import annotations

import json
import os

import pytest

from embedded_testing.hostile import HOSTILE
from ops.errors import OpsError
from ops.local import prerequisites
from ops.local.workspace import Workspace
from tests.ops.local.conftest import NODE, Install


def check(workspace: Workspace) -> str:
    tools = workspace.root / "node_modules" / ".bin"
    return prerequisites.check(workspace, {"PATH": f"{tools}"})


def test_the_versions_found_are_one_line(workspace: Workspace, install: Install) -> None:
    install("emulator", "")
    install("node", NODE.format(version="24.3.0"))
    assert check(workspace).endswith(", Node 24.3.0, cdk 2.1148.1")


def test_a_missing_emulator_says_how_to_get_it(workspace: Workspace) -> None:
    with pytest.raises(OpsError) as error:
        check(workspace)
    assert str(error.value) == (
        "the embedded AWS is not installed (.local/emulator-venv/bin/python is missing): run `make install`"
    )


def test_a_missing_node_says_how_to_get_it(workspace: Workspace, install: Install) -> None:
    install("emulator", "")
    with pytest.raises(OpsError, match=r"^Node 22 \|\| 24 is missing: run `make install`, which brings one"):
        check(workspace)


@pytest.mark.parametrize(
    ("script", "shown"),
    [(NODE.format(version="20.20.2"), "20.20.2"), ("import sys; sys.exit(1)", "of an unknown version")],
)
def test_another_node_is_refused(workspace: Workspace, install: Install, script: str, shown: str) -> None:
    install("emulator", "")
    install("node", script)
    with pytest.raises(OpsError, match=rf"^Node {shown} \(.*node\) is not 22 \|\| 24: run `make install`$"):
        check(workspace)


def test_another_cli_is_refused(workspace: Workspace, install: Install) -> None:
    install("emulator", "")
    install("node", NODE.format(version="22.1.0"))
    cli = workspace.root / "node_modules" / "aws-cdk" / "package.json"
    cli.write_text(json.dumps({"version": "3.0.0"}))
    with pytest.raises(OpsError, match=r"^the cdk CLI is 3\.0\.0, and 2\.1148\.1 is pinned in package\.json"):
        check(workspace)
    os.remove(cli)  # noqa: PTH107
    with pytest.raises(OpsError, match=r"^the cdk CLI is not installed: run `make install`$"):
        check(workspace)


def test_only_listed_variables_come_in(workspace: Workspace) -> None:
    made = workspace.variables(4600, "a-key", HOSTILE)
    assert {name for name, value in HOSTILE.items() if made.get(name) == value} == {"HOME"}
    assert (made["CDK_HOME"], made["CDK_DISABLE_CLI_TELEMETRY"]) == (str(workspace.state / "cdk-home"), "true")


def test_the_pinned_tools_come_first_and_the_users_path_last(workspace: Workspace) -> None:
    path = workspace.variables(4600, "a-key", HOSTILE)["PATH"].split(os.pathsep)
    assert path[1:] == [str(workspace.root / "node_modules" / ".bin"), "/usr/bin"]
    assert os.access(os.path.join(path[0], "python3"), os.X_OK)  # noqa: PTH118
