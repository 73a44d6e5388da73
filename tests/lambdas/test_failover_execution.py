"""Failovers with RDS, DynamoDB and CloudWatch in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from common import clients
from common.aurora import Cluster, read_cluster
from failover.claims import ClaimStore, FailoverRecord
from failover.execution import REFUSALS, Failover, FailoverRequest
from tests.lambdas.account import (
    CLUSTER,
    LIMITS,
    TABLE,
    FakeAccount,
    FakeClock,
    claims_of_the_cluster,
    failover_by,
)

REQUEST = FailoverRequest(CLUSTER, "a drill", "request-1")


class _Rds:
    """RDS in memory, whose response to ``FailoverDBCluster`` the test decides."""

    def __init__(self, respond: Callable[[], None] = lambda: None) -> None:
        self._real, self._respond, self.failovers = clients.client("rds"), respond, 0

    def failover_db_cluster(self, **asked: str) -> None:
        assert asked == {"DBClusterIdentifier": CLUSTER, "TargetDBInstanceIdentifier": f"{CLUSTER}-2"}
        self.failovers += 1
        self._respond()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


def _refuse(code: str) -> Callable[[], None]:
    def respond() -> None:
        raise ClientError({"Error": {"Code": code, "Message": "not now"}}, "FailoverDBCluster")

    return respond


def test_the_reader_becomes_the_writer_and_the_record_says_so(cluster_account: FakeAccount, clock: FakeClock) -> None:
    response = failover_by(clock).run(REQUEST, 300)
    assert response == {
        "outcome": "succeeded",
        "reason": "a drill",
        "old_writer": f"{CLUSTER}-1",
        "new_writer": f"{CLUSTER}-2",
        "started_at": clock.now,
        "finished_at": clock.now,
        "seconds": 0,
    }
    assert cluster_account.writer() == f"{CLUSTER}-2"
    assert cluster_account.metrics() == {("FailoverSeconds", f"Resource={CLUSTER}", "Suffix=test"): 0}
    assert cluster_account.units() == {"FailoverSeconds": "Seconds"}


def test_a_repeated_request_returns_the_first_result(cluster_account: FakeAccount, clock: FakeClock) -> None:
    failover = failover_by(clock)
    first = failover.run(REQUEST, 300)
    clock.sleep(5)
    assert failover.run(REQUEST, 300) == first
    assert cluster_account.writer() == f"{CLUSTER}-2"


def test_another_request_is_refused_during_the_cool_down(cluster_account: FakeAccount, clock: FakeClock) -> None:
    failover = failover_by(clock)
    failover.run(REQUEST, 300)
    second = FailoverRequest(CLUSTER, "again", "request-2")
    clock.sleep(599)
    response = failover.run(second, 300)
    assert (response["outcome"], response["code"]) == ("refused", "cool-down")
    assert cluster_account.writer() == f"{CLUSTER}-2"
    clock.sleep(1)
    assert failover.run(second, 300)["outcome"] == "succeeded"
    assert cluster_account.writer() == f"{CLUSTER}-1"


def test_of_two_concurrent_decisions_one_acts(cluster_account: FakeAccount, clock: FakeClock) -> None:
    class Late(ClaimStore):
        """Reads the record before the other invocation claims it."""

        def latest(self) -> None:
            return None

    failover_by(clock).run(REQUEST, 300)
    late = failover_by(clock, claims=Late(clients.client("dynamodb"), TABLE, LIMITS, "expires_at"))
    response = late.run(FailoverRequest(CLUSTER, "at the same time", "request-2"), 300)
    reason = "another invocation has just started a failover: wait until it ends"
    assert response == {"outcome": "refused", "code": "cool-down", "reason": reason}
    assert cluster_account.writer() == f"{CLUSTER}-2"


def test_a_dry_run_changes_nothing(cluster_account: FakeAccount, clock: FakeClock) -> None:
    response = failover_by(clock).run(FailoverRequest(CLUSTER, "look", "request-1", dry_run=True), 300)
    assert response == {"outcome": "would-fail-over", "new_writer": f"{CLUSTER}-2"}
    assert cluster_account.writer() == f"{CLUSTER}-1"
    assert not cluster_account.calls & {"dynamodb:PutItem", "rds:FailoverDBCluster", "cloudwatch:PutMetricData"}


@pytest.mark.usefixtures("cluster_account")
@pytest.mark.parametrize("code", REFUSALS)
def test_a_refusal_by_rds_releases_the_claim(clock: FakeClock, code: str) -> None:
    response = failover_by(clock, rds=_Rds(_refuse(code))).run(REQUEST, 300)
    assert (response["outcome"], response["code"]) == ("refused", "in-progress")
    assert response["reason"] == "RDS refused the failover: not now"
    assert clients.client("dynamodb").scan(TableName=TABLE)["Items"] == []
    assert failover_by(clock).run(FailoverRequest(CLUSTER, "again", "request-2"), 300)["outcome"] == "succeeded"


@pytest.mark.usefixtures("cluster_account")
def test_a_refusal_without_words_is_told_by_its_code(clock: FakeClock) -> None:
    def refuse() -> None:
        raise ClientError({"Error": {"Code": REFUSALS[0]}}, "FailoverDBCluster")

    response = failover_by(clock, rds=_Rds(refuse)).run(REQUEST, 300)
    assert response["reason"] == f"RDS refused the failover: {REFUSALS[0]}"


@pytest.mark.usefixtures("cluster_account")
@pytest.mark.parametrize("has_writer", [True, False])
def test_the_record_says_what_runs_and_who_was_the_writer(
    clock: FakeClock, has_writer: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, str, bool]] = []

    def note() -> None:
        record = claims_of_the_cluster().latest()
        if record is not None:
            seen.append((record.state, record.old_writer, record.held_until is None))

    def look(_: Failover) -> Cluster:
        note()
        return described if has_writer else replace(described, instances=described.instances[1:])

    described = read_cluster(clients.client("rds"), clients.client("cloudwatch"), CLUSTER, clock.now)
    monkeypatch.setattr(Failover, "_read_cluster", look)
    assert failover_by(clock, rds=_Rds(note), timeout_seconds=2).run(REQUEST, 300)["outcome"] == "timed-out"
    old = f"{CLUSTER}-1" if has_writer else ""
    assert seen == [("claimed", old, False), ("running", old, True), ("running", old, True)]


def test_an_ambiguous_error_keeps_the_claim_and_the_retry_resumes(
    cluster_account: FakeAccount, clock: FakeClock
) -> None:
    with pytest.raises(ClientError, match="Throttling"):
        failover_by(clock, rds=_Rds(_refuse("Throttling"))).run(REQUEST, 300)
    other = failover_by(clock).run(FailoverRequest(CLUSTER, "another operator", "request-2"), 300)
    assert other["code"] == "cool-down"
    assert failover_by(clock).run(REQUEST, 300)["outcome"] == "succeeded"
    assert cluster_account.writer() == f"{CLUSTER}-2"


@pytest.mark.usefixtures("cluster_account")
@pytest.mark.parametrize("state", ["claimed", "running"])
def test_a_retry_of_a_started_failover_does_not_start_another(clock: FakeClock, state: str) -> None:
    record = FailoverRecord("request-1", "a drill", state, f"{CLUSTER}-1", f"{CLUSTER}-2", clock.now)
    assert claims_of_the_cluster().acquire(record)
    clients.client("rds").failover_db_cluster(DBClusterIdentifier=CLUSTER, TargetDBInstanceIdentifier=record.new_writer)
    rds = _Rds()
    clock.sleep(3)
    response = failover_by(clock, rds=rds).run(REQUEST, 300)
    assert (response["outcome"], response["seconds"]) == ("succeeded", 3)
    assert rds.failovers == 0


@pytest.mark.parametrize(("remaining", "waited"), [(300, 10), (14, 4)])
def test_it_stops_waiting_before_the_deadline(
    cluster_account: FakeAccount, clock: FakeClock, remaining: float, waited: float
) -> None:
    started = clock.now
    failover = failover_by(clock, rds=_Rds(), timeout_seconds=10)
    response = failover.run(REQUEST, remaining)
    assert response["outcome"] == "timed-out"
    assert clock.now - started == waited
    assert response["seconds"] == clock.now - started
    assert failover.run(REQUEST, remaining) == response
    assert cluster_account.metrics() == {("FailoverNotDone", f"Resource={CLUSTER}", "Suffix=test"): 1}
    assert cluster_account.units() == {"FailoverNotDone": "Count"}


def test_the_cluster_is_read_with_lag_zone_and_tier(cluster_account: FakeAccount, clock: FakeClock) -> None:
    data = {
        "MetricName": "AuroraReplicaLag",
        "Dimensions": [{"Name": "DBInstanceIdentifier", "Value": f"{CLUSTER}-2"}],
        "Timestamp": datetime.fromtimestamp(clock.now - 60, UTC),
        "Value": 4321.0,
        "Unit": "Milliseconds",
    }
    cluster_account.client("cloudwatch").put_metric_data(Namespace="AWS/RDS", MetricData=[data])
    cluster = read_cluster(clients.client("rds"), clients.client("cloudwatch"), CLUSTER, clock.now)
    first, second = cluster.instances
    assert (first.is_writer, first.zone, first.lag_ms) == (True, "us-east-1a", None)
    assert (second.is_writer, second.zone, second.lag_ms, second.tier) == (False, "us-east-1b", 4321.0, 1)
    response = failover_by(clock).run(REQUEST, 300)
    assert (response["outcome"], response["code"]) == ("refused", "replica-lag")


@pytest.mark.usefixtures("account")
def test_a_cluster_without_members_has_no_reader() -> None:
    class Empty:
        def describe_db_clusters(self, **_: Any) -> dict[str, Any]:
            return {"DBClusters": [{"DBClusterIdentifier": CLUSTER, "Status": "available"}]}

        def get_paginator(self, _: str) -> Any:
            return clients.client("rds").get_paginator("describe_db_instances")

    assert read_cluster(Empty(), None, CLUSTER, 0).instances == ()


@pytest.mark.usefixtures("cluster_account")
def test_a_member_that_rds_does_not_describe_cannot_take_over(clock: FakeClock) -> None:
    class Partial:
        def describe_db_clusters(self, **_: Any) -> dict[str, Any]:
            member = {"DBInstanceIdentifier": "ghost", "IsClusterWriter": False}
            described = {"DBClusterIdentifier": CLUSTER, "Status": "available", "DBClusterMembers": [member]}
            return {"DBClusters": [described]}

        def get_paginator(self, name: str) -> Any:
            return clients.client("rds").get_paginator(name)

    response = failover_by(clock, rds=Partial()).run(REQUEST, 300)
    assert response["code"] == "no-healthy-reader"
