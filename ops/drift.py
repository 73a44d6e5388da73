"""Ask CloudFormation what was changed behind its back: in the root stack and in every nested one.

`aws cloudformation detect-stack-drift` does not descend into nested stacks, each of which is asked here:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html
"""

import argparse
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from breakwater_guards.formats import markdown
from ops import outputs
from ops.arguments import Commands, add_stack, number_within
from ops.connection import connect
from ops.console import new_table, print_table
from ops.errors import OpsError, aws_answer, one_line
from ops.local.workspace import Workspace
from ops.preflight.formats import to_summary

# The service that changes a property on purpose: no drift.
EXPECTED: Final = {("AWS::ECS::Service", "/DesiredCount"): "Application Auto Scaling sets it"}
COLUMNS: Final = ("Stack", "Resource", "What", "In the template", "Found")
UNREAD: Final = "UNKNOWN"
COULD_NOT_ASK: Final = 3
_LONGEST: Final = 200
_PAUSE_SECONDS: Final = 5


@dataclass(frozen=True)
class Difference:
    """A difference between a template and what is there.

    Attributes:
        stack: name of the stack.
        resource: type and logical id.
        what: path of the property; `deleted`, or why it could not be read.
        expected: what the template says; empty for a whole resource.
        actual: what is there; empty for a whole resource.
        read: whether CloudFormation could read the resource.
    """

    stack: str
    resource: str
    what: str
    expected: str = ""
    actual: str = ""
    read: bool = True

    @property
    def row(self) -> tuple[str, ...]:
        """What a table shows."""
        return self.stack, self.resource, self.what, self.expected, self.actual


def add_to(commands: Commands) -> None:
    """Add `drift` to the commands of `python -m ops`."""
    parser = commands.add_parser(
        "drift",
        help="what differs from the templates, in root and nested stacks",
        description=f"{__doc__} Ends with 1 when something drifted, with {COULD_NOT_ASK} when it could not be asked.",
    )
    add_stack(parser)
    parser.add_argument(
        "--accept",
        type=_property,
        action="append",
        default=[],
        metavar="TYPE:PATH",
        help="a property that differs on purpose, e.g. AWS::RDS::DBCluster:/PreferredBackupWindow; repeatable",
    )
    minutes = number_within(int, 1, 120, "number of minutes")
    parser.add_argument("--timeout", type=minutes, default=30, metavar="MINUTES", help="default: 30")
    parser.set_defaults(run=_run)


def _property(text: str) -> tuple[str, str]:
    kind, _, path = text.rpartition(":")
    if "::" not in kind or not path.startswith("/"):
        raise argparse.ArgumentTypeError(f"{text!r} is not TYPE:PATH, e.g. AWS::RDS::DBCluster:/PreferredBackupWindow")
    return kind, path


def _run(options: argparse.Namespace, workspace: Workspace, console: Console) -> int:
    accepted = {*options.accept, *EXPECTED}
    try:
        connection = connect(options.region, workspace)
        region, client = connection.region, connection.client("cloudformation")
        root = outputs.root_stack(client, options.stack, region)["StackName"]
        asked = Drift(client, options.timeout * 60)
        stacks = list(asked.stacks(root))
        found = [each for each in asked.differences(stacks) if (each[0], each[1].what) not in accepted]
    except OpsError as error:  # 1 would say that something drifted
        raise OpsError(str(error), COULD_NOT_ASK) from None
    except ClientError as error:
        raise OpsError(f"{error.operation_name}: {aws_answer(error)}", COULD_NOT_ASK) from None
    except BotoCoreError as error:
        raise OpsError(f"AWS cannot be reached: {one_line(error)}", COULD_NOT_ASK) from None
    return report([each for _, each in found], len(stacks), root, console)


def report(found: Sequence[Difference], stacks: int, root: str, console: Console) -> int:
    """Print what differs, and write it into the summary of a GitHub job where there is one.

    Args:
        found: the differences.
        stacks: how many stacks were asked.
        root: name of the root stack.
        console: where to print.

    Returns:
        The exit code.
    """
    unread = [each for each in found if not each.read]
    drifted = len(found) - len(unread)
    words = f"{drifted} {'difference' if drifted == 1 else 'differences'}"
    verdict = f"{root}, {stacks} stacks: {words if drifted else 'in sync'}"
    verdict += f"; {len(unread)} resources could not be read" if unread else ""
    if found:
        table = new_table("", *COLUMNS)
        for each in found:
            table.add_row(*each.row)
        print_table(console, table)
    console.print(verdict, markup=False, highlight=False)
    try:
        to_summary("".join(f"{line}\n" for line in _markdown(found, verdict)))
    except OSError as error:
        raise OpsError(f"the report cannot be written: {error}", COULD_NOT_ASK) from None
    return 1 if drifted else COULD_NOT_ASK if unread else 0


def _markdown(found: Sequence[Difference], verdict: str) -> Iterator[str]:
    yield from (f"### Drift: {verdict}", "")
    if found:
        yield markdown.row(*COLUMNS)
        yield markdown.row(*["---"] * len(COLUMNS))
    for each in found:
        cells = (cell.replace("`", "'").replace("\n", " ") for cell in each.row)
        yield markdown.row(*(f"`{cell}`" if cell else "" for cell in cells))


class Drift:
    """Asks CloudFormation for the drift of stacks.

    Args:
        cloudformation: a client.
        seconds: how long to wait for an answer.
    """

    def __init__(self, cloudformation: Any, seconds: int) -> None:
        self._client, self._seconds = cloudformation, seconds

    def stacks(self, stack: str) -> Iterator[str]:
        """Yield the name or id of a stack and of all that are nested in it."""
        yield stack
        for each in outputs.resources(self._client, stack):
            if each["ResourceType"] == outputs.NESTED and each.get("PhysicalResourceId"):
                yield from self.stacks(each["PhysicalResourceId"])

    def differences(self, stacks: Sequence[str]) -> Iterator[tuple[str, Difference]]:
        """Yield the type of each resource that differs, and how.

        Args:
            stacks: their names or ids.

        Raises:
            OpsError: CloudFormation finds no answer, or not in time.
        """
        # All are started before one is waited for: each takes minutes.
        started = {stack: self._client.detect_stack_drift(StackName=stack)["StackDriftDetectionId"] for stack in stacks}
        waited = 0
        for stack, detection in started.items():
            while (answer := self._status(detection))["DetectionStatus"] == "DETECTION_IN_PROGRESS":
                if waited >= self._seconds:
                    raise OpsError(f"{_name(stack)}: no answer within {self._seconds // 60} minutes", COULD_NOT_ASK)
                time.sleep(_PAUSE_SECONDS)
                waited += _PAUSE_SECONDS
            drifts = list(self._drifts(stack))
            if answer["DetectionStatus"] == "DETECTION_FAILED" and not drifts:
                raise OpsError(f"{_name(stack)}: {answer.get('DetectionStatusReason', 'no reason')}", COULD_NOT_ASK)
            for drift in drifts:
                yield from ((drift["ResourceType"], each) for each in _differences(_name(stack), drift))

    def _status(self, detection: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._client.describe_stack_drift_detection_status(StackDriftDetectionId=detection)
        return found

    def _drifts(self, stack: str) -> Iterator[Mapping[str, Any]]:
        wanted = {"StackName": stack, "StackResourceDriftStatusFilters": ["MODIFIED", "DELETED", UNREAD]}
        while True:
            page = self._client.describe_stack_resource_drifts(**wanted)
            yield from page["StackResourceDrifts"]
            if not page.get("NextToken"):
                return
            wanted["NextToken"] = page["NextToken"]


def _differences(stack: str, drift: Mapping[str, Any]) -> Iterator[Difference]:
    resource = f"{drift['ResourceType']} {drift['LogicalResourceId']}"
    status = drift["StackResourceDriftStatus"]
    if status == UNREAD:
        yield Difference(stack, resource, drift.get("DriftStatusReason", "could not be read"), read=False)
    elif status == "DELETED":
        yield Difference(stack, resource, "deleted")
    for each in drift.get("PropertyDifferences", []):
        expected, actual = (str(each[key])[:_LONGEST] for key in ("ExpectedValue", "ActualValue"))
        yield Difference(stack, resource, each["PropertyPath"], expected, actual)


def _name(stack: str) -> str:
    """Return the name of a stack from its id, or the name as it is."""
    return stack.split("/")[1] if stack.startswith("arn:") else stack
