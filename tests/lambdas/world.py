"""An account in memory with a cluster and the platform's table, and a record of the calls that functions make."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3

from common import clients

CLUSTER, TABLE = "dr-aurora-test-us-east-1", "dr-transactions-test-us-east-1"
REGION, ACCOUNT = "us-east-1", "123456789012"
NAMESPACE = "Breakwater"
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
    "METRIC_NAMESPACE": NAMESPACE,
    "SUFFIX": "test",
}
Calls = set[str]


@contextmanager
def recorded() -> Iterator[Calls]:
    """Collect ``service:Operation`` of every call that goes through the functions' own clients."""
    made: Calls = set()
    original = boto3.client

    def create(service: str, **options: Any) -> Any:
        made_client = original(service, **options)
        events = made_client.meta.events
        events.register("before-parameter-build", lambda model, **_: made.add(f"{service}:{model.name}"))
        return made_client

    boto3.client = create  # type: ignore[assignment]
    try:
        yield made
    finally:
        boto3.client = original
        clients.client.cache_clear()


@dataclass
class Clock:
    """A clock that moves when somebody sleeps.

    Args:
        now: seconds since 1970.
        naps: how long each sleep was.
    """

    now: float = 1_800_000_000.0
    naps: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.naps.append(seconds)
        self.now += seconds


class Context:
    """Lambda's context of one invocation."""

    def __init__(self, request_id: str = "request-1", seconds: float = 300) -> None:
        self.aws_request_id, self._seconds = request_id, seconds

    def get_remaining_time_in_millis(self) -> int:
        """How long the invocation may still run."""
        return int(self._seconds * 1000)


def make_table() -> None:
    """Create the platform's table."""
    boto3.client("dynamodb", region_name=REGION).create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    )


def make_cluster(*zones: str) -> list[str]:
    """Create the cluster with a writer and readers in these zones, and return their identifiers."""
    rds = boto3.client("rds", region_name=REGION)
    rds.create_db_cluster(
        DBClusterIdentifier=CLUSTER,
        Engine="aurora-postgresql",
        MasterUsername="owner",
        MasterUserPassword="not-a-password",
    )
    made = []
    for number, zone in enumerate(zones or ("us-east-1a", "us-east-1b"), start=1):
        made.append(f"{CLUSTER}-{number}")
        rds.create_db_instance(
            DBInstanceIdentifier=made[-1],
            DBClusterIdentifier=CLUSTER,
            Engine="aurora-postgresql",
            DBInstanceClass="db.serverless",
            AvailabilityZone=zone,
        )
    return made


def writer() -> str:
    """Identifier of the instance that takes writes."""
    rds = boto3.client("rds", region_name=REGION)
    members = rds.describe_db_clusters(DBClusterIdentifier=CLUSTER)["DBClusters"][0]["DBClusterMembers"]
    (found,) = [member["DBInstanceIdentifier"] for member in members if member["IsClusterWriter"]]
    return found
