"""Nested stacks: each is created, updated, rolled back and deleted by the same engine as a stack of its own.

ministack deploys them by a loop beside that engine, which rolls nothing back, deletes at once what an update replaces
or removes, and takes a failed deletion for done. On AWS a nested stack goes through all states of a stack, and an
update deletes what it no longer needs only when the root stack has updated everything (`…_CLEANUP_IN_PROGRESS`): until
then every nested stack can go back.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-monitor-stack.html
"""

import asyncio
import copy
import uuid
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from embedded_aws.server import nested_updates, registry, upstream
from embedded_aws.server.registry import Attributes, Declared, Properties

Record: TypeAlias = dict[str, Any]

_TYPE: Final = "AWS::CloudFormation::Stack"
# What a stack goes back to, as ministack keeps it for a stack of its own.
_BEFORE: Final = (
    "_resources", "_template", "_template_body", "_resolved_params", "_conditions", "Parameters", "Tags", "Outputs",
)  # fmt: skip


@dataclass(frozen=True)
class _Declared:
    """What a parent declares: the template, and the values of its parameters."""

    body: str
    template: Record
    values: Record
    tags: list[dict[str, str]]


def install() -> None:
    """Put the engine in place of the loop."""
    registry.replace(_TYPE, create=_create, delete=_delete)
    registry.wrap(_TYPE, "update", lambda _loop: _update)
    nested_updates.install()


def _create(declared: Declared) -> tuple[str, Attributes]:
    wanted = _read(declared.properties, declared.stack)
    name = f"{declared.stack}-{declared.logical_id}-{uuid.uuid4().hex[:12].upper()}"
    stack_id = f"arn:aws:cloudformation:{upstream.region()}:{upstream.account()}:stack/{name}/{uuid.uuid4()}"
    parent = upstream.stacks[declared.stack]
    upstream.stacks[name] = {
        "StackName": name,
        "StackId": stack_id,
        "CreationTime": _now(),
        "DisableRollback": False,
        "ParentId": parent["StackId"],
        "RootId": parent.get("RootId", parent["StackId"]),
        "Capabilities": list(parent.get("Capabilities", [])),
        "_region": upstream.region(),
        "_resources": {},
        "Outputs": [],
        "_parent_stack_name": declared.stack,
    }
    stack = _begin(name, "CREATE", wanted)
    _run(upstream.deploy_stack(name, stack_id, wanted.template, wanted.values, False, wanted.tags))
    if stack["StackStatus"] != "CREATE_COMPLETE":
        reason = _failures(stack)
        _run(upstream.delete_stack(name, stack_id))
        raise ValueError(f"Embedded stack {stack_id} was not successfully created: {reason}")
    return stack_id, _outputs(stack)


def _read(properties: Properties, parent: str) -> _Declared:
    body, refused = upstream.resolve_template({"TemplateURL": [properties["TemplateURL"]]})
    if refused is not None or not body:
        raise ValueError(f"S3 error: the template at {properties['TemplateURL']} cannot be read")
    template = upstream.parse_template(body)
    upstream.check_nested_capabilities(parent, template)
    given = [{"Key": key, "Value": str(value)} for key, value in properties.get("Parameters", {}).items()]
    values = upstream.resolve_parameters(template, given)
    upstream.validate_template(template, upstream.evaluate_conditions(template, values), params=values)
    tags = [tag for tag in properties.get("Tags", []) if not tag["Key"].startswith("aws:")]
    return _Declared(body, template, values, tags)


def _begin(name: str, verb: str, wanted: _Declared) -> Record:
    """Write into the record what the operation begins with, and return the record."""
    stack: Record = upstream.stacks[name]
    stack |= {
        "StackStatus": f"{verb}_IN_PROGRESS",
        "StackStatusReason": "",
        "LastUpdatedTime": _now(),
        "Description": wanted.template.get("Description", ""),
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": value["Value"], "NoEcho": value["NoEcho"]}
            for key, value in wanted.values.items()
        ],
        "Tags": wanted.tags,
        "_template_body": wanted.body,
        "_conditions": upstream.evaluate_conditions(wanted.template, wanted.values),
    }
    stack["_seen_events"] = len(upstream.stack_events.setdefault(stack["StackId"], []))
    upstream.add_event(stack["StackId"], name, name, _TYPE, stack["StackStatus"], physical_id=stack["StackId"])
    return stack


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _update(
    physical_id: str, _old: Properties, new: Properties, parent: str, _logical_id: str | None = None
) -> tuple[str, Attributes]:
    stack = _find(physical_id)
    if stack is None:
        raise ValueError(f"Stack:{physical_id} is in DELETE_COMPLETE state and can not be updated.")
    if "ROLLBACK" in upstream.stacks[parent]["StackStatus"]:
        _go_back(stack)
    else:
        _go_on(stack, new, parent)
    return physical_id, _outputs(stack)


def _go_on(stack: Record, new: Properties, parent: str) -> None:
    wanted = _read(new, parent)
    name, stack_id = stack["StackName"], stack["StackId"]
    before = copy.deepcopy({key: stack[key] for key in _BEFORE})
    _begin(name, "UPDATE", wanted)
    nested_updates.begin(name, before)
    request = (name, stack_id, wanted.template, wanted.values, False, wanted.tags)
    _run(upstream.deploy_stack(*request, is_update=True, previous_stack=before))
    if stack["StackStatus"] != "UPDATE_COMPLETE":
        stack["_conditions"] = before["_conditions"]
        nested_updates.forget(name)
        raise ValueError(
            f"Embedded stack {stack_id} was not successfully updated. Currently in {stack['StackStatus']} with "
            f"reason: {_failures(stack)}"
        )


def _go_back(stack: Record) -> None:
    """Return to what was before the update of the parent that is being rolled back."""
    name, stack_id = stack["StackName"], stack["StackId"]
    if stack["StackStatus"] == "UPDATE_ROLLBACK_FAILED":
        _run(upstream.continue_rollback(name, stack_id, frozenset()))
    elif before := nested_updates.forget(name):
        after = stack["_resources"]
        operation = {
            "is_update": True,
            "previous_stack": before,
            "created": list(after),
            "template": stack["_template"],
            "param_values": stack["_resolved_params"],
            "stack_tags": stack["Tags"],
            "previous_tags": before["Tags"],
        }
        _run(upstream.roll_back_operation(name, stack_id, stack, operation))
        stack["_conditions"] = before["_conditions"]
    if stack["StackStatus"] == "UPDATE_ROLLBACK_FAILED":
        raise ValueError(f"Embedded stack {stack_id} was not successfully rolled back: {stack['StackStatusReason']}")


def _delete(physical_id: str, _properties: Properties) -> None:
    stack = _find(physical_id)
    if stack is None:
        return
    nested_updates.forget(stack["StackName"])
    _run(upstream.delete_stack(stack["StackName"], stack["StackId"]))
    if stack["StackStatus"] != "DELETE_COMPLETE":
        reason = stack["StackStatusReason"]
        raise ValueError(f"Embedded stack {physical_id} was not successfully deleted: {reason}")


def _find(stack_id: str) -> Record | None:
    stacks = (stack for stack in upstream.stacks.values() if stack["StackStatus"] != "DELETE_COMPLETE")
    return next((stack for stack in stacks if stack["StackId"] == stack_id), None)


def _failures(stack: Record) -> str:
    """Return which resources of the nested stack failed, as CloudFormation says it to the parent.

    An update names both kinds: https://github.com/serverless/serverless/issues/1745
    """
    events: list[Mapping[str, str]] = upstream.stack_events[stack["StackId"]][stack["_seen_events"] :]
    own = [event for event in events if event["LogicalResourceId"] != stack["StackName"]]
    sentences = []
    for verb in ("create", "update"):
        failed = {each["LogicalResourceId"] for each in own if each["ResourceStatus"] == f"{verb.upper()}_FAILED"}
        if failed:
            sentences.append(f"The following resource(s) failed to {verb}: [{', '.join(sorted(failed))}].")
    return " ".join(sentences) or str(stack["StackStatusReason"] or stack["StackStatus"])


def _outputs(stack: Record) -> Attributes:
    return {f"Outputs.{output['OutputKey']}": output["OutputValue"] for output in stack["Outputs"]}


def _run(operation: Awaitable[None]) -> None:
    """Run an operation of the engine to its end; nested stacks are handled on a thread of their own."""
    asyncio.run(_awaited(operation))


async def _awaited(operation: Awaitable[None]) -> None:
    await operation
