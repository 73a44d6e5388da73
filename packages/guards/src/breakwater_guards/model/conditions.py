"""Decide conditions where the templates alone decide them.

A root stack's parameters can be overridden at each deployment, so their defaults decide nothing; what a parent passes
to a nested stack, a default that it leaves alone, literals, mappings and the Region of an assembly do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from breakwater_guards.model.bind import bind
from breakwater_guards.model.scope import Scope
from breakwater_guards.model.values import UNKNOWN, is_known

_MAX_DEPTH = 40


class Conditions:
    """The conditions of one template.

    Args:
        template: declares them, and gives the values that they compare.
        assumed: names of conditions that are taken as true or false, e.g. while a conditional resource is read.
        values: what a deployment gives for parameters.
    """

    def __init__(
        self, template: Scope, assumed: Mapping[str, bool] | None = None, values: Mapping[str, Any] | None = None
    ) -> None:
        self._template, self._values = template, values or {}
        self._decided: dict[str, bool | None] = dict(assumed or {})
        self._given: dict[tuple[str, bool], dict[str, Any]] = {}

    def holds(self, name: Any, depth: int = 0) -> bool | None:
        """Tell whether a condition is certainly true or certainly false; ``None`` when only the deployment decides."""
        if not isinstance(name, str) or name not in self._template.conditions or depth > _MAX_DEPTH:
            return None
        if name not in self._decided:
            self._decided[name] = None  # while it is computed: a circle stays undecided
            self._decided[name] = self._evaluate(self._template.conditions[name], depth + 1)
        return self._decided[name]

    def implied_by(self, name: str) -> dict[str, bool]:
        """Return which conditions are true or false whenever one is true, itself included."""
        implied: dict[str, bool] = {}
        self._imply({"Condition": name}, True, implied, 0)
        return implied

    def given(self, name: Any, value: bool) -> dict[str, Any]:
        """Return what a condition says of parameters, which its own arms can rely on.

        Args:
            name: the condition.
            value: whether it holds.

        Returns:
            Values by parameter: the one that is compared for, or ``UNKNOWN`` where the default is another one than
            this arm is for.
        """
        if not isinstance(name, str):
            return {}
        key = (name, value)
        if key not in self._given:
            self._given[key] = {}  # while it is computed: a circle learns nothing
            self._learn({"Condition": name}, value, self._given[key], 0)
        return self._given[key]

    def _learn(self, expression: Any, value: bool, given: dict[str, Any], depth: int) -> None:
        function, argument = _function(expression)
        if depth > _MAX_DEPTH:
            return
        if function == "Condition" and isinstance(argument, str):
            self._learn(self._template.conditions.get(argument), value, given, depth + 1)
        elif function == "Fn::Not" and isinstance(argument, list) and len(argument) == 1:
            self._learn(argument[0], not value, given, depth + 1)
        elif function == ("Fn::And" if value else "Fn::Or") and isinstance(argument, list):
            for part in argument:
                self._learn(part, value, given, depth + 1)
        elif function == "Fn::Equals" and isinstance(argument, list) and len(argument) == 2:
            self._compare(argument, value, given)

    def _compare(self, sides: list[Any], value: bool, given: dict[str, Any]) -> None:
        """Learn from one comparison of a parameter, alone or inside other functions, with something known."""
        for side, other in (sides, reversed(sides)):
            if not isinstance(other, str | int | float):
                continue
            function, argument = _function(side)
            if function == "Ref" and value and isinstance(argument, str) and argument in self._template.parameters:
                given[argument] = other
                continue
            by_default = self._template.usually(side)
            if is_known(by_default) and (spelling(by_default) == spelling(other)) is not value:
                given.update(dict.fromkeys(named_in(side, "Ref", self._template.parameters), UNKNOWN))

    def _imply(self, expression: Any, value: bool, implied: dict[str, bool], depth: int) -> None:
        function, argument = _function(expression)
        if depth > _MAX_DEPTH:
            return
        if function == "Condition" and isinstance(argument, str) and argument not in implied:
            implied[argument] = value
            self._imply(self._template.conditions.get(argument), value, implied, depth + 1)
        elif function == "Fn::Not" and isinstance(argument, list) and len(argument) == 1:
            self._imply(argument[0], not value, implied, depth + 1)
        elif function == ("Fn::And" if value else "Fn::Or") and isinstance(argument, list):
            for part in argument:
                self._imply(part, value, implied, depth + 1)

    def _evaluate(self, expression: Any, depth: int) -> bool | None:
        function, argument = _function(expression)
        if function == "Condition":
            return self.holds(argument, depth)
        if not isinstance(argument, list) or depth > _MAX_DEPTH:
            return None
        if function == "Fn::Equals" and len(argument) == 2:
            left, right = (self._template.certainly(bind(part, self._values)) for part in argument)
            return spelling(left) == spelling(right) if is_known(left) and is_known(right) else None
        parts = [self._evaluate(part, depth + 1) for part in argument]
        if function == "Fn::Not" and len(parts) == 1:
            return None if parts[0] is None else not parts[0]
        if function in ("Fn::And", "Fn::Or"):
            decisive = function == "Fn::Or"
            return decisive if decisive in parts else None if None in parts else not decisive
        return None


def _function(expression: Any) -> tuple[str, Any]:
    if isinstance(expression, dict) and len(expression) == 1:
        ((function, argument),) = expression.items()
        return function, argument
    return "", None


def spelling(value: Any) -> Any:
    """Return a value as CloudFormation compares it, as text: true and "true" are the same."""
    return str(value).lower() if isinstance(value, bool) else str(value) if isinstance(value, int | float) else value


def named_in(expression: Any, key: str, declared: Mapping[str, Any]) -> Iterator[str]:
    """Yield what an expression names: parameters by ``Ref``, conditions by ``Condition``."""
    waiting = [expression]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            waiting += part.values()
            name = part.get(key)
            if isinstance(name, str) and name in declared:
                yield name
        elif isinstance(part, list):
            waiting += part
