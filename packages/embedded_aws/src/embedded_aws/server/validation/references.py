"""Names in a template that lead nowhere, and resources that wait for each other.

The messages are those that AWS gave; where each was recorded stands in `tests/refusals.toml`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_VARIABLE = re.compile(r"\$\{([^!}][^}]*)\}")


@dataclass(frozen=True)
class _Reference:
    """One name in a template: `attribute` is that of a `Fn::GetAtt`, None of a `Ref`."""

    name: str
    attribute: str | None = None


def check_conditions(template: Mapping[str, Any]) -> None:
    """Refuse conditions that are not there, or that depend on a resource.

    Raises:
        ValueError: what is wrong, in AWS's words.
    """
    conditions = template.get("Conditions", {})
    known = _parameters(template)
    unknown = sorted({each.name for each in _references(conditions) if each.name not in known})
    if unknown:
        raise ValueError(
            f"Template format error: Unresolved dependencies [{', '.join(unknown)}]. Cannot reference resources in the "
            "Conditions block of the template"
        )
    for name, where in _condition_names(template):
        if name not in conditions:
            raise ValueError(f"Template error: unresolved condition dependency {name} in {where}")


def joined(value: Any, values: Mapping[str, Any]) -> Any:
    """Return conditions in which each `Fn::Join` of parameters is its text: ministack takes it for true.

    Args:
        value: the conditions, or a part of them.
        values: the resolved parameters, each with `Value`; a list is one text with commas.
    """
    match value:
        case {"Fn::Join": [str(separator), {"Ref": name}]} if name in values:
            return separator.join(str(values[name]["Value"]).split(","))
        case {"Fn::Join": [str(separator), [*parts]]}:
            texts = [values[each["Ref"]]["Value"] if _is_parameter(each, values) else each for each in parts]
            return separator.join(texts) if all(isinstance(text, str) for text in texts) else value
        case dict():
            return {name: joined(each, values) for name, each in value.items()}
        case list():
            return [joined(each, values) for each in value]
    return value


def _is_parameter(value: Any, values: Mapping[str, Any]) -> bool:
    return isinstance(value, dict) and value.get("Ref") in values


def check(template: Mapping[str, Any], values: Mapping[str, Any], holds: Mapping[str, bool]) -> None:
    """Refuse references that lead nowhere, and circles.

    Args:
        template: the parsed template; its conditions were checked.
        values: its resolved parameters, each with `Value`.
        holds: each condition's value.

    Raises:
        ValueError: what is wrong, in AWS's words.
    """
    resources = {
        name: resource for name, resource in template["Resources"].items() if holds.get(resource.get("Condition"), True)
    }
    known = {*_parameters(template), *resources}
    for keys in _missing_in_mappings(template, values, list(resources.values())):
        raise ValueError(f"Template error: Unable to get mapping for {'::'.join(keys)}")
    properties = {name: _reached(resource.get("Properties", {}), holds) for name, resource in resources.items()}
    _check_attributes(template, [*properties.values(), _reached(template.get("Outputs", {}), holds)])
    unknown = {each.name for part in properties.values() for each in _references(part) if each.name not in known}
    unknown |= {
        name for resource in resources.values() for name in _depends_on(resource) if name not in template["Resources"]
    }
    if unknown:
        raise ValueError(_unresolved(unknown, "Resources"))
    outputs = [each for each in template.get("Outputs", {}).values() if holds.get(each.get("Condition"), True)]
    unknown = {each.name for part in outputs for each in _references(_reached(part, holds)) if each.name not in known}
    if unknown:
        raise ValueError(_unresolved(unknown, "Outputs").removeprefix("Template format error: "))
    _check_circles({
        name: {*_depends_on(resource), *(each.name for each in _references(properties[name]))} & resources.keys()
        for name, resource in resources.items()
    })  # fmt: skip


def _missing_in_mappings(template: Mapping[str, Any], values: Mapping[str, Any], value: Any) -> Iterator[list[str]]:
    """Return the keys of each look-up that finds nothing, where they are words or parameters."""
    if isinstance(value, list):
        for item in value:
            yield from _missing_in_mappings(template, values, item)
    elif isinstance(value, Mapping):
        match value.get("Fn::FindInMap"):
            case [name, first, second]:
                keys = [_word(each, values) for each in (name, first, second)]
                found = template.get("Mappings", {}).get(keys[0], {}).get(keys[1], {})
                if None not in keys and keys[2] not in found:
                    yield [str(key) for key in keys]
        for key, item in value.items():
            if key != "Metadata":
                yield from _missing_in_mappings(template, values, item)


def _word(value: Any, values: Mapping[str, Any]) -> str | None:
    match value:
        case {"Ref": str(name)} if name in values:
            return str(values[name]["Value"])
        case str():
            return value
    return None


def _unresolved(names: set[str], section: str) -> str:
    listed = ", ".join(sorted(names))
    return f"Template format error: Unresolved resource dependencies [{listed}] in the {section} block of the template"


def _parameters(template: Mapping[str, Any]) -> set[str]:
    pseudo = ("AccountId", "NoValue", "NotificationARNs", "Partition", "Region", "StackId", "StackName", "URLSuffix")
    return {*template.get("Parameters", {}), *(f"AWS::{name}" for name in pseudo)}


def _check_attributes(template: Mapping[str, Any], parts: list[Any]) -> None:
    for each in (reference for part in parts for reference in _references(part)):
        if each.attribute is not None and each.name not in template["Resources"]:
            raise ValueError(f"Template error: instance of Fn::GetAtt references undefined resource {each.name}")


def _check_circles(waits_for: Mapping[str, set[str]]) -> None:
    left = {name: set(others) for name, others in waits_for.items()}
    while ready := [name for name, others in left.items() if not others & left.keys()]:
        for name in ready:
            del left[name]
    # What only waits for a circle, and is not in one, goes too.
    while loose := [name for name in left if not any(name in others for others in left.values())]:
        for name in loose:
            del left[name]
    if left:
        raise ValueError(f"Circular dependency between resources: [{', '.join(left)}]")


def _depends_on(resource: Mapping[str, Any]) -> list[str]:
    given = resource.get("DependsOn", [])
    return [given] if isinstance(given, str) else list(given)


def _reached(value: Any, holds: Mapping[str, bool]) -> Any:
    """Return a value without the branches of `Fn::If` that are not taken."""
    if isinstance(value, list):
        return [_reached(item, holds) for item in value]
    if not isinstance(value, Mapping):
        return value
    match value.get("Fn::If"):
        case [str(condition), yes, no]:
            return _reached(yes if holds.get(condition, True) else no, holds)
    return {key: _reached(item, holds) for key, item in value.items()}


def _references(value: Any) -> Iterator[_Reference]:
    if isinstance(value, list):
        for item in value:
            yield from _references(item)
    elif isinstance(value, Mapping):
        for key, argument in value.items():
            match key, argument:
                case "Ref", str(name):
                    yield _Reference(name)
                case "Fn::GetAtt", str(text):
                    name, _, attribute = text.partition(".")
                    yield _Reference(name, attribute)
                case "Fn::GetAtt", [str(name), attribute]:
                    yield _Reference(name, str(attribute))
                case "Fn::Sub", str(text):
                    yield from _variables(text, {})
                case "Fn::Sub", [str(text), Mapping() as given]:
                    yield from _variables(text, given)
                    yield from _references(given)
                case _:
                    yield from _references(argument)


def _variables(text: str, given: Mapping[str, Any]) -> Iterator[_Reference]:
    for variable in _VARIABLE.findall(text):
        name = variable.strip().partition(".")[0]
        if name not in given and variable.strip() not in given:
            yield _Reference(name)


def _condition_names(template: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Return each condition that is named, and where."""
    for section in ("Resources", "Outputs"):
        for name, member in template.get(section, {}).items():
            if isinstance(member.get("Condition"), str):
                yield member["Condition"], name
    yield from _named_in(template.get("Conditions", {}), "Condition")
    for section in ("Resources", "Outputs"):
        yield from _named_in(template.get(section, {}), "Fn::If")


def _named_in(value: Any, function: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, list):
        for item in value:
            yield from _named_in(item, function)
    elif isinstance(value, Mapping):
        for key, argument in value.items():
            named = argument[0] if key == "Fn::If" and isinstance(argument, list) and argument else argument
            if key == function and isinstance(named, str):
                yield named, function
            if key != "Metadata":
                yield from _named_in(argument, function)
