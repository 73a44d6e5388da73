"""The plan of a point-in-time restore of the DynamoDB table.

A restored table has no time to live, point-in-time recovery, tags, alarms or deletion protection of its source.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/PointInTimeRecovery_Howitworks.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from ops.errors import OpsError, error_code
from ops.restore.plan import Plan, Step, in_words, own_tags, require_restorable


class Table:
    """The table to restore, as DynamoDB describes it.

    Args:
        dynamodb: client of DynamoDB.
        name: of the table.

    Raises:
        OpsError: there is no such table.
    """

    def __init__(self, dynamodb: Any, name: str) -> None:
        self._dynamodb, self.name = dynamodb, name
        found = self._describe(name)
        if found is None:
            raise OpsError(f"there is no table {name}: restore it from the vault, see docs/runbook.md")
        self.table = found
        backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
        self._recovery: Mapping[str, Any] = backups["PointInTimeRecoveryDescription"]

    def plan(self, moment: datetime | None, copy: str) -> Plan:
        """Return what restores the table.

        Args:
            moment: aware; None for the latest restorable time.
            copy: name of the restored table.

        Raises:
            OpsError: the moment cannot be restored, or the name is taken.
        """
        recovery = self._recovery
        require_restorable(moment, recovery.get("EarliestRestorableDateTime"), recovery.get("LatestRestorableDateTime"))
        if self._describe(copy) is not None:
            raise OpsError(f"there is a table {copy} already: choose another name with --as, or delete it")
        undo = [
            f"aws dynamodb update-table --table-name {copy} --no-deletion-protection-enabled",
            f"aws dynamodb delete-table --table-name {copy}",
        ]
        afterwards = [f"The service uses {self.name}: copy items back from {copy}, see docs/runbook.md."]
        title = f"DynamoDB: {self.name} at {in_words(moment)} as {copy}"
        return Plan(title, self._dynamodb, list(self._steps(moment, copy)), undo, afterwards)

    def _steps(self, moment: datetime | None, copy: str) -> Iterator[Step]:
        until = {"RestoreDateTime": moment} if moment else {"UseLatestRestorableTime": True}
        encryption = self.table.get("SSEDescription", {})
        key = {"KMSMasterKeyId": encryption["KMSMasterKeyArn"]} if "KMSMasterKeyArn" in encryption else {}
        override = {"SSESpecificationOverride": {"Enabled": True, "SSEType": "KMS", **key}} if encryption else {}
        request = {"SourceTableName": self.name, "TargetTableName": copy, **until, **override}

        def is_active() -> bool:
            found = self._describe(copy)
            return found is not None and found["TableStatus"] == "ACTIVE"

        yield Step(f"restore {copy}", "restore_table_to_point_in_time", request, is_active)
        lifetime = self._dynamodb.describe_time_to_live(TableName=self.name)["TimeToLiveDescription"]
        if "AttributeName" in lifetime:
            wanted = {"Enabled": True, "AttributeName": lifetime["AttributeName"]}
            yield Step(
                "let items expire", "update_time_to_live", {"TableName": copy, "TimeToLiveSpecification": wanted}
            )
        if self._recovery["PointInTimeRecoveryStatus"] == "ENABLED":
            days = {name: self._recovery[name] for name in ("RecoveryPeriodInDays",) if name in self._recovery}
            yield Step(
                "turn point-in-time recovery on",
                "update_continuous_backups",
                {
                    "TableName": copy,
                    "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True, **days},
                },
            )
        insights = self._dynamodb.describe_contributor_insights(TableName=self.name)
        if insights.get("ContributorInsightsStatus") in ("ENABLED", "ENABLING"):
            yield Step(
                "turn Contributor Insights on",
                "update_contributor_insights",
                {"TableName": copy, "ContributorInsightsAction": "ENABLE"},
            )
        arn = self.table["TableArn"]
        tags = own_tags(self._dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"])
        if tags:
            target = arn.removesuffix(self.name) + copy
            yield Step("tag it", "tag_resource", {"ResourceArn": target, "Tags": tags})
        if self.table.get("DeletionProtectionEnabled"):
            yield Step("protect it", "update_table", {"TableName": copy, "DeletionProtectionEnabled": True}, is_active)

    def _describe(self, name: str) -> dict[str, Any] | None:
        try:
            return dict(self._dynamodb.describe_table(TableName=name)["Table"])
        except ClientError as error:
            if error_code(error) != "ResourceNotFoundException":
                raise
            return None
