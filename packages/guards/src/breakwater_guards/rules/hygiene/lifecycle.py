"""Resources that outlive their stack, and what a rollback or a deletion makes of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from breakwater_guards.aws.items import Item, items
from breakwater_guards.aws.key_policies import keys_of
from breakwater_guards.facts import facts
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import ABSENT, UNKNOWN, Opaque, Text
from breakwater_guards.rule import Breach, Outcome, breach, rule, show

POLICY = "DeletionPolicy"
STABLE = frozenset({"region", "account", "AWS::Partition", "AWS::StackName", "AWS::URLSuffix"})
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
                path = facts("physical_names")["properties"].get(resource.type, "")
                if path and any(map(_is_own, resource.given(path))):
                    stays = f"{show(resource.given(path)[0])} stays when its creation is rolled back (Retain)"
                    yield breach(resource, path, f"{stays}; allowed: RetainExceptOnCreate.")


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
                        if needed and needed not in told and not _is_kept(needed) and needed.type.startswith("AWS"):
                            told.add(needed)
                            yield breach(
                                needed,
                                "",
                                f"{needed.logical_id} is deleted, but {owner.logical_id}, which is retained, needs it.",
                            )


@rule(
    "DR-HYGIENE-11",
    title="The stack keeps what is protected or locked against deletion",
    outcome=Outcome.LATER,
    prevents="DELETE_FAILED or ROLLBACK_FAILED: deletion protection is enabled; the bucket or vault is not empty, and "
    "no one can empty it before its lock ends: the stack is to delete what AWS refuses to delete",
    fix="Set DeletionPolicy to RetainExceptOnCreate, or leave the protection out where the stack is meant to go.",
    sources=(
        PAGE,
        "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html",
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html",
        "https://docs.aws.amazon.com/aws-backup/latest/devguide/vault-lock.html",
    ),
    data="lifecycle",
)
def protected_from_its_stack(app: Assembly) -> Iterator[Breach]:
    """Find a protected balancer, table or user pool, or a lock that nobody can lift, and a stack that deletes it."""
    for kind, row in facts("lifecycle")["protected"].items():
        for resource in app.of_type(kind):
            policy = resource.attribute(POLICY)
            if policy in (ABSENT, "Delete", "Snapshot") and not _is_kept(resource):
                for item in items(resource, row.get("each", "")):
                    for value in item.options(row["path"]) if _is_meant(item, row) else ():
                        if _protects(value, row):
                            how = "left out protects it" if value is ABSENT else f"{show(value)} protects it"
                            message = f"{how}, and the stack deletes it: DeletionPolicy is {show(policy)}."
                            yield breach(resource, item.place(row["path"]), message)


@rule(
    "DR-HYGIENE-12",
    title="The key of what is retained is retained, too",
    outcome=Outcome.LATER,
    prevents="No error is reported: the stack keeps the data and schedules the deletion of its key; when the waiting "
    "period ends, nobody can read the data again",
    fix="Give the key DeletionPolicy: RetainExceptOnCreate (or Retain), as the data has, or its nested stack.",
    sources=("https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html", PAGE),
    data="lifecycle",
)
def key_of_what_is_retained(app: Assembly) -> Iterator[Breach]:
    """Find a key that goes with its stack, and a resource encrypted with it that stays, or whose snapshot does."""
    told = set()
    for kind, paths in facts("lifecycle")["keys"].items():
        for owner in app.of_type(kind):
            if not _is_kept(owner) and owner.attribute(POLICY) != "Snapshot":
                continue
            for value in (value for path in paths for value in owner.given(path)):
                for key in keys_of(app, value):
                    if key not in told and not _is_kept(key):
                        told.add(key)
                        yield breach(
                            key,
                            "",
                            f"{key.logical_id} is deleted, but {owner.logical_id}, which is kept, needs it.",
                        )


def _is_own(name: Any) -> bool:
    """Tell whether a name is the same at each attempt: of text, and of what a stack keeps when it is made anew."""
    if isinstance(name, Text):
        return all(isinstance(part, str) or (isinstance(part, Opaque) and part.kind in STABLE) for part in name.parts)
    return isinstance(name, str) and bool(name) and "{{resolve:" not in name


def _is_meant(item: Item, row: Mapping[str, Any]) -> bool:
    """Tell whether an entry of a list is the one that a row is about; a row without ``key`` is about all."""
    name, wanted = row.get("key", ("", ""))
    return not name or item.options(name) == [wanted]


def _protects(value: Any, row: Mapping[str, Any]) -> bool:
    """Tell whether a value switches a protection on; an empty list of values stands for any value."""
    if value is ABSENT:
        return bool(row.get("default"))
    on = row.get("on", ["true"])
    return value is not UNKNOWN and (not on or show(value).strip("'").lower() in on)


def _is_kept(resource: Resource) -> bool:
    """Tell whether a resource stays when the root stack is deleted: by its own policy, or with a nested stack."""
    here: Resource | None = resource
    while here is not None:
        if here.attribute(POLICY) in facts("lifecycle")["kept"]:
            return True
        here = here.template.parent
    return False
