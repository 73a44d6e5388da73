"""Runs the real `cdk` CLI against the embedded AWS: `bootstrap` once, then `synth` and `deploy`, with their events."""

import json
import re
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeAlias

from botocore.exceptions import ClientError

from embedded_aws.address import ACCOUNT, REGION

_TOOLKIT_STACK: Final = "CDKToolkit"
_BOOTSTRAPPED: Final = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")
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
    return bool(stacks[0]["StackStatus"] in _BOOTSTRAPPED)


@dataclass(frozen=True)
class CdkCli:
    """The `cdk` CLI of an app.

    Attributes:
        program: the CLI.
        app: the folder with the app's `cdk.json`.
        assembly: the folder of the cloud assembly that `synth` writes and `deploy` deploys.
        outputs: the file of the outputs that `deploy` writes.
        log: the file of all that the last command printed.
    """

    program: Path
    app: Path
    assembly: Path
    outputs: Path
    log: Path

    def bootstrap(self, variables: Mapping[str, str]) -> int:
        """Run `cdk bootstrap`.

        Args:
            variables: the whole environment of the CLI.

        Returns:
            The CLI's exit code.
        """
        # Away from cdk.json: the CLI would synthesize the whole app only to learn its environments.
        with tempfile.TemporaryDirectory() as empty:
            command = ("bootstrap", f"aws://{ACCOUNT}/{REGION}", *_QUIET)
            return self._run(variables, command, show=lambda _line: None, folder=Path(empty))

    def synth(self, variables: Mapping[str, str], context: Sequence[str], show: Show) -> int:
        """Run `cdk synth`.

        Args:
            variables: the whole environment of the CLI and the app.
            context: `key=value` settings of the app.
            show: called with each line worth showing, as it comes.

        Returns:
            The CLI's exit code.
        """
        command = ["synth", *_QUIET, "--quiet", "--output", str(self.assembly)]
        for setting in context:
            command += ["--context", setting]
        return self._run(variables, command, show=show, folder=self.app)

    def deploy(self, variables: Mapping[str, str], show: Show) -> int:
        """Run `cdk deploy` for the cloud assembly that `synth` made.

        Args:
            variables: the whole environment of the CLI.
            show: called with each line worth showing, as it comes.

        Returns:
            The CLI's exit code.
        """
        command = [
            "deploy", "--all", *_QUIET,
            "--app", str(self.assembly),
            "--require-approval", "never",
            "--progress", "events",
            "--outputs-file", str(self.outputs),
        ]  # fmt: skip
        done = set[str]()
        total = self._expected()

        def told(line: str) -> None:
            show(_shortened(line, done, total))

        return self._run(variables, command, show=told, folder=self.app)

    def _expected(self) -> int:
        """Return how many resources the root stacks have, each of which counts as one as well."""
        files = [file for file in self.assembly.glob("*.template.json") if ".nested." not in file.name]
        return sum(len(json.loads(file.read_text(encoding="utf-8"))["Resources"]) + 1 for file in files)

    def _run(self, variables: Mapping[str, str], command: Sequence[str], *, show: Show, folder: Path) -> int:
        with (
            self.log.open("w") as log,
            subprocess.Popen(
                [str(self.program), *command],
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
                    show(line.rstrip())
        return running.returncode


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


def _shortened(line: str, done: set[str], total: int) -> str:
    """Return an event of the deployment without the columns that all events share; any other line as it is.

    Args:
        line: as the CLI prints it. Its own counter passes its total when nested stacks are updated.
        done: the resources that are done, to which this one is added when it is.
        total: number of resources; those that the deployment removes come on top.
    """
    columns = [column.strip() for column in line.split(" | ")]
    if len(columns) != _EVENT_COLUMNS:
        return line
    _stack, _done, _time, status, _type, resource = columns
    name = re.sub(r"[.]NestedStack/.*Resource [(].*?[)]", "", resource)
    if status.endswith(("_COMPLETE", "_FAILED")):
        done.add(name)
    return f"{f'{len(done)}/{max(total, len(done))}':>7}  {status:<22} {name}"
