"""AWS Backup: plans that select something, data that some plan selects, restore tests that can be created."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from breakwater_guards.aws.backups import PLAN, SELECTION, Coverage, data_resources, services_of_plans
from breakwater_guards.aws.globs import pattern_of
from breakwater_guards.aws.names import misnamed
from breakwater_guards.model.applications import same_application
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.lookup import Lookup
from breakwater_guards.model.scalars import as_bool
from breakwater_guards.model.transforms import may_change
from breakwater_guards.model.values import Text
from breakwater_guards.model.views import view
from breakwater_guards.rule import Breach, Outcome, breach, readable, rule, show

GUIDE = "https://docs.aws.amazon.com/aws-backup/latest/devguide"
MAX_SELECTION_NAME = 50
_NAME = re.compile(r"^[A-Za-z0-9_]*$")


@rule(
    "DR-BACKUP-01",
    title="Every backup plan selects something",
    outcome=Outcome.SILENT,
    prevents="The plan deploys, its schedule passes, and no backup is ever made: nothing is assigned to it",
    fix="Add an AWS::Backup::BackupSelection with the plan's id and the ARNs or tags of what it protects.",
    sources=(f"{GUIDE}/assigning-resources.html",),
)
def plan_has_selection(app: Assembly) -> Iterator[Breach]:
    """Find a plan that no selection of the assembly refers to."""
    chosen = [app.target(selection.get("BackupPlanId")) for selection in app.of_type(SELECTION)]
    if None in chosen:
        return  # the plan of a selection that only the deployment knows may be this one
    selected = {plan.reference for plan in chosen if plan is not None}
    for plan in app.of_type(PLAN):
        if plan.reference not in selected and not may_change(plan.template):
            yield breach(plan, "", "no AWS::Backup::BackupSelection refers to this plan.")


@rule(
    "DR-BACKUP-02",
    title="Every Aurora cluster and DynamoDB table is in a backup plan",
    outcome=Outcome.POLICY,
    prevents="The application has backup plans, and this resource is in none of them: after a deletion or a bad write "
    "there is no recovery point in the vault",
    fix="Add the resource's ARN to a selection, or give it the tag that a selection asks for.",
    sources=(f"{GUIDE}/assigning-resources.html", f"{GUIDE}/API_BackupSelection.html"),
)
def data_is_in_a_plan(app: Assembly) -> Iterator[Breach]:
    """Find a cluster or table that no selection of the whole assembly covers by ARN, wildcard or tag."""
    coverage = view(app, Coverage)
    for resource in data_resources(app) if coverage.selections else ():
        around = [item for item in coverage.selections if same_application(item.resource.template, resource.template)]
        if around and not coverage.may_include(resource) and not may_change(resource.template):
            count = "the only backup selection" if len(around) == 1 else f"any of the {len(around)} backup selections"
            yield breach(resource, "", f"not in {count} of the application; allowed: by ARN, wildcard or tag.")


@rule(
    "DR-BACKUP-07",
    title="Names of restore testing plans have only letters, digits and underscores",
    outcome=Outcome.REFUSED,
    prevents="Restore testing names must contain only alphanumeric characters and underscores: the stack fails at the "
    "plan, after everything that it depends on was created",
    fix="Use underscores instead of hyphens and dots; a Region's name needs them replaced too. At most 50 characters.",
    sources=(
        f"{GUIDE}/API_RestoreTestingPlanForCreate.html",
        f"{GUIDE}/API_RestoreTestingSelectionForCreate.html",
        "https://github.com/pulumi/pulumi-aws/pull/5574",
    ),
)
def restore_test_names_are_valid(app: Assembly) -> Iterator[Breach]:
    """Find a hyphen, dot or blank in the name of a restore testing plan or selection."""
    for kind, names in (
        ("AWS::Backup::RestoreTestingPlan", ("RestoreTestingPlanName",)),
        ("AWS::Backup::RestoreTestingSelection", ("RestoreTestingPlanName", "RestoreTestingSelectionName")),
    ):
        for resource in app.of_type(kind):
            for name in names:
                for value in resource.given(name):
                    if not _is_valid_name(value):
                        allowed = f"letters, digits and underscores, at most {MAX_SELECTION_NAME}"
                        yield breach(resource, name, f"{show(value)}; allowed: {allowed}.")


@rule(
    "DR-BACKUP-08",
    title="Continuous backup is planned only for resources that support it",
    outcome=Outcome.LATER,
    prevents="DynamoDB has no continuous backup in AWS Backup: the rule falls back to snapshots in silence; a vault "
    "cannot recover to a point in time",
    fix="Use PointInTimeRecoverySpecification on the table for recovery to a point in time, and snapshots in the plan.",
    sources=(f"{GUIDE}/point-in-time-recovery.html", f"{GUIDE}/backup-feature-availability.html"),
)
def continuous_backup_is_supported(app: Assembly) -> Iterator[Breach]:
    """Find EnableContinuousBackup in a plan that selects DynamoDB tables only."""
    services = view(app, services_of_plans)
    for plan in app.of_type(PLAN):
        continuous = plan.options("BackupPlan.BackupPlanRule[].EnableContinuousBackup")
        if services.get(plan.reference) == {"dynamodb"} and True in map(as_bool, continuous):
            path = "BackupPlan.BackupPlanRule[].EnableContinuousBackup"
            yield breach(plan, path, "true, but the plan selects DynamoDB tables only.")


@rule(
    "DR-BACKUP-13",
    title="A restore testing plan takes recovery points that its resources have",
    outcome=Outcome.SILENT,
    prevents="No error is reported: AWS Backup finds no recovery point to test, and no restore is ever tried",
    fix="Add SNAPSHOT to RecoveryPointSelection.RecoveryPointTypes, and refer to vaults by their attribute.",
    sources=(f"{GUIDE}/backup-feature-availability.html", f"{GUIDE}/API_RestoreTestingRecoveryPointSelection.html"),
)
def restore_tests_find_recovery_points(app: Assembly) -> Iterator[Breach]:
    """Find a plan for continuous recovery points alone, a selection of a type that has none, and a vault that is not.

    A vault elsewhere is fine; its name is only wrong where it is nearly that of one here.
    """
    for test in app.of_type("AWS::Backup::RestoreTestingPlan"):
        for value in test.given("RecoveryPointSelection.IncludeVaults[]"):
            name = pattern_of(value).rpartition(":")[2]
            allowed = misnamed(app, test.template, name, "AWS::Backup::BackupVault")
            if allowed:
                message = f"no vault is called {readable(name)!r}; allowed: {readable(allowed)}."
                yield breach(test, "RecoveryPointSelection.IncludeVaults", message)
    plans = Lookup(app, "AWS::Backup::RestoreTestingPlan", name="RestoreTestingPlanName")
    for selection in app.of_type("AWS::Backup::RestoreTestingSelection"):
        plan = plans.find(selection.get("RestoreTestingPlanName"), selection.template)
        kind = selection.get("ProtectedResourceType")
        path = "RecoveryPointSelection.RecoveryPointTypes"
        if plan is None or not isinstance(kind, str) or kind in _CONTINUOUS or plan.get(path) != ["CONTINUOUS"]:
            continue
        yield breach(
            plan, path, f"CONTINUOUS alone, but {selection.logical_id} tests {kind}, which has snapshots only."
        )


_CONTINUOUS = ("Aurora", "RDS", "S3", "SAP HANA on Amazon EC2")


def _is_valid_name(value: Any) -> bool:
    """Judge the known parts of a name: one hyphen is enough, whatever the deployment adds."""
    if not isinstance(value, str | Text):
        return True
    known = [part for part in value.parts if isinstance(part, str)] if isinstance(value, Text) else [value]
    return all(map(_NAME.match, known)) and sum(map(len, known)) <= MAX_SELECTION_NAME
