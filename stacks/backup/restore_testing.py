"""Restore tests: AWS Backup restores the latest recovery point of each resource, and deletes the copy afterwards."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_backup as backup
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.common.protected_resource import ProtectedResource
from stacks.settings import BackupSettings


class RestoreTesting(Construct):
    """The restore-testing plan with a selection for each resource.

    Args:
        scope: the stack.
        construct_id: its id in the stack.
        settings: schedule, and hours for which a restored copy is kept for validation.
        name: physical name of the plan: letters, digits and underscores only.
        vault_arn: vault whose recovery points are tested.
        role: restores them.
        resources: what is tested.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: BackupSettings,
        name: str,
        vault_arn: str,
        role: iam.IRole,
        resources: Sequence[ProtectedResource],
    ) -> None:
        super().__init__(scope, construct_id)
        self.plan = backup.CfnRestoreTestingPlan(
            self,
            "Plan",
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
        for resource in resources:
            selection = backup.CfnRestoreTestingSelection(
                self,
                resource.construct_id,
                restore_testing_plan_name=name,
                restore_testing_selection_name=resource.selection_name,
                protected_resource_type=resource.resource_type,
                protected_resource_arns=[resource.arn],
                iam_role_arn=role.role_arn,
                restore_metadata_overrides=resource.restore_metadata,
                validation_window_hours=settings.restore_test_keep_hours,
            )
            selection.add_resource_dependency(self.plan)
