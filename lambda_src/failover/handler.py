"""In-region failover of the Aurora cluster.

An operator or a drill invokes it with ``{"cluster": "…", "reason": "…", "dry_run": false}``, an alarm with its own
event. It answers ``{"outcome": …}``: ``succeeded``, ``timed-out``, ``refused`` (with ``code`` and ``reason``) or, for a
dry run, ``would-fail-over``. Asking again with the same ``request_id`` never fails over twice: it goes on where the
first attempt stopped, or tells how that ended.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from botocore.exceptions import ClientError

from common.aurora import Cluster, read_cluster
from common.clients import client
from common.environment import number, text
from common.metrics import Metric, publish
from failover.claims import Claims, Record
from failover.logic import Accepted, Code, Limits, Refused, decide, has_taken_over

logger = logging.getLogger(__name__)
logger.setLevel(logging.INFO)

POLL_SECONDS = 2.0
# Left of the function's own time when it stops waiting: to write down how far it came.
RESERVE_SECONDS = 10.0
# RDS refused: nothing happened. https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_FailoverDBCluster.html
REFUSALS = ("InvalidDBClusterStateFault", "InvalidDBInstanceState", "DBClusterNotFoundFault")


@dataclass(frozen=True)
class Request:
    """What was asked.

    Args:
        cluster: identifier of the cluster.
        reason: why, for the record.
        request_id: the same for every attempt at the same request.
        dry_run: decide and change nothing.
    """

    cluster: str
    reason: str
    request_id: str
    dry_run: bool = False


class RequestError(Exception):
    """The event is no request for a failover."""


@dataclass(frozen=True)
class Failover:
    """One invocation's view of the world; the members are replaced in tests.

    Args:
        rds: client.
        cloudwatch: client.
        claims: claims of the cluster.
        limits: what a failover must keep to.
        timeout_seconds: how long to wait for the new writer.
        namespace: of the metrics.
        suffix: of the deployment.
        clock: tells the seconds since 1970.
        sleep: waits for some seconds.
    """

    rds: Any
    cloudwatch: Any
    claims: Claims
    limits: Limits
    timeout_seconds: float
    namespace: str
    suffix: str
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep

    def run(self, request: Request, remaining_seconds: float) -> dict[str, Any]:
        """Serve a request.

        Args:
            request: what was asked.
            remaining_seconds: how long this invocation may still run.

        Returns:
            The answer, see the module.

        Raises:
            ClientError: an AWS service refuses something that this function needs.
        """
        deadline = self.clock() + min(self.timeout_seconds, remaining_seconds - RESERVE_SECONDS)
        newest = self.claims.newest()
        if newest is not None and newest.request_id == request.request_id:
            return self._go_on(newest, deadline)
        cluster = self._read()
        claim = newest.claim if newest else None
        decision = decide(request.cluster, cluster, claim, self.limits, self.clock())
        if isinstance(decision, Refused):
            return _refusal(decision.code, decision.reason)
        if request.dry_run:
            return {"outcome": "would-fail-over", "new_writer": decision.target.identifier}
        return self._act(request, cluster, decision, deadline)

    def _act(self, request: Request, cluster: Cluster, decision: Accepted, deadline: float) -> dict[str, Any]:
        record = Record(
            request_id=request.request_id,
            reason=request.reason,
            state="claimed",
            old_writer=cluster.writer.identifier if cluster.writer else "",
            new_writer=decision.target.identifier,
            started_at=self.clock(),
        )
        if not self.claims.win(record):
            return _refusal(Code.COOL_DOWN, "another invocation has just begun a failover")
        return self._start(record, deadline)

    def _go_on(self, record: Record, deadline: float) -> dict[str, Any]:
        """Take up a request again whose first attempt was cut off, or tell how it ended."""
        if record.ended:
            return self._answer(record)
        asked = record.state != "claimed" or has_taken_over(self._read(), record.new_writer)
        # Asking RDS a second time for the same target is harmless: it refuses what is done or under way.
        return self._wait(record, deadline) if asked else self._start(record, deadline)

    def _start(self, record: Record, deadline: float) -> dict[str, Any]:
        try:
            self.rds.failover_db_cluster(
                DBClusterIdentifier=self.limits.cluster, TargetDBInstanceIdentifier=record.new_writer
            )
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code not in REFUSALS:
                raise  # perhaps it did begin: the claim stays, and the next attempt finds out
            self.claims.give_back(record)
            return _refusal(Code.IN_PROGRESS, f"RDS refused: {error.response['Error'].get('Message', code)}")
        running = replace(record, state="running")
        self.claims.update(running)
        return self._wait(running, deadline)

    def _wait(self, record: Record, deadline: float) -> dict[str, Any]:
        while not has_taken_over(self._read(), record.new_writer):
            if self.clock() + POLL_SECONDS > deadline:
                return self._finish(replace(record, state="timed-out", finished_at=self.clock()))
            self.sleep(POLL_SECONDS)
        return self._finish(replace(record, state="succeeded", finished_at=self.clock()))

    def _finish(self, record: Record) -> dict[str, Any]:
        self.claims.update(record)
        if record.state == "succeeded" and record.seconds is not None:
            metric = Metric("FailoverSeconds", record.seconds, "Seconds", {"Resource": self.limits.cluster})
            publish(self.cloudwatch, [metric], namespace=self.namespace, suffix=self.suffix)
        return self._answer(record)

    def _answer(self, record: Record) -> dict[str, Any]:
        return {
            "outcome": record.state,
            "reason": record.reason,
            "old_writer": record.old_writer,
            "new_writer": record.new_writer,
            "started_at": record.started_at,
            "finished_at": record.finished_at,
            "seconds": record.seconds,
        }

    def _read(self) -> Cluster:
        return read_cluster(self.rds, self.cloudwatch, self.limits.cluster, self.clock())


def _refusal(code: str, reason: str) -> dict[str, Any]:
    return {"outcome": "refused", "code": str(code), "reason": reason}


def parse(event: Mapping[str, Any], request_id: str, cluster: str) -> Request:
    """Read an event.

    Args:
        event: an operator's request, or what CloudWatch sends when an alarm changes its state.
        request_id: id of the invocation, the same when Lambda retries it.
        cluster: the cluster that an alarm means.

    Returns:
        The request.

    Raises:
        RequestError: a member is missing or not what it must be.
    """
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-actions-Lambda.html
    if event.get("source") == "aws.cloudwatch":
        alarm = event.get("alarmData", {}).get("alarmName", "an alarm")
        return Request(cluster, f"alarm {alarm}", request_id)
    for name, kind in (("cluster", str), ("reason", str), ("dry_run", bool), ("request_id", str)):
        if name in event and not (isinstance(event[name], kind) and event[name] != ""):
            raise RequestError(f"{name} = {event[name]!r}: allowed is a {kind.__name__}")
    for name in ("cluster", "reason"):
        if name not in event:
            raise RequestError(f"{name} is missing: give it in the event")
    own = event.get("request_id", request_id)
    return Request(event["cluster"], event["reason"], own, event.get("dry_run", False))


def handle(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Entry point of the function.

    Args:
        event: see the module.
        context: of Lambda.

    Returns:
        The answer.

    Raises:
        ConfigurationError: the function is not deployed as it should be.
        RequestError: the event is no request.
        ClientError: an AWS service refuses something that the function needs.
    """
    limits = Limits(
        cluster=text(os.environ, "CLUSTER_IDENTIFIER"),
        lag_ms=number(os.environ, "REPLICA_LAG_LIMIT_MS"),
        cool_down_seconds=number(os.environ, "COOL_DOWN_SECONDS"),
    )
    failover = Failover(
        rds=client("rds"),
        cloudwatch=client("cloudwatch"),
        claims=Claims(client("dynamodb"), text(os.environ, "TABLE_NAME"), limits),
        limits=limits,
        timeout_seconds=number(os.environ, "TIMEOUT_SECONDS"),
        namespace=text(os.environ, "METRIC_NAMESPACE"),
        suffix=text(os.environ, "SUFFIX"),
    )
    request = parse(event, context.aws_request_id, limits.cluster)
    answer = failover.run(request, context.get_remaining_time_in_millis() / 1000)
    logger.info("failover %s", answer["outcome"], extra={"request": request.request_id, **_loggable(answer)})
    return answer


def _loggable(answer: Mapping[str, Any]) -> dict[str, Any]:
    return {f"answer_{name}": value for name, value in answer.items()}
