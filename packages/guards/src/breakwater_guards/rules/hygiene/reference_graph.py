"""Every place of a template that names something: `Ref`, `Fn::GetAtt`, `Fn::Sub`, `DependsOn`, conditions, mappings."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Template
from breakwater_guards.model.views import view
from breakwater_guards.reading.files import mapping

_PLACEHOLDER = re.compile(r"\$\{([^!${}][^${}]*)\}")
REF, ATTRIBUTE, DEPENDENCY = "Ref", "Fn::GetAtt", "DependsOn"
CONDITION, MAPPING, TRANSFORM = "Condition", "Fn::FindInMap", "Fn::Transform"
_FIRST_ARGUMENT = {REF: REF, "Fn::If": CONDITION, "Fn::FindInMap": MAPPING}

Path = tuple[Any, Any] | None
"""A place: the place around it, and the key or index in that; cheaper to carry through a template than text."""


class Naming(NamedTuple):
    """One name in a template.

    Args:
        kind: what it must be: ``Ref`` (a parameter or resource), ``Fn::GetAtt`` and ``DependsOn`` (a resource),
            ``Condition``, ``Fn::FindInMap`` (a mapping).
        name: the name.
        attribute: of `Fn::GetAtt`; ``None`` when only the deployment decides it.
        owner: logical id of the resource that holds it; empty in outputs and conditions.
        place: where it stands, from the resource or the template on.
    """

    kind: str
    name: str
    attribute: str | None
    owner: str
    place: Path

    @property
    def path(self) -> str:
        """Dotted path of the place, without ``Properties`` and without the functions around the name."""
        steps: list[str] = []
        place = self.place
        while place is not None:
            place, step = place
            if not _is_function(step):
                steps.append(str(step))
        return ".".join(reversed(steps))


def namings_of(template: Template) -> list[Naming]:
    """Return every name in a template's resources, conditions and outputs; metadata name nothing."""
    return view(template.assembly, _all)[template.file]


def is_written_out(template: Template) -> bool:
    """Tell whether a template is what CloudFormation deploys: no macro, loop or module adds to it."""
    document = template.document
    return (
        "Transform" not in document
        and not any(resource.type.startswith("AWS::Serverless::") for resource in template.resources.values())
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
        template.file: _Reader(template).found
        for template in app.templates.values()
        if template.key == template.file  # a template that several stacks share is read once
    }


class _Reader:
    """Collect the names in one template."""

    def __init__(self, template: Template) -> None:
        self.found: list[Naming] = []
        self._owner = ""
        self._in_conditions = False
        for logical_id, resource in template.resources.items():
            self._owner = logical_id
            self._read_resource(resource.body)
        self._owner = ""
        for name, output in template.outputs.items():
            if isinstance(output, dict):
                place = ((None, "Outputs"), name)
                if output.get("Condition") and isinstance(output["Condition"], str):
                    self._add(CONDITION, output["Condition"], (place, "Condition"))
                self._walk([output.get("Value"), output.get("Export")], place)
        self._in_conditions = True
        self._walk(template.conditions, (None, "Conditions"))

    def _read_resource(self, body: dict[str, Any]) -> None:
        for key, value in body.items():
            if key == "Condition" and value and isinstance(value, str):  # CloudFormation takes an empty one for none
                self._add(CONDITION, value, (None, key))
            elif key == "DependsOn":
                for name in value if isinstance(value, list) else [value]:
                    if isinstance(name, str):
                        self._add(DEPENDENCY, name, (None, key))
            elif key not in ("Metadata", "Type"):
                self._walk(value, None if key == "Properties" else (None, key))

    def _add(self, kind: str, name: str, place: Path, attribute: str | None = None) -> None:
        self.found.append(Naming(kind, name, attribute, self._owner, place))

    def _walk(self, value: Any, place: Path) -> None:
        """Go through a value; the types are compared, not tested, because every value of a template comes by here."""
        if type(value) is dict:
            if len(value) == 1:
                ((function, argument),) = value.items()
                if _is_function(function):
                    self._read_function(function, argument, place)
                elif function == CONDITION and self._in_conditions and isinstance(argument, str):
                    self._add(CONDITION, argument, place)
            for key, item in value.items():
                if type(item) is dict or type(item) is list:
                    self._walk(item, (place, key))
        elif type(value) is list:
            for index, item in enumerate(value):
                if type(item) is dict or type(item) is list:
                    self._walk(item, (place, index))

    def _read_function(self, function: str, argument: Any, place: Path) -> None:
        first = argument[0] if isinstance(argument, list) and argument else argument
        if function == "Fn::GetAtt":
            self._read_attribute(argument, place)
        elif function.startswith(("Fn::Transform", "Fn::ForEach")):
            self._add(TRANSFORM, "", place)
        elif not isinstance(first, str):
            return
        elif function == "Fn::Sub":
            self._read_text(first, argument, place)
        elif function in _FIRST_ARGUMENT:
            self._add(_FIRST_ARGUMENT[function], first, place)

    def _read_text(self, text: str, argument: Any, place: Path) -> None:
        own = argument[1] if isinstance(argument, list) and len(argument) > 1 and isinstance(argument[1], dict) else {}
        for name in map(str.strip, _PLACEHOLDER.findall(text)):
            if name in own:
                continue
            if "." in name:
                self._read_attribute(name, place)
            else:
                self._add(REF, name, place)

    def _read_attribute(self, argument: Any, place: Path) -> None:
        parts = argument.split(".", 1) if isinstance(argument, str) else argument
        if isinstance(parts, list) and len(parts) >= 2 and isinstance(parts[0], str):
            known = all(isinstance(part, str) for part in parts)
            self._add(ATTRIBUTE, parts[0], place, ".".join(parts[1:]) if known else None)


def _is_function(key: Any) -> bool:
    return isinstance(key, str) and (key[:4] == "Fn::" or key == REF)
