"""What a deployment does to one resource, and the changes of a change set that is already made."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from breakwater_guards.facts import facts
from ops.check import protections
from ops.preflight.account import Ask
from ops.preflight.check import Status
from ops.preflight.checks.stack import CREATE_ONLY, DISPENSABLE
from ops.preflight.deployed import NESTED

CHANGE_SET_CALL: Final = "cloudformation:DescribeChangeSet"
_REPLACED_UPON: Final = {"True": "replace", "Conditional": "may replace"}
# A new revision, layer or version under the same name is how these change.
_REVISED: Final = frozenset({"AWS::ECS::TaskDefinition", "AWS::Lambda::Version", "AWS::Lambda::LayerVersion"})
_IN_WORDS: Final = {"deleted": "deleted", "kept": "kept outside of the stack", "snapshot": "deleted after a snapshot"}
FATES: Final[Mapping[str, str]] = {"Delete": "deleted", "Retain": "kept", "Snapshot": "snapshot"}
POLICIES: Final = ("DeletionPolicy", "UpdateReplacePolicy")
HOLDING: Final = frozenset(CREATE_ONLY) | frozenset(facts("stateful_types")["types"])


class Action(StrEnum):
    """What happens to a resource; the later, the graver."""

    ADD = "add"
    CHANGE = "change"
    WEAKEN = "weaken"
    MAY_REPLACE = "may replace"
    REPLACE = "replace"
    REMOVE = "remove"


@dataclass(frozen=True)
class Change:
    """What happens to one resource.

    Attributes:
        action: what CloudFormation does.
        type: of the resource.
        where: construct path, or the logical ids that lead to it.
        why: the properties that differ, in words; empty where there is no more to say.
        old: what becomes of the old resource: `deleted`, `kept` or `snapshot`; empty where it stays.
        holds: whether it holds data, or is a part of the network or a whole nested stack.
        same_name: property with the name that a new resource would share with a deployed one, or the logical id that
            two types would share; CloudFormation refuses both:
            https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html
        weakened: the protections that are switched off or weakened, in words.
    """

    action: Action
    type: str
    where: str
    why: str = ""
    old: str = ""
    holds: bool = False
    same_name: str = ""
    weakened: str = ""

    @property
    def status(self) -> Status:
        """A failure where data, the network or a protection is lost, or AWS refuses; a warning for anything else."""
        if self.same_name or self.weakened:
            return Status.FAIL
        if self.action in (Action.ADD, Action.CHANGE) or self.type in _REVISED:
            return Status.PASS
        if self.action is Action.REPLACE or (self.action is Action.REMOVE and self.type not in DISPENSABLE):
            lost = self.action is Action.REPLACE or self.old == "deleted"
            return Status.FAIL if self.holds and lost else Status.WARN
        return Status.WARN

    @property
    def order(self) -> tuple[int, int, str]:
        """What sorts the gravest first."""
        return -list(Status).index(self.status), -list(Action).index(self.action), self.where

    def __str__(self) -> str:
        fate = self.old and f"the old one would be {_IN_WORDS[self.old]}"
        refused = self.same_name and f"CloudFormation refuses it, since {self.same_name} stays the same"
        weakened = self.weakened and f"weakened: {self.weakened}"
        details = "; ".join(filter(None, (self.why, refused or fate, weakened)))
        return f"{self.action} {self.where} ({self.type})" + (f": {details}" if details else "")

    def weakening(self, *protections: str) -> Change:
        """Return the change with the protections that it weakens; empty words are none."""
        told = "; ".join(filter(None, protections))
        if not told:
            return self
        return replace(self, action=Action.WEAKEN if self.action is Action.CHANGE else self.action, weakened=told)


def loosened(attribute: str, before: str, after: str) -> str:
    """Return in words that a policy deletes what it kept until now; empty where it does not.

    Args:
        attribute: `DeletionPolicy` or `UpdateReplacePolicy`.
        before: the deployed fate, of :data:`FATES`.
        after: the planned one.
    """
    if after != "deleted" or before == after:
        return ""
    what = "removal" if attribute == "DeletionPolicy" else "replacement"
    return f"{attribute}: a later {what} would delete what until now would be {_IN_WORDS[before]}"


def of_change_set(ask: Ask, stack: str, name: str, path: str = "") -> Iterator[Change]:
    """Read a change set, and those of nested stacks that belong to it.

    Args:
        ask: may call :data:`CHANGE_SET_CALL`.
        stack: name of the stack; ignored where `name` is an ARN.
        name: of the change set, or its ARN.
        path: the logical ids that lead to the stack.

    Yields:
        The changes of all its resources.

    Raises:
        CouldNotAsk: CloudFormation does not answer.
        ClientError: there is no such change set.
    """
    whose = {} if name.startswith("arn:") else {"StackName": stack}
    for each in ask.every(CHANGE_SET_CALL, "Changes", ChangeSetName=name, IncludePropertyValues=True, **whose):
        made = each["ResourceChange"]
        where = f"{path or stack}/{made['LogicalResourceId']}"
        if made.get("ChangeSetId"):
            yield from of_change_set(ask, stack, made["ChangeSetId"], where)
        if made["ResourceType"] != NESTED or made["Action"] in ("Add", "Remove"):
            yield _of_resource(made, where)


def _of_resource(made: Mapping[str, Any], where: str) -> Change:
    kind = made["ResourceType"]
    action = Action({"Add": "add", "Import": "add", "Remove": "remove"}.get(made["Action"], "change"))
    if action is Action.CHANGE:
        action = Action(_REPLACED_UPON.get(made.get("Replacement", ""), action))
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChange.html
    policy = made.get("PolicyAction", "").removeprefix("ReplaceAnd")
    default = "deleted" if action in (Action.REMOVE, Action.REPLACE) else ""
    names = sorted({each["Target"].get("Name", "") for each in made.get("Details", [])} - {""})
    # A change set does not say whether a database instance is the member of a cluster, which holds the data.
    holds = kind == NESTED or (kind in HOLDING and kind not in facts("stateful_types")["copies"])
    change = Change(action, kind, where, ", ".join(names), FATES.get(policy, default) if holds else "", holds)
    if action is Action.ADD:
        return change
    if action is Action.REMOVE:
        return change.weakening(protections.of_removal(kind))
    before, after = (json.loads(made.get(key) or "{}") for key in ("BeforeContext", "AfterContext"))
    if not before or not after:  # an emulator may leave them out
        return change
    policies = [
        loosened(
            name, *(FATES[context.get(name, "Delete").removesuffix("ExceptOnCreate")] for context in (before, after))
        )
        for name in POLICIES
        if holds
    ]
    found = protections.weakened(kind, *(context.get("Properties", {}) for context in (before, after)))
    return change.weakening(found, *policies)
