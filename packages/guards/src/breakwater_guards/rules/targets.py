"""Targets: A property that takes a certain kind of resource, by a certain attribute."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from breakwater_guards.facts import facts
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.values import Reference, Text
from breakwater_guards.rule import Breach, Outcome, breach, rule, show

_IDENTITY = re.compile(r"(\w*?)(arn|id|identifier|name|url)?", re.IGNORECASE)
# What stands for a value of any kind.
_CARRIERS = ("AWS::CloudFormation::", "AWS::SSM::", "Custom::")


@rule(
    "DR-TARGET-01",
    title="A property refers to the kind of resource that it takes, by the attribute that it takes",
    outcome=Outcome.REFUSED,
    prevents="WAFInvalidParameterException: … field: RESOURCE_ARN; The resource label … is invalid; … is not a valid "
    "ARN, after minutes of creation",
    fix="Refer to a resource of an allowed type, by the attribute that the message names.",
    sources=(
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html",
        "https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PredefinedMetricSpecification.html",
        "https://docs.aws.amazon.com/waf/latest/APIReference/API_AssociateWebACL.html",
    ),
    data="targets",
)
def references_are_of_the_kind(app: Assembly) -> Iterator[Breach]:
    """Find a reference to a resource of another type than a property takes, or to another attribute of it."""
    for kind, paths in facts("targets")["takes"].items():
        for resource in app.of_type(kind):
            for path, allowed in paths.items():
                for value in resource.given(path):
                    for reference in _references(value, whole=path not in facts("targets")["labels"]):
                        reason = _other(app, reference, allowed)
                        if reason:
                            yield breach(resource, path.replace("[]", ""), reason)


def _references(value: Any, *, whole: bool) -> tuple[Reference, ...]:
    """Return what a value refers to; a text around a reference makes something else of it, unless it is a label."""
    if isinstance(value, Reference):
        return (value,)
    return value.references if isinstance(value, Text) and not whole else ()


def _other(app: Assembly, reference: Reference, allowed: dict[str, list[str]]) -> str | None:
    target = app.target(reference)
    if target is None or not target.type.startswith("AWS::") or target.type.startswith(_CARRIERS):
        return None
    attributes = allowed.get(target.type)
    if attributes is None:
        if not _is_itself(target.type, reference.attribute):
            return None
        return f"{show(reference)} is of type {target.type}; allowed: {', '.join(allowed)}."
    if attributes and reference.attribute not in attributes:
        right = attributes[0]
        return f"{show(reference)}; allowed is {f'Fn::GetAtt {target.logical_id}.{right}' if right else 'Ref'}."
    return None


def _is_itself(kind: str, attribute: str) -> bool:
    """Tell whether an attribute names its own resource: ``Cluster.Arn`` does, ``ClusterSecurityGroupId`` does not."""
    match = _IDENTITY.fullmatch(attribute)
    return match is not None and kind.rpartition("::")[2].lower().endswith(match[1].lower())
