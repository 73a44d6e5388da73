"""A stack of an assembly and its resources, with properties resolved on demand."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from breakwater_guards.model.conditions import Conditions
from breakwater_guards.model.paths import steps, walk
from breakwater_guards.model.resolve import Resolver
from breakwater_guards.model.values import ABSENT, UNKNOWN, Reference, typed
from breakwater_guards.reading.assemblies import Stack
from breakwater_guards.reading.files import mapping

_ENCODER = json.JSONEncoder(default=str, skipkeys=True, ensure_ascii=False)


class Surroundings(Protocol):
    """The assembly, as a template of it sees it."""

    views: dict[Any, Any]
    folder: Path | None

    @property
    def children(self) -> Mapping[tuple[str, str], Template]:
        """Nested stacks by the key of the template that declares them and their logical id in it."""

    def stack_named(self, name: Any, region: Any) -> Template | None:
        """Return the root stack with a physical name in a Region, if there is exactly one."""

    def exporter(self, template: Template, name: Hashable) -> tuple[Template, str] | None:
        """Return the stack and its output that export a name to a stack, if exactly one does."""


class Resource:
    """One resource, with its properties resolved on demand.

    Args:
        template: the template that declares it.
        logical_id: its logical id.
        body: what the template says of it.

    Attributes:
        type: CloudFormation type; empty where only a macro knows it.
        read: what `options` was asked for, and what it answered.
    """

    def __init__(self, template: Template, logical_id: str, body: dict[str, Any]) -> None:
        self.template, self.logical_id, self.body = template, logical_id, body
        self.type = str(body.get("Type", ""))
        self.read: dict[str, list[Any]] = {}

    def __repr__(self) -> str:
        return f"{self.template.key}:{self.logical_id}"

    @property
    def reference(self) -> Reference:
        """What `Ref` to this resource resolves to."""
        return Reference(self.template.key, self.logical_id)

    @property
    def resolver(self) -> Resolver:
        """Resolves values of this resource: its own condition holds whenever it exists."""
        return self.template.resolver_under(self.body.get("Condition"))

    @cached_property
    def exists(self) -> bool:
        """Whether the resource can be part of a deployment: false only if its condition is certainly false."""
        parent = self.template.parent
        return self.template.conditions_hold(self.body.get("Condition")) and (parent is None or parent.exists)

    @cached_property
    def text(self) -> str:
        """The properties as JSON: what is not in it need not be looked for, which takes ten times as long."""
        return _ENCODER.encode(self.body.get("Properties"))

    def options(self, path: str) -> list[Any]:
        """Return every value that a property can have.

        Args:
            path: dotted path below ``Properties``; ``[]`` after a name goes through every element of a list, e.g.
                ``Replicas[].SSESpecification.KMSMasterKeyId``.

        Returns:
            One entry per arm of `Fn::If` and per list element: the deeply resolved value, ``ABSENT`` where it is not
            given, ``UNKNOWN`` where only the deployment decides.
        """
        found = self.read.get(path)
        if found is None:
            found = self.read[path] = walk(self.resolver, self.body.get("Properties", {}), steps(path))
        return list(found)

    def get(self, path: str) -> Any:
        """Return the value of a property if there is exactly one possibility, else ``UNKNOWN``."""
        found = self.options(path)
        return found[0] if found and all(item == found[0] for item in found) else UNKNOWN

    def given(self, path: str) -> list[Any]:
        """Return the possible values of a property without those where it is absent or unknown."""
        return [item for item in self.options(path) if item is not ABSENT and item is not UNKNOWN]

    def attribute(self, name: str) -> Any:
        """Return an attribute beside the properties, e.g. ``DeletionPolicy``, or ``ABSENT``."""
        return self.resolver.deep(self.body[name]) if name in self.body else ABSENT

    @property
    def construct_path(self) -> str | None:
        """Path of the CDK construct that made it, when the template tells."""
        path = mapping(self.body.get("Metadata")).get("aws:cdk:path")
        return path if isinstance(path, str) else None


class Template:
    """One stack of an assembly: a template, and the nested stack that it is made for.

    Args:
        assembly: what it belongs to.
        key: unique name: the template's file, with a suffix for the second and further stacks made from it.
        document: the template's content.
        file: file path, relative to what was asked to be judged; the key when not given.
        parent: the nested stack.
        stack: Region, account, name and path, where they are known.
    """

    def __init__(
        self,
        assembly: Surroundings,
        key: str,
        document: dict[str, Any],
        *,
        file: str | None = None,
        parent: Resource | None = None,
        stack: Stack | None = None,
    ) -> None:
        self.assembly, self.key, self.document, self.parent = assembly, key, document, parent
        self.file = file or key
        stack = stack or Stack()
        self.region, self.account, self.stack_name, self._path = stack.region, stack.account, stack.name, stack.path
        self.parameters = mapping(document.get("Parameters"))
        self.mappings = mapping(document.get("Mappings"))
        self.conditions = mapping(document.get("Conditions"))
        self.outputs = mapping(document.get("Outputs"))
        self.resources = {
            name: Resource(self, name, body)
            for name, body in mapping(document.get("Resources")).items()
            if not name.startswith("Fn::")
        }
        self._conditions = Conditions(self)
        self.resolver = Resolver(self, self._conditions)
        self._under: dict[str, Resolver] = {}
        self._memo: dict[tuple[str, str, bool], list[Any]] = {}

    @property
    def construct_path(self) -> str | None:
        """Path of the stack's construct, when the assembly tells."""
        if self.parent is None:
            return self._path
        path = self.parent.construct_path or ""
        return path.split(".NestedStack/")[0] if ".NestedStack/" in path else None

    def resolver_under(self, condition: Any) -> Resolver:
        """Return what resolves values where a condition holds, e.g. in a conditional resource."""
        if not isinstance(condition, str) or condition not in self.conditions:
            return self.resolver
        if condition not in self._under:
            assumed = Conditions(self, self._conditions.implied_by(condition))
            self._under[condition] = Resolver(self, assumed, given=self._conditions.given(condition, True))
        return self._under[condition]

    def conditions_hold(self, condition: Any) -> bool:
        """Tell whether a condition can hold; it cannot only if the templates alone decide so."""
        return self._conditions.holds(condition) is not False

    def certainly(self, value: Any) -> Any:
        """Resolve a value to what no deployment can change; ``UNKNOWN`` where one can."""
        return Resolver(self, self._conditions, certain=True).deep(value)

    def usually(self, value: Any) -> Any:
        """Resolve a value with the defaults of parameters; ``UNKNOWN`` where only the deployment decides."""
        return self.resolver.deep(value)

    def parameter_value(self, name: str, depth: int) -> Any:
        """Return what the parent passes, else the default, else ``UNKNOWN``."""
        found = self.parameter_options(name, depth)
        return found[0] if len(found) == 1 else UNKNOWN

    def parameter_options(self, name: str, depth: int, *, certain: bool = False) -> list[Any]:
        """Return every value that a parameter can have: each that the parent passes, else the default.

        Args:
            name: a declared parameter.
            depth: resolution steps so far.
            certain: the default of a root stack's parameter does not count.
        """
        key = ("parameter", name, certain)
        if key not in self._memo:
            self._memo[key] = [UNKNOWN]  # while it is computed: a circle ends here
            self._memo[key] = self._parameter(name, depth, certain)
        return self._memo[key]

    def _parameter(self, name: str, depth: int, certain: bool) -> list[Any]:
        declared = mapping(self.parameters.get(name))
        kind, default = str(declared.get("Type", "")), declared.get("Default", UNKNOWN)
        if kind.startswith("AWS::SSM::") or (self.parent is None and certain):
            return [UNKNOWN]  # an SSM parameter's value is its name: only the account knows what it holds
        if self.parent is None:
            return [typed(kind, self.resolver.deep(default, depth))]
        parent = self.parent
        given = parent.resolver.resolve(mapping(parent.body.get("Properties")).get("Parameters", {}), depth)
        passed = parent.resolver.member(given, name) if isinstance(given, dict) else UNKNOWN
        if certain and passed is not ABSENT:
            return [typed(kind, parent.template.certainly(passed))]
        found = [default] if passed is ABSENT else parent.resolver.options(passed, depth)
        return [typed(kind, default if value is ABSENT else value) for value in found]

    def output_options(self, name: str, depth: int) -> list[Any]:
        """Return every value that an output can have, resolved in this template."""
        key = ("output", name, False)
        if key not in self._memo:
            self._memo[key] = [UNKNOWN]
            output = mapping(self.outputs.get(name))
            resolver = self.resolver_under(output.get("Condition"))
            self._memo[key] = resolver.options(output.get("Value", UNKNOWN), depth)
        return self._memo[key]

    def output_value(self, name: str, depth: int) -> Any:
        """Return the value of an output, or ``UNKNOWN`` when there are several."""
        found = self.output_options(name, depth)
        return found[0] if len(found) == 1 else UNKNOWN

    def child(self, logical_id: str) -> Template | None:
        """Return the stack that a nested stack makes, if its template is part of the assembly."""
        return self.assembly.children.get((self.key, logical_id))

    def stack_named(self, name: Any, region: Any) -> Template | None:
        """Return the root stack of the assembly with a physical name in a Region, if there is exactly one."""
        return self.assembly.stack_named(name, region)

    def imported(self, name: Any, depth: int) -> list[Any]:
        """Return what another stack of the assembly exports under a name; ``[UNKNOWN]`` unless exactly one does."""
        found = self.assembly.exporter(self, name)
        return found[0].output_options(found[1], depth) if found else [UNKNOWN]
