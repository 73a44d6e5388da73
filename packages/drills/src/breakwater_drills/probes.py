"""What a client does during a drill: it writes and reads rows and items, and requests the service."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from boto3.dynamodb.table import BatchWriter

from breakwater_drills.bank import BALANCE, TRANSFER, Bank
from breakwater_drills.errors import RequestError
from breakwater_drills.http import Requests
from breakwater_drills.sampler import INTERVAL_SECONDS
from breakwater_drills.target import Target

DATABASE_WRITE: Final = "database write"
DATABASE_READ: Final = "database read"
TABLE_WRITE: Final = "table write"
TABLE_READ: Final = "table read"
SERVICE: Final = "service request"
_KEEP_SECONDS: Final = 86400  # items that an interrupted drill leaves expire after a day
# An answer of the Data API has at most 1 MiB: https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/data-api.html
_ROWS_A_PAGE: Final = 10_000
TABLE_PREFIX: Final = "drill_"


class StaleReadError(OSError):
    """A read was answered without the newest write that had been acknowledged before."""


class Rows:
    """Heartbeat rows in a database table of this drill alone.

    They go through the Data API, which can be reached from outside the VPC.

    Args:
        target: the deployed stack.
        run: id of the drill's run.
    """

    def __init__(self, target: Target, run: str) -> None:
        self.table = f"{TABLE_PREFIX}{run}"  # letters and digits of this program, so safe in a statement
        self._database = {"secretArn": target.database.secret_arn, "database": target.database.name}
        self._cluster = target.database.arn
        self._client, self._probe_client = target.client("rds-data"), target.probe_client("rds-data")
        self._newest = -1

    def log_in(self, secret_arn: str) -> None:
        """Use another secret from now on: that of a cluster that has taken the place of this one."""
        self._database["secretArn"] = secret_arn

    def create(self) -> None:
        """Create the table."""
        self._run(
            self._client,
            f"CREATE TABLE {self.table} (number bigint PRIMARY KEY, "
            "written_at timestamptz NOT NULL DEFAULT clock_timestamp())",
        )

    def drop(self) -> str:
        """Remove the table, if it exists."""
        self._run(self._client, f"DROP TABLE IF EXISTS {self.table}")
        return ""

    def tables(self) -> list[str]:
        """Return the names of the tables of all drills."""
        sql = "SELECT tablename FROM pg_tables WHERE tablename LIKE :name"
        rows = self.query(sql, name=TABLE_PREFIX.replace("_", r"\_") + "%")
        return [row[0]["stringValue"] for row in rows]

    def write(self, number: int) -> None:
        """Write one row."""
        self._run(self._probe_client, f"INSERT INTO {self.table} (number) VALUES (:number)", parameters=_number(number))  # noqa: S608
        self._newest = max(self._newest, number)

    def read(self, _number: int) -> None:
        """Read the newest row.

        Raises:
            StaleReadError: a newer row had been acknowledged.
        """
        newest = self._newest
        rows = self._run(self._probe_client, f"SELECT max(number) FROM {self.table}")["records"]  # noqa: S608
        if rows[0][0].get("longValue", -1) < newest:
            raise StaleReadError(f"row {newest} is missing")

    def found(self, cluster: str | None = None) -> set[int]:
        """Return the numbers of all rows.

        Args:
            cluster: ARN of a restored cluster; None for the stack's own.
        """
        sql = f"SELECT number FROM {self.table} WHERE number > :number ORDER BY number LIMIT {_ROWS_A_PAGE}"  # noqa: S608
        found: set[int] = set()
        while True:
            after = _number(max(found, default=-1))
            rows = self._run(self._client, sql, cluster=cluster, parameters=after)["records"]
            found |= {row[0]["longValue"] for row in rows}
            if len(rows) < _ROWS_A_PAGE:
                return found

    def query(self, sql: str, cluster: str | None = None, **parameters: str) -> list[list[dict[str, Any]]]:
        """Return the records that a statement finds.

        Args:
            sql: the statement.
            cluster: ARN of a restored cluster; None for the stack's own.
            parameters: texts, by their names in the statement.
        """
        named = [{"name": name, "value": {"stringValue": value}} for name, value in parameters.items()]
        answer = self._run(self._client, sql, cluster=cluster, **({"parameters": named} if named else {}))
        found: list[list[dict[str, Any]]] = answer["records"]
        return found

    def _run(self, client: Any, sql: str, cluster: str | None = None, **more: Any) -> dict[str, Any]:
        answer: dict[str, Any] = client.execute_statement(
            resourceArn=cluster or self._cluster, sql=sql, **self._database, **more
        )
        return answer


def _number(value: int) -> list[dict[str, Any]]:
    return [{"name": "number", "value": {"longValue": value}}]


class Items:
    """Heartbeat items in a partition of this drill alone.

    Args:
        target: the deployed stack.
        run: id of the drill's run.
    """

    def __init__(self, target: Target, run: str) -> None:
        self.table, self._expiry = target.table.name, target.table.expiry
        self._partition_key, self._sort_key = target.table.partition_key, target.table.sort_key
        self._partition = {"S": f"drill#{run}"}
        self._own = {  # a condition by which a query finds the items of this run
            "KeyConditionExpression": "#partition = :run",
            "ExpressionAttributeNames": {"#partition": self._partition_key},
            "ExpressionAttributeValues": {":run": self._partition},
        }
        self._client, self._probe_client = target.client("dynamodb"), target.probe_client("dynamodb")
        self._newest = -1

    def write(self, number: int) -> None:
        """Write one item."""
        expires = {"N": str(int(time.time()) + _KEEP_SECONDS)}
        self._probe_client.put_item(TableName=self.table, Item={**self._key(number), self._expiry: expires})
        self._newest = max(self._newest, number)

    def read(self, _number: int) -> None:
        """Read the newest item, consistently.

        Raises:
            StaleReadError: it had been acknowledged, and is not there.
        """
        newest = self._newest
        answer = self._probe_client.get_item(TableName=self.table, Key=self._key(max(newest, 0)), ConsistentRead=True)
        if newest >= 0 and "Item" not in answer:
            raise StaleReadError(f"item {newest} is missing")

    def found(self, table: str | None = None) -> set[int]:
        """Return the numbers of all items.

        Args:
            table: name of a restored table; None for the stack's own.
        """
        pages = self._client.get_paginator("query").paginate(
            TableName=table or self.table, ConsistentRead=True, **self._own
        )
        return {int(item[self._sort_key]["S"]) for page in pages for item in page["Items"]}

    def remove(self) -> str:
        """Remove all items."""
        with BatchWriter(self.table, self._client) as batch:
            for number in sorted(self.found()):
                batch.delete_item(Key=self._key(number))
        return ""

    def idle_seconds(self) -> float:
        """Return how long ago the newest item was written; without any, how long ago one would have expired."""
        newest = self._client.query(
            TableName=self.table, ConsistentRead=True, ScanIndexForward=False, Limit=1, **self._own
        )["Items"]
        written = int(newest[0][self._expiry]["N"]) - _KEEP_SECONDS if newest else 0
        return time.time() - max(written, time.time() - _KEEP_SECONDS)

    def _key(self, number: int) -> dict[str, Any]:
        return {self._partition_key: self._partition, self._sort_key: {"S": f"{number:010d}"}}


@dataclass(frozen=True)
class MethodProbe:
    """A probe that calls one method.

    Attributes:
        name: of the probe.
        call: does it once, given the number of the request.
        interval: how long after the one before a request is due, in seconds.
    """

    name: str
    call: Callable[[int], None]
    interval: float = INTERVAL_SECONDS

    def request(self, number: int) -> None:
        """Do it once."""
        self.call(number)


def service(target: Target) -> MethodProbe:
    """Return the probe of any service behind a load balancer."""
    asks = Requests(target.service)

    def request(_number: int) -> None:
        if (status := asks.get("").status) >= 400:
            raise RequestError(str(status))

    return MethodProbe(SERVICE, request)


def bank(client: Bank, transfers_per_second: float) -> list[MethodProbe]:
    """Return the probes of the reference service: transfers, and balances as a reader sees them."""
    return [
        MethodProbe(TRANSFER, client.transfer, 1 / transfers_per_second),
        MethodProbe(BALANCE, client.balance),
    ]
