"""What `ops local` starts gets this checkout's tools, and nothing of the user's environment."""

from __future__ import annotations

import os

from embedded_testing.hostile import HOSTILE
from ops.local.workspace import Workspace


def test_only_listed_variables_come_in(workspace: Workspace) -> None:
    made = workspace.variables(4600, "a-key", HOSTILE)
    assert {name for name, value in HOSTILE.items() if made.get(name) == value} == {"HOME"}
    assert (made["CDK_HOME"], made["CDK_DISABLE_CLI_TELEMETRY"]) == (str(workspace.state / "cdk-home"), "true")


def test_the_pinned_tools_come_first_and_the_users_path_last(workspace: Workspace) -> None:
    path = workspace.variables(4600, "a-key", HOSTILE)["PATH"].split(os.pathsep)
    assert path[1:] == [str(workspace.root / "node_modules" / ".bin"), "/usr/bin"]
    assert os.access(os.path.join(path[0], "python3"), os.X_OK)  # noqa: PTH118
