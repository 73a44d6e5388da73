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


def check(workspace: Workspace, environment: Mapping[str, str]) -> str:
    """Check Node, the CDK CLI and the emulator's virtual environment.

    Args:
        workspace: the checkout; its package.json says which Node and which CLI.
        environment: what `cdk` will be started with; its PATH says which Node that is.

    Returns:
        One line with the versions found.

    Raises:
        OpsError: something is missing or of another version; the message says what and how to get it.
    """
    if not os.access(workspace.emulator_python, os.X_OK):
        shown = workspace.shown(workspace.emulator_python)
        raise OpsError(f"the embedded AWS is not installed ({shown} is missing): {_INSTALL}")
    package = json.loads((workspace.root / "package.json").read_text())
    versions = f"Node {_node(package, environment)}, cdk {_cdk(workspace, package)}"
    return f"Python {platform.python_version()}, {versions}"


def _node(package: Mapping[str, Any], environment: Mapping[str, str]) -> str:
    supported = str(package["engines"]["node"])
    program = shutil.which("node", path=environment["PATH"])
    if program is None:
        raise OpsError(f"Node {supported} is missing: {_INSTALL}, which brings one through pip")
    answer = subprocess.run([program, "--version"], capture_output=True, text=True, check=False, env=dict(environment))
    version = answer.stdout.strip().removeprefix("v")
    if version.partition(".")[0] not in re.findall(r"\d+", supported):
        raise OpsError(f"Node {version or 'of an unknown version'} ({program}) is not {supported}: {_INSTALL}")
    return version


def _cdk(workspace: Workspace, package: Mapping[str, Any]) -> str:
    pinned = str(package["devDependencies"]["aws-cdk"])
    installed = workspace.root / "node_modules" / "aws-cdk" / "package.json"
    if not installed.exists():
        raise OpsError(f"the cdk CLI is not installed: {_INSTALL}")
    version = str(json.loads(installed.read_text())["version"])
    if version != pinned:
        raise OpsError(f"the cdk CLI is {version}, and {pinned} is pinned in package.json: {_INSTALL}")
    return version
