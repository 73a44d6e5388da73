"""One statement of an IAM policy document, normalised, and what can be asked of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from guards.template import Resource
from guards.values import Text, is_known
from guards.verdict import Verdict, any_of


@dataclass(frozen=True)
class Principal:
    """Who a statement is about.

    Args:
        kind: ``AWS``, ``Service``, ``Federated``, ``CanonicalUser``; empty for a bare string such as ``*``.
        value: the resolved value.
        path: dotted path of the value below ``Properties``.
    """

    kind: str
    value: Any
    path: str


@dataclass(frozen=True)
class Condition:
    """One key of a condition: ``operator`` (e.g. ``ArnLike``), ``key`` as written, and its possible values."""

    operator: str
    key: str
    values: tuple[Any, ...]


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement, normalised: every element that may be a scalar or a list is a tuple of resolved values.

    Args:
        resource: the resource whose policy it is.
        path: dotted path of the statement below ``Properties``.
        effect: ``Allow``, ``Deny``, or a mark.
        principals: from ``Principal``.
        not_principals: from ``NotPrincipal``.
        actions: from ``Action``.
        not_actions: from ``NotAction``.
        resources: from ``Resource``.
        not_resources: from ``NotResource``.
        conditions: from ``Condition``; all of them must hold.
    """

    resource: Resource
    path: str
    effect: Any
    principals: tuple[Principal, ...]
    not_principals: tuple[Principal, ...]
    actions: tuple[Any, ...]
    not_actions: tuple[Any, ...]
    resources: tuple[Any, ...]
    not_resources: tuple[Any, ...]
    conditions: tuple[Condition, ...]

    def acts_on(self, action: str) -> Verdict:
        """Tell whether an action such as ``kms:Decrypt`` is meant, by ``Action`` with wildcards or by ``NotAction``."""
        if self.not_actions:
            return Verdict(Verdict.YES - any_of(matches(pattern, action) for pattern in self.not_actions))
        return any_of(matches(pattern, action) for pattern in self.actions)

    def names_service(self, service: str) -> Verdict:
        """Tell whether a service principal is meant, e.g. ``logs``: global, regional, or everybody by ``*``."""
        return any_of(_is_service(principal, service) for principal in self.principals)

    def condition_keys(self) -> frozenset[str]:
        """Return the condition keys in lower case, e.g. ``aws:sourceaccount``: AWS ignores their case."""
        return frozenset(condition.key.lower() for condition in self.conditions)


def matches(pattern: Any, text: str) -> Verdict:
    """Match a policy's pattern (``*`` and ``?``, case ignored) against an action.

    Args:
        pattern: resolved value of the policy.
        text: the action.

    Returns:
        ``MAYBE`` for a pattern that is not wholly known.
    """
    if isinstance(pattern, Text):
        return Verdict.MAYBE if _glob(pattern.known, text) else Verdict.NO
    if not is_known(pattern):
        return Verdict.MAYBE
    return Verdict.YES if isinstance(pattern, str) and _glob(pattern, text) else Verdict.NO


def _glob(pattern: str, text: str) -> bool:
    """Match ``*`` and ``?`` with case ignored, in time bounded by the product of the lengths."""
    pattern, text = pattern.lower(), text.lower()
    at, star, mark = 0, -1, 0
    here = 0
    while at < len(text):
        if here < len(pattern) and pattern[here] == "*":
            star, mark, here = here, at, here + 1
        elif here < len(pattern) and pattern[here] in ("?", text[at]):
            here, at = here + 1, at + 1
        elif star >= 0:
            mark += 1
            here, at = star + 1, mark
        else:
            return False
    return not pattern[here:].strip("*")


def _is_service(principal: Principal, service: str) -> Verdict:
    value = principal.value
    if value == "*":
        return Verdict.YES
    if principal.kind != "Service":
        return Verdict.NO
    if not isinstance(value, str | Text):
        return Verdict.MAYBE
    text = value.known if isinstance(value, Text) else value
    # A regional principal is logs.us-east-1.amazonaws.com; an unknown region or suffix reads as a star.
    named = re.fullmatch(rf"{re.escape(service)}(\.[a-z0-9*-]+)?\.(amazonaws\.com(\.cn)?|\*)", text.lower())
    return Verdict.YES if named else Verdict.NO
