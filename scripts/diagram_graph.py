"""The resources of a whole deployment as a graph: references are followed through the parameters of nested stacks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.assembly import Assembly

# As `Assembly.text` renders a reference to a resource; pseudo parameters and zones carry a colon up front.
REFERENCE = re.compile(r"\$\{(?!AWS::|AZs:)([^}.]+)(?:\.([^}]+))?\}")


@dataclass(frozen=True, eq=False)
class Resource:
    """One resource of one nested template.

    Attributes:
        stack: Construct id of the nested stack.
        path: Construct path from there, with the stack in front, e.g. `Compute/LoadBalancer/HttpListener`.
        kind: CloudFormation type.
        properties: As in the template.
    """

    stack: str
    path: str
    kind: str
    properties: Mapping[str, Any]


class Graph:
    """All resources of the nested templates, and what refers to what.

    Args:
        assembly: A synthesized deployment.
    """

    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly
        self._resources = {
            (resource := Resource(stack, _path(body), body["Type"], body.get("Properties", {}))).path: resource
            for stack, template in assembly.nested.items()
            for body in template.resources.values()
        }

    def __iter__(self) -> Iterator[Resource]:
        return iter(self._resources.values())

    def of(self, *kinds: str) -> list[Resource]:
        """Returns the resources of these CloudFormation types in the order of the templates."""
        return [resource for resource in self if resource.kind in kinds]

    def one(self, kind: str) -> Resource:
        """Returns the only resource of a type.

        Raises:
            LookupError: There is none, or more than one.
        """
        found = self.of(kind)
        if len(found) != 1:
            raise LookupError(f"{len(found)} resources of type {kind} where the picture expects one")
        return found[0]

    def text(self, resource: Resource, value: Any) -> str:
        """Renders a value of a resource's template with every reference followed to its end."""
        return self._assembly.text(resource.stack, value)

    def references(self, resource: Resource, value: Any) -> Iterator[tuple[Resource, str]]:
        """Finds what a part of a resource refers to, in whatever nested stack that is.

        Args:
            resource: Where the value comes from.
            value: Any part of its properties.

        Yields:
            The other resource and the attribute that is asked for; an empty attribute is `Ref`.
        """
        for text in self._texts(resource, value):
            for path, attribute in REFERENCE.findall(text):
                yield self._resources[path], attribute

    def targets(self, resource: Resource, value: Any) -> list[Resource]:
        """Returns the resources that a part of a resource refers to, each once."""
        return list(dict.fromkeys(target for target, _ in self.references(resource, value)))

    def _texts(self, resource: Resource, value: Any) -> Iterator[str]:
        if isinstance(value, list):
            for item in value:
                yield from self._texts(resource, item)
        elif isinstance(value, dict) and any(key == "Ref" or key.startswith("Fn::") for key in value):
            yield self.text(resource, value)
        elif isinstance(value, dict):
            yield from self._texts(resource, list(value.values()))


def _path(body: Mapping[str, Any]) -> str:
    """Construct path without the root stack and without the last part that CDK's own constructs add."""
    path = str(body["Metadata"]["aws:cdk:path"]).split("/", 1)[1]
    return path.removesuffix("/Resource").removesuffix("/Default")
