"""What a local deployment needs on this machine, checked before anything is started."""

import json
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Mapping
from typing import Any, Final

from ops.errors import OpsError
from ops.local.workspace import Workspace

_INSTALL: Final = "run `make install`"


def check(workspace: Workspace, variables: Mapping[str, str]) -> str:
    """Check Node, the CDK CLI and the embedded AWS's virtual environment.

    Args:
        workspace: the checkout; its package.json pins Node and the CLI.
        variables: the environment in which `cdk` will run; its PATH decides which Node that is.

    Returns:
        The versions found, on one line.

    Raises:
        OpsError: a program is missing or has another version; the message says how to install it.
    """
    if not os.access(workspace.emulator_python, os.X_OK):
        shown = workspace.shown(workspace.emulator_python)
        raise OpsError(f"the embedded AWS is not installed ({shown} is missing): {_INSTALL}")
    package = json.loads((workspace.root / "package.json").read_text())
    return f"Python {platform.python_version()}, Node {_node(package, variables)}, cdk {_cdk(workspace, package)}"


def _node(package: Mapping[str, Any], variables: Mapping[str, str]) -> str:
    supported = str(package["engines"]["node"])
    program = shutil.which("node", path=variables["PATH"])
    if program is None:
        raise OpsError(f"Node {supported} is missing: {_INSTALL}, which brings one through pip")
    answer = subprocess.run([program, "--version"], capture_output=True, text=True, check=False, env=dict(variables))
    version = answer.stdout.strip().removeprefix("v")
    if version.partition(".")[0] not in re.findall(r"\d+", supported):
        raise OpsError(f"Node {version or 'of an unknown version'} ({program}) is not {supported}: {_INSTALL}")
    return version


def _cdk(workspace: Workspace, package: Mapping[str, Any]) -> str:
    pinned = str(package["dependencies"]["aws-cdk"])
    installed = workspace.root / "node_modules" / "aws-cdk" / "package.json"
    if not installed.exists():
        raise OpsError(f"the cdk CLI is not installed: {_INSTALL}")
    version = str(json.loads(installed.read_text())["version"])
    if version != pinned:
        raise OpsError(f"the cdk CLI is {version}, and {pinned} is pinned in package.json: {_INSTALL}")
    return version
