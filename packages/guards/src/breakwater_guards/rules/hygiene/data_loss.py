"""Any resource with data: what happens to the data when the stack is deleted or the resource replaced."""

from __future__ import annotations

from collections.abc import Iterator

from breakwater_guards.aws.tags import environment_meant, inherited_tag
from breakwater_guards.facts import facts
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import ABSENT
from breakwater_guards.rule import Breach, Outcome, breach, rule, show

POLICIES = ("DeletionPolicy", "UpdateReplacePolicy")
PRODUCTION = "prod"


@rule(
    "DR-HYGIENE-03",
    title="Resources with data state a deletion policy and an update replace policy",
    outcome=Outcome.POLICY,
    prevents="No error is reported: a deleted stack or a replaced resource deletes the data (the default is Delete)",
    fix="Set DeletionPolicy and UpdateReplacePolicy to Retain or Snapshot; to Delete where losing the data is meant.",
    sources=(
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html",
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-updatereplacepolicy.html",
    ),
    data="stateful_types",
)
def data_has_a_policy(app: Assembly) -> Iterator[Breach]:
    """Find a database, table, bucket, file system, key or vault without both attributes; members hold no data."""
    for resource in app.of_type(*facts("stateful_types")["types"]):
        missing = [name for name in POLICIES if name not in resource.body]
        if missing and not _is_a_copy(resource):
            yield breach(resource, "", f"{' and '.join(missing)} not set on {resource.type}.")


@rule(
    "DR-HYGIENE-08",
    title="Production data is kept when its stack is deleted",
    outcome=Outcome.POLICY,
    prevents="No error is reported: `delete-stack`, or a change that replaces the resource, deletes production's data",
    fix="Set DeletionPolicy and UpdateReplacePolicy to Retain (or Snapshot) where the Environment tag says production.",
    sources=(
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html",
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-updatereplacepolicy.html",
    ),
    data="stateful_types",
)
def production_keeps_its_data(app: Assembly) -> Iterator[Breach]:
    """Find a resource with data and `Delete` in a stack whose `Environment` tag is production."""
    known = facts("stateful_types")
    for resource in app.of_type(*(kind for kind in known["types"] if kind not in known["copies"])):
        deleted = [name for name in POLICIES if resource.attribute(name) == "Delete"]
        environment = inherited_tag(resource, "environment") if deleted else None
        for name in deleted:
            if environment and environment_meant(environment) == PRODUCTION:
                yield breach(resource, "", f"{name} is 'Delete' in a stack tagged Environment {show(environment)}.")


@rule(
    "DR-HYGIENE-14",
    title="Snapshot is the policy of resources that have snapshots",
    outcome=Outcome.REFUSED,
    prevents="Template error: resource type AWS::DynamoDB::Table does not support deletion policy Snapshot "
    "(ValidationError)",
    fix="Set Retain or RetainExceptOnCreate, and back the data up with AWS Backup.",
    sources=(
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html",
    ),
    data="lifecycle",
)
def snapshots_exist(app: Assembly) -> Iterator[Breach]:
    """Find `Snapshot` on a type of AWS that has none, in one of both attributes."""
    kinds = facts("lifecycle")["snapshots"]
    for template in app.templates.values():
        for resource in template.resources.values():
            for name in POLICIES:
                if resource.body.get(name) == "Snapshot" and resource.type not in kinds:
                    allowed = "Retain, RetainExceptOnCreate, Delete" if name == POLICIES[0] else "Retain, Delete"
                    yield breach(resource, "", f"{name} is 'Snapshot' on {resource.type}; allowed: {allowed}.")


def _is_a_copy(resource: Resource) -> bool:
    """Tell whether another resource holds the data: a member of a cluster, a read replica."""
    paths = facts("stateful_types")["copies"].get(resource.type, ())
    return any(value is not ABSENT for path in paths for value in resource.options(path))
