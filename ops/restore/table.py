"""The plan of a point-in-time restore of the DynamoDB table.

A restored table has no time to live, point-in-time recovery, tags, alarms or deletion protection of its source.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/PointInTimeRecovery_Howitworks.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
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
        self._recovery = self._backups()

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

    def take_over(self, name: str) -> Plan:
        """Return what puts this table, as it is, in the place of another, lost one.

        DynamoDB renames no table: the lost one is deleted where it is still there, which leaves a backup of it for 35
        days, and this one is restored once more under its name.
        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/PointInTimeRecovery_Howitworks.html

        Args:
            name: of the lost table.

        Raises:
            OpsError: this table cannot be restored to any time.
        """
        if self._recovery["PointInTimeRecoveryStatus"] != "ENABLED":
            raise OpsError(f"{self.name} cannot be restored to any time: turn its point-in-time recovery on")
        steps = [*self._until_restorable(), *self._make_room(name), *self._steps(None, name)]
        undo = [
            f"aws dynamodb list-backups --table-name {name} --backup-type SYSTEM",
            f"aws dynamodb restore-table-from-backup --target-table-name {name} --backup-arn the-arn-of-that-backup",
        ]
        afterwards = [f"{name} has the items of {self.name}, which costs until it is deleted."]
        return Plan(f"DynamoDB: {self.name} takes over as {name}", self._dynamodb, steps, undo, afterwards)

    def _until_restorable(self) -> Iterator[Step]:
        """Wait for a copy that is too new to be restored: point-in-time recovery has just been turned on."""

        def restorable() -> bool:
            return self._backups().get("LatestRestorableDateTime") is not None

        if not restorable():
            request = {"TableName": self.name}
            yield Step(f"wait until {self.name} can be restored", "describe_continuous_backups", request, restorable)

    def _backups(self) -> Mapping[str, Any]:
        found = self._dynamodb.describe_continuous_backups(TableName=self.name)["ContinuousBackupsDescription"]
        described: Mapping[str, Any] = found["PointInTimeRecoveryDescription"]
        return described

    def _make_room(self, name: str) -> Iterator[Step]:
        lost = self._describe(name)
        if lost is None:
            return
        if lost.get("DeletionProtectionEnabled"):
            request = {"TableName": name, "DeletionProtectionEnabled": False}
            yield Step(f"lift the protection of {name}", "update_table", request, partial(self._is_active, name))
        yield Step(f"delete {name}", "delete_table", {"TableName": name}, lambda: self._describe(name) is None)

    def _is_active(self, name: str) -> bool:
        found = self._describe(name)
        return found is not None and found["TableStatus"] == "ACTIVE"

    def _steps(self, moment: datetime | None, copy: str) -> Iterator[Step]:
        until = {"RestoreDateTime": moment} if moment else {"UseLatestRestorableTime": True}
        encryption = self.table.get("SSEDescription", {})
        key = {"KMSMasterKeyId": encryption["KMSMasterKeyArn"]} if "KMSMasterKeyArn" in encryption else {}
        override = {"SSESpecificationOverride": {"Enabled": True, "SSEType": "KMS", **key}} if encryption else {}
        request = {"SourceTableName": self.name, "TargetTableName": copy, **until, **override}

        is_active = partial(self._is_active, copy)
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
        return describe_table(self._dynamodb, name)


def describe_table(dynamodb: Any, name: str) -> dict[str, Any] | None:
    """Return a table as DynamoDB describes it; None when there is none."""
    try:
        return dict(dynamodb.describe_table(TableName=name)["Table"])
    except ClientError as error:
        if error_code(error) != "ResourceNotFoundException":
            raise
        return None
