"""IAM roles of an assembly and everything that their policies allow, wherever the policies are declared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

from breakwater_guards.aws.key_policies import is_closed
from breakwater_guards.aws.policies import statements_of
from breakwater_guards.aws.statements import Statement, matches
from breakwater_guards.facts import facts
from breakwater_guards.model.answer import Answer
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.lookup import Lookup
from breakwater_guards.model.template import Resource, Template
from breakwater_guards.model.values import ABSENT, UNKNOWN, Reference, Text
from breakwater_guards.model.views import view

ROLE, MANAGED_POLICY = "AWS::IAM::Role", "AWS::IAM::ManagedPolicy"
_ATTACHED = {"AWS::IAM::Policy": "Roles[]", MANAGED_POLICY: "Roles[]", "AWS::IAM::RolePolicy": "RoleName"}
_AWS_MANAGED = ":iam::aws:policy/"


class Permissions(NamedTuple):
    """What a role may do.

    Attributes:
        statements: of its inline policies and of the assembly's policies that are attached to it.
        managed: names of AWS managed policies, without path.
        complete: whether that is all; else it has policies that are not in the assembly.
    """

    statements: tuple[Statement, ...]
    managed: frozenset[str]
    complete: bool

    @property
    def managed_actions(self) -> tuple[str, ...] | None:
        """What the AWS managed policies allow, as patterns; ``None`` when one of them is not among the facts."""
        known: dict[str, list[str]] = facts("managed_policies")["actions"]
        if not self.managed <= set(known):
            return None
        return tuple(action for name in self.managed for action in known[name])

    def is_managed(self, action: str) -> bool:
        """Tell whether an AWS managed policy of the role allows an action, or may do so."""
        patterns = self.managed_actions
        return patterns is None or any(matches(pattern, action) for pattern in patterns)

    def allow(self, action: str) -> Answer:
        """Tell whether a statement allows an action, on whatever resources; AWS managed policies are not read."""
        answers = [item.acts_on(action) for item in self.statements if item.effect == "Allow"]
        return max(answers, default=Answer.NO)


class Roles:
    """Roles by what names them; use :func:`roles_of`."""

    def __init__(self, app: Assembly) -> None:
        self._app = app
        self._lookup = Lookup(app, ROLE, name="RoleName")
        self._managed = Lookup(app, MANAGED_POLICY, name="ManagedPolicyName")
        self._policies: dict[Reference, list[Resource]] = defaultdict(list)
        self._stray = _has_connectors(app)
        for kind, path in _ATTACHED.items():
            for policy in app.of_type(kind):
                for value in policy.options(path):
                    role = self.find(value, policy.template)
                    if role is not None:
                        self._policies[role.reference].append(policy)
                    else:
                        self._stray |= value is UNKNOWN or isinstance(value, Text)

    def find(self, value: Any, near: Template) -> Resource | None:
        """Return the role that a reference, an ARN or a name means, if it is part of the assembly."""
        if isinstance(value, Text) and not value.references and isinstance(value.parts[-1], str):
            value = value.parts[-1]  # an ARN with the account or partition left open
        return self._lookup.find(value, near)

    def policies(self, role: Resource) -> list[Resource]:
        """Return the policies of the assembly that attach themselves to a role."""
        return list(self._policies.get(role.reference, []))

    def permissions(self, role: Resource) -> Permissions:
        """Return what a role may do."""
        managed: set[str] = set()
        policies = self.policies(role)
        complete = not self._stray and _is_written(role)
        for value in role.options("ManagedPolicyArns[]"):
            text = value.known if isinstance(value, Text) else value
            target = self._app.target(value)
            if isinstance(text, str) and _AWS_MANAGED in text:
                managed.add(text.rpartition("/")[2])
            elif target is not None and target.type == MANAGED_POLICY:
                policies.append(target)
            elif value is not ABSENT:
                complete = False
        complete &= all(is_closed(policy, "PolicyDocument") for policy in policies)
        unique = {policy.reference: policy for policy in policies}
        return Permissions(
            statements=(*statements_of(role, "Policies"), *_documents(unique)),
            managed=frozenset(managed),
            complete=complete,
        )

    def boundary(self, role: Resource) -> list[Statement] | None:
        """Return the statements of a role's permissions boundary, ``None`` for none or one that is not written here."""
        policy = self._managed.find(role.get("PermissionsBoundary"), role.template)
        if policy is None or not is_closed(policy, "PolicyDocument"):
            return None
        return statements_of(policy, "PolicyDocument")

    def trusting(self, service: str) -> Iterator[Resource]:
        """Yield the roles that a service may assume, e.g. ``backup``."""
        for role in self._app.of_type(ROLE):
            if any(item.names_service(service) for item in statements_of(role, "AssumeRolePolicyDocument")):
                yield role


def roles_of(app: Assembly) -> Roles:
    """Return the roles of an assembly; they are read once."""
    return view(app, Roles)


def _has_connectors(app: Assembly) -> bool:
    """Tell whether SAM adds policies to roles for what it connects.

    https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/managing-permissions-connectors.html
    """
    resources = (item for one in app.templates.values() for item in one.resources.values())
    return any(item.type == "AWS::Serverless::Connector" or "Connectors" in item.body for item in resources)


def _is_written(role: Resource) -> bool:
    """Tell whether every inline policy of a role is written in the templates."""
    return not any(UNKNOWN in role.options(f"Policies{path}") for path in ("", "[]", "[].PolicyDocument.Statement"))


def _documents(policies: dict[Reference, Resource]) -> Iterator[Statement]:
    for policy in policies.values():
        yield from statements_of(policy, "PolicyDocument")
