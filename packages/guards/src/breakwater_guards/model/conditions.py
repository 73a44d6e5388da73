"""Decide conditions where the templates alone decide them.

A root stack's parameters can be overridden at each deployment, so their defaults decide nothing; what a parent passes
to a nested stack, a default that it leaves alone, literals, mappings and the Region of an assembly do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from breakwater_guards.model.scope import Scope
from breakwater_guards.model.values import is_known

_MAX_DEPTH = 40


class Conditions:
    """The conditions of one template.

    Args:
        template: declares them, and gives the values that they compare.
        assumed: names of conditions that are taken as true or false, e.g. while a conditional resource is read.
    """

    def __init__(self, template: Scope, assumed: Mapping[str, bool] | None = None) -> None:
        self._template = template
        self._decided: dict[str, bool | None] = dict(assumed or {})

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
        self._imply({"Condition": name}, True, implied)
        return implied

    def _imply(self, expression: Any, value: bool, implied: dict[str, bool]) -> None:
        function, argument = _function(expression)
        if function == "Condition" and isinstance(argument, str) and argument not in implied:
            implied[argument] = value
            self._imply(self._template.conditions.get(argument), value, implied)
        elif function == "Fn::Not" and isinstance(argument, list) and len(argument) == 1:
            self._imply(argument[0], not value, implied)
        elif function == ("Fn::And" if value else "Fn::Or") and isinstance(argument, list):
            for part in argument:
                self._imply(part, value, implied)

    def _evaluate(self, expression: Any, depth: int) -> bool | None:
        function, argument = _function(expression)
        if function == "Condition":
            return self.holds(argument, depth)
        if not isinstance(argument, list) or depth > _MAX_DEPTH:
            return None
        if function == "Fn::Equals" and len(argument) == 2:
            left, right = (self._template.certainly(part) for part in argument)
            return _spelling(left) == _spelling(right) if is_known(left) and is_known(right) else None
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


def _spelling(value: Any) -> Any:
    """CloudFormation compares text: true and "true" are the same."""
    return str(value).lower() if isinstance(value, bool) else str(value) if isinstance(value, int | float) else value
