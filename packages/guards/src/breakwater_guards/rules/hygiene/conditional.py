"""References to what a condition can leave out of a deployment."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice, product
from typing import Any, NamedTuple

from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.conditions import Conditions, named_in, spelling
from breakwater_guards.model.template import Resource, Template
from breakwater_guards.model.values import is_known
from breakwater_guards.reading.files import mapping
from breakwater_guards.rule import Breach, Outcome, rule
from breakwater_guards.rules.hygiene.reference_graph import is_written_out

TEMPLATES = "https://docs.aws.amazon.com/AWSCloudFormation/latest"
MAX_DEPLOYMENTS = 64
OTHER = "\ue000another value"
_PLACEHOLDER = re.compile(r"\$\{([^!${}.][^${}.]*)")

Guards = tuple[tuple[str, bool], ...]
"""Conditions under which a place is read, each with what it must be."""


class Use(NamedTuple):
    """A reference to a resource that has a condition: what it names, where it stands, and when that place is read."""

    name: str
    place: str
    guards: Guards


@rule(
    "DR-HYGIENE-15",
    title="What a condition can leave out is referred to under that condition",
    outcome=Outcome.REFUSED,
    prevents="Template format error: Unresolved resource dependencies [X] in the Resources (or Outputs) block of the "
    "template, as soon as the condition is false",
    fix="Put the same Condition on what refers to it, or write Fn::If with the condition around the reference.",
    sources=(
        f"{TEMPLATES}/UserGuide/conditions-section-structure.html",
        f"{TEMPLATES}/TemplateReference/intrinsic-function-reference-conditions.html",
        "https://github.com/aws-cloudformation/cfn-lint/blob/main/docs/rules.md",
    ),
)
def conditional_is_referred_to_under_its_condition(app: Assembly) -> Iterator[Breach]:
    """Find a Ref, Fn::GetAtt or Fn::Sub of a resource that is not there for values that a deployment may give."""
    for template in app.templates.values():
        optional = {name: one for name, one in template.resources.items() if "Condition" in one.body}
        if not optional or template.key != template.file:
            continue
        for owner, uses in _readers(template, optional) if is_written_out(template) else ():
            for use in dict.fromkeys(uses):
                needed = optional[use.name].body["Condition"]
                values = _without(template, needed, use.guards)
                if values is not None:
                    given = ", ".join(f"{name} is {_shown(value)}" for name, value in values.items())
                    where = "" if owner is not None else f"{use.place}: "
                    message = f"{where}{use.name} is not there while {needed} is false, e.g. if {given}."
                    path = use.place if owner is not None else ""
                    yield Breach(template=template, resource=owner, path=path, message=message)


def _readers(template: Template, optional: Mapping[str, Resource]) -> Iterator[tuple[Resource | None, list[Use]]]:
    for resource in template.resources.values():
        properties = mapping(resource.body.get("Properties"))
        guards = _guard(resource.body.get("Condition"))
        yield resource, [use for name in properties for use in _uses(properties[name], name, guards, optional)]
    for name, output in template.outputs.items():
        inside = mapping(output)
        place, guards = f"Outputs.{name}", _guard(inside.get("Condition"))
        yield None, list(_uses([inside.get("Value"), inside.get("Export")], place, guards, optional))


def _guard(condition: Any) -> Guards:
    return ((condition, True),) if isinstance(condition, str) else ()


def _uses(value: Any, place: str, guards: Guards, optional: Mapping[str, Resource]) -> Iterator[Use]:
    """Yield the references in a value, with the conditions of the arms of `Fn::If` that they stand in."""
    if isinstance(value, list):
        for item in value:
            yield from _uses(item, place, guards, optional)
    elif isinstance(value, dict):
        arms = value.get("Fn::If")
        if len(value) == 1 and isinstance(arms, list) and len(arms) == 3 and isinstance(arms[0], str):
            yield from _uses(arms[1], place, (*guards, (arms[0], True)), optional)
            yield from _uses(arms[2], place, (*guards, (arms[0], False)), optional)
            return
        for name in _names(value) if len(value) == 1 else ():
            if name in optional:
                yield Use(name, place, guards)
        for item in value.values():
            yield from _uses(item, place, guards, optional)


def _names(value: Mapping[str, Any]) -> Iterator[str]:
    function, argument = next(iter(value.items()))
    first: Any = argument[0] if isinstance(argument, list) and argument else argument
    if function in ("Ref", "Fn::GetAtt") and isinstance(first, str):
        yield first.partition(".")[0] if function == "Fn::GetAtt" and argument is first else first
    elif function == "Fn::Sub" and isinstance(first, str):
        own = mapping(argument[1]) if isinstance(argument, list) and len(argument) > 1 else {}
        yield from (name for name in map(str.strip, _PLACEHOLDER.findall(first)) if name not in own)


def _without(template: Template, needed: Any, guards: Guards) -> dict[str, Any] | None:
    """Return values of parameters for which a place is read and what it names is not there; ``None`` for none."""
    names = [needed, *(name for name, _ in guards)]
    if not all(isinstance(name, str) and name in template.conditions for name in names) or (needed, True) in guards:
        return None
    # A rule may keep a deployment from giving some values together.
    ruled = set(named_in(template.document.get("Rules"), "Ref", template.parameters))
    for values in _deployments(template, names):
        if ruled.intersection(values):
            return None
        conditions = Conditions(template, values=values)
        if conditions.holds(needed) is False and all(conditions.holds(name) is wanted for name, wanted in guards):
            return values
    return None


def _deployments(template: Template, conditions: list[str]) -> Iterator[dict[str, Any]]:
    """Yield what the parameters behind some conditions may be: the defaults, and one at a time another value."""
    named: list[str] = []
    compared: list[Any] = []
    waiting, seen = list(conditions), set()
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            body = template.conditions[name]
            compared += _literals(body)
            waiting += named_in(body, "Condition", template.conditions)
            named += named_in(body, "Ref", template.parameters)
    parameters = {name: _candidates(template, name, compared) for name in dict.fromkeys(named)}
    open_ = [name for name in parameters if "Default" not in mapping(template.parameters[name])]
    usual = [[(name, value) for value in (found if name in open_ else found[:1])] for name, found in parameters.items()]
    for chosen in islice(product(*usual), MAX_DEPLOYMENTS):
        yield dict(chosen)
        for name, found in parameters.items():
            for value in found[1:] if name not in open_ else ():
                yield {**dict(chosen), name: value}


def _literals(body: Any) -> list[Any]:
    """Return what the comparisons of a condition compare with, as text."""
    if isinstance(body, dict):
        sides = body.get("Fn::Equals")
        own = [_text(side) for side in sides if isinstance(side, str | int)] if isinstance(sides, list) else []
        return own + [found for item in body.values() for found in _literals(item)]
    return [found for item in body for found in _literals(item)] if isinstance(body, list) else []


def _candidates(template: Template, name: str, compared: list[Any]) -> list[Any]:
    """Return values that a parameter may have, the default first; only the certain one in a nested stack."""
    declared = mapping(template.parameters[name])
    if template.parent is not None or str(declared.get("Type", "")).startswith("AWS::SSM::"):
        known = template.certainly({"Ref": name})
        return [known] if is_known(known) else []
    allowed = declared.get("AllowedValues")
    others = allowed if isinstance(allowed, list) else [*compared, *([] if "AllowedPattern" in declared else [OTHER])]
    default = [_text(declared["Default"])] if "Default" in declared else []
    return list(dict.fromkeys([*default, *map(_text, others)]))


def _text(value: Any) -> str:
    return str(spelling(value))


def _shown(value: Any) -> str:
    return "another value" if value == OTHER else repr(value)
