"""AWS Backup's settings of the Region."""

from __future__ import annotations

from collections.abc import Iterator

from ops.preflight.check import Check, Outcome, fail, ok, warn
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
        out = [kind for kind in TYPES if not opted.get(kind, False)]
        yield warn(f"not opted in: {listed(out)}") if out else ok(f"opted in: {listed(TYPES)}")
        if found.get("ResourceTypeManagementPreference", {}).get("DynamoDB", False):
            yield ok("DynamoDB has advanced features")
            return
        copies = context.settings.backup.copy_vault_arn is not None
        yield (fail if copies else warn)("DynamoDB has no advanced features: its backups cannot be copied")
