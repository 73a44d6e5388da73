"""`python -m ops outputs`: everything that a deployed stack tells of itself, flat, and where programs find it."""

import argparse
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from ops.errors import OpsError, one_line
from ops.local.workspace import REPOSITORY, Workspace
from stacks.names import STACK_PREFIX, OutputKey, TagKey

VARIABLE = "BREAKWATER_OUTPUTS"
WRITTEN = Path("cdk-outputs") / "flat-outputs.json"
# Where the outputs of an earlier command may lie, in this order.
PLACES = (WRITTEN, Path("cfn-outputs") / "flat-outputs.json", Path("outputs.json"))
_NESTED = "AWS::CloudFormation::Stack"


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `outputs` to the commands of `python -m ops`."""
    verb = commands.add_parser(
        "outputs", help="outputs and physical ids of a deployed stack, flat", description=__doc__
    )
    verb.add_argument("--stack", metavar="NAME", help=f"e.g. {STACK_PREFIX}-eu1 (default: the only one that is there)")
    verb.add_argument("--region", metavar="REGION", help="default: that of the environment")
    verb.add_argument("--out", type=Path, metavar="FILE", help=f"write them there, e.g. {WRITTEN}")
    verb.set_defaults(run=_run)


def _run(options: argparse.Namespace, _workspace: Workspace, console: Console) -> None:
    found = deployed(options.stack, options.region)
    text = json.dumps(found, indent=2) + "\n"
    if options.out is None:
        console.print(text, end="", markup=False, highlight=False, soft_wrap=True)
        return
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(text, encoding="utf-8")
    console.print(f"{len(found)} outputs and physical ids -> {options.out}", highlight=False)


def deployed(stack: str | None, region: str | None = None) -> dict[str, str]:
    """Ask CloudFormation.

    Args:
        stack: name of the root stack; None for the only one that carries our tags.
        region: None for that of the environment.

    Returns:
        Outputs of the root stack by their keys, those of nested ones as `Nested.Outputs.Key`, and physical ids as
        `Nested.LogicalId`.

    Raises:
        OpsError: there is no such stack, or more than one, or it is being changed, or AWS does not answer.
    """
    session = boto3.session.Session(region_name=region)
    if session.region_name is None:
        raise OpsError("no region: give --region, or set AWS_REGION")
    cloudformation: Any = session.client("cloudformation")
    try:
        found = _stack(cloudformation, stack, session.region_name)
        return {**_outputs(found), **dict(_nested(cloudformation, found["StackName"]))}
    except ClientError as error:
        told = error.response["Error"]
        raise OpsError(f"{error.operation_name} in {session.region_name}: {told['Code']}: {told['Message']}") from None
    except BotoCoreError as error:
        raise OpsError(f"AWS cannot be asked: {one_line(error)}") from None


def _stack(cloudformation: Any, name: str | None, region: str) -> dict[str, Any]:
    pages = cloudformation.get_paginator("describe_stacks").paginate()
    ours = {
        stack["StackName"]: stack
        for page in pages
        for stack in page["Stacks"]
        if _is_root(stack) and stack["StackStatus"] != "DELETE_COMPLETE"
    }
    if name is None and len(ours) > 1:
        raise OpsError(f"several stacks are deployed in {region}: choose one of {', '.join(sorted(ours))} with --stack")
    found = ours.get(name) if name else next(iter(ours.values()), None)
    if found is None:
        there = f"; there are {', '.join(sorted(ours))}" if ours else ""
        raise OpsError(f"no stack {name or f'{STACK_PREFIX}-…'} is deployed in {region}{there}")
    if found["StackStatus"].endswith("_IN_PROGRESS"):
        raise OpsError(f"{found['StackName']} is {found['StackStatus']}: wait until CloudFormation is done")
    return dict(found)


def _is_root(stack: Mapping[str, Any]) -> bool:
    tags = {tag["Key"]: tag["Value"] for tag in stack.get("Tags", [])}
    return "ParentId" not in stack and stack["StackName"] == f"{STACK_PREFIX}-{tags.get(TagKey.SUFFIX)}"


def _outputs(stack: Mapping[str, Any]) -> dict[str, str]:
    return {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}


def _nested(cloudformation: Any, root: str) -> Iterator[tuple[str, str]]:
    for nested in _resources(cloudformation, root):
        if nested["ResourceType"] == _NESTED:
            # CDK calls it DatabaseNestedStackDatabaseNestedStackResource….
            name = nested["LogicalResourceId"].partition("NestedStack")[0]
            described = cloudformation.describe_stacks(StackName=nested["PhysicalResourceId"])["Stacks"][0]
            yield from ((f"{name}.Outputs.{key}", value) for key, value in _outputs(described).items())
            for each in _resources(cloudformation, nested["PhysicalResourceId"]):
                yield f"{name}.{each['LogicalResourceId']}", each.get("PhysicalResourceId", "")


def _resources(cloudformation: Any, stack: str) -> Iterator[dict[str, Any]]:
    for page in cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack):
        yield from page["StackResourceSummaries"]


def find(environ: Mapping[str, str] = os.environ, folder: Path = REPOSITORY) -> dict[str, str]:
    """Find the outputs of a deployment: in a file, else in the account.

    Args:
        environ: `BREAKWATER_OUTPUTS` names a file.
        folder: where the usual places are looked for.

    Returns:
        The outputs.

    Raises:
        OpsError: a file is not what it must be, or there is neither file nor stack.
    """
    named = environ.get(VARIABLE)
    if named:
        return read(Path(named))
    for place in PLACES:
        if (folder / place).is_file():
            return read(folder / place)
    return deployed(environ.get("BREAKWATER_STACK"))


def read(path: Path) -> dict[str, str]:
    """Read a file of outputs: flat, or as `cdk deploy --outputs-file` writes it.

    Args:
        path: of the file.

    Returns:
        The outputs.

    Raises:
        OpsError: there is no such file, it is no JSON of that shape, or it is of another program.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise OpsError(f"{path}: {error.strerror}: write it with `python -m ops outputs --out {path}`") from None
    except ValueError:
        raise OpsError(f"{path} is no JSON: write it with `python -m ops outputs --out {path}`") from None
    flat = _flat(path, content)
    missing = [key for key in (OutputKey.SUFFIX, OutputKey.REGION, OutputKey.ENVIRONMENT) if key not in flat]
    if missing:
        raise OpsError(f"{path} holds no {', '.join(missing)}: it is not of {STACK_PREFIX}")
    return flat


def _flat(path: Path, content: Any) -> dict[str, str]:
    if isinstance(content, dict) and content and all(isinstance(value, dict) for value in content.values()):
        stacks: Sequence[str] = [name for name in content if name.startswith(f"{STACK_PREFIX}-")]
        if len(stacks) != 1:
            raise OpsError(f"{path} holds {len(stacks)} stacks called {STACK_PREFIX}-…: one is needed")
        content = content[stacks[0]]
    if not isinstance(content, dict) or not all(isinstance(value, str) for value in content.values()):
        raise OpsError(f"{path} is no flat list of outputs: write it with `python -m ops outputs --out {path}`")
    return dict(content)
