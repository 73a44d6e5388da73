"""Whether a call is let through: by the role that makes it, or by the policy of what is called.

Every answer is "not certainly refused": what the templates leave open counts as permission.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping

from breakwater_guards.aws.arns import arn_of, may_be_source, may_match, pattern, patterns_of, resource_named
from breakwater_guards.aws.authorization import is_typeless
from breakwater_guards.aws.denials import denies
from breakwater_guards.aws.key_policies import context_of, is_closed, may_hold, other_contexts, required_keys
from breakwater_guards.aws.policies import as_statement, statements_of
from breakwater_guards.aws.roles import Permissions, roles_of
from breakwater_guards.aws.statements import Statement, matches
from breakwater_guards.facts import facts
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Resource, Template
from breakwater_guards.model.transforms import may_change
from breakwater_guards.model.values import ABSENT, Reference
from breakwater_guards.model.views import view

PERMISSION, TRUST = "AWS::Lambda::Permission", "AssumeRolePolicyDocument"


class Access:
    """Roles and resource policies of an assembly; use :func:`access_of`."""

    def __init__(self, app: Assembly) -> None:
        self._app = app
        self._permissions: dict[Reference, Permissions] = {}
        self._policies: dict[Reference, list[Resource]] = defaultdict(list)
        self._stray: set[str] = set()
        owners = facts("callers")["policy_of"]
        for kind, path in facts("callers")["policies"].items():
            # A function and its topic may have one name.
            kinds = [owner for owner, policies in owners.items() if kind in policies]
            for policy in app.of_type(kind):
                for value in policy.options(path):
                    target = resource_named(app, value, policy.template, *kinds)
                    if target is not None:
                        self._policies[target.reference].append(policy)
                    elif not isinstance(value, str):
                        self._stray.add(kind)

    def role_may(
        self, role: Resource, action: str, arn: str, *, passed_to: str = "", carried: Mapping[str, str] | None = None
    ) -> bool:
        """Tell whether a role may have a permission.

        Args:
            role: an `AWS::IAM::Role`.
            action: e.g. ``sqs:SendMessage``; several with ``|`` between them: one of them is enough.
            arn: pattern of what the action is used on.
            passed_to: for `iam:PassRole`, the service that gets the role.
            carried: condition keys in lower case that the call carries, with a pattern of the value.
        """
        if role.reference not in self._permissions:
            self._permissions[role.reference] = roles_of(self._app).permissions(role)
        found = self._permissions[role.reference]
        statements = [item for item in found.statements if item.effect != "Deny" and _passes(item, passed_to)]
        open_to = [item for item in statements if may_hold(self._app, item, carried or {})]
        return any(
            self._may(found, open_to, role, one, arn) and not self.is_bound(role, one, arn) for one in action.split("|")
        )

    def is_bound(self, role: Resource, action: str, arn: str) -> bool:
        """Tell whether the permissions boundary of a role certainly leaves nothing of an action on an ARN.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html: a role may do only what its
        policies and its boundary both allow.
        """
        boundary = roles_of(self._app).boundary(role)
        return boundary is not None and (
            any(denies(self._app, item, [action], arn, beside=role) for item in boundary)
            or not self._allow([item for item in boundary if item.effect != "Deny"], action, arn)
        )

    def _allow(self, statements: list[Statement], action: str, arn: str) -> bool:
        return any(item.acts_on(action) and self._covers(item, arn, action) for item in statements)

    def _may(self, found: Permissions, statements: list[Statement], role: Resource, action: str, arn: str) -> bool:
        if any(denies(self._app, item, [action], arn, beside=role) for item in found.statements):
            return False
        return not found.complete or self._allow(statements, action, arn) or found.is_managed(action)

    def admits(
        self,
        target: Resource,
        service: str,
        action: str,
        caller: str,
        arn: str,
        *,
        absent: Collection[str] = (),
        carried: Mapping[str, str] | None = None,
    ) -> bool:
        """Tell whether the policy of a resource may admit a service.

        Args:
            target: the resource.
            service: first labels of the service principal, e.g. ``events``.
            action: what the service calls.
            caller: pattern of the ARN for which the service calls.
            arn: pattern of what the action is used on.
            absent: condition keys that the service's calls do not carry, beside those that no service's do.
            carried: condition keys in lower case that they do, with a pattern of the value.
        """
        carried = {**(carried or {}), **context_of(service, caller)}
        if self.shuts_out(target, service, action, arn, absent=absent):
            return False
        if self._unknowable(target):
            return True
        never = {*facts("callers")["never_carried_by_services"], *absent}
        return any(
            statement.acts_on(action)
            and (statement.not_principals or statement.names_service(service))
            and self._covers(statement, arn, action)
            and not required_keys(statement, {*never, *other_contexts(statement, carried)})
            and may_hold(self._app, statement, carried)
            and self._is_caller(statement, caller, target.template)
            for statement in self._statements(target)
        )

    def shuts_out(self, target: Resource, service: str, action: str, arn: str, *, absent: Collection[str] = ()) -> bool:
        """Tell whether the policy of a resource certainly denies what a service calls; see :meth:`admits`."""
        return any(
            denies(self._app, item, [action], arn, service=service, absent=absent, beside=target)
            for item in self._written(target)
        )

    def trusts(self, role: Resource, services: list[str]) -> bool:
        """Tell whether a role may be assumed by one of some services, each in the name of what it does."""
        return any(self._trusts(role, service) for service in services)

    def _trusts(self, role: Resource, service: str) -> bool:
        users, assume, statements = facts("role_users"), "sts:AssumeRole", statements_of(role, TRUST)
        absent = set(users["never_carried"]).difference(users["carried"].get(service, ()))
        if any(denies(self._app, item, [assume], "*", service=service, absent=absent) for item in statements):
            return False
        return not is_closed(role, TRUST) or any(
            statement.effect != "Deny"
            and statement.acts_on(assume)
            and statement.names_service(service)
            and not required_keys(statement, absent)
            and self._is_caller(statement, users["source_arns"].get(service, "*"), role.template)
            for statement in statements
        )

    def names_role(self, target: Resource, role: Resource, action: str) -> bool:
        """Tell whether the policy of a resource may admit a role of the same account by itself."""
        if self._unknowable(target, by_serverless=False):
            return True
        arn = arn_of(self._app, role)
        return any(
            statement.acts_on(action)
            and any(
                item.kind != "Service" and (item.value == "*" or may_match(pattern(self._app, item.value), arn))
                for item in statement.principals
            )
            for statement in self._statements(target)
        )

    def delegates(self, key: Resource, action: str) -> bool:
        """Tell whether the policy of a key may leave an action to the IAM policies of its account.

        https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html: only a statement for the account
        does that; without it, an IAM policy that allows the action grants nothing.
        """
        if key.options("KeyPolicy") == [ABSENT] or self._unknowable(key):
            return True
        principals = ((item, statement) for statement in self._statements(key) for item in statement.principals)
        return any(
            statement.acts_on(action) and item.kind != "Service" and _is_account(pattern(self._app, item.value))
            for item, statement in principals
        )

    def _unknowable(self, target: Resource, *, by_serverless: bool = True) -> bool:
        kinds = facts("callers")["policy_of"].get(target.type, [])
        policies = self._policies.get(target.reference, [])
        return (
            not self._stray.isdisjoint(kinds)
            or may_change(target.template, by_serverless=by_serverless)
            or not all(is_closed(policy, "PolicyDocument") for policy in policies)
            or not is_closed(target, "KeyPolicy")
        )

    def _statements(self, target: Resource) -> Iterator[Statement]:
        return (statement for statement in self._written(target) if statement.effect != "Deny")

    def _written(self, target: Resource) -> Iterator[Statement]:
        """Yield every statement of the policies of a resource."""
        for policy in self._policies.get(target.reference, []):
            if policy.type == PERMISSION:
                yield as_statement(policy)
            else:
                yield from statements_of(policy, "PolicyDocument")
        yield from statements_of(target, "KeyPolicy")

    def _covers(self, statement: Statement, arn: str, action: str) -> bool:
        if statement.not_resources or not statement.resources:
            return True
        patterns = [pattern(self._app, value) for value in statement.resources]
        if arn == "*" and is_typeless(action):
            return any(text.startswith("*") or _is_whole_account(text) for text in patterns)
        return any(may_match(text, arn) for text in patterns)

    def _is_caller(self, statement: Statement, caller: str, near: Template) -> bool:
        wanted = {"aws:sourcearn": caller, "aws:sourceaccount": near.account or "*"}
        for condition in statement.conditions:
            actual = wanted.get(condition.key.lower())
            if actual is None or not condition.values or "Not" in condition.operator or condition.operator == "Null":
                continue
            if not any(may_be_source(text, actual) for text in patterns_of(self._app, condition)):
                return False
        return True


def access_of(app: Assembly) -> Access:
    """Return the roles and resource policies of an assembly; they are read once."""
    return view(app, Access)


def _passes(statement: Statement, service: str) -> bool:
    """Tell whether a statement's condition on the service that gets a role may hold."""
    return not service or not any(
        condition.key.lower() == "iam:passedtoservice"
        and not any(matches(value, service) for value in condition.values)
        for condition in statement.conditions
    )


def _is_whole_account(resource: str) -> bool:
    """Tell whether an ARN stands for all of an account in a service that authorizes its calls without resource on it.

    CloudWatch Logs does: https://github.com/awslabs/aws-solutions-constructs, whose integration tests deploy state
    machines with logs:PutResourcePolicy on arn:aws:logs:<Region>:<account>:*.
    """
    fields = resource.split(":")
    return fields[2:3] == ["logs"] and fields[5:] == ["*"]


def _is_account(principal: str) -> bool:
    return "*" in principal or principal.endswith(":root") or principal.isdigit()
