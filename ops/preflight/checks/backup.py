"""AWS Backup's settings of the region."""

from __future__ import annotations

from collections.abc import Iterator

from ops.preflight.check import Check, Outcome, fail, ok, warn
from ops.preflight.context import CheckContext, items

TYPES = ("Aurora", "DynamoDB")


class RegionSettings(Check):
    """AWS Backup takes part in what it is to back up."""

    id = "PF-BACKUP-01"
    title = "AWS Backup is opted in for Aurora and DynamoDB, with advanced features for DynamoDB"
    why = "A plan by ARN backs up all the same; a table's backups are copied only with advanced features."
    fix = "Change both preferences with `aws backup update-region-settings`."
    source = "https://docs.aws.amazon.com/aws-backup/latest/devguide/advanced-ddb-backup.html"
    calls = ("backup:DescribeRegionSettings",)

    def run(self, context: CheckContext) -> Iterator[Outcome]:
        """Read the preferences."""
        found = context.ask("backup:DescribeRegionSettings")
        opted = found.get("ResourceTypeOptInPreference", {})
        out = [kind for kind in TYPES if not opted.get(kind, False)]
        yield warn(f"not opted in: {items(out)}") if out else ok(f"opted in: {items(TYPES)}")
        advanced = found.get("ResourceTypeManagementPreference", {}).get("DynamoDB", False)
        copies = context.settings.backup.copy_vault_arn is not None
        if advanced:
            yield ok("DynamoDB has advanced features")
        else:
            yield (fail if copies else warn)("DynamoDB has no advanced features: its backups cannot be copied")
