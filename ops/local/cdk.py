"""Runs the real `cdk` CLI against the embedded AWS: `bootstrap` once, then `synth` and `deploy`, with their events."""

import re
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeAlias

from botocore.exceptions import ClientError

from embedded_aws.address import ACCOUNT, REGION
from ops.errors import OpsError
from ops.local.workspace import Workspace

_TOOLKIT_STACK: Final = "CDKToolkit"
_QUIET: Final = ("--no-notices", "--ci")  # --ci: progress on stdout, where it can be read line by line
# Publishing prints four lines for every template; the events of the deployment come after them.
_ROUTINE: Final = re.compile(r": (start|success): (Building|Built|Publishing|Published) ")
_OUTPUTS: Final = re.compile(r"^Outputs:$")  # what follows is printed at the end
_EVENT_COLUMNS: Final = 6
Show: TypeAlias = Callable[[str], None]


def is_bootstrapped(cloudformation: Any) -> bool:
    """Return whether the bootstrap stack exists and is complete."""
    try:
        stacks = cloudformation.describe_stacks(StackName=_TOOLKIT_STACK)["Stacks"]
    except ClientError:
        return False
    return bool(stacks[0]["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE"))


def bootstrap(workspace: Workspace, variables: Mapping[str, str]) -> None:
    """Run `cdk bootstrap`.

    Args:
        workspace: the checkout.
        variables: the whole environment of the CLI.

    Raises:
        OpsError: it failed.
    """
    # Away from cdk.json: the CLI would synthesize the whole app only to learn its environments.
    with tempfile.TemporaryDirectory() as empty:
        command = ("bootstrap", f"aws://{ACCOUNT}/{REGION}", *_QUIET)
        code = _run(workspace, variables, command, show=lambda _line: None, folder=empty)
    if code:
        raise OpsError(f"cdk bootstrap failed with code {code}: see {workspace.shown(workspace.cdk_log)}")


def synth(workspace: Workspace, variables: Mapping[str, str], context: Sequence[str], show: Show) -> int:
    """Run `cdk synth`, which leaves the cloud assembly in the state folder.

    Args:
        workspace: the checkout.
        variables: the whole environment of the CLI and the app.
        context: `key=value` settings of the app.
        show: called with each line worth showing, as it comes.

    Returns:
        The CLI's exit code.
    """
    command = ["synth", *_QUIET, "--quiet", "--output", str(workspace.assembly)]
    for setting in context:
        command += ["--context", setting]
    return _run(workspace, variables, command, show=show, folder=str(workspace.root))


def deploy(workspace: Workspace, variables: Mapping[str, str], show: Show) -> int:
    """Run `cdk deploy` for the cloud assembly that `synth` made.

    Args:
        workspace: the checkout.
        variables: the whole environment of the CLI.
        show: called with each line worth showing, as it comes.

    Returns:
        The CLI's exit code.
    """
    command = [
        "deploy", "--all", *_QUIET,
        "--app", str(workspace.assembly),
        "--require-approval", "never",
        "--progress", "events",
        "--outputs-file", str(workspace.outputs),
    ]  # fmt: skip
    return _run(workspace, variables, command, show=show, folder=str(workspace.root))


def failure_reason(cloudformation: Any, stack_name: str, since: datetime) -> str | None:
    """Return why a deployment failed.

    Args:
        cloudformation: a client.
        stack_name: name of the root stack.
        since: when the deployment began.

    Returns:
        The first failed resource and CloudFormation's reason; None when the deployment did not reach CloudFormation.
    """
    try:
        pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack_name)
        events = [event for page in pages for event in page["StackEvents"] if event["Timestamp"] >= since]
    except ClientError:
        return None
    failed = [event for event in events if event["ResourceStatus"].endswith("_FAILED")]
    if not failed:
        return None
    first = failed[-1]  # newest first
    return f"{first['LogicalResourceId']} ({first['ResourceType']}): {first.get('ResourceStatusReason', 'no reason')}"


def _run(
    workspace: Workspace,
    variables: Mapping[str, str],
    command: Sequence[str],
    *,
    show: Show,
    folder: str,
) -> int:
    program = str(workspace.root / "node_modules" / ".bin" / "cdk")
    with (
        workspace.cdk_log.open("w") as log,
        subprocess.Popen(
            [program, *command],
            cwd=folder,
            env=dict(variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as running,
    ):
        assert running.stdout is not None  # noqa: S101 (a pipe was asked for; this tells the type checker)
        showing = True
        for line in running.stdout:
            log.write(line)
            showing = showing and not _OUTPUTS.match(line)
            if showing and line.strip() and not _ROUTINE.search(line):
                show(_shortened(line.rstrip()))
    return running.returncode


def _shortened(line: str) -> str:
    """Return an event of the deployment without the columns that all events share; any other line as it is."""
    columns = [column.strip() for column in line.split(" | ")]
    if len(columns) != _EVENT_COLUMNS:
        return line
    _stack, done, _time, status, _type, resource = columns
    return f"{done:>6}  {status:<22} {re.sub(r'[.]NestedStack/.*Resource [(].*?[)]', '', resource)}"
