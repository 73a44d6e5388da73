"""Restore tests: AWS Backup restores the newest recovery point of each resource on a schedule, then deletes it."""

from __future__ import annotations

from dataclasses import dataclass, field

from aws_cdk import aws_backup as backup
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.settings import BackupSettings


@dataclass(frozen=True, kw_only=True)
class RestoreTarget:
    """Something that is backed up and restored as a test.

    Args:
        construct_id: logical id of its restore-testing selection.
        name: name of the selection: letters, digits and underscores only.
        resource_type: AWS Backup's name of the type, ``Aurora`` or ``DynamoDB``.
        resource_arn: what is backed up.
        restore_metadata: settings of the restored copy that AWS Backup cannot infer; without a subnet group it would
            look for a default VPC. https://docs.aws.amazon.com/aws-backup/latest/devguide/restore-testing-inferred-metadata.html
    """

    construct_id: str
    name: str
    resource_type: str
    resource_arn: str
    restore_metadata: dict[str, str] = field(default_factory=dict)


def build_restore_testing(
    scope: Construct,
    *,
    settings: BackupSettings,
    name: str,
    vault_arn: str,
    role: iam.IRole,
    targets: list[RestoreTarget],
) -> backup.CfnRestoreTestingPlan:
    """Build the restore-testing plan with one selection per target.

    Args:
        scope: stack that owns it.
        settings: schedule, and hours to keep a restored copy for validation.
        name: physical name: letters, digits and underscores only.
        vault_arn: vault whose recovery points are tested.
        role: restores them.
        targets: what is tested.

    Returns:
        The plan.
    """
    plan = backup.CfnRestoreTestingPlan(
        scope,
        "RestoreTestingPlan",
        restore_testing_plan_name=name,
        schedule_expression=settings.restore_test_schedule,
        schedule_expression_timezone="Etc/UTC",
        start_window_hours=1,
        recovery_point_selection=backup.CfnRestoreTestingPlan.RestoreTestingRecoveryPointSelectionProperty(
            algorithm="LATEST_WITHIN_WINDOW",
            include_vaults=[vault_arn],
            recovery_point_types=["SNAPSHOT", "CONTINUOUS"],
            selection_window_days=7,
        ),
    )
    for target in targets:
        selection = backup.CfnRestoreTestingSelection(
            scope,
            target.construct_id,
            restore_testing_plan_name=name,
            restore_testing_selection_name=target.name,
            protected_resource_type=target.resource_type,
            protected_resource_arns=[target.resource_arn],
            iam_role_arn=role.role_arn,
            restore_metadata_overrides=target.restore_metadata,
            validation_window_hours=settings.restore_test_keep_hours,
        )
        selection.add_resource_dependency(plan)
    return plan
