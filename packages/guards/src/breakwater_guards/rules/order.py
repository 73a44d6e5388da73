"""Order: What a resource needs when it is created, without a reference or `DependsOn` that makes it wait."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from breakwater_guards.aws.arns import resource_named
from breakwater_guards.aws.items import items
from breakwater_guards.aws.order import comes_before
from breakwater_guards.aws.policies import statements_of
from breakwater_guards.aws.roles import roles_of
from breakwater_guards.facts import facts
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Resource
from breakwater_guards.rule import Breach, Outcome, breach, rule

DEPENDS_ON = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-dependson.html"
FIX = "Add DependsOn, or refer to the resource."


@rule(
    "DR-ORDER-01",
    title="What a resource needs at its creation is created before it",
    outcome=Outcome.LATER,
    prevents="route table and network gateway belong to different networks; The REST API doesn't contain any methods; "
    "Unable to validate the following destination configurations; Incorrect S3 bucket policy is detected for bucket; "
    "a capacity provider that is not associated with the cluster: CloudFormation creates what is not ordered at once",
    fix=FIX,
    sources=(DEPENDS_ON,),
    data="order",
)
def needed_resources_come_first(app: Assembly) -> Iterator[Breach]:
    """Find a route beside its gateway's attachment, a service beside its capacity providers, and so on."""
    for row in facts("order")["pairs"]:
        firsts: dict[Resource, list[Resource]] = {}
        for first in app.of_type(row["first"]):
            for value in first.given(row["by"]):
                target = resource_named(app, value, first.template)
                if target is not None:
                    firsts.setdefault(target, []).append(first)
        for later in app.of_type(row["later"]) if firsts else ():
            for target in _named(app, row, later):
                needed = firsts.get(target, [])
                late = [first for first in needed if not comes_before(first, later)]
                if late and not (row.get("one") and len(late) < len(needed)):
                    place = str(row["path"]).partition(">")[0].replace("[]", "")
                    yield breach(
                        later, place, f"is created beside {late[0].logical_id}, which {target.logical_id} needs."
                    )


@rule(
    "DR-ORDER-02",
    title="What uses a role at its creation waits for the role's policies",
    outcome=Outcome.LATER,
    prevents="AccessDenied in the first minute: tasks fail to pull their image and the circuit breaker rolls back; The "
    "provided execution role does not have permissions (Lambda)",
    fix="Add DependsOn with each AWS::IAM::Policy of the role, or write the policy into the role.",
    sources=(
        DEPENDS_ON,
        "https://github.com/aws/aws-cdk/issues/18675",
        "https://github.com/aws/aws-cdk/issues/24880",
    ),
    data="order",
)
def policies_come_first(app: Assembly) -> Iterator[Breach]:
    """Find a service, mapping or stream that is created beside a separate policy of the role that it uses at once."""
    for kind, path in facts("order")["roles"].items():
        actions = _actions(kind)
        for user in app.of_type(kind):
            for item in items(user):
                for owner, value in item.follow(app, path):
                    role = roles_of(app).find(value, owner.resource.template)
                    for policy in roles_of(app).policies(role) if role is not None else ():
                        if not comes_before(policy, user) and _grants(policy, actions):
                            yield breach(user, "", f"does not wait for {policy.logical_id}, a policy of its role.")


def _actions(kind: str) -> set[str]:
    """Return what the users of a type, or what they are made from, call with their role."""
    source = {"AWS::ECS::Service": "AWS::ECS::TaskDefinition"}.get(kind, kind)
    lists = [
        names for row in facts("callers")["permitted"] if row["source"] == source for names in row["actions"].values()
    ]
    return {one for names in lists for name in names for one in name.partition(" ")[0].split("|")}


def _grants(policy: Resource, actions: set[str]) -> bool:
    return any(statement.acts_on(action) for statement in statements_of(policy) for action in actions)


def _named(app: Assembly, row: dict[str, Any], later: Resource) -> Iterator[Resource]:
    if "when" in row and not later.given(row["when"]):
        return
    for item in items(later):
        for owner, value in item.follow(app, row["path"]):
            target = resource_named(app, value, owner.resource.template)
            if target is not None:
                yield target
