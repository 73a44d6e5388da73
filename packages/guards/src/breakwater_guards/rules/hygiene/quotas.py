"""Any template: how far it is from CloudFormation's quotas."""

from __future__ import annotations

from collections.abc import Iterator

from breakwater_guards.facts import facts
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.rule import Breach, Outcome, rule


@rule(
    "DR-HYGIENE-07",
    title="Templates stay below 80 % of CloudFormation's quotas",
    outcome=Outcome.LATER,
    prevents="Template format error: Number of resources, 501, is greater than maximum allowed, 500",
    fix="Move resources into a nested stack of their own before the quota stops a deployment.",
    sources=("https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html",),
    data="cloudformation_quotas",
)
def quotas_are_far(app: Assembly) -> Iterator[Breach]:
    """Find resources, parameters, outputs, mappings or bytes of one template at 80 % or more."""
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
