"""The shape of a template: its sections, and what each member of them must be.

The messages are those that AWS gave; where each was recorded stands in `tests/refusals.toml`.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-dependson.html and its siblings
_ATTRIBUTES = frozenset({
    "Type", "Properties", "DependsOn", "Condition", "Metadata", "CreationPolicy", "DeletionPolicy", "UpdatePolicy",
    "UpdateReplacePolicy",
})  # fmt: skip
_SECTIONS = ("Parameters", "Mappings", "Conditions", "Resources", "Outputs")
_FOR_EACH = "Fn::ForEach::"


def well_formed(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """Say as AWS does that a text is neither JSON nor YAML; what is raised here gets `Template format error: ` before.

    Args:
        parse: ministack's parser.
    """

    def parse_or_refuse(body: str) -> Any:
        try:
            return parse(body)
        except json.JSONDecodeError as error:
            message = f"JSON not well-formed. (line {error.lineno}, column {error.colno})"
        except Exception as error:  # noqa: BLE001 (whatever the YAML reader raises, the text is no YAML)
            mark = getattr(error, "problem_mark", None)
            message = "YAML not well-formed." + (f" (line {mark.line + 1}, column {mark.column + 1})" if mark else "")
        raise ValueError(message)

    return parse_or_refuse


def check(template: Mapping[str, Any]) -> None:
    """Refuse a template whose sections have the wrong shape.

    Raises:
        ValueError: what is wrong, in AWS's words.
    """
    for message in _mistakes(template):
        raise ValueError(message)


def _mistakes(template: Mapping[str, Any]) -> Iterator[str]:
    for section in _SECTIONS:
        if not isinstance(template.get(section, {}), Mapping):
            name = "Resources" if section == "Resources" else section
            yield f"Template format error: Any {name} member must be an object."
    if not template.get("Resources"):
        yield "Template format error: At least one Resources member must be defined."
    yield from (f"[{path}] 'null' values are not allowed in templates" for path in _nulls(template, ""))
    yield from _names(template)
    yield from _parameters(template.get("Parameters", {}))
    yield from _mappings(template.get("Mappings", {}))
    yield from _resources(template["Resources"])
    yield from _outputs(template.get("Outputs", {}))
    yield from _functions(template)


def _nulls(value: Any, path: str) -> Iterator[str]:
    if value is None:
        yield path
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if key != "Metadata":
                yield from _nulls(item, f"{path}/{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _nulls(item, f"{path}/{index}")


def _names(template: Mapping[str, Any]) -> Iterator[str]:
    for section, noun in (("Parameters", "Parameter"), ("Resources", "Resource"), ("Outputs", "Output")):
        for name in template.get(section, {}):
            if not re.fullmatch(r"[A-Za-z0-9]+", str(name)) and not str(name).startswith(_FOR_EACH):
                yield f"Template format error: {noun} name {name} is non alphanumeric."


def _parameters(parameters: Mapping[str, Any]) -> Iterator[str]:
    for name, parameter in parameters.items():
        if not isinstance(parameter, Mapping):
            yield "Template format error: Every Parameters member must be an object."
        elif not parameter.get("Type"):
            yield f"Template format error: Every Parameters object must contain a Type member. ({name})"
        elif not isinstance(parameter.get("AllowedValues", []), list):
            yield "Template format error: Every AllowedValues member must be a list."


def _mappings(mappings: Mapping[str, Any]) -> Iterator[str]:
    for name, mapping in mappings.items():
        if not isinstance(mapping, Mapping):
            yield f"Template format error: Every Mappings member {name} must be a map"
            continue
        for key, pairs in mapping.items():
            if not isinstance(pairs, Mapping):
                yield f"Template format error: Every Mappings member {key} must be a map"
            elif any(isinstance(value, Mapping) for value in pairs.values()):
                yield "Template format error: Every Mappings attribute must be a String or a List."


def _resources(resources: Mapping[str, Any]) -> Iterator[str]:
    for name, resource in resources.items():
        if name.startswith(_FOR_EACH):
            continue
        if not isinstance(resource, Mapping):
            yield "Template format error: Any Resources member must be an object."
        elif not resource.get("Type"):
            yield f"Template format error: [/Resources/{name}] Every Resources object must contain a Type member."
        else:
            yield from (
                f"Invalid template resource property '{attribute}'"
                for attribute in resource
                if attribute not in _ATTRIBUTES and not attribute.startswith("Fn::")
            )


def _outputs(outputs: Mapping[str, Any]) -> Iterator[str]:
    for name, output in outputs.items():
        if not name.startswith(_FOR_EACH) and (not isinstance(output, Mapping) or "Value" not in output):
            yield "Template format error: Every Outputs member must contain a Value object"


_PAIR = 2


def _functions(value: Any) -> Iterator[str]:
    """Return what is wrong with the arguments of intrinsic functions."""
    if isinstance(value, list):
        for item in value:
            yield from _functions(item)
    elif isinstance(value, Mapping):
        for key, argument in value.items():
            message = _ARGUMENTS[key][1] if key in _ARGUMENTS and not _ARGUMENTS[key][0](argument) else None
            if message:
                yield message
            elif key != "Metadata":
                yield from _functions(argument)


def _is_pair(argument: Any) -> bool:
    return isinstance(argument, list) and len(argument) == _PAIR


def _is_attribute(argument: Any) -> bool:
    if isinstance(argument, str):
        return bool(re.fullmatch(r"[^.]+\..+", argument))
    return _is_pair(argument) and all(argument)


def _is_selection(argument: Any) -> bool:
    if not _is_pair(argument):
        return False
    index = argument[0]
    return isinstance(index, Mapping) or str(index).isdigit()


_ATTRIBUTE = (
    "Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource "
    "attribute"
)
_SPLIT = (
    "Template error: every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to be "
    "split or a function that returns a string to be split."
)
_EQUALS = "Template error: every Fn::Equals object requires a list of 2 string parameters."
_SELECT = "Template error: Fn::Select requires a list argument with two elements: an integer index and a list"
_ARGUMENTS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "Fn::GetAtt": (_is_attribute, _ATTRIBUTE),
    "Fn::Split": (_is_pair, _SPLIT),
    "Fn::Equals": (_is_pair, _EQUALS),
    "Fn::Select": (_is_selection, _SELECT),
}
