"""Failovers in DynamoDB: the latest claim, which excludes others for the cool-down, and one item for each request."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

from botocore.exceptions import ClientError

from common.items import CONDITION_FAILED, put_if
from common.responses import error_code
from failover.logic import Claim, FailoverLimits

PARTITION = "operations#failover"
# How long a request is remembered: longer than anybody repeats one.
RETENTION_SECONDS = 365 * 86400
# Reasons for which DynamoDB cancels a claim that another invocation has just won.
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
LOST = frozenset({"ConditionalCheckFailed", "TransactionConflict"})


@dataclass(frozen=True)
class FailoverRecord:
    """One failover, from the claim to its end. Times are in seconds since 1970.

    Attributes:
        request_id: Request that claimed it.
        reason: Reason given in the request.
        state: ``claimed`` until RDS has accepted the failover, then ``running``, ``succeeded`` or ``timed-out``.
        old_writer: Identifier of the writer before the failover; empty if there was none.
        new_writer: Identifier of the instance that is to become the writer.
        started_at: Time of the claim.
        held_until: Time until which the invocation that holds the claim may still ask RDS; ``None`` once RDS has
            accepted the failover.
        finished_at: End; ``None`` while the failover runs.
    """

    request_id: str
    reason: str
    state: str
    old_writer: str
    new_writer: str
    started_at: float
    held_until: float | None = None
    finished_at: float | None = None

    @property
    def claim(self) -> Claim:
        """The part on which the next decision depends."""
        return Claim(self.request_id, self.started_at, self.new_writer, self.held_until)

    @property
    def seconds(self) -> float | None:
        """Duration in seconds; ``None`` while the failover runs."""
        return None if self.finished_at is None else self.finished_at - self.started_at

    @property
    def has_ended(self) -> bool:
        """Whether no invocation waits for it any more."""
        return self.finished_at is not None


@dataclass(frozen=True)
class ClaimStore:
    """The failovers of one cluster in DynamoDB.

    Attributes:
        dynamodb: DynamoDB client.
        table: Name of the platform's table.
        limits: Cluster and cool-down.
        ttl_attribute: Attribute with the time after which DynamoDB deletes the item of a request.
    """

    dynamodb: Any = field(repr=False)
    table: str
    limits: FailoverLimits
    ttl_attribute: str

    def latest(self) -> FailoverRecord | None:
        """Return the latest failover with a consistent read; ``None`` if there was none."""
        return self._get(self._latest_key())

    def find(self, request_id: str) -> FailoverRecord | None:
        """Return the failover of a request with a consistent read; ``None`` if it has claimed none."""
        return self._get(self._request_key(request_id))

    def acquire(self, record: FailoverRecord) -> FailoverRecord | None:
        """Claim the next failover; of several concurrent invocations, at most one acquires it.

        Both items are written in one transaction. The SDK's retry of a request whose answer was lost therefore finds
        the request's own item, and does not lose to itself.

        Args:
            record: The claimed failover.

        Returns:
            The failover of this request: the given one, or that of an earlier attempt. ``None`` if a failover of
            another request started within the cool-down, unless its invocation ended before it could ask RDS.

        Raises:
            ClientError: DynamoDB rejects the request for another reason.
        """
        free = "attribute_not_exists(pk) OR started_at <= :limit OR held_until <= :now"
        limit = record.started_at - self.limits.cool_down_seconds
        values = {":limit": {"N": repr(limit)}, ":now": {"N": repr(record.started_at)}}
        claim = {"Item": self._latest(record), "ConditionExpression": free, "ExpressionAttributeValues": values}
        request = {
            "Item": self._request(record),
            "ConditionExpression": "attribute_not_exists(pk)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        try:
            self.dynamodb.transact_write_items(
                TransactItems=[{"Put": {"TableName": self.table, **put}} for put in (claim, request)]
            )
        except ClientError as error:
            claimed, known = _cancellation_reasons(error)
            if "Item" in known:
                return _from_item(known["Item"])
            if {claimed.get("Code"), known.get("Code")} & LOST:
                return None
            raise
        return record

    def renew(self, record: FailoverRecord, held_until: float) -> bool:
        """Hold a claim anew before RDS is asked again.

        Args:
            record: The failover with its new times.
            held_until: Time until which the claim is held so far.

        Returns:
            Whether the claim was renewed; ``False`` if it has changed meanwhile: another request has taken it over, or
            another attempt at this one has renewed it.
        """
        values = _request(record) | {":held": {"N": repr(held_until)}}
        condition = "request_id = :request AND held_until = :held"
        return put_if(self.dynamodb, self.table, self._latest(record), condition, values)

    def update(self, record: FailoverRecord) -> bool:
        """Replace the record of this request, unless it has ended.

        Args:
            record: The failover with its new state.

        Returns:
            Whether the claim was updated; ``False`` if a later request has it, or if the failover has ended.
        """
        condition = "request_id = :request AND attribute_not_exists(finished_at)"
        updated = put_if(self.dynamodb, self.table, self._latest(record), condition, _request(record))
        # The request's own item follows: an invocation that ends in between finds the newer state in the claim.
        put_if(self.dynamodb, self.table, self._request(record), condition, _request(record))
        return updated

    def release(self, record: FailoverRecord) -> None:
        """Delete a claim after RDS refused the failover, so that another request need not wait for the cool-down."""
        # The claim goes last: while it exists, another attempt at the request resumes it.
        for key in (self._request_key(record.request_id), self._latest_key()):
            try:
                self.dynamodb.delete_item(
                    TableName=self.table,
                    Key=key,
                    ConditionExpression="request_id = :request AND attribute_exists(held_until)",
                    ExpressionAttributeValues=_request(record),
                )
            except ClientError as error:
                if error_code(error) != CONDITION_FAILED:
                    raise

    def _get(self, key: dict[str, Any]) -> FailoverRecord | None:
        response = self.dynamodb.get_item(TableName=self.table, Key=key, ConsistentRead=True)
        return _from_item(response["Item"]) if "Item" in response else None

    def _latest(self, record: FailoverRecord) -> dict[str, Any]:
        return self._latest_key() | _to_item(record)

    def _request(self, record: FailoverRecord) -> dict[str, Any]:
        expires_at = {self.ttl_attribute: {"N": str(int(record.started_at + RETENTION_SECONDS))}}
        return self._request_key(record.request_id) | _to_item(record) | expires_at

    def _latest_key(self) -> dict[str, Any]:
        return {"pk": {"S": PARTITION}, "sk": {"S": self.limits.cluster}}

    def _request_key(self, request_id: str) -> dict[str, Any]:
        return {"pk": {"S": PARTITION}, "sk": {"S": f"{self.limits.cluster}#{request_id}"}}


def _cancellation_reasons(error: ClientError) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return why the writes of the claim and of the request failed; two empty reasons if there was another error."""
    claimed, known = cast("dict[str, Any]", error.response).get("CancellationReasons", ({}, {}))
    return claimed, known


def _request(record: FailoverRecord) -> dict[str, Any]:
    return {":request": {"S": record.request_id}}


TEXTS = ("request_id", "reason", "state", "old_writer", "new_writer")
TIMES = ("held_until", "finished_at")


def _to_item(record: FailoverRecord) -> dict[str, Any]:
    times = {name: getattr(record, name) for name in ("started_at", *TIMES)}
    return {name: {"S": getattr(record, name)} for name in TEXTS} | {
        name: {"N": repr(time)} for name, time in times.items() if time is not None
    }


def _from_item(item: dict[str, Any]) -> FailoverRecord:
    return FailoverRecord(
        **{name: item[name]["S"] for name in TEXTS},
        started_at=float(item["started_at"]["N"]),
        held_until=_time(item, "held_until"),
        finished_at=_time(item, "finished_at"),
    )


def _time(item: dict[str, Any], name: str) -> float | None:
    return float(item[name]["N"]) if name in item else None
