"""The course of one failover: decide, claim, ask RDS, wait for the new writer, record the result."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from common.aurora import Cluster, read_cluster
from common.metrics import Metric, publish
from common.responses import error_code, error_message
from failover.claims import ClaimStore, FailoverRecord
from failover.logic import Accepted, FailoverLimits, RefusalCode, Refused, decide, has_begun, has_taken_over

logger = logging.getLogger(__name__)

POLL_SECONDS = 2.0
# How long to look for a failover that RDS did not confirm: the status follows the request with a delay.
SETTLE_SECONDS = 20.0
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
        automatic: Whether an alarm asks; nobody reads the response, and a writer that serves stays where it is.
    """

    cluster: str
    reason: str
    request_id: str
    dry_run: bool = False
    automatic: bool = False


@dataclass(frozen=True)
class Failover:
    """One invocation of the failover.

    Attributes:
        rds: RDS client.
        rds_once: RDS client that sends each request once: a second ``FailoverDBCluster`` would hide the first's answer.
        cloudwatch: CloudWatch client.
        claims: Failovers of the cluster.
        limits: Conditions that a failover must meet.
        timeout_seconds: How long to wait for the new writer.
        namespace: Namespace of the metrics.
        suffix: Suffix of the deployment.
        clock: Returns the time in seconds since 1970.
        sleep: Waits for a number of seconds.
    """

    rds: Any
    rds_once: Any
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
            BotoCoreError: An AWS service does not answer; the next attempt at this request resumes it.
        """
        ends_at = self.clock() + remaining_seconds
        response = self._serve(request, ends_at)
        refused = response["outcome"] == "refused" and response["code"] != RefusalCode.NOT_NEEDED
        if response["outcome"] == "timed-out" or (refused and request.automatic):
            # Somebody has to learn of it: an alarm watches this metric.
            self._publish(Metric("FailoverNotDone", 1, "Count", {"Resource": self.limits.cluster}))
        return response

    def _serve(self, request: FailoverRequest, ends_at: float) -> dict[str, Any]:
        deadline = min(self.clock() + self.timeout_seconds, ends_at - RESERVE_SECONDS)
        latest, own = self.claims.latest(), self.claims.find(request.request_id)
        if latest is not None and latest.request_id == request.request_id:
            own = latest
        if own is not None:
            return self._resume(own, latest, deadline, ends_at)
        cluster = self._read_cluster()
        decision = self._decide(request, cluster, latest)
        if isinstance(decision, Refused):
            # The reason may be the failover that another attempt at this request has claimed meanwhile.
            own = self.claims.find(request.request_id)
            if own is not None:
                return self._resume(own, self.claims.latest(), deadline, ends_at)
            return _refusal(decision.code, decision.reason)
        if request.dry_run:
            return {"outcome": "would-fail-over", "new_writer": decision.target.identifier}
        return self._claim(request, cluster, decision, deadline, ends_at)

    def _decide(self, request: FailoverRequest, cluster: Cluster, latest: FailoverRecord | None) -> Accepted | Refused:
        if request.automatic and cluster.takes_writes:
            return Refused(RefusalCode.NOT_NEEDED, "the writer serves: an alarm moves only one that does not")
        if request.automatic and latest is not None and self._is_waited_for(latest):
            return Refused(RefusalCode.NOT_NEEDED, "another invocation waits for the failover that it has started")
        return decide(request.cluster, cluster, latest.claim if latest else None, self.limits, self.clock())

    def _is_waited_for(self, record: FailoverRecord) -> bool:
        return not record.has_ended and self.clock() < record.started_at + self.timeout_seconds

    def _claim(
        self, request: FailoverRequest, cluster: Cluster, decision: Accepted, deadline: float, ends_at: float
    ) -> dict[str, Any]:
        record = FailoverRecord(
            request_id=request.request_id,
            reason=request.reason,
            state="claimed",
            old_writer=cluster.writer.identifier if cluster.writer else "",
            new_writer=decision.target.identifier,
            started_at=self.clock(),
            held_until=ends_at,
        )
        claimed = self.claims.acquire(record)
        if claimed is None:
            return _refusal(RefusalCode.COOL_DOWN, "another invocation has just started a failover: wait until it ends")
        if claimed != record:
            return self._resume(claimed, self.claims.latest(), deadline, ends_at)
        return self._start(record, deadline)

    def _resume(
        self, record: FailoverRecord, latest: FailoverRecord | None, deadline: float, ends_at: float
    ) -> dict[str, Any]:
        """Continue a request whose earlier attempt was interrupted, or return its result."""
        if latest is not None and latest.request_id == record.request_id:
            record = latest
        elif not record.has_ended:
            return _superseded()
        if record.has_ended:
            return _response(record)
        if record.held_until is None:
            return self._wait(record, deadline)
        if has_begun(self._read_cluster(), record.new_writer):
            return self._accepted(record, deadline)
        # Another attempt at this request may still run: its hold must not become shorter.
        renewed = replace(record, started_at=self.clock(), held_until=max(ends_at, record.held_until))
        if self.claims.renew(renewed, record.held_until):
            return self._start(renewed, deadline)
        return self._resume(record, self.claims.latest(), deadline, ends_at)

    def _start(self, record: FailoverRecord, deadline: float) -> dict[str, Any]:
        """Ask RDS; a second request for the same target is harmless, since RDS refuses it or has nothing to do."""
        try:
            self.rds_once.failover_db_cluster(
                DBClusterIdentifier=self.limits.cluster, TargetDBInstanceIdentifier=record.new_writer
            )
        except (ClientError, BotoCoreError) as error:
            # An earlier attempt may have been served, or this one although its answer was lost: the cluster shows it.
            if not self._begins(record, deadline):
                if not isinstance(error, ClientError) or error_code(error) not in REFUSALS:
                    raise  # RDS may have started the failover: keep the claim, so that the next attempt resumes
                self.claims.release(record)
                reason = error_message(error) or error_code(error)
                return _refusal(RefusalCode.IN_PROGRESS, f"RDS refused the failover: {reason}")
        return self._accepted(record, deadline)

    def _begins(self, record: FailoverRecord, deadline: float) -> bool:
        """Return whether the failover shows within the time that RDS takes to report its status."""
        until = min(self.clock() + SETTLE_SECONDS, deadline)
        while not has_begun(self._read_cluster(), record.new_writer):
            if self.clock() + POLL_SECONDS > until:
                return False
            self.sleep(POLL_SECONDS)
        return True

    def _accepted(self, record: FailoverRecord, deadline: float) -> dict[str, Any]:
        running = replace(record, state="running", held_until=None)
        if self.claims.update(running):
            return self._wait(running, deadline)
        # Another attempt at this request has recorded its end, or what has begun is the failover of a later request.
        latest = self.claims.latest()
        if latest is not None and latest.request_id == record.request_id:
            return _response(latest)
        return _superseded()

    def _wait(self, record: FailoverRecord, deadline: float) -> dict[str, Any]:
        while not self._has_taken_over(record):
            if self.clock() + POLL_SECONDS > deadline:
                return self._finish(replace(record, state="timed-out", finished_at=self.clock()))
            self.sleep(POLL_SECONDS)
        return self._finish(replace(record, state="succeeded", finished_at=self.clock()))

    def _has_taken_over(self, record: FailoverRecord) -> bool:
        try:
            return has_taken_over(self._read_cluster(), record.new_writer)
        except (ClientError, BotoCoreError):
            logger.warning("the cluster could not be read; it is read again", exc_info=True)
            return False

    def _finish(self, record: FailoverRecord) -> dict[str, Any]:
        # The metric goes first: an attempt that ends in between is repeated, and publishes it again.
        if record.state == "succeeded" and record.seconds is not None:
            self._publish(Metric("FailoverSeconds", record.seconds, "Seconds", {"Resource": self.limits.cluster}))
        self.claims.update(record)
        return _response(record)

    def _publish(self, metric: Metric) -> None:
        publish(self.cloudwatch, [metric], namespace=self.namespace, suffix=self.suffix)

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


def _superseded() -> dict[str, Any]:
    return _refusal(
        RefusalCode.SUPERSEDED, "a later request has claimed a failover since: this one is not taken up again"
    )
