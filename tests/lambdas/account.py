"""An AWS account in memory (moto) with the resources that the functions use."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

import boto3
from botocore.exceptions import ClientError

from common import clients
from failover.claims import ClaimStore
from failover.execution import Failover
from failover.logic import FailoverLimits

CLUSTER, TABLE = "dr-aurora-test-us-east-1", "dr-transactions-test-us-east-1"
REGION = "us-east-1"
NAMESPACE = "Breakwater"
LIMITS = FailoverLimits(cluster=CLUSTER, lag_ms=1000, cool_down_seconds=600)
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
    "CLUSTER_IDENTIFIER": CLUSTER,
    "TABLE_NAME": TABLE,
    "REPLICA_LAG_LIMIT_MS": "1000",
    "COOL_DOWN_SECONDS": "600",
    "TIMEOUT_SECONDS": "60",
    "TTL_ATTRIBUTE": "expires_at",
    "METRIC_NAMESPACE": NAMESPACE,
    "SUFFIX": "test",
}


@dataclass
class FakeClock:
    """A clock that advances when its user sleeps.

    Attributes:
        now: Current time in seconds since 1970.
    """

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        """Advance the clock."""
        self.now += seconds


class MemoryTable:
    """DynamoDB with one table in memory, for tests that run thousands of times.

    It knows only the operations and conditions that the functions use; other tests run the same ones with moto.
    """

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], dict[str, Any]] = {}

    def get_item(self, *, Key: dict[str, Any], ConsistentRead: bool, **_: Any) -> dict[str, Any]:  # noqa: N803
        """Return the item with a key, if there is one."""
        assert ConsistentRead
        item = self.items.get(_key_of(Key))
        return {} if item is None else {"Item": dict(item)}

    def put_item(self, *, Item: dict[str, Any], **condition: Any) -> None:  # noqa: N803
        """Write an item if its condition holds."""
        self._require(Item, condition, "PutItem")
        self.items[_key_of(Item)] = Item

    def delete_item(self, *, Key: dict[str, Any], **condition: Any) -> None:  # noqa: N803
        """Delete an item if its condition holds."""
        self._require(Key, condition, "DeleteItem")
        self.items.pop(_key_of(Key), None)

    def transact_write_items(self, *, TransactItems: list[dict[str, Any]]) -> None:  # noqa: N803
        """Write several items if all conditions hold."""
        puts = [each["Put"] for each in TransactItems]
        held = [self._holds(put["Item"], put) for put in puts]
        if not all(held):
            reasons = [
                {"Code": "None"} if holds else {"Code": "ConditionalCheckFailed", **self._old(put)}
                for holds, put in zip(held, puts, strict=True)
            ]
            answer: Any = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": reasons}
            raise ClientError(answer, "TransactWriteItems")
        for put in puts:
            self.items[_key_of(put["Item"])] = put["Item"]

    def _old(self, put: dict[str, Any]) -> dict[str, Any]:
        wanted = put.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
        return {"Item": self.items[_key_of(put["Item"])]} if wanted else {}

    def _require(self, key: dict[str, Any], condition: dict[str, Any], operation: str) -> None:
        if not self._holds(key, condition):
            raise ClientError({"Error": {"Code": "ConditionalCheckFailedException"}}, operation)

    def _holds(self, key: dict[str, Any], condition: dict[str, Any]) -> bool:
        item, values = self.items.get(_key_of(key), {}), condition.get("ExpressionAttributeValues", {})

        def holds(atom: str) -> bool:
            if found := re.fullmatch(r"attribute_(not_)?exists\((\w+)\)", atom):
                return (found[2] in item) is not bool(found[1])
            name, operator, value = re.fullmatch(r"(\w+) (<=|=) (:\w+)", atom).groups()  # type: ignore[union-attr]
            if name not in item:
                return False
            ((kind, stored),), ((_, given),) = item[name].items(), values[value].items()
            pair = (stored, given) if kind == "S" else (float(stored), float(given))
            return bool(pair[0] == pair[1] or (operator == "<=" and pair[0] < pair[1]))

        alternatives = condition.get("ConditionExpression", "").split(" OR ")
        return alternatives == [""] or any(all(map(holds, each.split(" AND "))) for each in alternatives)


def _key_of(item: dict[str, Any]) -> tuple[str, str]:
    return item["pk"]["S"], item["sk"]["S"]


def claims_of_the_cluster(dynamodb: Any = None, table: str = TABLE) -> ClaimStore:
    """Return the failovers of the cluster, by default in the table of the account."""
    return ClaimStore(dynamodb or clients.client("dynamodb"), table, LIMITS, "expires_at")


def failover_by(clock: FakeClock, **changes: Any) -> Failover:
    """Return the failover of the cluster.

    Args:
        clock: what it reads the time from, and sleeps by.
        changes: members that differ; `rds` stands for `rds_once`, too, unless that is given.
    """
    members: dict[str, Any] = {
        "rds": clients.client("rds"),
        "rds_once": changes.get("rds", clients.client("rds", attempts=1)),
        "cloudwatch": clients.client("cloudwatch"),
        "claims": claims_of_the_cluster(),
        "limits": LIMITS,
        "timeout_seconds": 60,
        "namespace": NAMESPACE,
        "suffix": "test",
        "clock": clock,
        "sleep": clock.sleep,
    }
    return Failover(**members | changes)


class LambdaContext:
    """Lambda's context object of one invocation.

    Args:
        request_id: Identifier of the invocation.
        seconds: How long the invocation may still run.
    """

    def __init__(self, request_id: str = "request-1", seconds: float = 300) -> None:
        self.aws_request_id, self._seconds = request_id, seconds

    def get_remaining_time_in_millis(self) -> int:
        """Return how long the invocation may still run, in milliseconds."""
        return int(self._seconds * 1000)


def record_calls(client: Any, service: str, calls: set[str]) -> Any:
    """Let a client add each operation that it calls to a set, as ``service:Operation``; return the client."""
    client.meta.events.register("before-parameter-build", lambda model, **_: calls.add(f"{service}:{model.name}"))
    return client


class FakeAccount:
    """An account in memory, as the tests see it.

    Args:
        calls: Operations that the function under test has called, as ``service:Operation``.
    """

    def __init__(self, calls: set[str]) -> None:
        self.calls = calls

    def client(self, service: str) -> Any:
        """Return a client whose calls are not recorded as the function's."""
        return _client(service)

    def create_table(self, name: str = TABLE) -> None:
        """Create the platform's table, or another one with the same key."""
        self.client("dynamodb").create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        )

    def create_cluster(self) -> None:
        """Create the cluster with a writer and a reader in two Availability Zones."""
        rds = self.client("rds")
        rds.create_db_cluster(
            DBClusterIdentifier=CLUSTER,
            Engine="aurora-postgresql",
            MasterUsername="owner",
            MasterUserPassword="not-a-password",
        )
        for number, zone in enumerate(("us-east-1a", "us-east-1b"), start=1):
            rds.create_db_instance(
                DBInstanceIdentifier=f"{CLUSTER}-{number}",
                DBClusterIdentifier=CLUSTER,
                Engine="aurora-postgresql",
                DBInstanceClass="db.serverless",
                AvailabilityZone=zone,
            )

    def writer(self) -> str:
        """Return the identifier of the cluster's writer."""
        cluster = self.client("rds").describe_db_clusters(DBClusterIdentifier=CLUSTER)["DBClusters"][0]
        (writer,) = (each["DBInstanceIdentifier"] for each in cluster["DBClusterMembers"] if each["IsClusterWriter"])
        return str(writer)

    def metrics(self) -> dict[tuple[str, ...], float]:
        """Return the published metrics: the maximum by name and dimensions, which are written ``Name=Value``."""
        return {
            (each["MetricName"], *_dimensions(each)): float(self._statistics(each)["Maximum"])
            for each in self._published()
        }

    def units(self) -> dict[str, str]:
        """Return the unit of the published metrics by name."""
        return {each["MetricName"]: self._statistics(each)["Unit"] for each in self._published()}

    def _published(self) -> list[dict[str, Any]]:
        return list(self.client("cloudwatch").list_metrics(Namespace=NAMESPACE)["Metrics"])

    def _statistics(self, metric: dict[str, Any]) -> dict[str, Any]:
        times = {"StartTime": "2020-01-01T00:00:00Z", "EndTime": "2100-01-01T00:00:00Z", "Period": 86400 * 3650}
        response = self.client("cloudwatch").get_metric_statistics(**metric, **times, Statistics=["Maximum"])
        return dict(response["Datapoints"][0])


def _dimensions(metric: dict[str, Any]) -> list[str]:
    return [f"{each['Name']}={each['Value']}" for each in metric["Dimensions"]]


@cache
def _client(service: str) -> Any:
    create: Any = boto3.client  # the stubs declare one overload for each literal service name
    return create(service, region_name=REGION, aws_access_key_id="testing", aws_secret_access_key="testing")
