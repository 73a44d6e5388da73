"""A small AWS for the drill that replaces both stores: one object is every client, and the successor too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from breakwater_drills import Result, Target, run
from breakwater_drills.take_over import TakeOver
from drills_testing.clock import SimulatedClock
from drills_testing.fakes import SERVICES, TIMING, Told, refused, target

RUN, CLUSTER, TABLE = "0123abcd", "dr-aurora-x1", "dr-transactions-x1"
LOST, COPY, TABLE_COPY = f"{CLUSTER}-lost", f"drill-{RUN}", f"{TABLE}-drill-{RUN}"
BEHIND = 5  # so many of the newest heartbeats a copy lacks


@dataclass
class Store:
    """A cluster or a table."""

    id: str
    secret: str = ""
    heartbeats: set[int] = field(default_factory=set)
    protected: bool = False
    status: str = "available"

    def copy(self) -> Store:
        kept = sorted(self.heartbeats)[:-BEHIND]
        return Store(f"{self.id}-copy", f"{self.secret}-copy", set(kept))


class World:
    """Is every client of AWS, and replaces the stores."""

    aside = LOST
    managed = True  # whether RDS keeps the password

    def __init__(self) -> None:
        self.clock = SimulatedClock()
        self.clusters = {CLUSTER: Store("id-1", "arn:the-secret")}
        self.tables = {TABLE: Store("id-2")}
        self.drift: dict[str, str] = {}
        self.drift_of_copy: dict[str, str] = {}
        self.broken: Callable[[str], None] = lambda _: None
        self.removed: list[str] = []

    def restore(self, cluster: str, table: str) -> None:
        self.broken("restore")
        self.clusters[cluster], self.tables[table] = self.clusters[CLUSTER].copy(), self.tables[TABLE].copy()
        if not self.managed:
            self.clusters[cluster].secret = self.clusters[CLUSTER].secret
        self.clock.sleep(60.0)

    def take_over(self, cluster: str, table: str) -> None:
        copied = self.tables[table]
        del self.tables[TABLE]
        self.clock.sleep(20.0)
        self.broken("take over")
        self.tables[TABLE] = replace(copied, id="id-3", heartbeats=set(copied.heartbeats))
        self.clusters[LOST] = self.clusters.pop(CLUSTER)
        self.clusters[CLUSTER] = self.clusters.pop(cluster)
        self.drift |= self.drift_of_copy
        self.clock.sleep(10.0)

    # RDS
    def describe_db_clusters(self, DBClusterIdentifier: str = "", Filters: Any = ()) -> dict[str, Any]:  # noqa: N803
        assert all(each["Name"] == "db-cluster-id" for each in Filters)
        wanted = {DBClusterIdentifier, *(name for each in Filters for name in each["Values"])} - {""}
        names = [name for name in self.clusters if name in wanted or not wanted]
        return {"DBClusters": [self._described(name) for name in names]}

    def _described(self, name: str) -> dict[str, Any]:
        found = self.clusters[name]
        return {
            "DBClusterIdentifier": name,
            "DBClusterArn": "arn:aws:rds:eu-central-1:123456789012:cluster:dr-aurora-x1",
            "Status": found.status,
            "DbClusterResourceId": found.id,
            "DeletionProtection": found.protected,
            "LatestRestorableTime": self._latest(),
            **({"MasterUserSecret": {"SecretArn": found.secret}} if self.managed else {}),
        }

    def describe_db_instances(self, Filters: Any) -> dict[str, Any]:  # noqa: N803 (the API's name)
        ((name,),) = (each["Values"] for each in Filters)
        assert Filters == [{"Name": "db-cluster-id", "Values": [name]}]
        return {"DBInstances": [{"DBInstanceIdentifier": f"{name}-1"}] if name in self.clusters else []}

    def describe_db_cluster_snapshots(self, **_: Any) -> dict[str, Any]:
        return {"DBClusterSnapshots": []}

    def delete_db_instance(self, DBInstanceIdentifier: str, **_: Any) -> None:  # noqa: N803 (the API's name)
        self.removed.append(DBInstanceIdentifier)

    def delete_db_cluster(self, DBClusterIdentifier: str, **_: Any) -> None:  # noqa: N803 (the API's name)
        if self.clusters.pop(DBClusterIdentifier, None) is None:
            raise refused("DBClusterNotFoundFault")
        self.removed.append(DBClusterIdentifier)

    def execute_statement(self, sql: str, secretArn: str, parameters: Any = (), **_: Any) -> dict[str, Any]:  # noqa: N803
        cluster = self.clusters[CLUSTER]
        if secretArn != cluster.secret:
            raise refused("BadRequestException", message="password authentication failed")
        number = parameters[0]["value"].get("longValue", 0) if parameters else 0
        if sql.startswith("INSERT"):
            cluster.heartbeats.add(number)
        if sql.startswith("SELECT max"):
            return {"records": [[{"longValue": max(cluster.heartbeats, default=-1)}]]}
        found = sorted(each for each in cluster.heartbeats if each > number)
        return {"records": [[{"longValue": each}] for each in found] if sql.startswith("SELECT number") else []}

    # DynamoDB
    def _table(self, name: str) -> Store:
        if name not in self.tables:
            raise refused("ResourceNotFoundException")
        return self.tables[name]

    def _latest(self) -> datetime:
        return datetime.fromtimestamp(self.clock.now() - 0.5, UTC)

    def describe_table(self, TableName: str) -> dict[str, Any]:  # noqa: N803 (the API's name)
        found = self._table(TableName)
        status = "ACTIVE" if found.status == "available" else "CREATING"
        return {"Table": {"TableStatus": status, "TableId": found.id, "DeletionProtectionEnabled": found.protected}}

    def describe_continuous_backups(self, **_: Any) -> dict[str, Any]:
        recovery = {"LatestRestorableDateTime": self._latest()}
        return {"ContinuousBackupsDescription": {"PointInTimeRecoveryDescription": recovery}}

    def list_tables(self) -> dict[str, Any]:
        return {"TableNames": list(self.tables)}

    def put_item(self, TableName: str, Item: Any) -> None:  # noqa: N803 (the API's name)
        self._table(TableName).heartbeats.add(int(Item["sk"]["S"]))

    def get_item(self, TableName: str, Key: Any, **_: Any) -> dict[str, Any]:  # noqa: N803 (the API's name)
        return {"Item": Key} if int(Key["sk"]["S"]) in self._table(TableName).heartbeats else {}

    def query(self, TableName: str, **_: Any) -> dict[str, Any]:  # noqa: N803 (the API's name)
        return {"Items": [{"sk": {"S": str(each)}} for each in self._table(TableName).heartbeats]}

    def batch_write_item(self, **_: Any) -> dict[str, Any]:
        return {"UnprocessedItems": {}}

    def delete_table(self, TableName: str) -> None:  # noqa: N803 (the API's name)
        self._table(TableName)
        del self.tables[TableName]
        self.removed.append(TableName)

    # ECS
    def describe_services(self, **_: Any) -> dict[str, Any]:
        return SERVICES

    def list_task_definitions(self, **_: Any) -> dict[str, Any]:
        return {"taskDefinitionArns": []}

    # CloudFormation: the stores are in a nested stack
    def list_stack_resources(self, StackName: str) -> dict[str, Any]:  # noqa: N803 (the API's name)
        stacks = {
            "Breakwater-x1": [("Data", "AWS::CloudFormation::Stack", "arn:data"), ("Role", "AWS::IAM::Role", "role")],
            "arn:data": [("Cluster", "AWS::RDS::DBCluster", CLUSTER), ("Table", "AWS::DynamoDB::Table", TABLE)],
        }
        keys = ("LogicalResourceId", "ResourceType", "PhysicalResourceId")
        return {"StackResourceSummaries": [dict(zip(keys, each, strict=True)) for each in stacks[StackName]]}

    def detect_stack_resource_drift(self, StackName: str, LogicalResourceId: str) -> dict[str, Any]:  # noqa: N803
        assert StackName == "arn:data"
        return {"StackResourceDrift": {"StackResourceDriftStatus": self.drift.get(LogicalResourceId, "IN_SYNC")}}

    def get_paginator(self, name: str) -> SimpleNamespace:
        return SimpleNamespace(paginate=lambda **request: [getattr(self, name)(**request)])

    @property
    def target(self) -> Target:
        # The service itself is asked in an account only.
        return replace(target(), new_client=self._client, emulated=True, successor=self)

    def _client(self, service: str, **_: Any) -> World:
        assert service in {"cloudformation", "dynamodb", "ecs", "rds", "rds-data"}
        return self

    def run(self, told: Told | None = None, timeout: float = 60.0) -> Result:
        drill = type("Drilled", (TakeOver,), {"timeout_seconds": timeout})
        return run(drill(self.target, RUN, self.clock), TIMING, told or Told())
