"""Aurora's rules where a fixture cannot say it: days, messages, and who belongs to whom."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from breakwater_guards import check
from breakwater_guards.facts.clock import pinned, today
from breakwater_guards.model.assembly import Assembly


def findings(rule: str, *clusters: dict[str, Any], day: date | None = None, **others: dict[str, Any]) -> list[str]:
    """Judge clusters of Aurora PostgreSQL, and other resources, by one rule as of a day."""
    resources = {
        f"Cluster{index}": {"Type": "AWS::RDS::DBCluster", "Properties": {"Engine": "aurora-postgresql", **properties}}
        for index, properties in enumerate(clusters)
    }
    with pinned(day or today()):
        report = check(Assembly.from_document({"Resources": {**resources, **others}}), rules=[rule])
    return [f"{finding.resource}.{finding.path}: {finding.message}" for finding in report.findings]


@pytest.mark.parametrize(
    ("days_before_the_end", "message"),
    [
        (91, None),
        (90, "ends on 2027-09-30"),
        (0, "ends on 2027-09-30"),
        (-1, "ended on 2027-09-30"),
    ],
)
def test_the_end_of_support_is_reported_90_days_ahead(days_before_the_end: int, message: str | None) -> None:
    day = date(2027, 9, 30) - timedelta(days=days_before_the_end)
    found = findings("DR-AURORA-02", {"EngineVersion": "17.9"}, day=day)
    assert [message in line for line in found if message] == [True] * len(found)
    assert bool(found) == (message is not None)


def test_a_minor_without_an_end_of_its_own_has_that_of_its_major() -> None:
    assert findings("DR-AURORA-02", {"EngineVersion": "14.24"}, day=date(2026, 11, 29)) == []
    assert findings("DR-AURORA-02", {"EngineVersion": "14.24"}, day=date(2026, 11, 30)) == [
        "Cluster0.EngineVersion: standard support of Aurora PostgreSQL 14.24 ends on 2027-02-28."
    ]


def test_the_clock_is_todays_outside_a_pinned_block(day: date) -> None:
    with pinned(date(2030, 1, 1)):
        assert today() == date(2030, 1, 1)
    assert today() == day


def test_a_retired_version_is_answered_with_the_nearest_of_its_major() -> None:
    (line,) = findings("DR-AURORA-01", {"EngineVersion": "15.6"})
    assert line.startswith("Cluster0.EngineVersion: EngineVersion '15.6' is not offered; the nearest that is: 15.10, ")
    assert "17.7" not in line


def test_a_major_without_any_offered_version_is_answered_with_another() -> None:
    (line,) = findings("DR-AURORA-01", {"EngineVersion": "9.6.22"})
    assert "the nearest that is: " in line
    assert ", the newest: 18." in line


def test_every_feature_below_its_floor_is_reported() -> None:
    scaling = {"ServerlessV2ScalingConfiguration": {"MinCapacity": 0, "MaxCapacity": 2}}
    cluster = {"EngineVersion": "13.4", "EnableHttpEndpoint": True, "GlobalClusterIdentifier": "payments", **scaling}
    writer = {
        "Type": "AWS::RDS::DBInstance",
        "Properties": {"DBClusterIdentifier": {"Ref": "Cluster0"}, "DBInstanceClass": "db.serverless"},
    }
    lines = findings("DR-AURORA-03", cluster, Writer=writer)
    assert [line.split("does not support ")[1].split(";")[0] for line in lines] == [
        "Serverless v2",
        "Data API",
        "auto-pause",
    ]


def test_a_name_that_two_stacks_use_means_the_cluster_of_the_same_stack() -> None:
    def stack(scaling: bool) -> dict[str, Any]:
        properties: dict[str, Any] = {"Engine": "aurora-postgresql", "DBClusterIdentifier": "payments"}
        if scaling:
            properties["ServerlessV2ScalingConfiguration"] = {"MinCapacity": 1, "MaxCapacity": 2}
        instance = {"DBClusterIdentifier": "payments", "DBInstanceClass": "db.serverless"}
        return {
            "Resources": {
                "Cluster": {"Type": "AWS::RDS::DBCluster", "Properties": properties},
                "Writer": {"Type": "AWS::RDS::DBInstance", "Properties": instance},
            }
        }

    report = check(
        Assembly({"good.json": stack(scaling=True), "bad.json": stack(scaling=False)}), rules=["DR-AURORA-04"]
    )
    assert [finding.template for finding in report.findings] == ["bad.json"]


@pytest.mark.parametrize("value", [True, "x" * 100, [], {}, -1, "nan", "9" * 400, None])
def test_values_of_the_wrong_type_are_no_findings_of_a_crash(value: Any) -> None:
    names = [
        *("EngineVersion", "Port", "MasterUsername", "DeletionProtection", "ServerlessV2ScalingConfiguration"),
        *("PreferredBackupWindow", "EnableCloudwatchLogsExports", "DBClusterParameterGroupName", "MasterUserPassword"),
        *("GlobalClusterIdentifier", "ReplicationSourceIdentifier", "KmsKeyId", "StorageEncrypted"),
    ]
    document = {
        "Resources": {
            "Cluster": {
                "Type": "AWS::RDS::DBCluster",
                "Properties": dict.fromkeys(names, value) | {"Engine": "aurora-mysql"},
            },
            "Broken": {"Type": "AWS::RDS::DBCluster", "Properties": value},
            "Table": {
                "Type": "AWS::DynamoDB::GlobalTable",
                "Properties": {"Replicas": value, "SSESpecification": value},
            },
            "Vault": {"Type": "AWS::Backup::BackupVault", "Properties": {"LockConfiguration": value}},
            "Plan": {"Type": "AWS::Backup::BackupPlan", "Properties": {"BackupPlan": {"BackupPlanRule": [value]}}},
            "Selection": {
                "Type": "AWS::Backup::BackupSelection",
                "Properties": {"BackupSelection": {"Resources": value}},
            },
            "Group": {"Type": "AWS::RDS::DBSubnetGroup", "Properties": {"SubnetIds": [value]}},
        },
        "Parameters": {"Odd": value},
    }
    check(Assembly.from_document(document), rules=["DR-AURORA", "DR-BACKUP", "DR-DYNAMODB"])
