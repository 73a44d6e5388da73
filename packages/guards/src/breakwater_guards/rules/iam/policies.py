"""IAM policies: their principals, and the paths of AWS managed policies."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from breakwater_guards.aws.access import access_of
from breakwater_guards.aws.arns import pattern
from breakwater_guards.aws.policies import all_statements, statements_of
from breakwater_guards.aws.roles import ROLE, roles_of
from breakwater_guards.aws.statements import Statement
from breakwater_guards.facts import facts
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import ABSENT, Text
from breakwater_guards.rule import Breach, Outcome, breach, readable, rule, show
from breakwater_guards.rules.iam.principals import defect

PRINCIPALS = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html"
MANAGED_POLICIES = "https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html"
_AWS_POLICY = re.compile(r"arn:[^:]*:iam::aws:policy/(?P<path>(?:[^/*]+/)*)(?P<name>[^/*]+)")
_HOLDERS = {
    "AWS::IAM::Role": "ManagedPolicyArns",
    "AWS::IAM::User": "ManagedPolicyArns",
    "AWS::IAM::Group": "ManagedPolicyArns",
    "AWS::SSO::PermissionSet": "ManagedPolicies",
}
# https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-vs-inline.html
_NOT_ATTACHABLE = {"aws-service-role/": "service-linked roles", "root-task/": "sts:AssumeRoot"}


@rule(
    "DR-IAM-01",
    title="Policies name principals that AWS accepts",
    outcome=Outcome.REFUSED,
    prevents='Invalid principal in policy: "AWS":"arn:aws:rds:…:cluster:…" (MalformedPolicyDocument)',
    fix="Name an account, an IAM role or user by its ARN, or a service as Service: <name>.amazonaws.com. "
    "A database, a bucket or a function is never a principal: name the role that it runs with.",
    sources=(PRINCIPALS, "https://github.com/aws-cloudformation/cfn-lint/issues/4287"),
)
def principals_are_principals(app: Assembly) -> Iterator[Breach]:
    """Find a principal that AWS rejects, in a trust, resource or key policy of any resource type."""
    for statement in all_statements(app):
        for principal in (*statement.principals, *statement.not_principals):
            reason = defect(app, principal)
            if reason:
                shown = f"{principal.kind}: {show(principal.value)}".removeprefix(": ")
                yield breach(statement.resource, principal.path, f"{shown} is no principal: {reason}.")


@rule(
    "DR-IAM-02",
    title="AWS managed policies exist, and are attached under their path",
    outcome=Outcome.REFUSED,
    prevents="Policy arn:aws:iam::aws:policy/AWSLambdaBasicExecutionRole does not exist or is not attachable "
    "(NoSuchEntity; the role fails to create)",
    fix="Write the ARN as AWS lists it; in the CDK pass the path too: "
    'ManagedPolicy.from_aws_managed_policy_name("service-role/AWSLambdaBasicExecutionRole").',
    sources=(
        MANAGED_POLICIES,
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-deprecated.html",
        "https://github.com/aws/aws-cdk/issues/3379",
        "https://github.com/aws/aws-cdk/issues/6131",
    ),
    data="managed_policies",
)
def managed_policies_have_their_path(app: Assembly) -> Iterator[Breach]:
    """Find an ARN whose name AWS knows under another path or no more, or that only AWS itself can attach."""
    paths, gone = _paths(), facts("iam_involved")["gone"]
    for kind, name in _HOLDERS.items():
        for resource in app.of_type(kind):
            for value in dict.fromkeys(_texts(resource.options(f"{name}[]"))):
                match = _AWS_POLICY.fullmatch(value)
                actual = paths.get(match["name"]) if match else None
                if match is not None and match["name"] in gone:
                    yield breach(resource, name, f"{match['name']} is no more; allowed: {gone[match['name']]}.")
                if match is None or actual is None:
                    continue  # a policy newer than the facts, or one of the account's own
                if actual in _NOT_ATTACHABLE:
                    message = f"{match['name']} is for {_NOT_ATTACHABLE[actual]} only and cannot be attached."
                    yield breach(resource, name, message)
                elif match["path"] != actual:
                    yield breach(
                        resource,
                        name,
                        f"{show(readable(value))} does not exist: AWS has it as policy/{actual}{match['name']}.",
                    )


@rule(
    "DR-IAM-14",
    title="A permissions boundary allows what the policies of its role allow",
    outcome=Outcome.SILENT,
    prevents="is not authorized to perform: rds:FailoverDBCluster … because no permissions boundary allows the "
    "rds:FailoverDBCluster action (AccessDenied at each call)",
    fix="Allow the action in the policy that PermissionsBoundary names, too: a role may do only what both allow.",
    sources=("https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html",),
)
def boundaries_leave_something(app: Assembly) -> Iterator[Breach]:
    """Find an action that a policy of one role names, and that the boundary of this role allows on nothing."""
    for role in app.of_type(ROLE):
        if roles_of(app).boundary(role) is not None:
            lost = [
                action
                for statement in _own_statements(app, role)
                for action in statement.actions
                if isinstance(action, str) and ":" in action and "*" not in action and "?" not in action
                if all(access_of(app).is_bound(role, action, arn) for arn in _named(app, statement))
            ]
            if lost:
                message = f"it leaves nothing of {', '.join(dict.fromkeys(lost))}, which a policy of the role allows."
                yield breach(role, "PermissionsBoundary", message)


@cache
def _paths() -> dict[str, str]:
    by_path: dict[str, list[str]] = facts("managed_policies")["names_by_path"]
    return {name: path for path, names in by_path.items() for name in names}


def _own_statements(app: Assembly, role: Resource) -> Iterator[Statement]:
    """Yield what the policies of a role allow, without those that it shares with others."""
    written = [*statements_of(role, "Policies")]
    for policy in roles_of(app).policies(role):
        named = policy.options("Roles[]") + policy.options("RoleName") + policy.options("Users[]")
        if len([item for item in named if item is not ABSENT]) == 1:
            written += statements_of(policy, "PolicyDocument")
    yield from (item for item in written if item.effect == "Allow")


def _named(app: Assembly, statement: Statement) -> list[str]:
    return [pattern(app, value) for value in statement.resources] or ["*"]


def _texts(values: list[Any]) -> Iterator[str]:
    """Render ARNs; an unknown partition reads as a star."""
    for value in values:
        if isinstance(value, str | Text):
            yield value.known if isinstance(value, Text) else value
