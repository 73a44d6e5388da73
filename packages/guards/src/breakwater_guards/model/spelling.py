"""Compare strings that no template determines: the same parameter in two places is the same text, whatever it will be.

Resolving answers "what is it", which for a parameter without a default is unknown. Spelling answers "is it the same".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from breakwater_guards.model.template import Template
from breakwater_guards.model.values import ABSENT

_PLACEHOLDER = re.compile(r"\$\{(!?)([^${}]*)\}")
_MAX_STEPS = 40
_MAX_PARTS = 200
_MAX_TEXT = 4096

Spelling = tuple[Any, ...]
"""Known text and symbols (tuples that name a parameter, a resource or an attribute), in order."""


def spelled(template: Template, raw: Any, steps: int = 0) -> Spelling | None:
    """Return what a string is made of.

    Args:
        template: where the string is written.
        raw: the string as written, intrinsic functions included.
        steps: how deep the recursion is.

    Returns:
        Text and symbols, followed through nested stacks; ``None`` when even that is not certain.
    """
    if isinstance(raw, str | int):
        return (str(raw),)
    if not (isinstance(raw, dict) and len(raw) == 1) or steps > _MAX_STEPS:
        return None
    (function, argument), *_ = raw.items()
    if function in _FUNCTIONS:
        return _FUNCTIONS[function](template, argument, steps)
    known = template.resolver.deep(raw)
    return (known,) if isinstance(known, str) else None


def _named(template: Template, name: Any, steps: int) -> Spelling | None:
    if not isinstance(name, str):
        return None
    if name in template.parameters:
        known_spellings: dict[tuple[str, str], Spelling | None] = template.assembly.views.setdefault(spelled, {})
        key = (template.key, name)
        if key not in known_spellings:  # once: a parameter may occur twice at each of many levels
            known_spellings[key] = _parameter(template, name, steps)
        return known_spellings[key]
    known = template.resolver.resolve({"Ref": name})
    return (known,) if isinstance(known, str) else (("ref", template.key, name),)


def _parameter(template: Template, name: str, steps: int) -> Spelling | None:
    passed = _passed(template, name)
    if passed is not ABSENT and template.parent is not None:
        return spelled(template.parent.template, passed, steps + 1)
    known = template.parameter_value(name, steps)
    return (known,) if isinstance(known, str) else (("parameter", template.key, name),)


def _passed(template: Template, name: str) -> Any:
    properties = template.parent.body.get("Properties") if template.parent else None
    parameters = properties.get("Parameters") if isinstance(properties, dict) else None
    return parameters.get(name, ABSENT) if isinstance(parameters, dict) else ABSENT


def _attribute(template: Template, argument: Any, steps: int) -> Spelling | None:
    path = [str(part) for part in (argument if isinstance(argument, list) else str(argument).split(".", 1))]
    attribute = ".".join(path[1:])
    child = template.child(path[0]) if attribute.startswith("Outputs.") else None
    if child is None:
        return (("attribute", template.key, *path),)
    output = child.outputs.get(attribute.removeprefix("Outputs."))
    return spelled(child, output.get("Value"), steps + 1) if isinstance(output, dict) else None


def _join(template: Template, argument: Any, steps: int) -> Spelling | None:
    if not (isinstance(argument, list) and len(argument) == 2 and isinstance(argument[1], list)):
        return None
    pieces: list[Spelling | None] = []
    for index, item in enumerate(argument[1]):
        if index:
            pieces.append((str(argument[0]),))
        pieces.append(spelled(template, item, steps + 1))
    return _together(pieces)


def _sub(template: Template, argument: Any, steps: int) -> Spelling | None:
    variables: dict[str, Any] = {}
    if isinstance(argument, list) and len(argument) == 2 and isinstance(argument[1], dict):
        argument, variables = argument
    if not isinstance(argument, str):
        return None
    pieces: list[Spelling | None] = []
    end = 0
    for match in _PLACEHOLDER.finditer(argument):
        pieces.append((argument[end : match.start()],))
        end = match.end()
        literal, name = match[1], match[2].strip()
        if literal:
            pieces.append(("${" + name + "}",))
        elif name in variables:
            pieces.append(spelled(template, variables[name], steps + 1))
        elif "." in name:
            pieces.append(_attribute(template, name, steps))
        else:
            pieces.append(_named(template, name, steps))
    return _together([*pieces, (argument[end:],)])


def _together(pieces: list[Spelling | None]) -> Spelling | None:
    joined: list[Any] = []
    for piece in pieces:
        if piece is None:
            return None
        for part in piece:
            if isinstance(part, str) and joined and isinstance(joined[-1], str):
                joined[-1] += part
            elif part != "":
                joined.append(part)
        if len(joined) > _MAX_PARTS or sum(len(part) for part in joined) > _MAX_TEXT:
            return None
    return tuple(joined)


_FUNCTIONS: dict[str, Callable[[Template, Any, int], Spelling | None]] = {
    "Ref": _named,
    "Fn::GetAtt": _attribute,
    "Fn::Join": _join,
    "Fn::Sub": _sub,
}
