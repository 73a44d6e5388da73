"""AWS Backup: selections, vault settings, and restore testing kept as declared."""

from __future__ import annotations

import json
import subprocess
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws.clients import Aws
from embedded_testing import Deploy, stack
from embedded_testing.refused import refused

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
    start, _, identifier = plan["RestoreTestingPlanArn"].partition("-plan:weekly-")
    assert start == "arn:aws:backup:us-east-1:000000000000:restore-testing"
    assert str(uuid.UUID(identifier)) == identifier
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


def test_a_stack_whose_vault_has_a_recovery_point_is_deleted_when_that_is_gone(
    aws: Aws, deploy: Deploy, delete: Callable[[], None]
) -> None:
    client, role = aws("backup"), "arn:aws:iam::000000000000:role/backup"
    made = deploy(backup(lock={"MinRetentionDays": 7, "ChangeableForDays": 3}, guarded=False))
    table = "arn:aws:dynamodb:us-east-1:000000000000:table/one"
    point = client.start_backup_job(BackupVaultName="vault", ResourceArn=table, IamRoleArn=role)["RecoveryPointArn"]
    aws("cloudformation").delete_stack(StackName=made.name)
    assert stack.wait(aws, made.name) == "DELETE_FAILED"
    assert "Backup vault cannot be deleted because it contains recovery points." in stack.reasons(aws, made.name)

    doomed = {"BackupVaultName": "vault", "RecoveryPointArn": point}
    assert refused(lambda: client.delete_recovery_point(**doomed))[0] == "InvalidRequestException"
    client.delete_backup_vault_lock_configuration(BackupVaultName="vault")  # in its grace time
    client.delete_recovery_point(**doomed)
    assert client.describe_backup_vault(BackupVaultName="vault")["NumberOfRecoveryPoints"] == 0
    assert client.list_recovery_points_by_backup_vault(BackupVaultName="vault")["RecoveryPoints"] == []
    delete()


def test_recovery_points_are_listed_by_resource(aws: Aws) -> None:
    client, scope = aws("backup"), "us-east-1:000000000000"
    client.create_backup_vault(BackupVaultName="two")
    arns = [f"arn:aws:dynamodb:{scope}:table/one", f"arn:aws:rds:{scope}:cluster:one"]
    for arn in arns:
        client.start_backup_job(BackupVaultName="two", ResourceArn=arn, IamRoleArn="arn:aws:iam::000000000000:role/a")
    found = client.list_recovery_points_by_backup_vault(BackupVaultName="two", ByResourceArn=arns[1])["RecoveryPoints"]
    assert [(each["ResourceArn"], each["ResourceType"]) for each in found] == [(arns[1], "Aurora")]
    for each in client.list_recovery_points_by_backup_vault(BackupVaultName="two")["RecoveryPoints"]:
        client.delete_recovery_point(BackupVaultName="two", RecoveryPointArn=each["RecoveryPointArn"])
    client.delete_backup_vault(BackupVaultName="two")


_IMMUTABLE = """
from embedded_aws.server.refusals import RefusedError
from embedded_aws.server.types.backup_points import apply_lock
for date in (1, 4_000_000_000):
    for lock in ({}, {"MinRetentionDays": 8}, {"MinRetentionDays": 7, "ChangeableForDays": 3}):
        vault = {"Locked": True, "MinRetentionDays": 7, "LockDate": date}
        try:
            apply_lock(vault, lock)
        except RefusedError as refused:
            print(refused.code)
        else:
            print(vault["Locked"], vault.get("MinRetentionDays"))
"""


def test_a_lock_is_immutable_once_its_grace_time_is_over(emulator_python: Path) -> None:
    done = subprocess.run([emulator_python, "-c", _IMMUTABLE], capture_output=True, text=True, check=True)
    refusal = "InvalidRequestException"
    assert done.stdout.splitlines() == [refusal, refusal, "True 7", "False None", "True 8", "True 7"]
