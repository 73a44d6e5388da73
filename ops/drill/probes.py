"""What a client does during a drill: it writes and reads rows and items, and requests the service."""

import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from ops.drill.target import PROBE_TIMEOUT_SECONDS, Target
from stacks.names import OutputKey

DATABASE_WRITE: Final = "database write"
DATABASE_READ: Final = "database read"
TABLE_WRITE: Final = "table write"
TABLE_READ: Final = "table read"
SERVICE: Final = "service request"
SERVICE_UNMEASURED: Final = "not measured: the embedded AWS runs no container and no load balancer"
_KEEP_SECONDS: Final = 86400  # items that an interrupted drill leaves expire after a day


class Rows:
    """Heartbeat rows in a database table of this drill alone.

    They go through the Data API, which can be reached from outside the VPC.

    Args:
        target: the deployed stack.
        run: id of the drill's run.
    """

    def __init__(self, target: Target, run: str) -> None:
        outputs = target.outputs
        self.table = f"drill_{run}"  # letters and digits of this program, so safe in a statement
        self._database = {
            "secretArn": outputs[OutputKey.CLUSTER_SECRET_ARN],
            "database": outputs[OutputKey.DATABASE_NAME],
        }
        self._cluster = outputs[OutputKey.CLUSTER_ARN]
        self._client, self._probe_client = target.client("rds-data"), target.probe_client("rds-data")

    def create(self) -> None:
        """Create the table."""
        self._run(
            self._client,
            f"CREATE TABLE {self.table} (number bigint PRIMARY KEY, "
            "written_at timestamptz NOT NULL DEFAULT clock_timestamp())",
        )

    def drop(self) -> None:
        """Remove the table, if it exists."""
        self._run(self._client, f"DROP TABLE IF EXISTS {self.table}")

    def write(self, number: int) -> None:
        """Write one row."""
        value = [{"name": "number", "value": {"longValue": number}}]
        self._run(self._probe_client, f"INSERT INTO {self.table} (number) VALUES (:number)", parameters=value)  # noqa: S608

    def read(self, _number: int) -> None:
        """Read the newest row."""
        self._run(self._probe_client, f"SELECT max(number) FROM {self.table}")  # noqa: S608

    def found(self, cluster: str | None = None) -> set[int]:
        """Return the numbers of all rows.

        Args:
            cluster: ARN of a restored cluster; None for the stack's own.
        """
        rows = self._run(self._client, f"SELECT number FROM {self.table}", cluster=cluster)["records"]  # noqa: S608
        return {row[0]["longValue"] for row in rows}

    def _run(self, client: Any, sql: str, cluster: str | None = None, **more: Any) -> dict[str, Any]:
        answer: dict[str, Any] = client.execute_statement(
            resourceArn=cluster or self._cluster, sql=sql, **self._database, **more
        )
        return answer


class Items:
    """Heartbeat items in a partition of this drill alone.

    Args:
        target: the deployed stack.
        run: id of the drill's run.
    """

    def __init__(self, target: Target, run: str) -> None:
        self.table = target.outputs[OutputKey.TABLE_NAME]
        self._expiry = target.settings.storage.ttl_attribute
        self._partition = {"S": f"drill#{run}"}
        self._client, self._probe_client = target.client("dynamodb"), target.probe_client("dynamodb")
        self._newest = 0

    def write(self, number: int) -> None:
        """Write one item."""
        expires = {"N": str(int(time.time()) + _KEEP_SECONDS)}
        self._probe_client.put_item(TableName=self.table, Item={**self._key(number), self._expiry: expires})
        self._newest = number

    def read(self, _number: int) -> None:
        """Read the newest item, consistently."""
        self._probe_client.get_item(TableName=self.table, Key=self._key(self._newest), ConsistentRead=True)

    def found(self, table: str | None = None) -> set[int]:
        """Return the numbers of all items.

        Args:
            table: name of a restored table; None for the stack's own.
        """
        pages = self._client.get_paginator("query").paginate(
            TableName=table or self.table,
            ConsistentRead=True,
            KeyConditionExpression="pk = :run",
            ExpressionAttributeValues={":run": self._partition},
        )
        return {int(item["sk"]["S"]) for page in pages for item in page["Items"]}

    def remove(self) -> None:
        """Remove all items."""
        for number in sorted(self.found()):
            self._client.delete_item(TableName=self.table, Key=self._key(number))

    def _key(self, number: int) -> dict[str, Any]:
        return {"pk": self._partition, "sk": {"S": f"{number:010d}"}}


@dataclass(frozen=True)
class MethodProbe:
    """A probe that calls one method.

    Attributes:
        name: of the probe.
        call: does it once, given the number of the request.
    """

    name: str
    call: Callable[[int], None]

    def request(self, number: int) -> None:
        """Do it once."""
        self.call(number)


def service(target: Target) -> list[MethodProbe]:
    """Return the probe of the load balancer; none in the embedded AWS, which runs neither it nor a container."""
    if target.emulated:
        return []
    url = target.outputs[OutputKey.SERVICE_URL]

    def request(_number: int) -> None:
        with urllib.request.urlopen(url, timeout=PROBE_TIMEOUT_SECONDS) as answer:  # noqa: S310 (the stack's own URL)
            answer.read()

    return [MethodProbe(SERVICE, request)]
