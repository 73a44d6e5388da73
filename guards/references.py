"""Every place of a template that names something: `Ref`, `Fn::GetAtt`, `Fn::Sub`, `DependsOn`, conditions, mappings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from guards.sources import mapping
from guards.template import Assembly, Template
from guards.views import view

_PLACEHOLDER = re.compile(r"\$\{([^!}][^}]*)\}")
REF, ATTRIBUTE, DEPENDENCY = "Ref", "Fn::GetAtt", "DependsOn"
CONDITION, MAPPING, TRANSFORM = "Condition", "Fn::FindInMap", "Fn::Transform"


@dataclass(frozen=True, slots=True)
class Naming:
    """One name in a template.

    Args:
        kind: what it must be: ``Ref`` (a parameter or resource), ``Fn::GetAtt`` and ``DependsOn`` (a resource),
            ``Condition``, ``Fn::FindInMap`` (a mapping).
        name: the name.
        attribute: of `Fn::GetAtt`; ``None`` when only the deployment decides it.
        owner: logical id of the resource that holds it; empty in outputs and conditions.
        path: where it stands, from the resource or the template on.
    """

    kind: str
    name: str
    attribute: str | None
    owner: str
    path: str


def namings_of(template: Template) -> list[Naming]:
    """Return every name in a template's resources, conditions and outputs; metadata name nothing."""
    return view(template.assembly, _all)[template.file]


def is_written_out(template: Template) -> bool:
    """Tell whether a template is what CloudFormation deploys: no macro, loop or module adds to it."""
    document = template.document
    return (
        "Transform" not in document
        and not any(naming.kind == TRANSFORM for naming in namings_of(template))
        and not any(
            name.startswith("Fn::")
            for section in ("Resources", "Conditions", "Outputs")
            for name in mapping(document.get(section))
        )
        and not any(resource.type.endswith("::MODULE") for resource in template.resources.values())
    )


def _all(app: Assembly) -> dict[str, list[Naming]]:
    return {
        template.file: list(_in_template(template))
        for template in app.templates.values()
        if template.key == template.file
    }


def _in_template(template: Template) -> Iterator[Naming]:
    for logical_id, resource in template.resources.items():
        for key, value in resource.body.items():
            if key == "Condition" and isinstance(value, str):
                yield Naming(CONDITION, value, None, logical_id, key)
            elif key == "DependsOn":
                for name in value if isinstance(value, list) else [value]:
                    if isinstance(name, str):
                        yield Naming(DEPENDENCY, name, None, logical_id, key)
            elif key not in ("Metadata", "Type"):
                yield from _in_value(value, logical_id, "" if key == "Properties" else key)
    yield from _in_value(template.conditions, "", "Conditions", conditional=True)
    for name, output in template.outputs.items():
        if isinstance(output, dict):
            if isinstance(output.get("Condition"), str):
                yield Naming(CONDITION, output["Condition"], None, "", f"Outputs.{name}.Condition")
            yield from _in_value([output.get("Value"), output.get("Export")], "", f"Outputs.{name}")


def _in_value(value: Any, owner: str, path: str, *, conditional: bool = False) -> Iterator[Naming]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            if isinstance(item, dict | list):
                yield from _in_value(item, owner, f"{path}.{index}", conditional=conditional)
    elif isinstance(value, dict):
        if len(value) == 1:
            ((function, argument),) = value.items()
            yield from _in_function(function, argument, owner, path, conditional)
        for key, item in value.items():
            if isinstance(item, dict | list):
                yield from _in_value(
                    item, owner, path if _is_function(key) else f"{path}.{key}".lstrip("."), conditional=conditional
                )


def _is_function(key: Any) -> bool:
    return isinstance(key, str) and (key.startswith("Fn::") or key == "Ref")


def _in_function(function: Any, argument: Any, owner: str, path: str, conditional: bool) -> Iterator[Naming]:
    first = argument[0] if isinstance(argument, list) and argument else argument
    if function == "Ref" and isinstance(argument, str):
        yield Naming(REF, argument, None, owner, path)
    elif function == "Fn::GetAtt":
        yield from _attribute(argument, owner, path)
    elif function == "Fn::Sub" and isinstance(first, str):
        own = argument[1] if isinstance(argument, list) and len(argument) > 1 and isinstance(argument[1], dict) else {}
        for name in map(str.strip, _PLACEHOLDER.findall(first)):
            if name not in own:
                yield from _attribute(name, owner, path) if "." in name else [Naming(REF, name, None, owner, path)]
    elif function == "Fn::If" and isinstance(first, str):
        yield Naming(CONDITION, first, None, owner, path)
    elif function == "Condition" and conditional and isinstance(argument, str):
        yield Naming(CONDITION, argument, None, owner, path)
    elif function == "Fn::FindInMap" and isinstance(first, str):
        yield Naming(MAPPING, first, None, owner, path)
    elif isinstance(function, str) and function.startswith(("Fn::Transform", "Fn::ForEach")):
        yield Naming(TRANSFORM, "", None, owner, path)


def _attribute(argument: Any, owner: str, path: str) -> Iterator[Naming]:
    parts = argument.split(".", 1) if isinstance(argument, str) else argument
    if isinstance(parts, list) and len(parts) >= 2 and isinstance(parts[0], str):
        known = all(isinstance(part, str) for part in parts)
        yield Naming(ATTRIBUTE, parts[0], ".".join(parts[1:]) if known else None, owner, path)
