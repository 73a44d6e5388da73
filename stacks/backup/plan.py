"""The backup plan: what is backed up, when, and for how long it is kept."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_backup as backup
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.common.protected_resource import ProtectedResource
from stacks.settings import BackupSettings
from stacks.settings.rules import BACKUP_HOURS

# Hours away from Aurora's own backup and maintenance windows, which stacks.settings.rules keeps clear of them: a job
# that meets one of them is delayed or fails. And an hour for each rule: of two rules whose start windows overlap AWS
# Backup runs only the one with the longer retention, so that the continuous or the daily backup would not be made.
# https://docs.aws.amazon.com/aws-backup/latest/devguide/plan-options-and-configuration.html
DAILY_HOUR, WEEKLY_HOUR, MONTHLY_HOUR, CONTINUOUS_HOUR = map(str, BACKUP_HOURS)


class Plan(Construct):
    """A plan with a continuous, a daily, a weekly and a monthly rule, and the selection of the resources.

    Args:
        scope: the stack.
        construct_id: its id in the stack.
        settings: retention of each rule, and the vault for copies.
        name: physical name.
        vault: receives the recovery points.
        role: makes them.
        resources: what is backed up.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: BackupSettings,
        name: str,
        vault: backup.IBackupVault,
        role: iam.IRole,
        resources: Sequence[ProtectedResource],
    ) -> None:
        super().__init__(scope, construct_id)
        self._settings = settings
        self.plan = backup.BackupPlan(
            self, "Default", backup_plan_name=name, backup_vault=vault, backup_plan_rules=self._rules()
        )
        # By ARN: such a selection is backed up whatever the Region's opt-in settings say.
        # https://docs.aws.amazon.com/aws-backup/latest/devguide/assigning-resources.html
        self.selection = backup.BackupSelection(
            self,
            "Selection",
            backup_plan=self.plan,
            resources=[backup.BackupResource.from_arn(resource.arn) for resource in resources],
            role=role,
            disable_default_backup_policy=True,
        )

    def _rules(self) -> list[backup.BackupPlanRule]:
        settings, cron = self._settings, events.Schedule.cron
        copy_vault = (
            backup.BackupVault.from_backup_vault_arn(self, "CopyVault", settings.copy_vault_arn)
            if settings.copy_vault_arn
            else None
        )
        return [
            _rule(
                "Continuous",
                cron(minute="0", hour=CONTINUOUS_HOUR),
                settings.continuous_retention_days,
                continuous=True,
            ),
            _rule("Daily", cron(minute="0", hour=DAILY_HOUR), settings.daily_retention_days, copy_vault=copy_vault),
            _rule(
                "Weekly",
                cron(minute="0", hour=WEEKLY_HOUR, week_day="SUN"),
                settings.weekly_retention_days,
                copy_vault=copy_vault,
            ),
            _rule(
                "Monthly",
                cron(minute="0", hour=MONTHLY_HOUR, day="1"),
                settings.monthly_retention_days,
                copy_vault=copy_vault,
            ),
        ]


def _rule(
    name: str,
    schedule: events.Schedule,
    retention_days: int,
    *,
    continuous: bool = False,
    copy_vault: backup.IBackupVault | None = None,
) -> backup.BackupPlanRule:
    retention = Duration.days(retention_days)
    copy = copy_vault and backup.BackupPlanCopyActionProps(destination_backup_vault=copy_vault, delete_after=retention)
    return backup.BackupPlanRule(
        rule_name=name,
        schedule_expression=schedule,
        start_window=Duration.hours(1),
        completion_window=Duration.hours(8),
        delete_after=retention,
        enable_continuous_backup=continuous or None,
        copy_actions=[copy] if copy else None,
    )
