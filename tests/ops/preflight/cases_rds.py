"""Cases of the checks about RDS, and about what AWS Backup does with the cluster."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.ops.preflight.cases import Case, pages, refuse
from tests.ops.preflight.cases_region import THREE

VERSIONS = "rds:DescribeDBEngineVersions"
ORDERABLE = "rds:DescribeOrderableDBInstanceOptions"
MAJOR = "rds:DescribeDBMajorEngineVersions"
ATTRIBUTES = "rds:DescribeAccountAttributes"
CLUSTERS = "rds:DescribeDBClusters"
CLUSTER, INSTANCE = "AWS::RDS::DBCluster", "AWS::RDS::DBInstance"


def _versions(**given: Any) -> dict[str, Any]:
    """Only 16.11 and 17.9 are offered, and 17.5 no longer."""
    known: list[dict[str, str]] = [
        {"EngineVersion": "16.11"},  # RDS need not give a status
        {"EngineVersion": "17.5", "Status": "deprecated"},
        {"EngineVersion": "17.9", "Status": "available"},
    ]
    wanted = given.get("EngineVersion")
    return {"DBEngineVersions": [each for each in known if wanted in (None, each["EngineVersion"])]}


def _many_versions(**given: Any) -> dict[str, Any]:
    many = [{"EngineVersion": f"16.{number}"} for number in range(10, 24)]
    return {"DBEngineVersions": [] if "EngineVersion" in given else many}


def _one(**more: Any) -> dict[str, Any]:
    return {VERSIONS: {"DBEngineVersions": [{"EngineVersion": "17.7", "Status": "available", **more}]}}


def _life(days: int) -> dict[str, Any]:
    end = datetime.now(UTC) + timedelta(days=days)
    ends = {"open-source-rds-standard-support": end, "open-source-rds-extended-support": end + timedelta(days=1000)}
    cycles = [{"LifecycleSupportName": name, "LifecycleSupportEndDate": until} for name, until in ends.items()]
    return {MAJOR: {"DBMajorEngineVersions": [{"SupportedEngineLifecycles": cycles}]}}


def _sold(*names: str) -> dict[str, Any]:
    option = {"AvailabilityZones": [{"Name": name} for name in names]}
    return {ORDERABLE: {"OrderableDBInstanceOptions": [option]}}


def _quotas(clusters: int, instances: int) -> dict[str, Any]:
    rows = (("DBClusters", clusters), ("DBInstances", instances))
    return {ATTRIBUTES: {"AccountQuotas": [{"AccountQuotaName": name, "Used": used, "Max": 40} for name, used in rows]}}


def _cluster(**more: Any) -> dict[str, Any]:
    found = {"DBClusterIdentifier": "dr-aurora-dev-us-east-1", "EngineVersion": "17.7", "BackupRetentionPeriod": 7}
    return {CLUSTERS: {"DBClusters": [{**found, **more}]}}


def _targets(*versions: tuple[str, bool]) -> dict[str, Any]:
    targets = [{"EngineVersion": version, "IsMajorVersionUpgrade": major} for version, major in versions]
    return {VERSIONS: {"DBEngineVersions": [{"EngineVersion": "16.9", "ValidUpgradeTarget": targets}]}}


NO_CLUSTER = {CLUSTERS: refuse("DBClusterNotFoundFault")}
OWNED = "arn:aws:backup:us-east-1:111111111111:recovery-point:continuous:1"


CASES = [
    Case("PF-RDS-01", "offered", [("pass", "17.7 is offered")], _one()),
    Case(
        "PF-RDS-01",
        "retired",
        [("fail", "17.7 is not offered in us-east-1; offered are 16.11, 17.9")],
        {VERSIONS: _versions},
    ),
    Case(
        "PF-RDS-01",
        "one of many",
        [("fail", f"offered are {', '.join(f'16.{number}' for number in range(12, 24))}")],
        {VERSIONS: _many_versions},
    ),
    Case(
        "PF-RDS-01",
        "deprecated",
        [("fail", "17.5 is not offered")],
        {VERSIONS: _versions},
        context={"database.engine_version": "17.5"},
    ),
    Case(
        "PF-RDS-01",
        "on two pages",
        [("pass", "17.7 is offered")],
        {
            VERSIONS: pages(
                "Marker",
                {"DBEngineVersions": [], "Marker": "1"},
                {"DBEngineVersions": [{"EngineVersion": "17.7"}]},
            )
        },
    ),
    Case("PF-RDS-02", "for long", [("pass", "standard support of 17 ends on 20")], _life(1000)),
    Case("PF-RDS-02", "just for long enough", [("pass", "")], _life(181)),
    Case("PF-RDS-02", "just not for long enough", [("warn", "")], _life(179)),
    Case("PF-RDS-02", "not for long", [("warn", "standard support of 17 ends on 20")], _life(100)),
    Case("PF-RDS-02", "untold", [("warn", "gives no end of support")], {MAJOR: {"DBMajorEngineVersions": [{}]}}),
    Case("PF-RDS-03", "both", [("pass", "in 2 of us-east-1a, us-east-1b")], THREE | _sold("us-east-1a", "us-east-1b")),
    Case("PF-RDS-03", "one", [("fail", "in 1 of us-east-1a, us-east-1b")], THREE | _sold("us-east-1b", "us-east-1c")),
    Case("PF-RDS-03", "none", [("fail", "in 0 of")], {**THREE, ORDERABLE: {"OrderableDBInstanceOptions": [{}]}}),
    Case("PF-RDS-04", "plain", [("pass", "0 log types, 0.5 to 2.0 ACU")], _one()),
    Case(
        "PF-RDS-04",
        "logs",
        [("pass", "1 log types")],
        _one(ExportableLogTypes=["postgresql", "instance"]),
        profile="staging",
    ),
    Case(
        "PF-RDS-04",
        "no such log",
        [("fail", "log types postgresql are not among instance")],
        _one(ExportableLogTypes=["instance"]),
        profile="staging",
    ),
    Case(
        "PF-RDS-04",
        "capacity",
        [("fail", "0.5 to 2.0 ACU, and the version supports 1.0 to 128.0")],
        _one(ServerlessV2FeaturesSupport={"MinCapacity": 1.0, "MaxCapacity": 128.0}),
    ),
    Case(
        "PF-RDS-04",
        "fixed capacity",
        [("pass", "2.0 to 2.0 ACU")],
        _one(ServerlessV2FeaturesSupport={"MinCapacity": 0.0, "MaxCapacity": 128.0}),
        context={"database.min_acu": "2", "database.max_acu": "2"},
    ),
    Case("PF-RDS-04", "retired", [("warn", "17.7 is not offered: see PF-RDS-01")], {VERSIONS: _versions}),
    Case("PF-RDS-05", "room", [("pass", "1 more DBClusters, 30 of"), ("pass", "2 more DBInst")], _quotas(10, 10)),
    Case("PF-RDS-05", "full", [("fail", "0 of 40 are free"), ("fail", "2 more DBInstances, 1 of")], _quotas(40, 39)),
    Case(
        "PF-RDS-05",
        "deployed",
        [("pass", "0 more DBClusters"), ("pass", "0 more DBInstances")],
        _quotas(40, 40),
        deployed={"dr-aurora-dev-us-east-1": CLUSTER, "1": INSTANCE, "2": INSTANCE, "3": "AWS::RDS::DBSubnetGroup"},
    ),
    Case(
        "PF-RDS-05",
        "one reader more",
        [("pass", "0 more DBClusters"), ("fail", "1 more DBInstances, 0 of 40 are free")],
        _quotas(40, 40),
        deployed={"dr-aurora-dev-us-east-1": CLUSTER, "1": INSTANCE},
    ),
    Case(
        "PF-RDS-05",
        "one reader less",
        [("pass", "0 more DBClusters"), ("pass", "0 more DBInstances, 0 of 40 are free")],
        _quotas(40, 40),
        deployed={"dr-aurora-dev-us-east-1": CLUSTER, "1": INSTANCE, "2": INSTANCE, "3": INSTANCE},
    ),
    Case(
        "PF-RDS-05",
        "untold",
        [("warn", "no quota of DBClusters"), ("warn", "no quota of DBInstances")],
        {ATTRIBUTES: {"AccountQuotas": []}},
    ),
    Case("PF-RDS-07", "none", [("pass", "no cluster is deployed")], NO_CLUSTER),
    Case("PF-RDS-07", "same", [("pass", "17.7 stays")], _cluster()),
    Case(
        "PF-RDS-07", "back", [("fail", "runs 17.10, and RDS does not go back to 17.7")], _cluster(EngineVersion="17.10")
    ),
    Case(
        "PF-RDS-07",
        "path",
        [("pass", "17.4 can be upgraded")],
        _cluster(EngineVersion="17.4") | _targets(("17.7", False)),
    ),
    Case("PF-RDS-07", "major", [("warn", "major upgrade")], _cluster(EngineVersion="16.9") | _targets(("17.7", True))),
    Case(
        "PF-RDS-07",
        "no path",
        [("fail", "upgrades 16.9 to 17.4, 17.5, not to 17.7")],
        _cluster(EngineVersion="16.9") | _targets(("17.4", True), ("17.5", True)),
    ),
    Case(
        "PF-RDS-07",
        "no path at all",
        [("fail", "upgrades 11.9 to nothing, not to")],
        _cluster(EngineVersion="11.9") | {VERSIONS: {"DBEngineVersions": [{"EngineVersion": "11.9"}]}},
    ),
    Case("PF-BACKUP-03", "none", [("pass", "does not hold the retention")], NO_CLUSTER),
    Case("PF-BACKUP-03", "not yet", [("pass", "does not hold the retention")], _cluster(BackupRetentionPeriod=9)),
    Case("PF-BACKUP-03", "same", [("pass", "AWS Backup keeps 7 days")], _cluster(AwsBackupRecoveryPointArn=OWNED)),
    Case(
        "PF-BACKUP-03",
        "changed",
        [("fail", "AWS Backup keeps 9 days, and database.backup_retention_days is 7")],
        _cluster(AwsBackupRecoveryPointArn=OWNED, BackupRetentionPeriod=9),
    ),
]
