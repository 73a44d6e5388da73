"""The backup vault, its policy and lock, the plan, the selection and the role."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest

from stacks.names import PhysicalName
from stacks.profiles import COPY_VAULT
from tests.assembly import Assembly, Resource, removal_policies

VAULT = "AWS::Backup::BackupVault"
SCHEDULES = {
    "Daily": "cron(0 8 * * ? *)",
    "Weekly": "cron(0 9 ? * SUN *)",
    "Monthly": "cron(0 10 1 * ? *)",
    "Continuous": "cron(0 11 * * ? *)",
}


def _vault(deployment: Assembly) -> Resource:
    return deployment.nested["Backup"].one(VAULT)


def _plan(deployment: Assembly) -> dict[str, Any]:
    return dict(deployment.nested["Backup"].one("AWS::Backup::BackupPlan")["BackupPlan"])


def _rules(deployment: Assembly) -> dict[str, dict[str, Any]]:
    rules = _plan(deployment)["BackupPlanRule"]
    named = {rule["RuleName"]: rule for rule in rules}
    assert len(named) == len(rules)
    return named


def _retention(deployment: Assembly) -> dict[str, int]:
    backup = deployment.settings.backup
    return {
        "Daily": backup.daily_retention_days,
        "Weekly": backup.weekly_retention_days,
        "Monthly": backup.monthly_retention_days,
        "Continuous": backup.continuous_retention_days,
    }


def test_one_vault_with_a_key_of_its_own(deployment: Assembly) -> None:
    vault = _vault(deployment)
    assert vault["BackupVaultName"] == deployment.names.physical_name(PhysicalName.BACKUP_VAULT)
    assert deployment.text("Backup", vault["EncryptionKeyArn"]) == "${Kms/BackupKey.Arn}"


def test_vault_follows_the_data(deployment: Assembly) -> None:
    kept = removal_policies(deployment)
    (vault,) = deployment.nested["Backup"].of_type(VAULT).values()
    assert (vault["DeletionPolicy"], vault["UpdateReplacePolicy"]) == kept


@pytest.mark.parametrize(
    ("environment", "sids"),
    [
        ("dev", ["OnlyThisAccountCopiesIn"]),
        ("staging", ["OnlyThisAccountCopiesIn", "NobodyDeletesRecoveryPoints"]),
        ("prod", ["OnlyThisAccountCopiesIn", "NobodyDeletesRecoveryPoints"]),
    ],
)
def test_vault_policy_by_environment(request: pytest.FixtureRequest, environment: str, sids: list[str]) -> None:
    deployment: Assembly = request.getfixturevalue(environment)
    assert [statement["Sid"] for statement in _vault(deployment)["AccessPolicy"]["Statement"]] == sids


def test_vault_policy_only_denies(deployment: Assembly) -> None:
    account = deployment.settings.account or {"Ref": "AWS::AccountId"}
    copies, *deletes = _vault(deployment)["AccessPolicy"]["Statement"]
    everybody = {"Effect": "Deny", "Principal": {"AWS": "*"}, "Resource": "*"}
    assert copies == {
        **everybody,
        "Sid": "OnlyThisAccountCopiesIn",
        "Action": "backup:CopyIntoBackupVault",
        "Condition": {"StringNotEquals": {"aws:PrincipalAccount": account}},
    }
    assert deletes == (
        []
        if deployment.settings.removal.data == "destroy"
        else [
            {
                **everybody,
                "Sid": "NobodyDeletesRecoveryPoints",
                "Action": ["backup:DeleteRecoveryPoint", "backup:UpdateRecoveryPointLifecycle"],
            }
        ]
    )


def test_lock_by_setting(deployment: Assembly) -> None:
    settings, vault = deployment.settings.backup, _vault(deployment)
    if settings.lock == "off":
        assert "LockConfiguration" not in vault
        return
    lock = {
        "MinRetentionDays": settings.lock_min_retention_days,
        "MaxRetentionDays": settings.lock_max_retention_days,
    }
    # A lock with a date becomes final on that date: not even AWS can lift it then.
    final = {"ChangeableForDays": settings.lock_changeable_days} if settings.lock == "compliance" else {}
    assert vault["LockConfiguration"] == {**lock, **final}


@pytest.mark.parametrize(("environment", "locked"), [("dev", False), ("staging", True), ("prod", True)])
def test_no_environment_has_a_final_lock_by_default(
    request: pytest.FixtureRequest, environment: str, locked: bool
) -> None:
    lock = _vault(request.getfixturevalue(environment)).get("LockConfiguration")
    assert (lock is not None) is locked
    assert "ChangeableForDays" not in (lock or {})


def test_plan_has_exactly_these_rules(deployment: Assembly) -> None:
    plan, rules = _plan(deployment), _rules(deployment)
    assert plan["BackupPlanName"] == deployment.names.physical_name(PhysicalName.BACKUP_PLAN)
    assert {name: rule["ScheduleExpression"] for name, rule in rules.items()} == SCHEDULES
    for name, rule in rules.items():
        assert rule["Lifecycle"] == {"DeleteAfterDays": _retention(deployment)[name]}, name
        assert rule["StartWindowMinutes"] == 60, name
        assert rule["CompletionWindowMinutes"] == 480, name
        assert deployment.text("Backup", rule["TargetBackupVault"]) == "${Backup/Vault.BackupVaultName}", name


def test_start_windows_of_rules_never_overlap(deployment: Assembly) -> None:
    # Of two overlapping rules AWS Backup runs only the one with the longer retention.
    windows = sorted(
        (60 * int(hour) + int(minute), rule["StartWindowMinutes"])
        for rule in _rules(deployment).values()
        for minute, hour in [re.findall(r"\d+", rule["ScheduleExpression"])[:2]]
    )
    for (start, length), (following, _) in itertools.pairwise(windows):
        assert start + length <= following


def test_only_one_rule_is_continuous(deployment: Assembly) -> None:
    rules = _rules(deployment)
    assert [name for name, rule in rules.items() if rule.get("EnableContinuousBackup")] == ["Continuous"]
    assert rules["Continuous"]["Lifecycle"]["DeleteAfterDays"] <= 35


def test_retention_fits_the_lock(deployment: Assembly) -> None:
    lock = _vault(deployment).get("LockConfiguration", {"MinRetentionDays": 1, "MaxRetentionDays": 36500})
    for name, rule in _rules(deployment).items():
        days = rule["Lifecycle"]["DeleteAfterDays"]
        assert lock["MinRetentionDays"] <= days <= lock["MaxRetentionDays"], name


def test_copies_by_setting(deployment: Assembly) -> None:
    vault = deployment.settings.backup.copy_vault_arn
    for name, rule in _rules(deployment).items():
        if vault is None or name == "Continuous":
            # A copy of a continuous backup is a snapshot, which the daily rule makes already.
            assert "CopyActions" not in rule, name
        else:
            assert rule["CopyActions"] == [
                {"DestinationBackupVaultArn": vault, "Lifecycle": rule["Lifecycle"]},
            ], name


def test_a_profile_copies(options: Assembly) -> None:
    assert options.settings.backup.copy_vault_arn == COPY_VAULT
    assert sum("CopyActions" in rule for rule in _rules(options).values()) == 3


def test_selection_is_the_cluster_and_the_table_by_arn(deployment: Assembly) -> None:
    selection = deployment.nested["Backup"].one("AWS::Backup::BackupSelection")
    account = deployment.settings.account or "${AWS::AccountId}"
    chosen = dict(selection["BackupSelection"])
    assert deployment.texts("Backup", chosen.pop("Resources")) == [
        f"arn:aws:rds:{deployment.settings.region}:{account}:cluster:${{Database/Cluster}}",
        "${Storage/Table.Arn}",
    ]
    assert deployment.text("Backup", chosen.pop("IamRoleArn")) == "${Backup/Role.Arn}"
    # Neither tags nor conditions: they would depend on the region's opt-in settings, or exclude something.
    assert chosen == {"SelectionName": "Selection"}
    assert deployment.text("Backup", selection["BackupPlanId"]) == "${Backup/Plan.BackupPlanId}"


def test_role_backs_up_and_restores(deployment: Assembly) -> None:
    role = deployment.nested["Backup"].one("AWS::IAM::Role")
    assert deployment.texts("Backup", role["ManagedPolicyArns"]) == [
        "arn:${AWS::Partition}:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup",
        "arn:${AWS::Partition}:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForRestores",
    ]
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert (trust["Effect"], trust["Action"]) == ("Allow", "sts:AssumeRole")
    assert trust["Principal"] == {"Service": "backup.amazonaws.com"}
    assert "Condition" not in trust, "AWS Backup documents no source keys: a condition would deny every job"
    assert "Policies" not in role
    assert not deployment.nested["Backup"].of_type("AWS::IAM::Policy")
