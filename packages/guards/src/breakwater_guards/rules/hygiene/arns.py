"""ARNs where ARNs are wanted, and names where names are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from breakwater_guards.facts import facts
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import Reference
from breakwater_guards.rule import Breach, Outcome, breach, rule, show
from breakwater_guards.rules.hygiene.reference_graph import ATTRIBUTE, REF, namings_of

_URL = ("http://", "https://")


@rule(
    "DR-HYGIENE-13",
    title="A property that takes an ARN is given one, and one that takes a name is given that",
    outcome=Outcome.REFUSED,
    prevents="ARN … is invalid (InvalidParameterValueException); … is not a valid ARN; failed to satisfy constraint: "
    "Member must satisfy regular expression pattern: arn:…",
    fix="Use Fn::GetAtt with Arn (or the attribute that holds it) where Ref is a name, an id or a URL, and Ref where a "
    "name is wanted.",
    sources=(
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html",
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html",
        "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutMetricFilter.html",
    ),
    data="arns",
)
def arns_are_arns(app: Assembly) -> Iterator[Breach]:
    """Find a name, an id or a URL in the place of an ARN, or an ARN in that of a name."""
    known = facts("arns")
    wanted = {kind: list(paths) for kind, paths in known["wanted"].items()}
    named: dict[str, dict[str, list[str]]] = {}
    for kind, path, types in _by_name(app):
        if types:
            named.setdefault(kind, {})[path] = types
        elif path not in wanted.setdefault(kind, []):
            wanted[kind].append(path)
    for kind, paths in wanted.items():
        strict = set(known["wanted"].get(kind, ()))
        for resource, path, value in _values(app, kind, paths):
            if isinstance(value, Reference) and _is_no_arn(app, value):
                yield breach(resource, path.replace("[]", ""), f"{_written(value)} is no ARN.")
            elif isinstance(value, str) and value and (value.startswith(_URL) or (path in strict and _is_text(value))):
                yield breach(resource, path.replace("[]", ""), f"{show(value)} is no ARN; allowed: arn:….")
    for kind, types_of in named.items():
        for resource, path, value in _values(app, kind, types_of):
            target = app.target(value) if isinstance(value, Reference) and _is_arn(app, value) else None
            if target is not None and target.type in types_of[path]:
                message = f"{_written(value)} is an ARN; allowed: Ref {target.logical_id}, its name."
                yield breach(resource, path.replace("[]", ""), message)


def _by_name(app: Assembly) -> Iterator[tuple[str, str, list[str]]]:
    """Yield properties that refer to something, and whose own name says that they take an ARN or a name.

    Yields:
        A resource type, the path of a property, and the types whose name it takes; none for an ARN.
    """
    known = facts("arns")
    seen = set()
    for template in app.templates.values():
        for naming in namings_of(template) if template.key == template.file else ():
            owner = template.resources.get(naming.owner)
            if owner is None or naming.kind not in (REF, ATTRIBUTE) or not owner.type.startswith("AWS::"):
                continue
            path = _property(naming.place)
            last = path.rpartition(".")[2].removesuffix("[]")
            types = known["names"].get(last, ())
            if not types and not last.endswith(("Arn", "ARN")):
                continue
            if (owner.type, path) in seen or owner.type.startswith(tuple(known["takes_either"])):
                continue
            seen.add((owner.type, path))
            if not {*known["maps"]}.intersection(path.replace("[]", "").split(".")[:-1]):
                yield owner.type, path, types


def _property(place: Any) -> str:
    """Return the path of the property that a place is in; empty inside another function than a condition."""
    steps: list[Any] = []
    while place is not None:
        place, step = place
        if step == "Fn::If":
            del steps[-1:]  # which of the arms
        elif not isinstance(step, str):
            steps.append("[]")
        elif step.startswith("Fn::"):
            return ""
        else:
            steps.append(f".{step}")
    return "".join(reversed(steps))[1:]


def _values(app: Assembly, kind: str, paths: Any) -> Iterator[tuple[Resource, str, Any]]:
    for resource in app.of_type(kind):
        for path in paths:
            for value in resource.given(path):
                yield resource, path, value


def _is_no_arn(app: Assembly, value: Reference) -> bool:
    known, target = facts("arns"), app.target(value)
    kind = target.type if target is not None else ""
    if value.attribute:
        return value.attribute in known["no_arns"].get(kind, ())
    by_name = kind in known["named_by_ref"] or known["types"].get(kind, {}).get("ref") == "name"
    return by_name and not kind.startswith("AWS::KMS::")  # many calls take the id of a key for its ARN


def _is_arn(app: Assembly, value: Reference) -> bool:
    target = app.target(value)
    row = facts("arns")["types"].get(target.type) if target is not None else None
    return row is not None and value.attribute in ("Arn", *row.get("attributes", {}))


def _is_text(value: str) -> bool:
    return not value.startswith(("arn:", "*", "{{resolve:"))


def _written(value: Reference) -> str:
    return f"{value.logical_id}.{value.attribute}" if value.attribute else f"Ref {value.logical_id}"
