"""Owns the three customer managed keys and their whole policies.

RTO/RPO: a lost key loses what it encrypts. Keys are therefore separate by purpose (data, messages, backups), rotate,
and can be recovered during their pending window. Consumers add identity policies only; no other stack edits a policy.
"""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Duration, NestedStack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk.region_info import RegionInfo
from constructs import Construct

from stacks.common.location import Location
from stacks.common.retention import removal_policy
from stacks.names import Names, OutputKey, PhysicalName
from stacks.settings import KmsSettings, RemovalSettings


class KmsStack(NestedStack):
    """Data key (Aurora, DynamoDB, S3, secrets), messaging key (SNS, logs) and backup key (vault)."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: KmsSettings,
        removal: RemovalSettings,
        names: Names,
        location: Location,
        copy_account: str | None,
    ) -> None:
        super().__init__(scope, construct_id, description="Customer managed keys")
        self._settings, self._removal, self._names, self._location = settings, removal, names, location
        self.data_key = self._build_key("DataKey", PhysicalName.DATA_KEY_ALIAS, "Aurora, DynamoDB, S3 and secrets")
        self.messaging_key = self._build_key("MessagingKey", PhysicalName.MESSAGING_KEY_ALIAS, "SNS and log groups")
        self.backup_key = self._build_key("BackupKey", PhysicalName.BACKUP_KEY_ALIAS, "The backup vault")
        self._allow_services_on_messaging_key()
        self._allow_backup_on_backup_key()
        if copy_account is not None:
            for key in (self.data_key, self.backup_key):
                _allow_copies_into(key, copy_account)

    def outputs(self) -> Mapping[OutputKey, str]:
        """Return what the root states about the keys."""
        return {
            OutputKey.DATA_KEY_ARN: self.data_key.key_arn,
            OutputKey.MESSAGING_KEY_ARN: self.messaging_key.key_arn,
            OutputKey.BACKUP_KEY_ARN: self.backup_key.key_arn,
        }

    def _build_key(self, construct_id: str, alias: PhysicalName, purpose: str) -> kms.Key:
        return kms.Key(
            self,
            construct_id,
            description=f"{purpose} ({self._names.stack})",
            alias=self._names.physical_name(alias),
            enable_key_rotation=True,
            pending_window=Duration.days(self._settings.pending_window_days),
            removal_policy=removal_policy(self._removal),
        )

    def _allow_services_on_messaging_key(self) -> None:
        suffix = RegionInfo.get(self._names.region).domain_suffix or "amazonaws.com"
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
        self._allow(
            self.messaging_key,
            "AllowLogGroupsOfThisAccount",
            f"logs.{self._names.region}.{suffix}",
            ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
            {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": self._location.arn("logs", "log-group:*")}},
        )
        # https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
        for sid, service in (("AllowAlarms", "cloudwatch.amazonaws.com"), ("AllowTopics", "sns.amazonaws.com")):
            self._allow(
                self.messaging_key, sid, service, ["kms:Decrypt", "kms:GenerateDataKey*"], self._location.this_account
            )
        # EventBridge's calls to an encrypted topic carry neither aws:SourceAccount nor aws:SourceArn: under such a
        # condition every notification is dropped in silence (same page; awslabs/landing-zone-accelerator-on-aws#407).
        self._allow(
            self.messaging_key, "AllowEvents", "events.amazonaws.com", ["kms:Decrypt", "kms:GenerateDataKey*"], {}
        )

    def _allow_backup_on_backup_key(self) -> None:
        # https://docs.aws.amazon.com/aws-backup/latest/devguide/encryption.html
        self._allow(
            self.backup_key,
            "AllowBackup",
            "backup.amazonaws.com",
            ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
            self._location.this_account,
        )

    def _allow(
        self, key: kms.Key, sid: str, service: str, actions: list[str], conditions: dict[str, dict[str, str]]
    ) -> None:
        key.add_to_resource_policy(
            iam.PolicyStatement(
                sid=sid,
                principals=[iam.ServicePrincipal(service)],
                actions=actions,
                resources=["*"],
                conditions=conditions,
            )
        )


def _allow_copies_into(key: kms.Key, account: str) -> None:
    """Let the account of the vault for copies read what this key encrypts, and only AWS services of it make grants."""
    # https://docs.aws.amazon.com/aws-backup/latest/devguide/create-cross-account-backup.html
    owner = iam.AccountPrincipal(account)
    use = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
    grants = ["kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"]
    services = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
    for sid, actions, conditions in (("AllowCopies", use, {}), ("AllowGrantsForCopies", grants, services)):
        key.add_to_resource_policy(
            iam.PolicyStatement(sid=sid, principals=[owner], actions=actions, resources=["*"], conditions=conditions)
        )
