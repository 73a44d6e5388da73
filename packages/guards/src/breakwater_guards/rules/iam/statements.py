"""Statements of identity policies that cannot grant what they name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from breakwater_guards.aws.arns import TOKEN, is_here, names_arn, pattern
from breakwater_guards.aws.aurora import CLUSTER, INSTANCE
from breakwater_guards.aws.authorization import (
    expand,
    grants,
    is_action,
    is_well_formed,
    names_type,
    nearest,
    places_of,
    types_of,
)
from breakwater_guards.aws.globs import pattern_of
from breakwater_guards.aws.policies import all_statements
from breakwater_guards.aws.roles import ROLE, Permissions, roles_of
from breakwater_guards.aws.statements import Statement, matches
from breakwater_guards.facts import facts
from breakwater_guards.model.answer import Answer
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import Text
from breakwater_guards.model.views import view
from breakwater_guards.rule import Breach, Outcome, breach, readable, rule

REFERENCE = (
    "https://docs.aws.amazon.com/service-authorization/latest/reference/"
    "reference_policies_actions-resources-contextkeys.html"
)
IDENTITY = ("AWS::IAM::ManagedPolicy", "AWS::IAM::Policy", "AWS::IAM::RolePolicy", "AWS::IAM::User", "AWS::IAM::Group")
DATABASES = (CLUSTER, INSTANCE, "AWS::RDS::DBProxy")
_DATABASE_USER = re.compile(r":dbuser:([^*/]+)/")
_RESOURCE_ID = re.compile(r"(cluster|db|prx)-[a-zA-Z0-9]+")
FIX = (
    "Name a resource type that the action is authorized on (bucket/* for objects, the bucket for a list, table/index/*"
    "log-group:…:* for streams, a key's ARN and not its alias's), or * for an action without resource types."
)


@rule(
    "DR-IAM-05",
    title="A statement can grant at least one of its actions",
    outcome=Outcome.SILENT,
    prevents="AccessDenied at each call although the policy names the action: it is not authorized on such resources",
    fix=FIX,
    sources=(REFERENCE,),
    data="iam_actions",
)
def statements_grant_something(app: Assembly) -> Iterator[Breach]:
    """Find a statement of which no action can be authorized on any of its resources."""
    for statement, dead, alive in view(app, _judged):
        if dead and not alive and not _is_no_action(dead):
            yield _breach(app, statement, dead)


@rule(
    "DR-IAM-06",
    title="A statement can grant each of its actions",
    outcome=Outcome.LATER,
    prevents="AccessDenied at a call although the policy names the action: it is not authorized on such resources",
    fix=FIX,
    sources=(REFERENCE,),
    data="iam_actions",
)
def statements_grant_everything(app: Assembly) -> Iterator[Breach]:
    """Find a statement of which some actions can be authorized on none of its resources, nor by another statement."""
    for statement, dead, alive in view(app, _judged):
        if dead and (alive or _is_no_action(dead)):
            yield _breach(app, statement, dead)


@rule(
    "DR-IAM-07",
    title="A role may use everything that an action involves",
    outcome=Outcome.SILENT,
    prevents="AccessDenied: not authorized to perform rds:CreateDBInstance on resource `arn:aws:rds:…:pg:default.…`: "
    "AWS authorizes parameter, option and subnet groups beside the database, defaults included",
    fix="Add the ARNs of the types that are missing, or let the action have them by *.",
    sources=(
        "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonrds.html",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html",
    ),
    data="iam_involved",
)
def roles_may_use_what_is_involved(app: Assembly) -> Iterator[Breach]:
    """Find a role that may restore a database, but not with its groups, or start a job, but not pass the job's role."""
    involved = facts("iam_involved")
    for role in app.of_type(ROLE):
        permissions = roles_of(app).permissions(role)
        if permissions.managed_actions is None or not permissions.complete:
            continue
        for action, kinds in involved["involved"].items():
            missing = _left_out(app, permissions, action, kinds)
            if missing:
                yield breach(role, "", f"{action} also involves {', '.join(missing)}, which the role may not use.")
        if permissions.allow("iam:PassRole") is Answer.NO:
            for action in involved["pass_role"]:
                if any(action in item.actions for item in permissions.statements):
                    yield breach(role, "", f"{action} needs iam:PassRole for the role that it hands over.")


@rule(
    "DR-IAM-08",
    title="Database users are named by the database's resource id",
    outcome=Outcome.SILENT,
    prevents="PAM authentication failed for user: rds-db:connect is authorized on dbuser:cluster-ABCDEFGHIJKL/user, "
    "and never on the identifier of the cluster or instance",
    fix="Use Fn::GetAtt DBClusterResourceId of a cluster, or DbiResourceId of an instance.",
    sources=("https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.IAMPolicy.html",),
)
def database_users_have_the_resource_id(app: Assembly) -> Iterator[Breach]:
    """Find `rds-db:connect` on the identifier of a database or proxy, or on a name that is no resource id."""
    for statement in all_statements(app):
        if statement.effect != "Deny" and statement.acts_on("rds-db:connect"):
            for value in statement.resources:
                shown = _no_resource_id(app, value)
                if shown:
                    yield breach(statement.resource, statement.path, f"{shown} is not the resource id.")


def _no_resource_id(app: Assembly, value: Any) -> str:
    """Return what stands in the place of a resource id; empty when it may be one."""
    database = app.target(value) if isinstance(value, Text) else None
    if isinstance(value, Text) and database is not None and database.type in DATABASES:
        attribute = value.references[0].attribute
        return "" if "ResourceId" in attribute else f"{database.logical_id}.{attribute}".rstrip(".")
    named = _DATABASE_USER.search(value.known if isinstance(value, Text) else str(value))
    return "" if named is None or _RESOURCE_ID.fullmatch(named[1]) else named[1]


def _left_out(app: Assembly, permissions: Permissions, action: str, kinds: list[str]) -> list[str]:
    """Return the resource types that an action involves and that no statement lets it use."""
    using = [item for item in permissions.statements if item.effect != "Deny" and item.acts_on(action)]
    open_ended = any(item.not_resources for item in using) or permissions.is_managed(action)
    if open_ended or not any(_is_meant(item, action) for item in using):
        return []
    resources = {pattern(app, value) for item in using for value in item.resources}
    arns = types_of(action) or {}
    named = [any(_names(resource, arns, kind) for resource in resources) for kind in kinds]
    missing = [kind.replace(" ", " or ") for kind, has in zip(kinds, named, strict=True) if not has]
    return missing if any(named) else []  # what the action cannot be about at all is DR-IAM-05's


def _is_meant(statement: Statement, action: str) -> bool:
    """Tell whether a statement names an action more closely than by all of its service, where it comes in passing."""
    return any(matches(item, action) and pattern_of(item).partition(":")[2].strip("*") for item in statement.actions)


def _names(resource: str, arns: dict[str, str], kinds: str) -> bool:
    return resource.startswith("*") or any(names_type(resource, arns[kind]) for kind in kinds.split())


def _judged(app: Assembly) -> list[tuple[Statement, list[str], list[str]]]:
    """Return the statements of identity policies with the actions that they cannot grant, and those that they can."""
    found = []
    by_owner: dict[Resource, list[Statement]] = {}
    for statement in all_statements(app):
        if is_identity(statement) and statement.effect != "Deny":
            by_owner.setdefault(statement.resource, []).append(statement)
    for statements in by_owner.values():
        for statement in statements:
            if all(isinstance(action, str) for action in statement.actions):
                dead = [action for action in dict.fromkeys(statement.actions) if not _may_grant(app, statement, action)]
                alive = [action for action in dict.fromkeys(statement.actions) if action not in dead]
                if alive:
                    others = [item for item in statements if item is not statement]
                    dead = [action for action in dead if not _is_granted(app, others, action)]
                found.append((statement, dead, alive))
    return found


def is_identity(statement: Statement) -> bool:
    """Tell whether a statement says what its owner may do, not who may use it."""
    kind, path = statement.resource.type, statement.path
    return kind in IDENTITY or (kind == ROLE and path.startswith("Policies"))


def _may_grant(app: Assembly, statement: Statement, action: str) -> bool:
    if not is_action(action):
        return False
    if (
        statement.not_resources
        or not statement.resources
        or not all(names_arn(app, value) for value in statement.resources)
    ):
        return True  # what is no ARN is DR-IAM-09's
    resources = [(pattern(app, value), places_of(value)) for value in statement.resources if is_here(app, value)]
    known = expand(action)
    possible = [(text, places) for text, places in resources if is_well_formed(text)]
    return any(not known or any(grants(text, one, places) for one in known) for text, places in possible)


def _is_granted(app: Assembly, others: list[Statement], action: str) -> bool:
    """Tell whether another statement of the same policy grants an action, or CDK adds it to grants of other actions."""
    in_passing = action in facts("iam_involved")["granted_in_passing"]
    return in_passing or any(item.acts_on(action) and _may_grant(app, item, action) for item in others)


def _is_no_action(actions: list[str]) -> bool:
    """Tell whether some of what cannot be granted is unknown: AWS takes it, and it may be new, or one of several."""
    return not all(map(is_action, actions))


def _breach(app: Assembly, statement: Statement, dead: list[str]) -> Breach:
    unknown = [action for action in dead if not is_action(action)]
    if unknown:
        operations = facts("iam_involved")["operations"]
        meant = [operations.get(action) or nearest(action) for action in unknown]
        shown = [
            f"{action} (allowed: {right})" if right else action for action, right in zip(unknown, meant, strict=True)
        ]
        message = f"no such action as {', '.join(shown[:3])}."
        return breach(statement.resource, statement.path, message)
    named = sorted({readable(TOKEN.sub("…", pattern(app, value))) for value in statement.resources})
    types = [types_of(one) or {"none (use *)": ""} for action in dead for one in expand(action)]
    kinds = sorted({_told(kind, arn, named) for known in types for kind, arn in known.items()})
    verb = "is" if len(dead) == 1 else "are"
    message = f"{', '.join(dead[:3])} {verb} not authorized on {', '.join(named[:2])}; allowed: {', '.join(kinds[:4])}."
    return breach(statement.resource, statement.path, message)


def _told(kind: str, arn: str, named: list[str]) -> str:
    """Return a type as a message tells it: with what is missing in ARNs that are of its service."""
    service, region = (arn.split(":")[2], arn.split(":")[3]) if arn else ("", "")
    given = [text.split(":") for text in named if text.split(":")[2:3] == [service]]
    return f"{kind} (with a Region)" if region and given and all(parts[3:4] == [""] for parts in given) else kind
