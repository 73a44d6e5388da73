"""Owns the backup vault, the plan with its selection, the role of AWS Backup, and the restore tests.

RTO/RPO: continuous backup restores Aurora to any second; daily, weekly and monthly recovery points reach further back;
AWS Backup restores the latest one on a schedule, so that the duration of a restore is known before it is needed.
Aurora's recovery points keep the cluster's own key whatever the vault's is: only a copy into a vault with another key
(`backup.copy_vault_arn`) survives the loss of the data key.
https://docs.aws.amazon.com/aws-backup/latest/devguide/encryption.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import NestedStack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.backup.alarms import BackupAlarms
from stacks.backup.plan import Plan
from stacks.backup.restore_testing import RestoreTesting
from stacks.backup.vault import Vault
from stacks.common.location import Location
from stacks.common.protected_resource import ProtectedResource
from stacks.common.retention import removal_policy
from stacks.common.views import view_of_key
from stacks.names import Names, OutputKey, PhysicalName
from stacks.settings import BackupSettings, RemovalSettings

POLICIES = ("AWSBackupServiceRolePolicyForBackup", "AWSBackupServiceRolePolicyForRestores")


class BackupStack(NestedStack):
    """Vault, plan and restore tests."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: BackupSettings,
        removal: RemovalSettings,
        names: Names,
        location: Location,
        key: kms.IKey,
        resources: Sequence[ProtectedResource],
        topic: sns.ITopic,
    ) -> None:
        super().__init__(scope, construct_id, description="Backup vault, plan and restore tests")
        self.role = self._build_role(removal)
        self.vault = Vault(
            self,
            "Vault",
            settings=settings,
            removal=removal,
            name=names.physical_name(PhysicalName.BACKUP_VAULT),
            location=location,
            key=view_of_key(self, "VaultKey", key),
        )
        self.plan = Plan(
            self,
            "Plan",
            settings=settings,
            name=names.physical_name(PhysicalName.BACKUP_PLAN),
            vault=self.vault.vault,
            role=self.role,
            resources=resources,
        )
        self.restore_testing = RestoreTesting(
            self,
            "RestoreTesting",
            settings=settings,
            name=names.physical_name(PhysicalName.RESTORE_TESTING_PLAN),
            vault_arn=self.vault.vault.backup_vault_arn,
            role=self.role,
            resources=resources,
        )
        self.alarms = BackupAlarms(self, "Alarms", names=names, topic=topic)

    def outputs(self) -> Mapping[OutputKey, str]:
        """Return what the root states about the backups."""
        return {
            OutputKey.BACKUP_VAULT_NAME: self.vault.vault.backup_vault_name,
            OutputKey.BACKUP_PLAN_ID: self.plan.plan.backup_plan_id,
            OutputKey.RESTORE_TESTING_PLAN_NAME: self.restore_testing.plan.ref,
        }

    def _build_role(self, removal: RemovalSettings) -> iam.Role:
        managed = iam.ManagedPolicy.from_aws_managed_policy_name
        role = iam.Role(
            self,
            "Role",
            description="AWS Backup: back up, restore and test",
            # No aws:SourceAccount: AWS Backup documents no source keys for assuming its role, and where a service
            # sends none such a condition denies every job.
            # https://docs.aws.amazon.com/aws-backup/latest/devguide/iam-service-roles.html
            # https://docs.aws.amazon.com/aws-backup/latest/devguide/cross-service-confused-deputy-prevention.html
            assumed_by=iam.ServicePrincipal("backup.amazonaws.com"),
            managed_policies=[managed(f"service-role/{policy}") for policy in POLICIES],
        )
        # It stays with the vault: without it AWS Backup cannot delete the recovery points that expire there.
        # https://docs.aws.amazon.com/aws-backup/latest/devguide/deleting-backups.html
        role.apply_removal_policy(removal_policy(removal))
        return role
