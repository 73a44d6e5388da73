"""What AWS Backup selects, tests and copies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from breakwater_guards.aws.arns import may_match, pattern
from breakwater_guards.aws.aurora import CLUSTER, INSTANCE
from breakwater_guards.aws.backups import SELECTION
from breakwater_guards.aws.items import items
from breakwater_guards.aws.key_policies import is_closed, keys_of
from breakwater_guards.aws.policies import statements_of
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import ABSENT, is_known
from breakwater_guards.rule import Breach, Outcome, breach, rule

INSIDE = "BackupSelection"
_OPERATORS = ("StringEquals", "StringLike", "StringNotEquals", "StringNotLike")
_TAG = "aws:ResourceTag/"
_NAMING = ("Resources", "NotResources", "ListOfTags")


@rule(
    "DR-BACKUP-10",
    title="A backup selection with conditions also names resources",
    outcome=Outcome.REFUSED,
    prevents="Invalid selection: either resources or tags must be given (InvalidParameterValueException)",
    fix='Add Resources: ["*"]; conditions only narrow what is named, by keys such as aws:ResourceTag/backup.',
    sources=(
        "https://docs.aws.amazon.com/aws-backup/latest/devguide/API_BackupSelection.html",
        "https://docs.aws.amazon.com/aws-backup/latest/devguide/API_ConditionParameter.html",
        "https://github.com/hashicorp/terraform-provider-aws/issues/25436",
    ),
)
def conditions_narrow_resources(app: Assembly) -> Iterator[Breach]:
    """Find a selection that has `Conditions` and neither resources nor tags, and a condition on no tag."""
    for selection in app.of_type(SELECTION):
        named = [value for name in _NAMING for value in selection.options(f"{INSIDE}.{name}")]
        if selection.given(f"{INSIDE}.Conditions") and all(value is ABSENT or value == [] for value in named):
            yield breach(selection, f"{INSIDE}.Conditions", "Conditions alone select nothing; Resources is not set.")
        for operator in _OPERATORS:
            path = f"{INSIDE}.Conditions.{operator}"
            for key in selection.given(f"{path}[].ConditionKey"):
                if isinstance(key, str) and not key.startswith((_TAG, "{{")):
                    yield breach(selection, path, f"{key!r} is no key of a condition; allowed: {_TAG}{key}.")


@rule(
    "DR-BACKUP-11",
    title="A restore testing plan has a selection",
    outcome=Outcome.SILENT,
    prevents="No error is reported: the plan runs on its schedule, and nothing is ever restored",
    fix="Add an AWS::Backup::RestoreTestingSelection with the plan's name.",
    sources=("https://docs.aws.amazon.com/aws-backup/latest/devguide/restore-testing.html",),
)
def restore_plans_select(app: Assembly) -> Iterator[Breach]:
    """Find a restore testing plan that no selection names."""
    selections = list(app.of_type("AWS::Backup::RestoreTestingSelection"))
    named = [value for item in selections for value in item.options("RestoreTestingPlanName")]
    for plan in app.of_type("AWS::Backup::RestoreTestingPlan"):
        name = plan.get("RestoreTestingPlanName")
        if not any(_may_name(app, value, plan, name) for value in named):
            yield breach(plan, "", "no selection belongs to this plan; a plan without one restores nothing.")


@rule(
    "DR-BACKUP-12",
    title="The key of what is copied to another account admits that account",
    outcome=Outcome.SILENT,
    prevents="Copy job failed: the source snapshot KMS key does not exist, is not enabled or you do not have "
    "permissions to access it",
    fix="Let the other account use kms:Decrypt, DescribeKey and CreateGrant in the policy of the database's key; the "
    "key aws/rds cannot leave its account.",
    sources=(
        "https://repost.aws/knowledge-center/backup-troubleshoot-cross-account-copy",
        "https://docs.aws.amazon.com/aws-backup/latest/devguide/create-cross-account-backup.html",
    ),
)
def keys_admit_the_other_account(app: Assembly) -> Iterator[Breach]:
    """Find a copy to a vault of another account of a database whose key's policy does not name that account."""
    for selection in app.of_type(SELECTION):
        plan = app.target(selection.get("BackupPlanId"))
        selected = [app.target(value) for value in selection.given(f"{INSIDE}.Resources[]")]
        databases = [item for item in selected if item is not None and item.type in (CLUSTER, INSTANCE)]
        for copy in items(plan, "BackupPlan.BackupPlanRule[].CopyActions[]") if plan is not None else ():
            for vault in copy.given("DestinationBackupVaultArn"):
                account = pattern(app, vault).split(":")[4:5]
                for database in databases if account and account[0].isdigit() else ():
                    if account[0] != database.template.account and _keeps_out(app, database, account[0]):
                        message = (
                            f"the key of {database.logical_id} does not admit account {account[0]}, which gets copies."
                        )
                        yield breach(database, "KmsKeyId", message)


def _may_name(app: Assembly, value: Any, plan: Resource, name: Any) -> bool:
    target = app.target(value)
    return target is plan or (target is None and (value == name or not (is_known(value) and is_known(name))))


def _keeps_out(app: Assembly, database: Resource, account: str) -> bool:
    values = database.options("KmsKeyId")
    if values == [ABSENT]:
        return database.template.account is not None and database.get("StorageEncrypted") in (True, "true")
    keys = [key for value in values for key in keys_of(app, value)]
    return bool(keys) and not any(_admits(app, key, account) for key in keys)


def _admits(app: Assembly, key: Resource, account: str) -> bool:
    if not is_closed(key, "KeyPolicy"):
        return True
    return any(
        item.value == "*"
        or account in str(item.value)
        or may_match(pattern(app, item.value), f"arn:*:iam::{account}:root")
        for statement in statements_of(key, "KeyPolicy")
        if statement.effect != "Deny" and statement.acts_on("kms:CreateGrant")
        for item in statement.principals
        if item.kind != "Service"
    )
