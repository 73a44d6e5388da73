"""Runs the preflight checks against the embedded AWS, as a deployer would run them against an account."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping

from ops.errors import OpsError
from ops.local.workspace import Workspace

FAILING = ("fail", "broken")


def run(workspace: Workspace, variables: Mapping[str, str], settings: Mapping[str, str]) -> str:
    """Run every check.

    Args:
        workspace: the checkout.
        variables: the environment of the command, see `Workspace.variables`.
        settings: of the deployment, by key.

    Returns:
        The number of checks by status, for the step's line.

    Raises:
        OpsError: a check fails, or nothing can be asked.
    """
    context = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
    found = subprocess.run(
        [sys.executable, "-m", "ops", "preflight", "--format", "json", *context],
        cwd=workspace.root,
        env=dict(variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if found.returncode not in (0, 1, 3) or not found.stdout:
        raise OpsError(f"preflight: {found.stderr.strip()[-500:] or f'it ended with code {found.returncode}'}")
    results = json.loads(found.stdout)
    failed = [result for result in results if result["status"] in FAILING]
    if failed:
        messages = "; ".join(f"{each['id']}: {_messages(each)}. {each['fix']}" for each in failed)
        raise OpsError(f"preflight: {messages}")
    counts = Counter(result["status"] for result in results)
    told = ", ".join(f"{count} {status}" for status, count in counts.most_common())
    unseen = counts["could-not-ask"]
    return f"{told}; why: `python -m ops local run -- python -m ops preflight`" if unseen else told


def _messages(result: Mapping[str, list[Mapping[str, str]]]) -> str:
    return ", ".join(finding["message"] for finding in result["findings"] if finding["status"] in FAILING)
