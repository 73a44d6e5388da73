"""What a deployment changed in each stack, as CloudFormation describes the stacks before and after it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from embedded_aws.deployment import STACK_TYPE, nested_name, stack_resources

_NOT_DEPLOYED = ("REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE", "DELETE_COMPLETE")


@dataclass(frozen=True)
class StackState:
    """The state of one stack.

    Attributes:
        touched: when CloudFormation last created or updated it, as text.
        resources: its template's resources, by logical id.
        parameters: the values of its parameters, by name.
    """

    touched: str
    resources: Mapping[str, Any]
    parameters: Mapping[str, str]


@dataclass(frozen=True)
class Change:
    """A change of one stack.

    Attributes:
        stack: construct id of the nested stack, or name of the root stack.
        what: `created`, `updated` or `removed`.
        details: what differs, e.g. `Cluster: ServerlessV2ScalingConfiguration`.
    """

    stack: str
    what: str
    details: tuple[str, ...] = ()


def snapshot(cloudformation: Any, stack_name: str) -> dict[str, StackState]:
    """Return the root stack and its nested stacks as they are now, by construct id; empty when nothing is deployed."""
    try:
        return dict(_snapshot(cloudformation, stack_name, stack_name))
    except ClientError as error:
        if "does not exist" in str(error):
            return {}
        raise


def _snapshot(cloudformation: Any, stack_id: str, name: str) -> Iterator[tuple[str, StackState]]:
    stack = cloudformation.describe_stacks(StackName=stack_id)["Stacks"][0]
    if stack["StackStatus"] in _NOT_DEPLOYED:
        return
    body = cloudformation.get_template(StackName=stack_id)["TemplateBody"]
    template = json.loads(body) if isinstance(body, str) else body
    yield (
        name,
        StackState(
            touched=str(stack.get("LastUpdatedTime", stack["CreationTime"])),
            resources=template.get("Resources", {}),
            parameters={each["ParameterKey"]: each["ParameterValue"] for each in stack.get("Parameters", [])},
        ),
    )
    for deployed in stack_resources(cloudformation, stack_id):
        if deployed["ResourceType"] == STACK_TYPE and deployed.get("PhysicalResourceId"):
            logical_id = deployed["LogicalResourceId"]
            nested = nested_name(template["Resources"].get(logical_id, {}), logical_id)
            yield from _snapshot(cloudformation, deployed["PhysicalResourceId"], nested)


def between(before: Mapping[str, StackState], after: Mapping[str, StackState]) -> Iterator[Change]:
    """Yield the changes from one snapshot to the next.

    A root stack that only points to other nested templates has not changed.
    """
    root = next(iter(after), None)
    for stack in (name for name in before if name not in after):
        yield Change(stack, "removed")
    for stack, now in after.items():
        then = before.get(stack)
        if then is None:
            yield Change(stack, "created")
        elif then.touched != now.touched:
            details = tuple(_details(then, now))
            if details or stack != root:
                yield Change(stack, "updated", details)


def _details(then: StackState, now: StackState) -> Iterator[str]:
    for logical_id in sorted(then.resources.keys() | now.resources.keys()):
        old, new = then.resources.get(logical_id), now.resources.get(logical_id)
        if old is None or new is None:
            yield f"{'+' if old is None else '-'} {logical_id}"
        elif old != new and STACK_TYPE not in (old["Type"], new["Type"]):
            yield f"{logical_id}: {', '.join(_changed(old, new))}"
    for name in sorted(then.parameters.keys() | now.parameters.keys()):
        if then.parameters.get(name) != now.parameters.get(name):
            yield f"parameter {name}"


def _changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    before, after = old.get("Properties", {}), new.get("Properties", {})
    yield from (name for name in sorted(before.keys() | after.keys()) if before.get(name) != after.get(name))
    yield from (name for name in sorted((old.keys() | new.keys()) - {"Properties"}) if old.get(name) != new.get(name))
