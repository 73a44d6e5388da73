"""ARNs of resources as patterns: what a policy names, compared with what a call is about.

A name that CloudFormation generates is a token of its own in a pattern: it equals itself wherever it is referred to,
and it may match a wildcard, but never the literal name of something else. Where the name of the stack is known, so is
how the generated names of some types begin.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

from breakwater_guards.aws.globs import ARN_FIELDS, may_be_equal, pattern_of
from breakwater_guards.aws.statements import Condition
from breakwater_guards.facts import facts
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.mentions import mentioned
from breakwater_guards.model.template import Resource, Template
from breakwater_guards.model.values import ABSENT, UNKNOWN, Reference, Text, split_text
from breakwater_guards.model.views import view

TOKEN = re.compile("\ue000[^\ue001]*\ue001")
_BEGINNING = re.compile("\ue000(?:[^\ue001]*\ue003([^\ue002]*))?[^\ue001]*\ue001")
_WILDCARD, _STAR = re.compile(r"(\$\{[^}]*\})|[*?]"), "\ue004"
STACK_PART = 16  # CloudFormation cuts the stack's part of a long name, but never to less
_VARIABLE = re.compile(r"\$\{[^}]*\}|\?|\*+")
_SEPARATORS = re.compile(r"[:/*?]")
_PARTS = re.compile(r"([:/])")


def pattern(app: Assembly, value: Any) -> str:
    """Return a resolved value as a pattern: text, ``*`` for what is not known, tokens for generated names."""
    if isinstance(value, Text):
        return "".join(pattern(app, part) for part in value.parts)
    if isinstance(value, str):
        return _VARIABLE.sub("*", value)
    return _of_reference(app, value) if isinstance(value, Reference) else "*"


def patterns_of(app: Assembly, condition: Condition) -> list[str]:
    """Return the values of a condition as patterns; `StringEquals` has no wildcards, so its stars match themselves."""
    exact = "StringEquals" in condition.operator
    return [pattern(app, _literally(value) if exact else value) for value in condition.values]


def arn_of(app: Assembly, resource: Resource) -> str:
    """Return the ARN of a resource as a pattern; ``*`` for a type whose ARNs are not known here."""
    row = _types().get(resource.type)
    if row is None:
        return "*"
    template = resource.template
    name = _name(app, resource, row)
    if "/{name}" in row["arn"]:
        name = name.removeprefix("/")  # as in the name of a parameter, whose ARN has the slash once
    given = row["arn"].replace("{region}", template.region or "*").replace("{account}", template.account or "*")
    return str(given).replace("{name}", name)


def may_match(one: str, other: str) -> bool:
    """Tell whether two ARN patterns can mean the same resource; fields are compared one by one."""
    fields, others = one.split(":", ARN_FIELDS - 1), other.split(":", ARN_FIELDS - 1)
    if len(fields) != len(others):
        return "*" in min(fields, others, key=len)[-1]  # a wildcard may stand for the rest of an ARN
    return all(map(_may_be_same, fields, others))


def may_be_source(text: str, caller: str) -> bool:
    """Tell whether a condition's value can mean the ARN for which a service calls.

    That ARN has a Region and an account where its kind has them, known or not, and S3 sends the ARN of the bucket,
    never of objects: https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html
    """
    fields, others = text.split(":", ARN_FIELDS - 1), caller.split(":", ARN_FIELDS - 1)
    if len(fields) == len(others) == ARN_FIELDS:
        if any(own == "" and other == "*" for own, other in zip(fields[3:5], others[3:5], strict=True)):
            return False
        if others[2] == "s3" and others[3] == "" and "/" in fields[5] and "/" not in others[5]:
            return False
    return may_match(text, caller)


def resource_named(app: Assembly, value: Any, near: Template, *kinds: str) -> Resource | None:
    """Return the resource of some types that a value names: by reference, ARN or physical name.

    Args:
        app: where to look.
        value: a resolved property.
        near: template of the property.
        kinds: CloudFormation types that count; none means every type.

    Returns:
        The resource, or ``None`` when it is not part of the assembly or not certain.
    """
    found = app.target(value)
    if found is None and isinstance(value, str | Text) and not _open(value):
        text = pattern_of(value)
        last = re.split(r"[:/]", text.removesuffix(":*"))[-1]
        named = [item for item in view(app, _by_name).get(last, ()) if not kinds or item.type in kinds]
        if text.startswith("arn:"):
            named = [item for item in named if may_match(text.removesuffix(":*"), arn_of(app, item).removesuffix(":*"))]
        if len(named) > 1:
            named = [item for item in named if item.template is near]
        found = named[0] if len(named) == 1 else None
    return found if found is not None and (not kinds or found.type in kinds) else None


def names_arn(app: Assembly, value: Any) -> bool:
    """Tell whether a policy's resource may be an ARN or a wildcard: false for a name or a URL."""
    first = value.parts[0] if isinstance(value, Text) else value
    if isinstance(first, str):
        return first.startswith(("arn:", "*"))
    target = app.target(first) if isinstance(first, Reference) else None
    row = _types().get(target.type) if target is not None else None
    if row is None or not isinstance(first, Reference):
        return True
    if not first.attribute:
        return row["ref"] not in ("name", "url")
    return first.attribute.lower().endswith("arn") or first.attribute in row.get("attributes", {})


def is_here(app: Assembly, value: Any) -> bool:
    """Tell whether an ARN that is made from a resource of the assembly has that resource's Region and account.

    What has neither in its ARN, e.g. a hosted zone, is everywhere; a custom resource may copy a table to its Regions.
    """
    target = app.target(value) if isinstance(value, Text) else None
    fields = split_text(value, ":")
    if target is None or target.type in facts("iam_involved")["in_many_regions"] or len(fields) < ARN_FIELDS:
        return True
    region, account = fields[3:5]
    here = _may_be_place(region, target.template.region) or _is_copied(app, target, region)
    return here and _may_be_place(account, target.template.account)


def _literally(value: Any) -> Any:
    """Return a value whose wildcards, apart from those in ``${…}``, are characters that nothing else contains."""
    if isinstance(value, Text):
        return Text(tuple(map(_literally, value.parts)))
    return _WILDCARD.sub(lambda found: found[1] or _STAR, value) if isinstance(value, str) else value


def _types() -> dict[str, Any]:
    rows: dict[str, Any] = facts("arns")["types"]
    return rows


def _of_reference(app: Assembly, value: Reference) -> str:
    target = app.target(value)
    row = _types().get(target.type) if target is not None else None
    if target is None or row is None:
        return "*"
    if value.attribute:
        ending = {"Arn": "", **row.get("attributes", {})}.get(value.attribute)
        return "*" if ending is None else f"{arn_of(app, target)}{ending}"
    return {"arn": arn_of(app, target), "name": _name(app, target, row)}.get(row["ref"], "*")


def _name(app: Assembly, resource: Resource, row: dict[str, Any]) -> str:
    """Return the physical name: as given, or a token that stands for the generated one; with the path before it."""
    given = resource.get(row["name"]) if row["name"] else ABSENT
    if given is ABSENT:
        place = f"{_SEPARATORS.sub('_', resource.template.key)}\ue003{_beginning(resource)}"
        name = f"\ue000{place}\ue002{resource.logical_id}\ue001"
    else:
        name = pattern(app, given) if isinstance(given, str | Text | Reference) else "*"
    return _below(app, resource, row) + name


def _beginning(resource: Resource) -> str:
    """Return how CloudFormation begins a name that it generates: with that of the outermost stack."""
    if resource.type not in facts("arns")["begin_with_the_stack"]:
        return ""
    template = resource.template
    while template.parent is not None:
        template = template.parent.template
    return f"{template.stack_name}-"[:STACK_PART] if template.stack_name else ""


def _open_end(text: str) -> str:
    """Return a pattern in which generated names are open, apart from how they begin."""
    return _BEGINNING.sub(lambda token: f"{token[1] or ''}*", text)


def _below(app: Assembly, resource: Resource, row: dict[str, Any]) -> str:
    """Return what stands before a name in its ARN: the path of a role, the bus of a rule."""
    values = resource.options(row.get("below", "-"))
    if values == [ABSENT]:
        return ""
    text = pattern(app, values[0]).rsplit(":", 1)[-1].removeprefix("event-bus/").strip("/") if len(values) == 1 else "*"
    return "" if text in ("", "default") else f"{text}/"


def _may_be_same(one: str, other: str) -> bool:
    """Compare one field part by part; from the first wildcard on, generated names may match it."""
    if one == other or "*" in (one, other):
        return True
    parts, others = _PARTS.split(one), _PARTS.split(other)
    for index, (part, its) in enumerate(zip(parts, others, strict=False)):
        generated, theirs = TOKEN.match(part), TOKEN.match(its)
        if generated and theirs and generated[0] != theirs[0]:
            return False
        if ("*" in part or "*" in its) and not _is_other(part, its) and not _is_other(its, part):
            return may_be_equal(*(_open_end("".join(items[index:])) for items in (parts, others)))
        if part != its:
            return False
    return len(parts) == len(others)


def _is_other(generated: str, literal: str) -> bool:
    """Tell whether one part has a generated name, and the other is the literal name of something else."""
    return "\ue000" in generated and "\ue000" not in literal and "*" not in literal


def _open(value: str | Text) -> bool:
    """Tell whether a part of a text can be anything; a Region or an account is the same wherever it is written."""
    return isinstance(value, Text) and (UNKNOWN in value.parts or bool(value.references))


def _by_name(app: Assembly) -> dict[str, list[Resource]]:
    """Return resources by the last part of their physical name, where the templates state it."""
    found: dict[str, list[Resource]] = defaultdict(list)
    for kind, row in _types().items():
        for resource in app.of_type(kind) if row["name"] else ():
            name = resource.get(row["name"])
            if isinstance(name, str | Text) and not _open(name):
                found[pattern_of(name).rsplit("/", 1)[-1]].append(resource)
    return found


def _may_be_place(field: Any, own: str | None) -> bool:
    return not isinstance(field, str) or not field or not own or may_match(field, own)


def _is_copied(app: Assembly, target: Resource, region: str) -> bool:
    """Tell whether a custom resource names a Region together with what it copies to it."""
    return any(
        item.type.startswith("Custom::")
        and f'"{region}"' in item.text
        and target.reference in mentioned(item.template, item.body)
        for template in app.templates.values()
        for item in template.resources.values()
    )
