"""KMS keys of an assembly, and whether their policies let an AWS service use them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from breakwater_guards.aws.arns import may_match, patterns_of
from breakwater_guards.aws.denials import denies
from breakwater_guards.aws.policies import statements_of
from breakwater_guards.aws.statements import Statement
from breakwater_guards.facts import facts
from breakwater_guards.model.answer import Answer
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Resource
from breakwater_guards.model.unfold import unfold
from breakwater_guards.model.values import Text
from breakwater_guards.model.views import view

KEY, REPLICA, ALIAS = "AWS::KMS::Key", "AWS::KMS::ReplicaKey", "AWS::KMS::Alias"


class Refusal(NamedTuple):
    """Why a key's policy keeps a service out.

    Attributes:
        missing: actions that no statement gives the service.
        conditions: condition keys that stand before actions which are given, and that the service's calls never carry.
    """

    missing: tuple[str, ...]
    conditions: tuple[str, ...]


def keys_of(app: Assembly, value: Any) -> Iterator[Resource]:
    """Yield the key of the assembly that a value names: by reference, through an alias, or by an alias's name.

    A key that is imported (an ARN, a parameter without a value) is no part of the assembly and yields nothing.
    """
    if isinstance(value, str | Text):
        name = value.known if isinstance(value, Text) else value
        aliases = view(app, _aliases)
        named = aliases.get(name[name.find("alias/") :]) if "alias/" in name else None
        if named is not None:
            value = named.reference
    target = app.target(value)
    if target is not None and target.type == ALIAS:
        target = app.target(target.get("TargetKeyId"))
    if target is not None and target.type in (KEY, REPLICA):
        yield target


def refusal(
    app: Assembly,
    key: Resource,
    service: str,
    actions: Collection[str],
    *,
    region: str | None = None,
    never_met: Collection[str] = (),
    carried: Mapping[str, str] | None = None,
) -> Refusal | None:
    """Tell why a key's policy does not let a service use it.

    Args:
        app: the assembly.
        key: an `AWS::KMS::Key` or replica key.
        service: first labels of the service principal, e.g. ``cloudwatch``.
        actions: what the service has to call, e.g. ``kms:Decrypt``.
        region: counts only principals that are good in this Region, for services whose principal is regional.
        never_met: condition keys that the service's calls never carry.
        carried: condition keys in lower case that they do, with a pattern of the value.

    Returns:
        The reasons; ``None`` when the policy lets the service in, or is not wholly known.
    """
    if not is_closed(key, "KeyPolicy"):
        return None
    statements = statements_of(key, "KeyPolicy")
    grants = [item for item in statements if _may_grant(item, service, region) and may_hold(app, item, carried or {})]
    missing: list[str] = []
    blocked: dict[str, None] = {}
    for action in actions:
        denied = any(denies(app, item, [action], "*", service=service, absent=never_met) for item in statements)
        on_action = [item for item in grants if item.acts_on(action) is not Answer.NO and not denied]
        barriers = [required_keys(item, {*never_met, *other_contexts(item, carried or {})}) for item in on_action]
        if not on_action:
            missing.append(action)
        elif all(barriers):
            blocked.update(dict.fromkeys(name for names in barriers for name in names))
    return Refusal(missing=tuple(missing), conditions=tuple(blocked)) if missing or blocked else None


def is_closed(resource: Resource, path: str) -> bool:
    """Tell whether every statement of a policy is written in the templates, so that what is absent is absent."""
    resolver = resource.resolver
    properties = resource.body.get("Properties")
    raw = properties.get(path) if isinstance(properties, dict) else None
    if raw is None:
        return True  # the default policy, which names no service
    for _, document in unfold(resolver, raw, path):
        if not isinstance(document, dict):
            return False
        for _, statement in unfold(resolver, document.get("Statement", []), path):
            if not isinstance(statement, dict):
                return False
    return True


def required_keys(statement: Statement, names: Collection[str]) -> tuple[str, ...]:
    """Return which of some condition keys a call has to carry for a statement to apply.

    Operators that are content without the key (`…IfExists`, `ForAllValues:`, negated ones, `Null`) require nothing.
    """
    wanted = {name.lower() for name in names}
    return tuple(
        condition.key
        for condition in statement.conditions
        if condition.key.lower() in wanted
        and not condition.operator.endswith("IfExists")
        and not condition.operator.startswith("ForAllValues:")
        and "Not" not in condition.operator
        and condition.operator != "Null"
    )


def _may_grant(statement: Statement, service: str, region: str | None) -> bool:
    if statement.effect == "Deny":
        return False
    if statement.not_principals:
        return True
    if statement.names_service(service) is Answer.NO:
        return False
    elsewhere = [_is_elsewhere(principal.value, service, region) for principal in statement.principals]
    return not all(elsewhere)


def may_hold(app: Assembly, statement: Statement, carried: Mapping[str, str]) -> bool:
    """Tell whether the conditions of a statement may hold for what a call carries."""
    return all(
        condition.key.lower() not in carried
        or "Not" in condition.operator
        or condition.operator == "Null"
        or any(may_match(text, carried[condition.key.lower()]) for text in patterns_of(app, condition))
        for condition in statement.conditions
    )


CONTEXT = "kms:encryptioncontext:"


def context_of(service: str, caller: str) -> dict[str, str]:
    """Return the encryption context that a service's calls to a key carry, as a condition key with its value."""
    name = facts("callers")["contexts"].get(service)
    return {f"{CONTEXT}{name}": caller} if name else {}


def other_contexts(statement: Statement, carried: Mapping[str, str]) -> set[str]:
    """Return the encryption contexts that a statement asks for, and that calls with another one do not carry."""
    asked = {key for key in statement.condition_keys() if key.startswith(CONTEXT)}
    return asked - set(carried) if any(key.startswith(CONTEXT) for key in carried) else set()


def through(target: Resource) -> dict[str, str]:
    """Return what a call to the key of a resource carries: the service through which it is used."""
    return {"kms:viaservice": f"{target.type.split('::')[1].lower()}.*"}


def _is_elsewhere(value: Any, service: str, region: str | None) -> bool:
    """Tell whether a principal is another service, or this one in another Region."""
    if region is None or not isinstance(value, str) or value == "*":
        return False
    parts = value.lower().split(".")
    return parts[0] != service or (parts[1] != region and parts[1] != "amazonaws")


def _aliases(app: Assembly) -> dict[str, Resource]:
    named = ((alias.get("AliasName"), alias) for alias in app.of_type(ALIAS))
    return {name: alias for name, alias in named if isinstance(name, str)}
