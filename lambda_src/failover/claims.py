"""The failover record in DynamoDB: one item, which at most one invocation can claim within the cool-down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from common.items import CONDITION_FAILED, put_if
from common.responses import error_code
from failover.logic import Claim, FailoverLimits

PARTITION = "operations#failover"


@dataclass(frozen=True)
class FailoverRecord:
    """One failover, from the claim to its end.

    Attributes:
        request_id: Request that claimed it.
        reason: Reason given in the request.
        state: ``claimed`` until RDS has accepted the failover, then ``running``, ``succeeded`` or ``timed-out``.
        old_writer: Identifier of the writer before the failover; empty if there was none.
        new_writer: Identifier of the instance that is to become the writer.
        started_at: Time of the claim in seconds since 1970.
        finished_at: End in seconds since 1970; ``None`` while the failover runs.
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
        """The part on which the next decision depends."""
        return Claim(self.request_id, self.started_at)

    @property
    def seconds(self) -> float | None:
        """Duration in seconds; ``None`` while the failover runs."""
        return None if self.finished_at is None else self.finished_at - self.started_at

    @property
    def has_ended(self) -> bool:
        """Whether no invocation waits for it any more."""
        return self.finished_at is not None


class ClaimStore:
    """The failover record of one cluster in DynamoDB.

    Args:
        dynamodb: DynamoDB client.
        table: Name of the platform's table.
        limits: Cluster and cool-down.
    """

    def __init__(self, dynamodb: Any, table: str, limits: FailoverLimits) -> None:
        self._dynamodb, self._table, self._limits = dynamodb, table, limits

    def latest(self) -> FailoverRecord | None:
        """Return the latest failover with a consistent read; ``None`` if there was none."""
        response = self._dynamodb.get_item(TableName=self._table, Key=self._key(), ConsistentRead=True)
        return _from_item(response["Item"]) if "Item" in response else None

    def acquire(self, record: FailoverRecord) -> bool:
        """Claim the next failover; of several concurrent invocations, at most one acquires it.

        Args:
            record: The claimed failover.

        Returns:
            Whether the claim was acquired; ``False`` if another failover started within the cool-down.
        """
        limit = record.started_at - self._limits.cool_down_seconds
        return self._put(record, "attribute_not_exists(pk) OR started_at <= :limit", {":limit": {"N": repr(limit)}})

    def update(self, record: FailoverRecord) -> None:
        """Replace the record of this request, unless a later request has claimed a failover."""
        self._put(record, "request_id = :request", _request(record))

    def release(self, record: FailoverRecord) -> None:
        """Delete a claim after RDS refused the failover, so that another request need not wait for the cool-down."""
        try:
            self._dynamodb.delete_item(
                TableName=self._table,
                Key=self._key(),
                ConditionExpression="request_id = :request",
                ExpressionAttributeValues=_request(record),
            )
        except ClientError as error:
            if error_code(error) != CONDITION_FAILED:
                raise

    def _put(self, record: FailoverRecord, condition: str, values: dict[str, Any]) -> bool:
        return put_if(self._dynamodb, self._table, self._key() | _to_item(record), condition, values)

    def _key(self) -> dict[str, Any]:
        return {"pk": {"S": PARTITION}, "sk": {"S": self._limits.cluster}}


def _request(record: FailoverRecord) -> dict[str, Any]:
    return {":request": {"S": record.request_id}}


def _to_item(record: FailoverRecord) -> dict[str, Any]:
    texts = ("request_id", "reason", "state", "old_writer", "new_writer")
    finished = {} if record.finished_at is None else {"finished_at": {"N": repr(record.finished_at)}}
    return {name: {"S": getattr(record, name)} for name in texts} | {
        "started_at": {"N": repr(record.started_at)},
        **finished,
    }


def _from_item(item: dict[str, Any]) -> FailoverRecord:
    texts = {name: value["S"] for name, value in item.items() if "S" in value and name not in ("pk", "sk")}
    finished = item.get("finished_at")
    return FailoverRecord(
        **texts,
        started_at=float(item["started_at"]["N"]),
        finished_at=float(finished["N"]) if finished else None,
    )
