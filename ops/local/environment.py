"""The environment of what `ops local` starts: that of the embedded AWS's clients, and this checkout's tools."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from embedded_aws import environment
from ops.local.workspace import Workspace


def for_clients(workspace: Workspace, port: int, outside: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment of the CDK CLI and the app: the embedded AWS is all the AWS there is.

    Args:
        workspace: the checkout; its tools come first on PATH.
        port: where the embedded AWS listens.
        outside: the environment `ops` was started in.

    Returns:
        The whole environment; nothing of `outside` is in it but PATH and a short list of variables.
    """
    made = environment.for_clients(port, outside)
    tools = (Path(sys.executable).parent, workspace.root / "node_modules" / ".bin")
    return {
        **made,
        "PATH": os.pathsep.join([*map(str, tools), made["PATH"]]),
        "CDK_HOME": str(workspace.cdk_home),
        "CDK_DISABLE_CLI_TELEMETRY": "true",
    }
