"""One statement of an IAM policy document, normalized, and what can be asked of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from breakwater_guards.model.answer import Answer, any_of
from breakwater_guards.model.template import Resource
from breakwater_guards.model.unfold import unfold
from breakwater_guards.model.values import ABSENT, Text, is_known


class Principal(NamedTuple):
    """Who a statement is about.

    Attributes:
        kind: ``AWS``, ``Service``, ``Federated``, ``CanonicalUser``; empty for a bare string such as ``*``.
        value: the resolved value.
        path: dotted path of the value below ``Properties``.
    """

    kind: str
    value: Any
    path: str


class Condition(NamedTuple):
    """One key of a condition: ``operator`` (e.g. ``ArnLike``), ``key`` as written, and its possible values."""

    operator: str
    key: str
    values: tuple[Any, ...]


class Statement:
    """One statement, normalized: every element that may be a scalar or a list is a tuple of resolved values.

    Elements are resolved when they are first asked for: most rules want one or two of them.

    Args:
        resource: the resource whose policy it is.
        path: dotted path of the statement below ``Properties``.
        raw: the statement as written.
    """

    def __init__(self, resource: Resource, path: str, raw: dict[str, Any]) -> None:
        self.resource, self.path, self._raw = resource, path, raw
        self._resolver = resource.resolver

    @cached_property
    def effect(self) -> Any:
        """``Allow``, ``Deny``, or a mark."""
        return self._resolver.deep(self._raw.get("Effect", ABSENT))

    @cached_property
    def principals(self) -> tuple[Principal, ...]:
        """Values of ``Principal``."""
        return tuple(self._principals("Principal"))

    @cached_property
    def not_principals(self) -> tuple[Principal, ...]:
        """Values of ``NotPrincipal``."""
        return tuple(self._principals("NotPrincipal"))

    @cached_property
    def actions(self) -> tuple[Any, ...]:
        """Values of ``Action``."""
        return self._values("Action")

    @cached_property
    def not_actions(self) -> tuple[Any, ...]:
        """Values of ``NotAction``."""
        return self._values("NotAction")

    @cached_property
    def resources(self) -> tuple[Any, ...]:
        """Values of ``Resource``."""
        return self._values("Resource")

    @cached_property
    def not_resources(self) -> tuple[Any, ...]:
        """Values of ``NotResource``."""
        return self._values("NotResource")

    @property
    def is_conditional(self) -> bool:
        """Whether the statement has conditions, also such as only the deployment knows."""
        return bool(self._raw.get("Condition"))

    @cached_property
    def conditions(self) -> tuple[Condition, ...]:
        """Keys of ``Condition``; all of them must hold."""
        return tuple(self._conditions())

    def acts_on(self, action: str) -> Answer:
        """Tell whether an action such as ``kms:Decrypt`` is meant, by ``Action`` with wildcards or by ``NotAction``."""
        if self.not_actions:
            return Answer(Answer.YES - any_of(matches(pattern, action) for pattern in self.not_actions))
        return any_of(matches(pattern, action) for pattern in self.actions)

    def names_service(self, service: str) -> Answer:
        """Tell whether a service principal is meant, e.g. ``logs``: global, regional, or everybody by ``*``."""
        return any_of(_is_service(principal, service) for principal in self.principals)

    def condition_keys(self) -> frozenset[str]:
        """Return the condition keys in lower case, e.g. ``aws:sourceaccount``: AWS ignores their case."""
        return frozenset(condition.key.lower() for condition in self.conditions)

    def _values(self, name: str) -> tuple[Any, ...]:
        found = unfold(self._resolver, self._raw.get(name, []), self.path)
        return tuple(self._resolver.deep(value) for _, value in found)

    def _principals(self, name: str) -> Iterator[Principal]:
        for place, value in unfold(self._resolver, self._raw.get(name, []), f"{self.path}.{name}"):
            if not isinstance(value, dict):
                yield Principal("", value, place)
                continue
            for kind, inner in value.items():
                for inner_place, item in unfold(self._resolver, inner, f"{place}.{kind}"):
                    yield Principal(str(kind), self._resolver.deep(item), inner_place)

    def _conditions(self) -> Iterator[Condition]:
        for _, operators in unfold(self._resolver, self._raw.get("Condition", []), self.path):
            for operator, keys in operators.items() if isinstance(operators, dict) else ():
                for _, entries in unfold(self._resolver, keys, self.path):
                    for key, inner in entries.items() if isinstance(entries, dict) else ():
                        values = tuple(
                            self._resolver.deep(value) for _, value in unfold(self._resolver, inner, self.path)
                        )
                        yield Condition(str(operator), str(key), values)


def matches(pattern: Any, text: str) -> Answer:
    """Match a policy's pattern (``*`` and ``?``, case ignored) against an action.

    Args:
        pattern: resolved value of the policy.
        text: the action.

    Returns:
        ``MAYBE`` for a pattern that is not wholly known.
    """
    if isinstance(pattern, str):
        return Answer.YES if _glob(pattern, text) else Answer.NO
    if isinstance(pattern, Text):
        return Answer.MAYBE if _glob(pattern.known, text) else Answer.NO
    return Answer.NO if is_known(pattern) else Answer.MAYBE


@lru_cache(maxsize=20_000)
def _glob(pattern: str, text: str) -> bool:
    """Match ``*`` and ``?`` with case ignored, in time bounded by the product of the lengths."""
    pattern, text = pattern.lower(), text.lower()
    if "*" not in pattern and "?" not in pattern:
        return pattern == text
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


def _is_service(principal: Principal, service: str) -> Answer:
    value = principal.value
    if value == "*":
        return Answer.YES
    if principal.kind != "Service":
        return Answer.NO
    if not isinstance(value, str | Text):
        return Answer.MAYBE
    text = value.known if isinstance(value, Text) else value
    text = text.lower()
    return Answer.YES if text.startswith(service) and _SUFFIX.fullmatch(text, len(service)) else Answer.NO


# A regional principal is logs.us-east-1.amazonaws.com; an unknown Region or suffix reads as a star.
_SUFFIX = re.compile(r"(\.[a-z0-9*-]+)?\.(amazonaws\.com(\.cn)?|\*)")
