"""Owns the backup vault, the plan, the selection, the role and the restore tests.

RTO/RPO: continuous backup brings Aurora back to any second; daily, weekly and monthly recovery points reach further
back; AWS Backup restores the newest one on a schedule, so that the time a restore takes is known before it is needed.
Aurora's recovery points keep the cluster's own key whatever the vault's is: only a copy into a vault with another key
(`backup.copy_vault_arn`) survives the loss of the data key.
https://docs.aws.amazon.com/aws-backup/latest/devguide/encryption.html
"""

from __future__ import annotations

from typing import Any

from aws_cdk import Duration, NestedStack
from aws_cdk import aws_backup as backup
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.acknowledgements import acknowledge_managed_policy
from stacks.alarms import AT_LEAST, Alarms
from stacks.imports import view_of_key
from stacks.names import Names, PhysicalName
from stacks.policies import removal_policy
from stacks.restore_testing import RestoreTarget, build_restore_testing
from stacks.settings import BackupSettings, RemovalSettings
from stacks.settings.rules import BACKUP_HOURS

# Hours away from Aurora's own backup and maintenance windows, which stacks.settings.rules keeps clear of them:
# a job that meets one of them is delayed or fails. And an hour for each rule: of two rules whose start windows overlap
# AWS Backup runs only the one with the longer retention, so that the continuous or the daily backup would not be made.
# https://docs.aws.amazon.com/aws-backup/latest/devguide/plan-options-and-configuration.html
DAILY = events.Schedule.cron(minute="0", hour=str(BACKUP_HOURS[0]))
WEEKLY = events.Schedule.cron(minute="0", hour=str(BACKUP_HOURS[1]), week_day="SUN")
MONTHLY = events.Schedule.cron(minute="0", hour=str(BACKUP_HOURS[2]), day="1")
CONTINUOUS = events.Schedule.cron(minute="0", hour=str(BACKUP_HOURS[3]))

POLICIES = ("AWSBackupServiceRolePolicyForBackup", "AWSBackupServiceRolePolicyForRestores")
AWS_POLICY = "AWS prescribes this policy for AWS Backup and widens it when jobs need more; a copy would fail that day."


class BackupStack(NestedStack):
    """Vault, plan, selection and restore tests."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: BackupSettings,
        removal: RemovalSettings,
        names: Names,
        key: kms.IKey,
        targets: list[RestoreTarget],
        topic: sns.ITopic,
    ) -> None:
        super().__init__(scope, construct_id, description="Backup vault, plan and restore tests")
        self._settings, self._removal, self._names = settings, removal, names
        self.vault = self._build_vault(key)
        self.plan = self._build_plan()
        self.role = self._build_role()
        self._build_selection(targets)
        self.restore_testing_plan = build_restore_testing(
            self,
            settings=settings,
            name=names.physical_name(PhysicalName.RESTORE_TESTING_PLAN),
            vault_arn=self.vault.backup_vault_arn,
            role=self.role,
            targets=targets,
        )
        self._build_alarms(topic)

    def _build_vault(self, key: kms.IKey) -> backup.BackupVault:
        return backup.BackupVault(
            self,
            "Vault",
            backup_vault_name=self._names.physical_name(PhysicalName.BACKUP_VAULT),
            encryption_key=view_of_key(self, "VaultKey", key),
            access_policy=self._vault_policy(),
            lock_configuration=self._lock(),
            removal_policy=removal_policy(self._removal),
        )

    def _vault_policy(self) -> iam.PolicyDocument:
        """Take recovery points from this account only and, where data is kept, let nobody delete them by hand."""
        # https://docs.aws.amazon.com/aws-backup/latest/devguide/create-a-vault-access-policy.html
        only_this_account = iam.PolicyStatement(
            sid="OnlyThisAccountCopiesIn",
            effect=iam.Effect.DENY,
            principals=[iam.AnyPrincipal()],
            actions=["backup:CopyIntoBackupVault"],
            resources=["*"],
            conditions={"StringNotEquals": {"aws:PrincipalAccount": self.account}},
        )
        nobody_deletes = iam.PolicyStatement(
            sid="NobodyDeletesRecoveryPoints",
            effect=iam.Effect.DENY,
            principals=[iam.AnyPrincipal()],
            actions=["backup:DeleteRecoveryPoint", "backup:UpdateRecoveryPointLifecycle"],
            resources=["*"],
        )
        kept = self._removal.data != "destroy"
        return iam.PolicyDocument(statements=[only_this_account, nobody_deletes] if kept else [only_this_account])

    def _lock(self) -> backup.LockConfiguration | None:
        settings = self._settings
        if settings.lock == "off":
            return None
        return backup.LockConfiguration(
            min_retention=Duration.days(settings.lock_min_retention_days),
            max_retention=Duration.days(settings.lock_max_retention_days),
            # Only a lock that becomes final has a date on which it does.
            changeable_for=Duration.days(settings.lock_changeable_days) if settings.lock == "compliance" else None,
        )

    def _build_plan(self) -> backup.BackupPlan:
        plan = backup.BackupPlan(
            self, "Plan", backup_plan_name=self._names.physical_name(PhysicalName.BACKUP_PLAN), backup_vault=self.vault
        )
        settings = self._settings
        copy_vault = settings.copy_vault_arn and backup.BackupVault.from_backup_vault_arn(
            self, "CopyVault", settings.copy_vault_arn
        )
        plan.add_rule(
            self._rule("Continuous", CONTINUOUS, settings.continuous_retention_days, enable_continuous_backup=True)
        )
        for rule, schedule, days in (
            ("Daily", DAILY, settings.daily_retention_days),
            ("Weekly", WEEKLY, settings.weekly_retention_days),
            ("Monthly", MONTHLY, settings.monthly_retention_days),
        ):
            copies = copy_vault and [
                backup.BackupPlanCopyActionProps(destination_backup_vault=copy_vault, delete_after=Duration.days(days))
            ]
            plan.add_rule(self._rule(rule, schedule, days, copy_actions=copies or None))
        return plan

    def _rule(self, name: str, schedule: events.Schedule, days: int, **options: Any) -> backup.BackupPlanRule:
        return backup.BackupPlanRule(
            rule_name=name,
            schedule_expression=schedule,
            start_window=Duration.hours(1),
            completion_window=Duration.hours(8),
            delete_after=Duration.days(days),
            **options,
        )

    def _build_role(self) -> iam.Role:
        managed = iam.ManagedPolicy.from_aws_managed_policy_name
        role = iam.Role(
            self,
            "Role",
            description="AWS Backup: back up, restore and test",
            # No aws:SourceAccount: AWS Backup documents no source keys for taking on its role, and where a service
            # sends none such a condition denies every job.
            # https://docs.aws.amazon.com/aws-backup/latest/devguide/iam-service-roles.html
            assumed_by=iam.ServicePrincipal("backup.amazonaws.com"),
            managed_policies=[managed(f"service-role/{policy}") for policy in POLICIES],
        )
        for policy in POLICIES:
            acknowledge_managed_policy(role, policy, reason=AWS_POLICY)
        return role

    def _build_selection(self, targets: list[RestoreTarget]) -> None:
        # By ARN: such a selection is backed up whatever the region's opt-in settings say.
        # https://docs.aws.amazon.com/aws-backup/latest/devguide/assigning-resources.html
        backup.BackupSelection(
            self,
            "Selection",
            backup_plan=self.plan,
            resources=[backup.BackupResource.from_arn(target.resource_arn) for target in targets],
            role=self.role,
            disable_default_backup_policy=True,
        )

    def _build_alarms(self, topic: sns.ITopic) -> None:
        # https://docs.aws.amazon.com/aws-backup/latest/devguide/cloudwatch.html
        alarms = Alarms(self, self._names, topic)
        vault = {"BackupVaultName": self._names.physical_name(PhysicalName.BACKUP_VAULT)}
        for outcome, metric_name in (
            ("backup-jobs-failed", "NumberOfBackupJobsFailed"),
            ("backup-jobs-expired", "NumberOfBackupJobsExpired"),
            ("copy-jobs-failed", "NumberOfCopyJobsFailed"),
        ):
            alarms.add(
                f"{outcome.title().replace('-', '')}Alarm",
                subject=outcome,
                meaning=f"AWS Backup could not finish a job ({metric_name})",
                metric=cloudwatch.Metric(
                    namespace="AWS/Backup",
                    metric_name=metric_name,
                    dimensions_map=vault,
                    statistic=cloudwatch.Stats.SUM,
                    period=Duration.minutes(5),
                ),
                threshold=1,
                comparison=AT_LEAST,
                periods=1,
            )
