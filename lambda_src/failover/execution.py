"""The course of one failover: decide, claim, ask RDS, wait for the new writer, record the result."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from botocore.exceptions import ClientError

from common.aurora import Cluster, read_cluster
from common.metrics import Metric, publish
from common.responses import error_code, error_message
from failover.claims import ClaimStore, FailoverRecord
from failover.logic import Accepted, FailoverLimits, RefusalCode, Refused, decide, has_taken_over

POLL_SECONDS = 2.0
# Part of the invocation's remaining time that is kept for writing the record.
RESERVE_SECONDS = 10.0
# Errors after which no failover takes place.
# https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_FailoverDBCluster.html
REFUSALS = ("InvalidDBClusterStateFault", "InvalidDBInstanceState", "DBClusterNotFoundFault")


@dataclass(frozen=True)
class FailoverRequest:
    """A request for a failover.

    Attributes:
        cluster: Cluster identifier.
        reason: Reason, kept in the record.
        request_id: Identifier that all attempts at the same request share.
        dry_run: Whether to decide only, and to change nothing.
    """

    cluster: str
    reason: str
    request_id: str
    dry_run: bool = False


@dataclass(frozen=True)
class Failover:
    """One invocation of the failover.

    Attributes:
        rds: RDS client.
        cloudwatch: CloudWatch client.
        claims: Failover record of the cluster.
        limits: Conditions that a failover must meet.
        timeout_seconds: How long to wait for the new writer.
        namespace: Namespace of the metrics.
        suffix: Suffix of the deployment.
        clock: Returns the time in seconds since 1970.
        sleep: Waits for a number of seconds.
    """

    rds: Any
    cloudwatch: Any
    claims: ClaimStore
    limits: FailoverLimits
    timeout_seconds: float
    namespace: str
    suffix: str
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep

    def run(self, request: FailoverRequest, remaining_seconds: float) -> dict[str, Any]:
        """Serve a request.

        Args:
            request: The request.
            remaining_seconds: How long this invocation may still run.

        Returns:
            The function's response, as :mod:`failover.handler` describes it.

        Raises:
            ClientError: An AWS service rejects a request.
        """
        deadline = self.clock() + min(self.timeout_seconds, remaining_seconds - RESERVE_SECONDS)
        latest = self.claims.latest()
        if latest is not None and latest.request_id == request.request_id:
            return self._resume(latest, deadline)
        cluster = self._read_cluster()
        claim = latest.claim if latest else None
        decision = decide(request.cluster, cluster, claim, self.limits, self.clock())
        if isinstance(decision, Refused):
            return _refusal(decision.code, decision.reason)
        if request.dry_run:
            return {"outcome": "would-fail-over", "new_writer": decision.target.identifier}
        return self._claim(request, cluster, decision, deadline)

    def _claim(self, request: FailoverRequest, cluster: Cluster, decision: Accepted, deadline: float) -> dict[str, Any]:
        record = FailoverRecord(
            request_id=request.request_id,
            reason=request.reason,
            state="claimed",
            old_writer=cluster.writer.identifier if cluster.writer else "",
            new_writer=decision.target.identifier,
            started_at=self.clock(),
        )
        if not self.claims.acquire(record):
            return _refusal(RefusalCode.COOL_DOWN, "another invocation has just started a failover: wait until it ends")
        return self._start(record, deadline)

    def _resume(self, record: FailoverRecord, deadline: float) -> dict[str, Any]:
        """Continue a request whose earlier attempt was interrupted, or return its result."""
        if record.has_ended:
            return _response(record)
        started = record.state != "claimed" or has_taken_over(self._read_cluster(), record.new_writer)
        # A second call for the same target is harmless: RDS refuses a failover that is done or in progress.
        return self._wait(record, deadline) if started else self._start(record, deadline)

    def _start(self, record: FailoverRecord, deadline: float) -> dict[str, Any]:
        try:
            self.rds.failover_db_cluster(
                DBClusterIdentifier=self.limits.cluster, TargetDBInstanceIdentifier=record.new_writer
            )
        except ClientError as error:
            code = error_code(error)
            if code not in REFUSALS:
                raise  # RDS may have started the failover: keep the claim, so that the next attempt resumes
            self.claims.release(record)
            return _refusal(RefusalCode.IN_PROGRESS, f"RDS refused the failover: {error_message(error) or code}")
        running = replace(record, state="running")
        self.claims.update(running)
        return self._wait(running, deadline)

    def _wait(self, record: FailoverRecord, deadline: float) -> dict[str, Any]:
        while not has_taken_over(self._read_cluster(), record.new_writer):
            if self.clock() + POLL_SECONDS > deadline:
                return self._finish(replace(record, state="timed-out", finished_at=self.clock()))
            self.sleep(POLL_SECONDS)
        return self._finish(replace(record, state="succeeded", finished_at=self.clock()))

    def _finish(self, record: FailoverRecord) -> dict[str, Any]:
        self.claims.update(record)
        if record.state == "succeeded" and record.seconds is not None:
            metric = Metric("FailoverSeconds", record.seconds, "Seconds", {"Resource": self.limits.cluster})
            publish(self.cloudwatch, [metric], namespace=self.namespace, suffix=self.suffix)
        return _response(record)

    def _read_cluster(self) -> Cluster:
        return read_cluster(self.rds, self.cloudwatch, self.limits.cluster, self.clock())


def _response(record: FailoverRecord) -> dict[str, Any]:
    return {
        "outcome": record.state,
        "reason": record.reason,
        "old_writer": record.old_writer,
        "new_writer": record.new_writer,
        "started_at": record.started_at,
        "finished_at": record.finished_at,
        "seconds": record.seconds,
    }


def _refusal(code: RefusalCode, reason: str) -> dict[str, Any]:
    return {"outcome": "refused", "code": str(code), "reason": reason}
