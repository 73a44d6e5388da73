"""The right to fail over, in the DynamoDB table: one item that only one invocation can win, and the record of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from failover.logic import Claim, Limits

PARTITION = "operations#failover"
TAKEN = "ConditionalCheckFailedException"


@dataclass(frozen=True)
class Record:
    """One failover.

    Args:
        request_id: who asked.
        reason: why, in the caller's words.
        state: ``claimed`` until RDS has been asked, then ``running``, ``succeeded`` or ``timed-out``.
        old_writer: instance that took writes before; empty when there was none.
        new_writer: instance that is to take over.
        started_at: seconds since 1970.
        finished_at: seconds since 1970; ``None`` while it runs.
    """

    request_id: str
    reason: str
    state: str
    old_writer: str
    new_writer: str
    started_at: float
    finished_at: float | None = None

    @property
    def claim(self) -> Claim:
        """What stands in the way of the next one."""
        return Claim(self.request_id, self.started_at)

    @property
    def seconds(self) -> float | None:
        """How long it took; ``None`` while it runs."""
        return None if self.finished_at is None else self.finished_at - self.started_at

    @property
    def ended(self) -> bool:
        """Whether nobody waits for it any more."""
        return self.finished_at is not None


class Claims:
    """Claims of one cluster.

    Args:
        dynamodb: client.
        table: name of the table.
        limits: cluster and cool-down.
    """

    def __init__(self, dynamodb: Any, table: str, limits: Limits) -> None:
        self._dynamodb, self._table, self._limits = dynamodb, table, limits

    def newest(self) -> Record | None:
        """Return the newest failover, read consistently; ``None`` when there never was one."""
        answer = self._dynamodb.get_item(TableName=self._table, Key=self._key(), ConsistentRead=True)
        return _record(answer["Item"]) if "Item" in answer else None

    def win(self, record: Record) -> bool:
        """Claim the next failover; of several invocations at most one is told that it won.

        Args:
            record: the failover, claimed.

        Returns:
            Whether it is ours: false when another one began within the cool-down.
        """
        latest = record.started_at - self._limits.cool_down_seconds
        return self._put(record, "attribute_not_exists(pk) OR started_at <= :latest", {":latest": {"N": repr(latest)}})

    def update(self, record: Record) -> None:
        """Write how far it has come, as long as it is still the newest one."""
        self._put(record, "request_id = :request", {":request": {"S": record.request_id}})

    def give_back(self, record: Record) -> None:
        """Withdraw a claim, since RDS refused and nothing happened; another request need not wait."""
        try:
            self._dynamodb.delete_item(
                TableName=self._table,
                Key=self._key(),
                ConditionExpression="request_id = :request",
                ExpressionAttributeValues={":request": {"S": record.request_id}},
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != TAKEN:
                raise

    def _put(self, record: Record, condition: str, values: dict[str, Any]) -> bool:
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item=self._key() | _item(record),
                ConditionExpression=condition,
                ExpressionAttributeValues=values,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == TAKEN:
                return False
            raise
        return True

    def _key(self) -> dict[str, Any]:
        return {"pk": {"S": PARTITION}, "sk": {"S": self._limits.cluster}}


def _item(record: Record) -> dict[str, Any]:
    texts = ("request_id", "reason", "state", "old_writer", "new_writer")
    finished = {} if record.finished_at is None else {"finished_at": {"N": repr(record.finished_at)}}
    return {name: {"S": getattr(record, name)} for name in texts} | {
        "started_at": {"N": repr(record.started_at)},
        **finished,
    }


def _record(item: dict[str, Any]) -> Record:
    texts = {name: value["S"] for name, value in item.items() if "S" in value and name not in ("pk", "sk")}
    finished = item.get("finished_at")
    return Record(
        **texts,
        started_at=float(item["started_at"]["N"]),
        finished_at=float(finished["N"]) if finished else None,
    )
