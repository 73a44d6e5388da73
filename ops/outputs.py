"""Outputs and physical ids of a deployed stack: asked of CloudFormation, or read from a file of an earlier command."""

import argparse
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from ops import REPOSITORY
from ops.arguments import STACK, Commands, add_stack
from ops.connection import Connection, connect
from ops.errors import OpsError, aws_answer, one_line
from ops.local.workspace import Workspace
from stacks.names import STACK_PREFIX, OutputKey, TagKey

VARIABLE: Final = "BREAKWATER_OUTPUTS"
WRITTEN: Final = Path("cdk-outputs") / "flat-outputs.json"
# Where an earlier command may have left the outputs, in the order of preference.
PLACES: Final = (WRITTEN, Path("cfn-outputs") / "flat-outputs.json", Path("outputs.json"))
# States of a resource that its stack does not have (any more): a retained one is DELETE_SKIPPED. An update that removed
# it, or a clean-up that failed, leaves it in the list.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
GONE: Final = frozenset({"DELETE_COMPLETE", "DELETE_SKIPPED"})
NESTED: Final = "AWS::CloudFormation::Stack"


def add_to(commands: Commands) -> None:
    """Add `outputs` to the commands of `python -m ops`."""
    parser = commands.add_parser(
        "outputs",
        help="print outputs and physical ids of a deployed stack, as flat JSON",
        description="Print the outputs and physical ids of a deployed stack as one flat JSON object.",
    )
    add_stack(parser)
    parser.add_argument("--out", type=Path, metavar="FILE", help=f"write them to this file, e.g. {WRITTEN}")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace, workspace: Workspace, console: Console) -> int:
    found = deployed(options.stack, connect(options.region, workspace))
    text = json.dumps(found, indent=2) + "\n"
    if options.out is None:
        console.print(text, end="", markup=False, highlight=False, soft_wrap=True)
        return 0
    try:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OpsError(f"--out {options.out}: {error.strerror}: name a file that can be written") from None
    console.print(f"{len(found)} outputs and physical ids -> {options.out}", highlight=False)
    return 0


def deployed(stack: str | None, connection: Connection) -> dict[str, str]:
    """Ask CloudFormation for the outputs of a stack.

    Args:
        stack: name of the root stack; None for the only one that carries the platform's name and tags.
        connection: the account and the Region.

    Returns:
        Outputs of the root stack by their keys, those of nested ones as `Nested.Outputs.Key`, and physical ids as
        `Nested.LogicalId`.

    Raises:
        OpsError: the stack does not exist, there are several, it is being changed, or AWS does not answer.
    """
    region = connection.region
    cloudformation = connection.client("cloudformation")
    try:
        found = root_stack(cloudformation, stack, region)
        return {**_outputs(found), **dict(_nested(cloudformation, found["StackName"]))}
    except ClientError as error:
        raise OpsError(f"{error.operation_name} in {region}: {aws_answer(error)}") from None
    except BotoCoreError as error:
        raise OpsError(f"AWS cannot be reached: {one_line(error)}") from None


def root_stack(cloudformation: Any, name: str | None, region: str) -> dict[str, Any]:
    """Return a root stack of the platform, as `DescribeStacks` describes it.

    Args:
        cloudformation: a client.
        name: None for the only one.
        region: of the client, for messages.

    Raises:
        OpsError: the stack does not exist, there are several, or it is being changed.
        ClientError: CloudFormation refuses to answer.
    """
    pages = cloudformation.get_paginator("describe_stacks").paginate()
    roots = {
        stack["StackName"]: stack
        for page in pages
        for stack in page["Stacks"]
        if _is_root(stack) and stack["StackStatus"] != "DELETE_COMPLETE"
    }
    if name is None and len(roots) > 1:
        names = ", ".join(sorted(roots))
        raise OpsError(f"several stacks are deployed in {region}: choose one of {names} with --stack")
    found = roots.get(name) if name else next(iter(roots.values()), None)
    if found is None:
        others = f"; there are {', '.join(sorted(roots))}" if roots else ""
        raise OpsError(f"no stack {name or f'{STACK_PREFIX}-…'} is deployed in {region}{others}")
    if found["StackStatus"].endswith("_IN_PROGRESS"):
        raise OpsError(f"{found['StackName']} is {found['StackStatus']}: wait until CloudFormation is done")
    return dict(found)


def _is_root(stack: Mapping[str, Any]) -> bool:
    tags = {tag["Key"]: tag["Value"] for tag in stack.get("Tags", [])}
    return "ParentId" not in stack and stack["StackName"] == f"{STACK_PREFIX}-{tags.get(TagKey.SUFFIX)}"


def _outputs(stack: Mapping[str, Any]) -> dict[str, str]:
    return {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}


def _nested(cloudformation: Any, root: str) -> Iterator[tuple[str, str]]:
    for nested in resources(cloudformation, root):
        # CloudFormation lists a resource before it has an id.
        if nested["ResourceType"] == NESTED and nested.get("PhysicalResourceId"):
            # CDK's logical id is, e.g., DatabaseNestedStackDatabaseNestedStackResource….
            name = nested["LogicalResourceId"].partition("NestedStack")[0]
            described = cloudformation.describe_stacks(StackName=nested["PhysicalResourceId"])["Stacks"][0]
            yield from ((f"{name}.Outputs.{key}", value) for key, value in _outputs(described).items())
            for each in resources(cloudformation, nested["PhysicalResourceId"]):
                yield f"{name}.{each['LogicalResourceId']}", each.get("PhysicalResourceId", "")


def resources(cloudformation: Any, stack: str) -> Iterator[dict[str, Any]]:
    """Yield the resources that a stack has, as `ListStackResources` describes them."""
    for page in cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack):
        yield from (each for each in page["StackResourceSummaries"] if each["ResourceStatus"] not in GONE)


def find(environ: Mapping[str, str] = os.environ, folder: Path = REPOSITORY) -> dict[str, str]:
    """Find the outputs of a deployment: in a file, else in the account.

    Args:
        environ: `BREAKWATER_OUTPUTS` names a file; without any file, `BREAKWATER_STACK` names the stack.
        folder: which holds the usual places of a file.

    Returns:
        The outputs.

    Raises:
        OpsError: a file cannot be used, or there is neither file nor stack.
    """
    named = environ.get(VARIABLE)
    if named:
        return read(Path(named))
    for place in PLACES:
        if (folder / place).is_file():
            return read(folder / place)
    return deployed(environ.get(STACK) or None, Connection.from_environment())


def read(path: Path) -> dict[str, str]:
    """Read a file of outputs: flat, or as `cdk deploy --outputs-file` writes it.

    Args:
        path: of the file.

    Returns:
        The outputs.

    Raises:
        OpsError: the file does not exist, has another form, or belongs to another program.
    """
    write = f"write it with `python -m ops outputs --out {path}`"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise OpsError(f"{path}: {error.strerror}: {write}") from None
    except ValueError:
        raise OpsError(f"{path} is not JSON: {write}") from None
    flat = _flat(path, content, write)
    missing = [key for key in (OutputKey.SUFFIX, OutputKey.REGION, OutputKey.ENVIRONMENT) if key not in flat]
    if missing:
        raise OpsError(f"{path} has no {', '.join(missing)}: it is not of a {STACK_PREFIX} stack; {write}")
    return flat


def _flat(path: Path, content: Any, write: str) -> dict[str, str]:
    if isinstance(content, dict) and content and all(isinstance(value, dict) for value in content.values()):
        stacks = [name for name in content if name.startswith(f"{STACK_PREFIX}-")]
        if len(stacks) != 1:
            raise OpsError(f"{path} has {len(stacks)} stacks called {STACK_PREFIX}-…, and one is needed: {write}")
        content = content[stacks[0]]
    if not isinstance(content, dict) or not all(isinstance(value, str) for value in content.values()):
        raise OpsError(f"{path} is not a flat object of outputs: {write}")
    return dict(content)
