"""AWS Backup's settings of the Region."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import inf
from typing import Any

from ops.preflight.check import Check, Outcome, fail, ok, warn
from ops.preflight.checks.rds import deployed_cluster
from ops.preflight.context import CheckContext, listed

TYPES = ("Aurora", "DynamoDB")


class RegionSettings(Check):
    """Checks that AWS Backup is opted in for what the plan backs up."""

    id = "PF-BACKUP-01"
    title = "AWS Backup is opted in for Aurora and DynamoDB, with advanced features for DynamoDB"
    why = "Without the opt-in, only plans that name ARNs back up; without the features, no backup of a table is copied."
    fix = "Change both preferences with `aws backup update-region-settings`."
    source = "https://docs.aws.amazon.com/aws-backup/latest/devguide/advanced-ddb-backup.html"
    calls = ("backup:DescribeRegionSettings",)

    def run(self, context: CheckContext) -> Iterator[Outcome]:
        """Read both preferences."""
        found = context.ask("backup:DescribeRegionSettings")
        opted = found.get("ResourceTypeOptInPreference", {})
        out = [kind for kind in TYPES if not opted.get(kind)]
        yield warn(f"not opted in: {listed(out)}") if out else ok(f"opted in: {listed(TYPES)}")
        if found.get("ResourceTypeManagementPreference", {}).get("DynamoDB"):
            yield ok("DynamoDB has advanced features")
            return
        copies = context.settings.backup.copy_vault_arn is not None
        yield (fail if copies else warn)("DynamoDB has no advanced features: its backups cannot be copied")


class RetentionOwner(Check):
    """Checks that the deployment leaves the cluster's retention to AWS Backup, which owns it."""

    id = "PF-BACKUP-03"
    title = "The deployment does not change a retention that AWS Backup holds"
    why = "Every update of the cluster fails: AWS Backup holds the value, and RDS takes no other one."
    fix = (
        "Change the retention of the continuous rule in the deployed backup plan first, wait for its next job, then "
        "deploy `backup.continuous_retention_days` and `database.backup_retention_days` with the new value."
    )
    source = "https://github.com/aws-cloudformation/aws-cloudformation-resource-providers-rds/issues/511"
    calls = ("rds:DescribeDBClusters",)

    def run(self, context: CheckContext) -> Iterator[Outcome]:
        """Compare the cluster's retention with the settings, where a continuous recovery point exists."""
        wanted, cluster = context.settings.database.backup_retention_days, deployed_cluster(context)
        if cluster is None or not cluster.get("AwsBackupRecoveryPointArn"):
            yield ok("AWS Backup does not hold the retention")
            return
        found = cluster["BackupRetentionPeriod"]
        message = f"AWS Backup keeps {found} days"
        yield ok(message) if found == wanted else fail(f"{message}, and database.backup_retention_days is {wanted}")


class CopyVault(Check):
    """Checks that the vault for copies takes them."""

    id = "PF-BACKUP-04"
    title = "The vault for copies exists and takes them for as long as the plan keeps them"
    why = "Copy jobs fail, and only an alarm tells so: no recovery point outlives the data key."
    fix = "Create the vault, or correct `backup.copy_vault_arn` or the retention; switch on what another account needs."
    source = "https://docs.aws.amazon.com/aws-backup/latest/devguide/create-cross-account-backup.html"
    calls = ("backup:DescribeGlobalSettings", "backup:ListBackupVaults")

    def run(self, context: CheckContext) -> Iterator[Outcome]:
        """Ask for the vault and its lock; of a vault in another account, for what this account can tell."""
        arn = context.settings.backup.copy_vault_arn
        if arn is None:
            yield ok("no copies are configured")
            return
        _, _, _, region, account, _, name = arn.split(":")
        if account != context.identity["Account"]:
            yield self._across_accounts(context, account)
            return
        # AWS answers AccessDenied when it is asked for a vault that does not exist.
        vaults = context.ask.elsewhere(region).every("backup:ListBackupVaults", "BackupVaultList")
        vault = next((each for each in vaults if each["BackupVaultName"] == name), None)
        yield fail(f"there is no vault {name} in {region}") if vault is None else self._lock(context, vault)

    def _lock(self, context: CheckContext, vault: Mapping[str, Any]) -> Outcome:
        low, high = vault.get("MinRetentionDays", 0), vault.get("MaxRetentionDays", inf)
        kept = context.plan.numbers(
            "AWS::Backup::BackupPlan", "BackupPlan.BackupPlanRule[].CopyActions[].Lifecycle.DeleteAfterDays"
        )
        outside = [days for days in kept if not low <= days <= high]
        if outside:
            admitted = f"{low} days or more" if high == inf else f"{low} to {high} days"
            return fail(f"copies are kept {listed(outside)} days, and the vault's lock admits {admitted}")
        return ok(f"{vault['BackupVaultName']} takes copies for {listed(kept)} days")

    def _across_accounts(self, context: CheckContext, account: str) -> Outcome:
        settings = context.ask.find("backup:DescribeGlobalSettings", "InvalidRequestException")
        if settings is None:
            return fail(f"this account is in no organization: AWS Backup copies nothing to account {account}")
        if settings.get("GlobalSettings", {}).get("isCrossAccountBackupEnabled") != "true":
            return fail("cross-account backup is off: the organization's management account turns it on")
        return warn(
            f"cross-account backup is on; whether the vault in {account} exists, and its policy allows "
            f"backup:CopyIntoBackupVault to {context.identity['Account']}, only that account can tell"
        )
