"""Hygiene: what happens to data when a stack goes, and how far templates are from CloudFormation's quotas."""

from __future__ import annotations

from collections.abc import Iterator

from breakwater_guards.facts import facts
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import ABSENT
from breakwater_guards.rule import Breach, Severity, breach, rule

POLICIES = ("DeletionPolicy", "UpdateReplacePolicy")


@rule(
    "DR-HYGIENE-03",
    title="What holds data says what becomes of it",
    severity=Severity.WARNING,
    prevents="Nothing says so: a deleted stack or a replaced resource takes the data along (the default is Delete)",
    fix="Set DeletionPolicy and UpdateReplacePolicy to Retain or Snapshot; to Delete where losing the data is meant.",
    sources=(
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html",
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-updatereplacepolicy.html",
    ),
    data="stateful_types",
)
def data_has_a_policy(app: Assembly) -> Iterator[Breach]:
    """A database, table, bucket, file system, key or vault without both attributes; members hold no data."""
    for resource in app.of_type(*facts("stateful_types")["types"]):
        missing = [name for name in POLICIES if name not in resource.body]
        if missing and not _is_a_copy(resource):
            yield breach(resource, "", f"{' and '.join(missing)} not set on {resource.type}.")


@rule(
    "DR-HYGIENE-07",
    title="Templates stay below 80 % of CloudFormation's quotas",
    severity=Severity.WARNING,
    prevents="Template format error: Number of resources, 501, is greater than maximum allowed, 500",
    fix="Move resources into a nested stack of their own before the quota stops a deployment.",
    sources=("https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html",),
    data="cloudformation_quotas",
)
def quotas_are_far(app: Assembly) -> Iterator[Breach]:
    """Resources, parameters, outputs, mappings or bytes of one template at 80 % or more."""
    quotas = facts("cloudformation_quotas")
    for template in app.templates.values():
        if template.key != template.file:
            continue  # a template that several stacks share is judged once
        counts = {
            name: (len(section), quota)
            for name, quota in quotas["sections"].items()
            if isinstance(section := template.document.get(name), dict)
        }
        if app.folder is not None:  # a model in memory has no file
            counts["bytes"] = ((app.folder / template.file).stat().st_size, quotas["bytes"])
        for name, (count, quota) in counts.items():
            if count >= quotas["warn_at"] * quota:
                message = f"{count} {name.lower()}, {count / quota:.0%} of the {quota} that a template may have."
                yield Breach(template=template, resource=None, path="", message=message)


def _is_a_copy(resource: Resource) -> bool:
    """Tell whether another resource holds the data: a member of a cluster, a read replica."""
    paths = facts("stateful_types")["copies"].get(resource.type, ())
    return any(value is not ABSENT for path in paths for value in resource.options(path))
