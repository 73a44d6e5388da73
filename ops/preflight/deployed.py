"""What the stack already owns, and how its resources differ from the planned ones.

An existing name of its own is an update, any other one a collision.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import Any

from botocore.exceptions import ClientError

from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.resolve import same
from breakwater_guards.model.template import Resource, Template
from breakwater_guards.model.values import ABSENT, UNKNOWN, Opaque, Reference, Text
from ops.errors import error_code
from ops.outputs import GONE
from ops.preflight.account import Account, Ask, CouldNotAsk

CALLS = ("cloudformation:ListStackResources",)
TEMPLATE_CALLS = (*CALLS, "cloudformation:GetTemplate")
NESTED = "AWS::CloudFormation::Stack"


def deployed_by(account: Account, stack: str) -> Callable[[], Mapping[str, str]]:
    """Return a function that asks CloudFormation once, when a check first needs the answer.

    Args:
        account: the account to ask.
        stack: name of the root stack.

    Returns:
        A function that returns the types of all resources of the root and its nested stacks by their physical ids, or
        raises :class:`CouldNotAsk`.
    """
    ask, one_at_a_time = Ask(account, CALLS), Lock()

    @cache
    def answer() -> Mapping[str, str] | CouldNotAsk:
        try:
            return _types(ask, stack)
        except CouldNotAsk as error:
            return error

    def deployed() -> Mapping[str, str]:
        with one_at_a_time:
            found = answer()
        if isinstance(found, CouldNotAsk):
            raise found
        return found

    return deployed


def deployed_templates(ask: Ask, stack: str, planned: Template) -> Assembly | None:
    """Read the templates of a deployed stack and of those nested in it.

    Args:
        ask: may call :data:`TEMPLATE_CALLS`.
        stack: name of the root stack.
        planned: the root template of the plan. The answer has the same keys, Region and account, so that its values and
            those of the plan compare as equal.

    Returns:
        The templates; None before the first deployment.

    Raises:
        CouldNotAsk: CloudFormation does not answer, or a template is not JSON, as CDK writes it.
    """
    documents: dict[str, dict[str, Any]] = {}
    pending = [(stack, planned.key)]
    while pending:
        name, key = pending.pop()
        resources = _resources(ask, name)
        if not resources:
            continue
        body = ask("cloudformation:GetTemplate", StackName=name)["TemplateBody"]
        if isinstance(body, str):  # botocore reads JSON
            raise CouldNotAsk(f"the deployed template of {name} is not JSON, as CDK writes it")
        documents[key] = document = dict(body)
        for each in resources:
            if each["ResourceType"] == NESTED:
                metadata = document["Resources"].get(each["LogicalResourceId"], {}).get("Metadata", {})
                # The file that CDK wrote the nested template to is its key in an assembly.
                file = metadata.get("aws:asset:path", each["LogicalResourceId"])
                pending.append((each["PhysicalResourceId"], file))
    return Assembly(documents, {planned.key: (planned.region, planned.account)}) if documents else None


def _types(ask: Ask, stack: str) -> dict[str, str]:
    resources = _resources(ask, stack)
    found = {each["PhysicalResourceId"]: each["ResourceType"] for each in resources}
    for physical, kind in list(found.items()):
        if kind == NESTED:
            found |= _types(ask, physical)
    return found


def _resources(ask: Ask, stack: str) -> list[dict[str, Any]]:
    """Return what a stack has; nothing where there is no stack."""
    try:
        resources = ask.every(CALLS[0], "StackResourceSummaries", StackName=stack)
    except ClientError as error:
        # "Stack with id … does not exist": nothing is deployed yet.
        if error_code(error) == "ValidationError":
            return []
        raise
    return [each for each in resources if each.get("PhysicalResourceId") and each["ResourceStatus"] not in GONE]


@dataclass(frozen=True)
class Difference:
    """A property of a resource that is planned with another value than it was deployed with.

    Attributes:
        name: of the property.
        before: its resolved value in the deployed template.
        after: its resolved value in the planned one.
    """

    name: str
    before: Any
    after: Any

    @property
    def certain(self) -> bool:
        """Whether both values are known: a property that is not given may have the same value by default."""
        return not any(value is UNKNOWN or value is ABSENT for value in (self.before, self.after))

    def __str__(self) -> str:
        return f"{self.name} is {shown(self.before)}, planned is {shown(self.after)}"


def differences(old: Resource, new: Resource, names: Iterable[str]) -> Iterator[Difference]:
    """Compare properties, with their references followed through nested stacks.

    Args:
        old: the deployed resource.
        new: the planned one.
        names: of the properties.

    Yields:
        Those that differ, or that may: a value that only AWS knows is compared as it is written.
    """
    for name in names:
        each = Difference(name, old.get(name), new.get(name))
        equal = same(each.before, each.after) if each.certain else _written(old, name) == _written(new, name)
        if not equal:
            yield each


def place_of(resource: Resource) -> tuple[str, ...]:
    """Return the logical ids that lead to a resource, with its type: another type is another resource."""
    parent = resource.template.parent
    return (*(place_of(parent) if parent else ()), resource.type, resource.logical_id)


def name_of(resource: Resource) -> str:
    """Return what people call a resource: its construct path, else its logical id."""
    return resource.construct_path or resource.logical_id


def _written(resource: Resource, name: str) -> Any:
    return resource.body.get("Properties", {}).get(name)


def shown(value: Any) -> str:
    """Return a resolved value in words."""
    if isinstance(value, dict | list):
        return json.dumps(_in_words(value))
    if value is ABSENT:
        return "not given"
    if isinstance(value, Reference):
        return value.logical_id
    if isinstance(value, Text):
        return value.known
    return "decided by AWS" if value is UNKNOWN or isinstance(value, Opaque) else str(value)


def _in_words(value: Any) -> Any:
    """Return a value with what only a deployment decides in words; a reference is a tuple, which JSON would take."""
    if isinstance(value, dict):
        return {key: _in_words(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_in_words(item) for item in value]
    return value if isinstance(value, str | int | float) else shown(value)
