"""Resolves intrinsic functions as far as the templates of an assembly allow, and says "unknown" rather than guess."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from guards.values import ABSENT, UNKNOWN, Opaque, Reference, split_text, text_of

if TYPE_CHECKING:
    from guards.template import Template

_PLACEHOLDER = re.compile(r"\$\{(!?)([^}]*)\}")
_PARTITIONS = {"cn-": ("aws-cn", "amazonaws.com.cn"), "us-gov-": ("aws-us-gov", "amazonaws.com")}
MAX_STEPS = 60


class Choice:
    """The arms of an `Fn::If`: whichever the deployment takes, a rule has to consider both."""

    def __init__(self, arms: list[Any]) -> None:
        self.arms = arms


class Resolver:
    """Resolves the values of one template.

    Args:
        template: gives parameters, mappings, resources and its place in the assembly.
    """

    def __init__(self, template: Template) -> None:
        self._template = template
        self._open: set[tuple[str, str]] = set()
        self._functions: dict[str, Callable[[Any, int], Any]] = {
            "Fn::GetAtt": self._get_att,
            "Fn::Sub": self._sub,
            "Fn::Join": self._join,
            "Fn::Select": self._select,
            "Fn::Split": self._split,
            "Fn::If": self._if,
            "Fn::FindInMap": self._find_in_map,
            "Fn::ImportValue": self._import,
            "Fn::GetAZs": self._zones,
        }

    def resolve(self, value: Any, depth: int = 0) -> Any:
        """Resolve the outermost function of a value; what lies inside a plain mapping or list stays as written."""
        if depth > MAX_STEPS:
            return UNKNOWN
        if not (isinstance(value, dict) and len(value) == 1):
            return value
        (name, argument), *_ = value.items()
        if name == "Ref":
            return self._ref(argument, depth)
        if not (isinstance(name, str) and name.startswith("Fn::")):
            return value
        function = self._functions.get(name)
        return UNKNOWN if function is None else function(argument, depth + 1)

    def deep(self, value: Any, depth: int = 0) -> Any:
        """Resolve a value with everything in it; choices inside a list or mapping become unknown."""
        if depth > MAX_STEPS:
            return UNKNOWN
        value = self.resolve(value, depth)
        if isinstance(value, Choice):
            arms = [self.deep(arm, depth + 1) for arm in value.arms]
            return arms[0] if all(arm == arms[0] for arm in arms) else UNKNOWN
        if isinstance(value, list):
            items = (self.deep(item, depth + 1) for item in value)
            return [item for item in items if item is not ABSENT]
        if isinstance(value, dict):
            entries = {key: self.deep(item, depth + 1) for key, item in value.items()}
            return {key: item for key, item in entries.items() if item is not ABSENT}
        return value

    def _ref(self, name: Any, depth: int) -> Any:
        template = self._template
        if not isinstance(name, str):
            return UNKNOWN
        if name.startswith("AWS::"):
            return self._pseudo(name)
        if name in template.parameters:
            return self._guarded(name, lambda: template.parameter_value(name, depth + 1))
        return Reference(template.key, name) if name in template.resources else UNKNOWN

    def _pseudo(self, name: str) -> Any:
        region, account = self._template.region, self._template.account
        if name == "AWS::NoValue":
            return ABSENT
        if name == "AWS::Region":
            return region or Opaque("region", "")
        if name == "AWS::AccountId":
            return account or Opaque("account", "")
        if name in ("AWS::Partition", "AWS::URLSuffix"):
            if region is None:
                return Opaque(name, "")
            known = next((pair for prefix, pair in _PARTITIONS.items() if region.startswith(prefix)), None)
            return (known or ("aws", "amazonaws.com"))[0 if name == "AWS::Partition" else 1]
        return Opaque(name, self._template.key)

    def _guarded(self, name: str, compute: Callable[[], Any]) -> Any:
        """Compute once at a time: a reference cycle between templates ends as unknown."""
        key = (self._template.key, name)
        if key in self._open:
            return UNKNOWN
        self._open.add(key)
        try:
            return compute()
        finally:
            self._open.discard(key)

    def _get_att(self, argument: Any, depth: int) -> Any:
        if isinstance(argument, str):
            argument = argument.split(".", 1)
        if not (isinstance(argument, list) and len(argument) >= 2 and isinstance(argument[0], str)):
            return UNKNOWN
        logical_id, attribute = argument[0], ".".join(str(self.deep(part, depth)) for part in argument[1:])
        if logical_id not in self._template.resources:
            return UNKNOWN
        if attribute.startswith("Outputs."):
            child = self._template.child(logical_id)
            if child is not None:
                return self._guarded(
                    f"{logical_id}.{attribute}", lambda: child.output_value(attribute[len("Outputs.") :], depth)
                )
        return Reference(self._template.key, logical_id, attribute)

    def _sub(self, argument: Any, depth: int) -> Any:
        variables: dict[str, Any] = {}
        if isinstance(argument, list) and len(argument) == 2 and isinstance(argument[1], dict):
            argument, variables = argument
        if not isinstance(argument, str):
            return UNKNOWN
        parts: list[Any] = []
        end = 0
        for match in _PLACEHOLDER.finditer(argument):
            parts.append(argument[end : match.start()])
            end = match.end()
            literal, name = match[1], match[2].strip()
            if literal:
                parts.append("${" + name + "}")
            elif name in variables:
                parts.append(self.deep(variables[name], depth))
            elif "." in name:
                parts.append(self._get_att(name, depth))
            else:
                parts.append(self._ref(name, depth))
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
        if isinstance(index, str) and index.isdigit():
            index = int(index)
        if not isinstance(index, int) or index < 0:
            return UNKNOWN
        if isinstance(items, Opaque) and items.kind == "zones":
            return Opaque("zone", f"{items.key}#{index}")
        return self.deep(items[index], depth) if isinstance(items, list) and index < len(items) else UNKNOWN

    def _split(self, argument: Any, depth: int) -> Any:
        if not (isinstance(argument, list) and len(argument) == 2 and isinstance(argument[0], str) and argument[0]):
            return UNKNOWN
        return split_text(self.deep(argument[1], depth), argument[0])

    def _if(self, argument: Any, _depth: int) -> Any:
        if not (isinstance(argument, list) and len(argument) == 3):
            return UNKNOWN
        return Choice([argument[1], argument[2]])

    def _find_in_map(self, argument: Any, depth: int) -> Any:
        if not (isinstance(argument, list) and len(argument) >= 3):
            return UNKNOWN
        found: Any = self._template.mappings
        for part in argument[:3]:
            key = self.deep(part, depth)
            if not (isinstance(key, str) and isinstance(found, dict) and key in found):
                return UNKNOWN
            found = found[key]
        return found

    def _import(self, argument: Any, depth: int) -> Any:
        name = self.deep(argument, depth)
        return self._guarded(f"import {name}", lambda: self._template.imported(name, depth)) if name else UNKNOWN

    def _zones(self, argument: Any, depth: int) -> Any:
        region = self.deep(argument, depth)
        return Opaque("zones", region if isinstance(region, str) and region else self._template.region or "")
