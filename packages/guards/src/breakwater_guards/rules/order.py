"""Order: What a resource needs when it is created, without a reference or `DependsOn` that makes it wait."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from breakwater_guards.aws.arns import resource_named
from breakwater_guards.aws.balancers import balancers_of, target_groups
from breakwater_guards.aws.items import items
from breakwater_guards.aws.network import SUBNET, ipv4_network, network_of
from breakwater_guards.aws.order import comes_before
from breakwater_guards.aws.policies import all_statements, statements_of
from breakwater_guards.aws.roles import ROLE, roles_of
from breakwater_guards.facts import facts
from breakwater_guards.model.answer import Answer
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import ABSENT, UNKNOWN, Text
from breakwater_guards.rule import Breach, Outcome, breach, rule

DEPENDS_ON = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-dependson.html"
FIX = "Add DependsOn, or refer to the resource."


@rule(
    "DR-ORDER-01",
    title="What a resource needs at its creation is created before it",
    outcome=Outcome.LATER,
    prevents="route table and network gateway belong to different networks; The REST API doesn't contain any methods; "
    "Unable to validate the following destination configurations; Incorrect S3 bucket policy is detected for bucket; "
    "a capacity provider that is not associated with the cluster; The target group … does not have an associated load "
    "balancer; No scalable target registered; Policy contains a statement with one or more invalid principals: "
    "CloudFormation creates what is not ordered at once",
    fix=FIX,
    sources=(
        DEPENDS_ON,
        "https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-overview.html",
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-vpccidrblock.html",
    ),
    data="order",
)
def needed_resources_come_first(app: Assembly) -> Iterator[Breach]:
    """Find a route beside its gateway's attachment, a service beside its capacity providers, and so on."""
    for row, later, target, late in _late(app):
        if not _is_waiting(late, later):
            yield breach(
                later,
                _place(row),
                f"{later.logical_id} is created beside {late[0].logical_id}, which {target.logical_id} needs.",
            )
    yield from _anywhere(app)
    yield from _alike(app)
    yield from _principals(app)
    yield from _second_ranges(app)
    yield from _beside_listeners(app)
    for row in facts("order")["named"]:
        for later in app.of_type(row["later"]):
            for value in later.given(row["path"]):
                name = re.split(r"[/:]", value.known if isinstance(value, Text) else str(value))[-1]
                first = resource_named(app, name, later.template, *row["first"]) if name and "*" not in name else None
                same = row.get("same", "Type")
                if first is not None and first.get(same) == later.get(same) and not comes_before(first, later):
                    yield breach(
                        later,
                        row["path"],
                        f"{later.logical_id} names {first.logical_id} by text, and is created beside it.",
                    )


@rule(
    "DR-ORDER-03",
    title="What a resource needs at its creation does not wait for it",
    outcome=Outcome.REFUSED,
    prevents="Unable to validate the following destination configurations (S3); Could not execute the lambda function; "
    "the permission is created only when what needs it exists, so that the deployment fails each time",
    fix="Refer to the resource by a name that both get (a parameter, Fn::Sub with AWS::AccountId), and add DependsOn.",
    sources=(
        DEPENDS_ON,
        "https://repost.aws/knowledge-center/unable-validate-circular-dependency-cloudformation",
    ),
    data="order",
)
def needs_do_not_wait(app: Assembly) -> Iterator[Breach]:
    """Find a bucket whose notifications need a permission that is made from the bucket's ARN, and the like."""
    for row, later, target, late in _late(app):
        if _is_waiting(late, later):
            message = (
                f"{later.logical_id} needs {late[0].logical_id} for {target.logical_id}; that is created only after it."
            )
            yield breach(later, _place(row), message)


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
    for row in facts("order")["roles"]:
        actions = row.get("actions") or _actions(row["user"])
        for user in app.of_type(*_kinds(app, row["user"])):
            for item in items(user) if _is_given(row, user) else ():
                for owner, value in item.follow(app, row["path"]):
                    role = roles_of(app).find(value, owner.resource.template)
                    for policy in roles_of(app).policies(role) if role is not None else ():
                        if not comes_before(policy, user) and (actions == ["*"] or _grants(policy, set(actions))):
                            yield breach(
                                user,
                                "",
                                f"{user.logical_id} does not wait for {policy.logical_id}, a policy of its role.",
                            )


def _late(app: Assembly) -> Iterator[tuple[dict[str, Any], Resource, Resource, list[Resource]]]:
    """Yield the rows of pairs with a resource, what it uses, and what that needs but does not have by then."""
    for row in facts("order")["pairs"]:
        firsts: dict[Resource, list[Resource]] = {}
        for first in app.of_type(row["first"]):
            for value in first.given(row["by"]):
                target = resource_named(app, value, first.template)
                if target is not None:
                    firsts.setdefault(target, []).append(first)
        for later in app.of_type(*_kinds(app, row["later"])) if firsts else ():
            for target in dict.fromkeys(_named(app, row, later)):
                needed = firsts.get(target, [])
                late = [first for first in needed if not comes_before(first, later)]
                if late and not (row.get("one") and len(late) < len(needed)):
                    yield row, later, target, late


def _is_waiting(late: list[Resource], later: Resource) -> bool:
    """Tell whether everything that a resource needs is certain to be created after it."""
    return all(first.template is later.template and comes_before(later, first) for first in late)


def _place(row: dict[str, Any]) -> str:
    return str(row["path"]).partition(">")[0].replace("[]", "")


def _anywhere(app: Assembly) -> Iterator[Breach]:
    """Find what needs something of its account that its stack makes beside it, e.g. API Gateway's role for logs."""
    for row in facts("order")["anywhere"]:
        firsts = [
            first
            for first in app.of_type(row["first"])
            if "service" not in row or any(item.names_service(row["service"]) for item in statements_of(first))
        ]
        for later in app.of_type(row["later"]):
            late = [first for first in firsts if first.template is later.template and not comes_before(first, later)]
            if late and _is_given(row, later):
                yield breach(
                    later,
                    row["when"].replace("[]", ""),
                    f"{later.logical_id} is created beside {late[0].logical_id}, which it needs.",
                )


def _alike(app: Assembly) -> Iterator[Breach]:
    """Find what names the same thing as something that has to be there first, e.g. a policy beside its target."""
    for row in facts("order")["alike"]:
        firsts = list(app.of_type(row["first"]))
        for later in app.of_type(row["later"]) if firsts else ():
            own = [later.get(name) for name in row["same"]]
            for first in firsts if not any(value is ABSENT or value is UNKNOWN for value in own) else ():
                if [first.get(name) for name in row["same"]] == own and not comes_before(first, later):
                    yield breach(
                        later,
                        row["same"][0],
                        f"{later.logical_id} is created beside {first.logical_id}, which it needs.",
                    )


def _principals(app: Assembly) -> Iterator[Breach]:
    """Find a policy that names a role by text and does not wait for it: AWS refuses a principal that is not there."""
    for statement in all_statements(app):
        for principal in statement.principals if statement.resource.type != ROLE else ():
            value, owner = principal.value, statement.resource
            if principal.kind == "AWS" and isinstance(value, str | Text) and app.target(value) is None:
                role = resource_named(app, value, owner.template, ROLE)
                if role is not None and role.template is owner.template and not comes_before(role, owner):
                    message = f"The policy names {role.logical_id} by text, and is created beside it."
                    yield breach(owner, statement.path, message)


def _second_ranges(app: Assembly) -> Iterator[Breach]:
    """Find a subnet in a further range of its VPC that may be added later."""
    blocks = list(app.of_type("AWS::EC2::VPCCidrBlock"))
    for subnet in app.of_type(SUBNET) if blocks else ():
        vpc, own = network_of(app).vpc_of(subnet), ipv4_network(subnet.get("CidrBlock"))
        first = ipv4_network(vpc.get("CidrBlock")) if vpc is not None else None
        if vpc is None or own is None or first is None or own.subnet_of(first):
            continue
        mine = [item for item in blocks if network_of(app).vpc(item.get("VpcId")) is vpc]
        around = [item for item in mine if (outer := ipv4_network(item.get("CidrBlock"))) and own.subnet_of(outer)]
        if around and not any(comes_before(item, subnet) for item in around):
            yield breach(subnet, "CidrBlock", f"{own} is created beside {around[0].logical_id}, which it needs.")


def _beside_listeners(app: Assembly) -> Iterator[Breach]:
    """Find a service whose load balancer is there, but whose listener may come too late; DR-ALB-06 finds the rest."""
    for service in app.of_type("AWS::ECS::Service"):
        for group in target_groups(app, service):
            listeners = balancers_of(app).listeners_of(group)
            if balancers_of(app).exist_before(service, listeners) is Answer.MAYBE:
                message = (
                    f"{service.logical_id} is created beside {listeners[0].logical_id}, which {group.logical_id} needs."
                )
                yield breach(service, "LoadBalancers.TargetGroupArn", message)


def _is_given(row: dict[str, Any], resource: Resource) -> bool:
    values = resource.options(row["when"]) if "when" in row else [True]
    return row["is"] in values if "is" in row else any(value is not ABSENT for value in values)


def _kinds(app: Assembly, kind: str) -> list[str]:
    """Return the types that a row stands for: all that begin so where it ends with a star."""
    if not kind.endswith("*"):
        return [kind]
    prefix = kind.removesuffix("*")
    return sorted(
        {item.type for one in app.templates.values() for item in one.resources.values() if item.type.startswith(prefix)}
    )


def _actions(kind: str) -> list[str]:
    """Return what the users of a type, or what they are made from, call with their role."""
    source = {"AWS::ECS::Service": "AWS::ECS::TaskDefinition"}.get(kind, kind)
    lists = [
        names for row in facts("callers")["permitted"] if row["source"] == source for names in row["actions"].values()
    ]
    return [one for names in lists for name in names for one in name.partition(" ")[0].split("|")]


def _grants(policy: Resource, actions: set[str]) -> bool:
    return any(statement.acts_on(action) for statement in statements_of(policy) for action in actions)


def _named(app: Assembly, row: dict[str, Any], later: Resource) -> Iterator[Resource]:
    if not _is_given(row, later):
        return
    for item in items(later):
        for owner, value in item.follow(app, row["path"]):
            target = resource_named(app, value, owner.resource.template)
            if target is not None:
                yield target
