"""The backup vault with its access policy and its lock."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_backup as backup
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from stacks.common.location import Location
from stacks.common.retention import removal_policy
from stacks.settings import BackupSettings, RemovalSettings


class Vault(Construct):
    """A vault with a key of its own that accepts recovery points from this account only.

    Args:
        scope: the stack.
        construct_id: its id in the stack.
        settings: the lock.
        removal: where data is kept, nobody may delete a recovery point by hand.
        name: physical name.
        location: partition, Region and account.
        key: key of the vault, a view.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: BackupSettings,
        removal: RemovalSettings,
        name: str,
        location: Location,
        key: kms.IKey,
    ) -> None:
        super().__init__(scope, construct_id)
        self.vault = backup.BackupVault(
            self,
            "Default",
            backup_vault_name=name,
            encryption_key=key,
            access_policy=_access_policy(location, keep=removal.data != "destroy"),
            lock_configuration=_lock(settings),
            removal_policy=removal_policy(removal),
        )


def _access_policy(location: Location, *, keep: bool) -> iam.PolicyDocument:
    # https://docs.aws.amazon.com/aws-backup/latest/devguide/create-a-vault-access-policy.html
    only_this_account = iam.PolicyStatement(
        sid="OnlyThisAccountCopiesIn",
        effect=iam.Effect.DENY,
        principals=[iam.AnyPrincipal()],
        actions=["backup:CopyIntoBackupVault"],
        resources=["*"],
        conditions={"StringNotEquals": {"aws:PrincipalAccount": location.account}},
    )
    if not keep:
        return iam.PolicyDocument(statements=[only_this_account])
    nobody_deletes = iam.PolicyStatement(
        sid="NobodyDeletesRecoveryPoints",
        effect=iam.Effect.DENY,
        principals=[iam.AnyPrincipal()],
        actions=["backup:DeleteRecoveryPoint", "backup:UpdateRecoveryPointLifecycle"],
        resources=["*"],
    )
    return iam.PolicyDocument(statements=[only_this_account, nobody_deletes])


def _lock(settings: BackupSettings) -> backup.LockConfiguration | None:
    if settings.lock == "off":
        return None
    return backup.LockConfiguration(
        min_retention=Duration.days(settings.lock_min_retention_days),
        max_retention=Duration.days(settings.lock_max_retention_days),
        # Only a compliance lock becomes final, and only it has a date on which it does.
        changeable_for=Duration.days(settings.lock_changeable_days) if settings.lock == "compliance" else None,
    )
