"""Resources that outlive their stack, and what a rollback or a deletion makes of them."""

from __future__ import annotations

from collections.abc import Iterator

from breakwater_guards.aws.items import items
from breakwater_guards.aws.tags import physical_name
from breakwater_guards.facts import facts
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Resource
from breakwater_guards.rule import Breach, Outcome, breach, rule

POLICY = "DeletionPolicy"
PAGE = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html"


@rule(
    "DR-HYGIENE-09",
    title="What has a name and is retained is deleted with a creation that fails",
    outcome=Outcome.LATER,
    prevents="Resource of type … with identifier … already exists: the first deployment was rolled back, Retain kept "
    "the resource, and each further attempt collides with its name",
    fix="Write DeletionPolicy: RetainExceptOnCreate, or let CloudFormation make the name.",
    sources=(PAGE,),
    data="lifecycle",
)
def named_and_retained(app: Assembly) -> Iterator[Breach]:
    """Find a resource with a physical name of its own and `DeletionPolicy: Retain`."""
    for template in app.templates.values():
        for resource in template.resources.values():
            if resource.exists and resource.attribute(POLICY) == "Retain":
                named = physical_name(resource)
                if named is not None:
                    yield breach(
                        resource,
                        named[0],
                        f"{named[1]!r} stays when its creation is rolled back (Retain); allowed: RetainExceptOnCreate.",
                    )


@rule(
    "DR-HYGIENE-10",
    title="What a retained resource needs is retained, too",
    outcome=Outcome.LATER,
    prevents="DELETE_FAILED: resource sg-… has a dependent object (DependencyViolation): the stack cannot be "
    "deleted, as the database that stays still uses the subnets and groups that go",
    fix="Give the resource, or the nested stack that it is in, the same DeletionPolicy.",
    sources=(
        "https://github.com/aws/aws-cdk/issues/22141",
        "https://github.com/aws/aws-cdk/issues/5282",
        PAGE,
    ),
    data="lifecycle",
)
def needed_by_what_is_retained(app: Assembly) -> Iterator[Breach]:
    """Find a subnet, group or VPC that its stack deletes under a database that it keeps."""
    told = set()
    for kind, paths in facts("lifecycle")["needs"].items():
        for owner in app.of_type(kind):
            if not _is_kept(owner):
                continue
            for item in items(owner):
                for path in paths:
                    for value in item.given(path):
                        needed = app.target(value)
                        if (
                            needed is not None
                            and needed not in told
                            and not _is_kept(needed)
                            and needed.type.startswith("AWS")
                        ):
                            told.add(needed)
                            yield breach(
                                needed, "", f"is deleted, but {owner.logical_id}, which is retained, needs it."
                            )


def _is_kept(resource: Resource) -> bool:
    """Tell whether a resource stays when the root stack is deleted: by its own policy, or with a nested stack."""
    here: Resource | None = resource
    while here is not None:
        if here.attribute(POLICY) in facts("lifecycle")["kept"]:
            return True
        here = here.template.parent
    return False
