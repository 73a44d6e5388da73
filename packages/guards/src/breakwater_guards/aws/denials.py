"""Whether a policy certainly denies a call: the mirror of `access`, where what is open counts as permission."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from breakwater_guards.aws.arns import may_match, pattern
from breakwater_guards.aws.globs import ARN_FIELDS, matches_text
from breakwater_guards.aws.statements import Condition, Statement
from breakwater_guards.facts import facts
from breakwater_guards.model.answer import Answer
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import Opaque, Reference, Text

_NEGATED = ("StringNot", "ArnNot", "NotIpAddress", "NumericNot", "DateNot")


def denies(
    app: Assembly,
    statement: Statement,
    actions: Collection[str],
    arn: str,
    *,
    service: str = "",
    absent: Collection[str] = (),
    beside: Resource | None = None,
) -> bool:
    """Tell whether a statement is certain to deny every one of some actions.

    Args:
        app: the assembly.
        statement: of a policy.
        actions: all of them have to be denied.
        arn: pattern of what they are used on.
        service: who calls, e.g. ``events``; empty for a policy of the caller itself.
        absent: more condition keys that the call does not carry.
        beside: what the policy belongs to; a policy under a condition that this has not may not be there.
    """
    keys = {key.lower() for key in (*absent, *(facts("callers")["never_carried_by_services"] if service else ()))}
    return (
        statement.effect == "Deny"
        and is_certain(statement, beside)
        and all(statement.acts_on(action) is Answer.YES for action in actions)
        and (not service or statement.names_service(service) is Answer.YES)
        and (not statement.resources or any(_is_whole(app, value, arn) for value in statement.resources))
        and not statement.not_resources
        and all(_holds(condition, keys) for condition in statement.conditions)
        and bool(statement.conditions) == statement.is_conditional
    )


def is_certain(statement: Statement, beside: Resource | None) -> bool:
    """Tell whether a statement stands in its policy in every deployment of its template."""
    policy = statement.resource
    conditions = (None, beside.body.get("Condition")) if beside is not None else (None,)
    return "Fn::If" not in policy.text and policy.body.get("Condition") in conditions


def _holds(condition: Condition, absent: Collection[str]) -> bool:
    """Tell whether a condition holds for a call that carries none of some keys."""
    if condition.key.lower() not in absent:
        return False
    if condition.operator == "Null":
        return {str(value).lower() for value in condition.values} == {"true"}
    return condition.operator.endswith("IfExists") or condition.operator.startswith(("ForAllValues:", *_NEGATED))


def _is_whole(app: Assembly, value: Any, arn: str) -> bool:
    """Tell whether a policy's resource covers all of an ARN pattern."""
    parts = value.parts if isinstance(value, Text) else (value,)
    if not all(isinstance(part, str | Opaque) or _is_named(app, part) for part in parts):
        return False
    text = pattern(app, value)
    fields, others = text.split(":", ARN_FIELDS - 1), arn.split(":", ARN_FIELDS - 1)
    return text == "*" or (len(fields) == len(others) and may_match(text, arn) and matches_text(fields[-1], others[-1]))


def _is_named(app: Assembly, part: Any) -> bool:
    return isinstance(part, Reference) and pattern(app, part) != "*"
