"""Restore tests: the plan, one selection per data store, and what AWS Backup cannot infer."""

from __future__ import annotations

import json
import re

from stacks.names import PhysicalName
from tests.assembly import Assembly, Resource

SELECTION = "AWS::Backup::RestoreTestingSelection"
# https://docs.aws.amazon.com/aws-backup/latest/devguide/API_RestoreTestingPlanForCreate.html
NAME = re.compile(r"[a-zA-Z0-9_]{1,50}")


def _plan(deployment: Assembly) -> Resource:
    return deployment.nested["Backup"].one("AWS::Backup::RestoreTestingPlan")


def _selection(deployment: Assembly, kind: str) -> Resource:
    return deployment.nested["Backup"].one(SELECTION, ProtectedResourceType=kind)


def test_plan_restores_the_newest_point_of_our_vault_on_schedule(deployment: Assembly) -> None:
    plan = _plan(deployment)
    chosen = dict(plan["RecoveryPointSelection"])
    assert deployment.texts("Backup", chosen.pop("IncludeVaults")) == ["${Backup/Vault.BackupVaultArn}"]
    assert chosen == {
        "Algorithm": "LATEST_WITHIN_WINDOW",
        "RecoveryPointTypes": ["SNAPSHOT", "CONTINUOUS"],
        "SelectionWindowDays": 7,
    }
    assert plan["ScheduleExpression"] == deployment.settings.backup.restore_test_schedule
    assert plan["ScheduleExpressionTimezone"] == "Etc/UTC"
    assert plan["StartWindowHours"] == 1


def test_every_environment_tests_weekly_by_default(dev: Assembly, staging: Assembly, prod: Assembly) -> None:
    assert {_plan(made)["ScheduleExpression"] for made in (dev, staging, prod)} == {"cron(0 12 ? * SUN *)"}


def test_names_hold_letters_digits_and_underscores_only(deployment: Assembly) -> None:
    plan = _plan(deployment)["RestoreTestingPlanName"]
    assert plan == deployment.names.physical_name(PhysicalName.RESTORE_TESTING_PLAN)
    selections = deployment.nested["Backup"].of_type(SELECTION).values()
    names = [selection["Properties"]["RestoreTestingSelectionName"] for selection in selections]
    assert names == [
        deployment.names.physical_name(PhysicalName.AURORA_RESTORE_TEST),
        deployment.names.physical_name(PhysicalName.TABLE_RESTORE_TEST),
    ]
    assert all(NAME.fullmatch(name) for name in [plan, *names])
    assert {selection["Properties"]["RestoreTestingPlanName"] for selection in selections} == {plan}


def test_a_suffix_with_a_hyphen_becomes_an_underscore(unusual: Assembly) -> None:
    assert "-" in unusual.settings.suffix
    assert _plan(unusual)["RestoreTestingPlanName"] == "dr_restore_u_1_ap_southeast_2"


def test_selections_wait_for_the_plan_that_they_name(deployment: Assembly) -> None:
    (plan,) = deployment.nested["Backup"].of_type("AWS::Backup::RestoreTestingPlan")
    for selection in deployment.nested["Backup"].of_type(SELECTION).values():
        assert selection["DependsOn"] == [plan]


def test_exactly_the_cluster_and_the_table_are_tested(deployment: Assembly) -> None:
    account = deployment.settings.account or "${AWS::AccountId}"
    cluster = f"arn:aws:rds:{deployment.settings.region}:{account}:cluster:${{Database/Cluster}}"
    assert len(deployment.nested["Backup"].of_type(SELECTION)) == 2
    for kind, arn in (("Aurora", cluster), ("DynamoDB", "${Storage/Table.Arn}")):
        selection = _selection(deployment, kind)
        assert deployment.texts("Backup", selection["ProtectedResourceArns"]) == [arn]
        assert "ProtectedResourceConditions" not in selection


def test_what_is_backed_up_is_what_is_tested(deployment: Assembly) -> None:
    backed_up = deployment.nested["Backup"].one("AWS::Backup::BackupSelection")["BackupSelection"]["Resources"]
    tested = [
        arn
        for selection in deployment.nested["Backup"].of_type(SELECTION).values()
        for arn in selection["Properties"]["ProtectedResourceArns"]
    ]
    assert tested == backed_up


def test_the_role_of_the_backups_restores_and_leaves_time_to_validate(deployment: Assembly) -> None:
    for kind in ("Aurora", "DynamoDB"):
        selection = _selection(deployment, kind)
        assert deployment.text("Backup", selection["IamRoleArn"]) == "${Backup/Role.Arn}"
        assert selection["ValidationWindowHours"] == deployment.settings.backup.restore_test_keep_hours


def test_a_restored_cluster_lands_in_the_isolated_subnets_behind_the_database_group(deployment: Assembly) -> None:
    overrides = _selection(deployment, "Aurora")["RestoreMetadataOverrides"]
    rendered = {name: deployment.text("Backup", value) for name, value in overrides.items()}
    assert rendered.pop("dbSubnetGroupName") == "${Database/Cluster/SubnetGroup}"
    assert json.loads(rendered.pop("vpcSecurityGroupIds")) == ["${Network/DatabaseSecurityGroup.GroupId}"]
    assert not rendered


def test_a_restored_table_has_the_data_key(deployment: Assembly) -> None:
    overrides = _selection(deployment, "DynamoDB")["RestoreMetadataOverrides"]
    assert {name: deployment.text("Backup", value) for name, value in overrides.items()} == {
        "encryptionType": "KMS",
        "kmsMasterKeyArn": "${Kms/DataKey.Arn}",
    }
