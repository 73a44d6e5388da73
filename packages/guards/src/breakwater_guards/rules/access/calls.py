"""Calls between resources: the role that makes a call may make it, or the policy of the target admits the service."""

from __future__ import annotations

from collections.abc import Iterator

from breakwater_guards.aws.access import access_of
from breakwater_guards.aws.arns import arn_of, pattern, resource_named
from breakwater_guards.aws.calls import Call, caller_of, calls
from breakwater_guards.aws.experiments import experiments
from breakwater_guards.aws.items import Item, items
from breakwater_guards.aws.key_policies import keys_of, through
from breakwater_guards.aws.roles import roles_of
from breakwater_guards.facts import facts
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import ABSENT
from breakwater_guards.rule import Breach, Outcome, breach, rule
from breakwater_guards.rules.access.containers import unreadable

EVENTS = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html"


@rule(
    "DR-ACCESS-01",
    title="The policy of a target admits the service that calls it",
    outcome=Outcome.SILENT,
    prevents="No error is reported: EventBridge, S3, SNS and others count a failed invocation and drop the event; S3, "
    "CloudTrail and Secrets Manager refuse the configuration (Unable to validate the following destination "
    "configurations)",
    fix="Add an AWS::Lambda::Permission, or a queue, topic or bucket policy that lets the service principal use the "
    "action, with aws:SourceArn of this caller.",
    sources=(EVENTS, "https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html"),
    data="callers",
)
def targets_admit_services(app: Assembly) -> Iterator[Breach]:
    """Find a function, queue, topic or bucket whose policies do not admit the service that is to call it."""
    for call in calls(app, "admitted"):
        role = call.row.get("role")
        if call.target is None or any(value is not ABSENT for value in (call.item.options(role) if role else ())):
            continue
        missing = [
            action
            for action, arn in call.each()
            if not access_of(app).admits(
                call.target,
                call.row["service"],
                action,
                caller_of(app, call),
                arn,
                absent=call.row.get("absent", ()),
                carried=call.row.get("carried"),
            )
        ]
        if missing:
            yield breach(
                call.item.resource,
                call.place,
                f"{call.caller} may not use {', '.join(missing)} on {call.target.logical_id} for "
                f"this {call.item.resource.type}.",
            )


@rule(
    "DR-ACCESS-02",
    title="The role of a caller may do what the call needs",
    outcome=Outcome.SILENT,
    prevents="AccessDenied at each call, in the metrics of the caller only; where AWS tries at once the deployment "
    "fails: The provided execution role does not have permissions to call CreateNetworkInterface on EC2",
    fix="Allow the role the action on the target, and kms:Decrypt or kms:GenerateDataKey on the target's key; what "
    "starts a task passes its roles, too (iam:PassRole).",
    sources=(
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/CWE_IAM_role.html",
        "https://docs.aws.amazon.com/scheduler/latest/UserGuide/setting-up.html",
        "https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html",
    ),
    data="callers",
)
def roles_may_call(app: Assembly) -> Iterator[Breach]:
    """Find a role without a permission that its user needs, or a target that needs a role and has none."""
    yield from _refused(app, "permitted")
    yield from _experiments(app)
    yield from unreadable(app)


@rule(
    "DR-ACCESS-04",
    title="The role of a function in a VPC may create its network interfaces",
    outcome=Outcome.LATER,
    prevents="The provided execution role does not have permissions to call CreateNetworkInterface on EC2",
    fix="Attach arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole to the function's role.",
    sources=("https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html",),
    data="callers",
)
def functions_may_create_interfaces(app: Assembly) -> Iterator[Breach]:
    """Find a function with subnets whose role lacks the permissions on network interfaces."""
    yield from _refused(app, "in_vpc")


def _refused(app: Assembly, table: str) -> Iterator[Breach]:
    for call in calls(app, table):
        for role in _roles(app, call):
            if role is None:
                yield breach(
                    call.item.resource,
                    call.place,
                    f"{_shown(call)} is called with a role; {call.row['role']} is not set.",
                )
                continue
            missing = list(_missing(app, call, role))
            if missing:
                yield breach(
                    call.item.resource,
                    call.place,
                    f"role {role.logical_id} may not use {', '.join(dict.fromkeys(missing))}.",
                )


def _experiments(app: Assembly) -> Iterator[Breach]:
    """Find an experiment whose role may not do to its targets what an action does."""
    for action in experiments(app):
        role = roles_of(app).find(action.template.get("RoleArn"), action.template.template)
        cluster = resource_named(app, action.cluster, action.template.template, "AWS::ECS::Cluster")
        arns = [pattern(app, value) for value in action.arns]
        if not arns and cluster is not None:
            arns = [arn_of(app, cluster).replace(":cluster/", ":task/") + "/*"]
        for call in facts("agreements")["experiments"]["calls"].get(action.action, ()) if role is not None else ():
            if role is not None and not all(access_of(app).role_may(role, call, arn) for arn in arns or ["*"]):
                message = f"role {role.logical_id} may not use {call} on {action.target}."
                yield breach(action.template, f"Actions.{action.name}", message)


def _missing(app: Assembly, call: Call, role: Resource) -> Iterator[str]:
    access = access_of(app)
    passed_to = call.row.get("passed_to", "")
    for action, arn in call.each():
        if not access.role_may(role, action, arn, passed_to=passed_to) and not (
            call.target is not None and _is_admitted(app, call, role, action, arn)
        ):
            yield f"{action.replace('|', ' or ')} on {_shown(call)}"
        for needed in facts("callers")["key_use"].get(action.partition("|")[0], ()):
            for key in _keys(app, call.target):
                carried = through(call.target) if call.target is not None else {}
                allowed = access.role_may(role, needed, arn_of(app, key), carried=carried)
                allowed = allowed and access.delegates(key, needed)
                if not allowed and not access.names_role(key, role, needed):
                    yield f"{needed} on {key.logical_id}, the key of {_shown(call)}"


def _is_admitted(app: Assembly, call: Call, role: Resource, action: str, arn: str) -> bool:
    """Tell whether the policy of the target lets the role in, or the service that calls with it."""
    access, target = access_of(app), call.target
    if target is None or target.type not in facts("callers")["policy_of"]:
        return False
    service = {"AWS::Events::Rule": "events"}.get(call.item.resource.type)
    return any(access.names_role(target, role, one) for one in action.split("|")) or (
        service is not None and access.admits(target, service, action, caller_of(app, call), arn)
    )


def _roles(app: Assembly, call: Call) -> Iterator[Resource | None]:
    """Yield the roles that make a call; ``None`` where it is made without one that it needs."""
    row, item = call.row, call.item
    for holder in items(item.resource) if row.get("of") else (item,):
        for owner, value in holder.follow(app, row["role"]):
            role = roles_of(app).find(value, owner.resource.template)
            if role is not None:
                yield role
            elif value is ABSENT and _is_needed(call, holder):
                yield None


def _is_needed(call: Call, holder: Item) -> bool:
    """Tell whether a call cannot be made without a role: by its target, or by what its source is."""
    needed = call.row.get("needed")
    return (call.target is not None and call.target.type in call.row.get("needed_for", ())) or (
        needed is not None and all(value in holder.given(path) for path, value in needed.items())
    )


def _keys(app: Assembly, target: Resource | None) -> Iterator[Resource]:
    path = facts("callers")["keys"].get(target.type) if target is not None else None
    for value in target.given(path) if target is not None and path else ():
        yield from keys_of(app, value)


def _shown(call: Call) -> str:
    return call.target.logical_id if call.target is not None else "*"
