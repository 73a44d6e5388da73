"""Resolve intrinsic functions as far as the templates of an assembly allow, and say "unknown" rather than guess."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from breakwater_guards.model.bind import bind
from breakwater_guards.model.choice import Choice, choice_of
from breakwater_guards.model.cidr import blocks
from breakwater_guards.model.conditions import Conditions
from breakwater_guards.model.pseudo import pseudo_parameter
from breakwater_guards.model.scope import Scope
from breakwater_guards.model.values import ABSENT, UNKNOWN, Opaque, Reference, Text, split_text, text_of

_PLACEHOLDER = re.compile(r"\$\{(!?)([^${}]*)\}")
_TRANSFORM = "Fn::Transform"
MAX_STEPS = 60
MAX_OPTIONS = 32


class Resolver:
    """Resolve the values of one template.

    Args:
        template: gives parameters, mappings, resources and its place in the assembly.
        conditions: decides `Fn::If` where the templates do.
        certain: take no value that a deployment can override: a root stack's parameters are unknown.
        given: values of parameters that a condition has decided, e.g. that of a conditional resource.
    """

    def __init__(
        self,
        template: Scope,
        conditions: Conditions,
        *,
        certain: bool = False,
        given: Mapping[str, Any] | None = None,
    ) -> None:
        self._template, self._conditions, self._certain, self._given = template, conditions, certain, given or {}
        self._functions: dict[str, Callable[[Any, int], Any]] = {
            "Fn::GetAtt": self._get_att,
            "Fn::Sub": self._sub,
            "Fn::Join": self._join,
            "Fn::Select": self._select,
            "Fn::Split": self._split,
            "Fn::If": self._if,
            "Fn::FindInMap": self._find_in_map,
            "Fn::ImportValue": self._import,
            "Fn::GetStackOutput": self._stack_output,
            "Fn::GetAZs": self._zones,
            "Fn::Cidr": self._cidr,
        }

    def resolve(self, value: Any, depth: int = 0) -> Any:
        """Resolve the outermost function of a value; what lies inside a plain mapping or list stays as written."""
        if depth > MAX_STEPS or value is None:
            return UNKNOWN  # CloudFormation refuses null: there is nothing to judge
        if not (isinstance(value, dict) and len(value) == 1):
            return value
        ((name, argument),) = value.items()
        if name == "Ref":
            return self._ref(argument, depth)
        if not name.startswith("Fn::"):
            return value
        function = self._functions.get(name)
        return UNKNOWN if function is None else function(argument, depth + 1)

    def deep(self, value: Any, depth: int = 0) -> Any:
        """Resolve a value with everything in it; choices inside a list or mapping become unknown."""
        if isinstance(value, str):
            return value
        if depth > MAX_STEPS:
            return UNKNOWN
        value = self.resolve(value, depth)
        if isinstance(value, Choice):
            options = self.options(value, depth)
            return options[0] if len(options) == 1 else UNKNOWN
        # Most values are text, which needs no call.
        if isinstance(value, list):
            items = [item if isinstance(item, str) else self.deep(item, depth + 1) for item in value]
            return [item for item in items if item is not ABSENT]
        if isinstance(value, dict):
            entries = {
                key: item if isinstance(item, str) else self.deep(item, depth + 1) for key, item in value.items()
            }
            return {key: item for key, item in entries.items() if item is not ABSENT}
        return value

    def options(self, value: Any, depth: int = 0) -> list[Any]:
        """Return every value that a value can have, each deeply resolved; ``[UNKNOWN]`` when they are too many."""
        if not isinstance(value, Choice):
            value = self.resolve(value, depth)
        if not isinstance(value, Choice):
            return [self.deep(value, depth)]
        found: list[Any] = []
        for arm in value.arms:
            for option in self.options(arm, depth + 1):
                if not any(same(option, other) for other in found):
                    found.append(option)
            if len(found) > MAX_OPTIONS:
                return [UNKNOWN]
        return found

    def member(self, value: dict[str, Any], name: str) -> Any:
        """Return a member of a mapping as written: ``ABSENT`` if it has none, unless a macro may add it."""
        if name in value:
            return value[name]
        return UNKNOWN if _TRANSFORM in value else ABSENT

    def _ref(self, name: Any, depth: int) -> Any:
        template = self._template
        if not isinstance(name, str):
            return UNKNOWN
        if name.startswith("AWS::"):
            return pseudo_parameter(template, name)
        if name in self._given:
            return self._given[name]
        if name in template.parameters:
            return choice_of(template.parameter_options(name, depth + 1, certain=self._certain))
        return Reference(template.key, name) if name in template.resources else UNKNOWN

    def _get_att(self, argument: Any, depth: int) -> Any:
        if isinstance(argument, str):
            argument = argument.split(".", 1)
        if not (isinstance(argument, list) and len(argument) >= 2 and isinstance(argument[0], str)):
            return UNKNOWN
        logical_id, names = argument[0], [self.deep(part, depth) for part in argument[1:]]
        if logical_id not in self._template.resources or not all(isinstance(name, str) for name in names):
            return UNKNOWN
        attribute = ".".join(names)
        if attribute.startswith("Outputs."):
            child = self._template.child(logical_id)
            if self._certain:
                return UNKNOWN
            if child is not None:
                return choice_of(child.output_options(attribute.removeprefix("Outputs."), depth))
        return Reference(self._template.key, logical_id, attribute)

    def _sub(self, argument: Any, depth: int) -> Any:
        variables: dict[str, Any] = {}
        if isinstance(argument, list) and len(argument) == 2 and isinstance(argument[1], dict):
            argument, variables = argument
        if not isinstance(argument, str):
            return UNKNOWN
        resolved: dict[str, Any] = {}
        parts: list[Any] = []
        end = 0
        for match in _PLACEHOLDER.finditer(argument):
            parts.append(argument[end : match.start()])
            end = match.end()
            literal, name = match[1], match[2].strip()
            if literal:
                parts.append("${" + name + "}")
                continue
            if name not in resolved:
                resolved[name] = self.deep(variables[name] if name in variables else _named(name), depth)
            parts.append(resolved[name])
        return text_of([*parts, argument[end:]])

    def _join(self, argument: Any, depth: int) -> Any:
        if not (isinstance(argument, list) and len(argument) == 2 and isinstance(argument[0], str)):
            return UNKNOWN
        items = self.deep(argument[1], depth)
        if not isinstance(items, list):
            return UNKNOWN
        parts: list[Any] = []
        for index, item in enumerate(items):
            parts.extend([argument[0], item] if index else [item])
        return text_of(parts)

    def _select(self, argument: Any, depth: int) -> Any:
        if not (isinstance(argument, list) and len(argument) == 2):
            return UNKNOWN
        index, items = self.deep(argument[0], depth), self.resolve(argument[1], depth)
        if isinstance(index, str) and index.isascii() and index.isdigit() and len(index) < 6:
            index = int(index)
        if not isinstance(index, int) or isinstance(index, bool) or index < 0:
            return UNKNOWN
        if isinstance(items, Opaque) and items.kind == "zones":
            return Opaque("zone", f"{items.key}#{index}")
        if not isinstance(items, list) or index >= len(items) or any(map(_may_vanish, items)):
            return UNKNOWN
        return self.deep(items[index], depth)

    def _split(self, argument: Any, depth: int) -> Any:
        if not (isinstance(argument, list) and len(argument) == 2 and isinstance(argument[0], str) and argument[0]):
            return UNKNOWN
        return split_text(self.deep(argument[1], depth), argument[0])

    def _if(self, argument: Any, depth: int) -> Any:
        if not (isinstance(argument, list) and len(argument) == 3):
            return UNKNOWN
        decided = self._conditions.holds(argument[0])
        if decided is None:
            first, second = (self._conditions.given(argument[0], value) for value in (True, False))
            return Choice([bind(argument[1], first), bind(argument[2], second)])
        return self.resolve(argument[1 if decided else 2], depth)

    def _find_in_map(self, argument: Any, depth: int) -> Any:
        if not (isinstance(argument, list) and len(argument) >= 3):
            return UNKNOWN
        found: Any = self._template.mappings
        for part in argument[:3]:
            key = self.deep(part, depth)
            key = str(key) if isinstance(key, int) and not isinstance(key, bool) else key
            if not (isinstance(key, str) and isinstance(found, dict)):
                return UNKNOWN
            if key not in found:
                default = argument[3] if len(argument) == 4 and isinstance(argument[3], dict) else {}
                return self.resolve(default.get("DefaultValue"), depth)
            found = found[key]
        return self.resolve(found, depth)

    def _import(self, argument: Any, depth: int) -> Any:
        name = self.deep(argument, depth)
        if self._certain or not isinstance(name, str | Text):
            return UNKNOWN
        return choice_of(self._template.imported(name, depth))

    def _stack_output(self, argument: Any, depth: int) -> Any:
        """CDK's weak references between stacks."""
        given = self.deep(argument, depth)
        if self._certain or not isinstance(given, dict):
            return UNKNOWN
        stack, output, region = (given.get(name) for name in ("StackName", "OutputName", "Region"))
        found = self._template.stack_named(stack, region or self._template.region)
        return choice_of(found.output_options(output, depth)) if found and isinstance(output, str) else UNKNOWN

    def _cidr(self, argument: Any, depth: int) -> Any:
        given = self.deep(argument, depth)
        first = given[0] if isinstance(given, list) and given else None
        if isinstance(first, Reference) and first.attribute == "CidrBlock" and first.template == self._template.key:
            owner = self._template.resources[first.logical_id].body.get("Properties")
            given[0] = self.deep(owner.get("CidrBlock"), depth) if isinstance(owner, dict) else UNKNOWN
        return blocks(given)

    def _zones(self, argument: Any, depth: int) -> Any:
        region = self.deep(argument, depth)
        if isinstance(region, str) and region:
            return Opaque("zones", region)
        own = region == "" or (isinstance(region, Opaque) and region.kind == "region")
        return Opaque("zones", self._template.region or "") if own else UNKNOWN


def same(left: Any, right: Any) -> bool:
    """Tell whether two resolved values are equal; `true` is not 1."""
    return type(left) is type(right) and bool(left == right)


def _named(name: str) -> dict[str, Any]:
    return {"Fn::GetAtt": name} if "." in name else {"Ref": name}


def _may_vanish(item: Any) -> bool:
    """Tell whether an item of a list can be `AWS::NoValue`, which would move those behind it."""
    return isinstance(item, dict) and ("Fn::If" in item or item.get("Ref") == "AWS::NoValue")
