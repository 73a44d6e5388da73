"""AWS Backup: selections, vault settings, and restore testing kept as declared."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws.clients import Aws
from embedded_testing import Deploy

pytestmark = pytest.mark.emulator
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Deny", "Principal": "*", "Action": "backup:DeleteRecoveryPoint", "Resource": "*"},
    ],
}


def backup(*, table: str = "one", lock: dict[str, int] | None = None, guarded: bool = True) -> dict[str, Any]:
    vault: dict[str, Any] = {"BackupVaultName": "vault"}
    if lock:
        vault["LockConfiguration"] = lock
    if guarded:
        vault["AccessPolicy"] = POLICY
    rule = {"RuleName": "Daily", "TargetBackupVault": {"Ref": "Vault"}, "ScheduleExpression": "cron(0 5 * * ? *)"}
    selection = {
        "SelectionName": "data",
        "IamRoleArn": "arn:aws:iam::000000000000:role/backup",
        "Resources": [f"arn:aws:dynamodb:us-east-1:000000000000:table/{table}"],
    }
    test = {
        "RestoreTestingPlanName": "weekly",
        "ScheduleExpression": "cron(0 7 ? * SUN *)",
        "RecoveryPointSelection": {
            "Algorithm": "LATEST_WITHIN_WINDOW",
            "IncludeVaults": ["*"],
            "RecoveryPointTypes": ["SNAPSHOT"],
        },
    }
    restored = {
        "RestoreTestingPlanName": {"Ref": "Test"},
        "RestoreTestingSelectionName": "table",
        "ProtectedResourceType": "DynamoDB",
        "IamRoleArn": "arn:aws:iam::000000000000:role/backup",
        "ProtectedResourceArns": [table],
    }
    return {
        "Vault": {"Type": "AWS::Backup::BackupVault", "Properties": vault},
        "Plan": {
            "Type": "AWS::Backup::BackupPlan",
            "Properties": {"BackupPlan": {"BackupPlanName": "plan", "BackupPlanRule": [rule]}},
        },
        "Selection": {
            "Type": "AWS::Backup::BackupSelection",
            "Properties": {"BackupPlanId": {"Ref": "Plan"}, "BackupSelection": selection},
        },
        "Test": {"Type": "AWS::Backup::RestoreTestingPlan", "Properties": test},
        "Restored": {"Type": "AWS::Backup::RestoreTestingSelection", "Properties": restored},
    }


def test_a_selection_selects_is_replaced_and_removed(aws: Aws, deploy: Deploy, delete: Callable[[], None]) -> None:
    client = aws("backup")
    outputs = {"Id": {"Value": {"Fn::GetAtt": ["Selection", "SelectionId"]}}}
    made = deploy({"Resources": backup(), "Outputs": outputs})
    plan = made.physical_ids["Plan"]

    def selected() -> list[list[str]]:
        listed = client.list_backup_selections(BackupPlanId=plan)["BackupSelectionsList"]
        details = [client.get_backup_selection(BackupPlanId=plan, SelectionId=each["SelectionId"]) for each in listed]
        return [each["BackupSelection"]["Resources"] for each in details]

    assert selected() == [["arn:aws:dynamodb:us-east-1:000000000000:table/one"]]
    changed = deploy({"Resources": backup(table="two"), "Outputs": outputs})
    assert changed.outputs["Id"] != made.outputs["Id"]
    assert selected() == [["arn:aws:dynamodb:us-east-1:000000000000:table/two"]]
    delete()
    assert client.list_backup_plans()["BackupPlansList"] == []


def test_a_vault_has_its_lock_and_its_access_policy_until_they_are_taken_away(aws: Aws, deploy: Deploy) -> None:
    client = aws("backup")
    deploy(backup(lock={"MinRetentionDays": 7, "MaxRetentionDays": 35}))
    found = client.describe_backup_vault(BackupVaultName="vault")
    assert (found["Locked"], found["MinRetentionDays"], found["MaxRetentionDays"]) == (True, 7, 35)
    assert json.loads(client.get_backup_vault_access_policy(BackupVaultName="vault")["Policy"]) == POLICY

    deploy(backup(guarded=False))
    found = client.describe_backup_vault(BackupVaultName="vault")
    assert found["Locked"] is False
    assert "MinRetentionDays" not in found
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        client.get_backup_vault_access_policy(BackupVaultName="vault")


def test_restore_testing_is_kept_and_shown_by_three_apis(aws: Aws, deploy: Deploy, delete: Callable[[], None]) -> None:
    client = aws("backup")
    deploy(backup())
    plan = client.get_restore_testing_plan(RestoreTestingPlanName="weekly")["RestoreTestingPlan"]
    assert plan["ScheduleExpression"] == "cron(0 7 ? * SUN *)"
    assert plan["RestoreTestingPlanArn"] == "arn:aws:backup:us-east-1:000000000000:restore-testing-plan:weekly"
    listed = client.list_restore_testing_plans()["RestoreTestingPlans"]
    assert [each["RestoreTestingPlanName"] for each in listed] == ["weekly"]
    kept = aws("cloudcontrol").get_resource(TypeName="AWS::Backup::RestoreTestingPlan", Identifier="weekly")
    assert json.loads(kept["ResourceDescription"]["Properties"])["RestoreTestingPlanName"] == "weekly"

    deploy(backup(table="two"))
    wanted = {"RestoreTestingPlanName": "weekly", "RestoreTestingSelectionName": "table"}
    assert client.get_restore_testing_selection(**wanted)["RestoreTestingSelection"]["ProtectedResourceArns"] == ["two"]
    selections = client.list_restore_testing_selections(RestoreTestingPlanName="weekly")["RestoreTestingSelections"]
    assert [each["RestoreTestingSelectionName"] for each in selections] == ["table"]

    delete()
    assert client.list_restore_testing_plans()["RestoreTestingPlans"] == []
    for ask, unknown in (
        (client.get_restore_testing_plan, {"RestoreTestingPlanName": "weekly"}),
        (client.get_restore_testing_selection, wanted),
    ):
        with pytest.raises(ClientError, match="ResourceNotFoundException"):
            ask(**unknown)
