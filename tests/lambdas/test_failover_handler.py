"""The failover function against RDS, DynamoDB and CloudWatch in memory."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from common import clients
from common.aurora import read_cluster
from failover import handler
from failover.claims import Claims, Record
from failover.handler import Failover, Request
from failover.logic import Limits
from tests.lambdas.world import (
    CLUSTER,
    NAMESPACE,
    REGION,
    TABLE,
    Calls,
    Clock,
    writer,
)

REQUEST = Request(CLUSTER, "a drill", "request-1")
LIMITS = Limits(cluster=CLUSTER, lag_ms=1000, cool_down_seconds=600)


def _failover(clock: Clock, **changes: Any) -> Failover:
    given: dict[str, Any] = {
        "rds": clients.client("rds"),
        "cloudwatch": clients.client("cloudwatch"),
        "claims": Claims(clients.client("dynamodb"), TABLE, LIMITS),
        "limits": LIMITS,
        "timeout_seconds": 60,
        "namespace": NAMESPACE,
        "suffix": "test",
        "clock": clock,
        "sleep": clock.sleep,
    }
    return Failover(**{**given, **changes})


class _Rds:
    """RDS in memory, with an answer of our own to the request for a failover."""

    def __init__(self, answer: Callable[[], None] = lambda: None) -> None:
        self._real, self._answer, self.asked = clients.client("rds"), answer, 0

    def failover_db_cluster(self, **_: Any) -> None:
        self.asked += 1
        self._answer()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


def _refuse(code: str) -> Callable[[], None]:
    def answer() -> None:
        raise ClientError({"Error": {"Code": code, "Message": "not now"}}, "FailoverDBCluster")

    return answer


def test_the_reader_becomes_the_writer_and_the_record_says_so(clock: Clock) -> None:
    answer = _failover(clock).run(REQUEST, 300)
    assert answer == {
        "outcome": "succeeded",
        "reason": "a drill",
        "old_writer": f"{CLUSTER}-1",
        "new_writer": f"{CLUSTER}-2",
        "started_at": clock.now,
        "finished_at": clock.now,
        "seconds": 0,
    }
    assert writer() == f"{CLUSTER}-2"
    (metric,) = boto3.client("cloudwatch", region_name=REGION).list_metrics(Namespace=NAMESPACE)["Metrics"]
    assert metric["MetricName"] == "FailoverSeconds"
    assert {each["Name"]: each["Value"] for each in metric["Dimensions"]} == {"Resource": CLUSTER, "Suffix": "test"}


def test_the_same_request_again_is_told_how_it_ended(clock: Clock) -> None:
    failover = _failover(clock)
    first = failover.run(REQUEST, 300)
    clock.sleep(5)
    assert failover.run(REQUEST, 300) == first
    assert writer() == f"{CLUSTER}-2"


def test_another_request_waits_for_the_cool_down(clock: Clock) -> None:
    failover = _failover(clock)
    failover.run(REQUEST, 300)
    second = Request(CLUSTER, "again", "request-2")
    clock.sleep(599)
    answer = failover.run(second, 300)
    assert (answer["outcome"], answer["code"]) == ("refused", "cool-down")
    assert writer() == f"{CLUSTER}-2"
    clock.sleep(1)
    assert failover.run(second, 300)["outcome"] == "succeeded"
    assert writer() == f"{CLUSTER}-1"


def test_of_two_that_decided_at_once_one_acts(clock: Clock) -> None:
    class Late(Claims):
        """Reads before the other one claims."""

        def newest(self) -> None:
            return None

    _failover(clock).run(REQUEST, 300)
    late = _failover(clock, claims=Late(clients.client("dynamodb"), TABLE, LIMITS))
    answer = late.run(Request(CLUSTER, "at the same time", "request-2"), 300)
    assert (answer["outcome"], answer["code"]) == ("refused", "cool-down")
    assert writer() == f"{CLUSTER}-2"


def test_a_dry_run_changes_nothing(clock: Clock, calls: Calls) -> None:
    answer = _failover(clock).run(Request(CLUSTER, "look", "request-1", dry_run=True), 300)
    assert answer == {"outcome": "would-fail-over", "new_writer": f"{CLUSTER}-2"}
    assert writer() == f"{CLUSTER}-1"
    assert not calls & {"dynamodb:PutItem", "rds:FailoverDBCluster", "cloudwatch:PutMetricData"}


@pytest.mark.parametrize("code", handler.REFUSALS)
def test_what_rds_refuses_did_not_happen_and_blocks_nobody(clock: Clock, code: str) -> None:
    answer = _failover(clock, rds=_Rds(_refuse(code))).run(REQUEST, 300)
    assert (answer["outcome"], answer["code"]) == ("refused", "in-progress")
    assert "not now" in answer["reason"]
    assert _failover(clock).run(Request(CLUSTER, "again", "request-2"), 300)["outcome"] == "succeeded"


def test_an_unclear_answer_keeps_the_claim_and_the_retry_goes_on(clock: Clock) -> None:
    with pytest.raises(ClientError, match="Throttling"):
        _failover(clock, rds=_Rds(_refuse("Throttling"))).run(REQUEST, 300)
    other = _failover(clock).run(Request(CLUSTER, "somebody else", "request-2"), 300)
    assert other["code"] == "cool-down"
    assert _failover(clock).run(REQUEST, 300)["outcome"] == "succeeded"
    assert writer() == f"{CLUSTER}-2"


@pytest.mark.parametrize("state", ["claimed", "running"])
def test_a_retry_of_what_was_done_asks_rds_no_more(clock: Clock, state: str) -> None:
    record = Record("request-1", "a drill", state, f"{CLUSTER}-1", f"{CLUSTER}-2", clock.now)
    assert Claims(clients.client("dynamodb"), TABLE, LIMITS).win(record)
    clients.client("rds").failover_db_cluster(DBClusterIdentifier=CLUSTER, TargetDBInstanceIdentifier=record.new_writer)
    rds = _Rds()
    clock.sleep(3)
    answer = _failover(clock, rds=rds).run(REQUEST, 300)
    assert (answer["outcome"], answer["seconds"]) == ("succeeded", 3)
    assert rds.asked == 0


@pytest.mark.parametrize(("remaining", "waited"), [(300, 60), (40, 30)])
def test_it_stops_waiting_in_time_and_says_so(clock: Clock, remaining: float, waited: float) -> None:
    started = clock.now
    failover = _failover(clock, rds=_Rds())
    answer = failover.run(REQUEST, remaining)
    assert answer["outcome"] == "timed-out"
    assert clock.now - started <= waited
    assert answer["seconds"] == clock.now - started
    assert failover.run(REQUEST, remaining) == answer
    assert boto3.client("cloudwatch", region_name=REGION).list_metrics(Namespace=NAMESPACE)["Metrics"] == []


def test_a_lost_record_is_not_written_over_a_newer_one(clock: Clock) -> None:
    claims = Claims(clients.client("dynamodb"), TABLE, LIMITS)
    newer = Record("request-2", "newer", "running", "", f"{CLUSTER}-2", clock.now)
    assert claims.win(newer)
    older = Record("request-1", "older", "succeeded", "", f"{CLUSTER}-2", clock.now - 900, clock.now)
    claims.update(older)
    claims.give_back(older)
    assert claims.newest() == newer


def test_a_table_that_is_gone_is_an_error(clock: Clock) -> None:
    claims = Claims(clients.client("dynamodb"), "gone", LIMITS)
    record = Record("request-1", "a drill", "claimed", "", "two", clock.now)
    for act in (claims.win, claims.give_back):
        with pytest.raises(ClientError, match="ResourceNotFound"):
            act(record)


def test_lag_zone_and_tier_are_read(clock: Clock) -> None:
    data = {
        "MetricName": "AuroraReplicaLag",
        "Dimensions": [{"Name": "DBInstanceIdentifier", "Value": f"{CLUSTER}-2"}],
        "Timestamp": datetime.fromtimestamp(clock.now - 60, UTC),
        "Value": 4321.0,
        "Unit": "Milliseconds",
    }
    boto3.client("cloudwatch", region_name=REGION).put_metric_data(Namespace="AWS/RDS", MetricData=[data])
    cluster = read_cluster(clients.client("rds"), clients.client("cloudwatch"), CLUSTER, clock.now)
    first, second = cluster.instances
    assert (first.is_writer, first.zone, first.lag_ms) == (True, "us-east-1a", None)
    assert (second.is_writer, second.zone, second.lag_ms, second.tier) == (False, "us-east-1b", 4321.0, 1)
    answer = _failover(clock).run(REQUEST, 300)
    assert (answer["outcome"], answer["code"]) == ("refused", "replica-lag")


def test_a_cluster_without_members_has_no_reader(calls: Calls) -> None:
    assert calls == set()

    class Empty:
        def describe_db_clusters(self, **_: Any) -> dict[str, Any]:
            return {"DBClusters": [{"DBClusterIdentifier": CLUSTER, "Status": "available"}]}

        def get_paginator(self, _: str) -> Any:
            return clients.client("rds").get_paginator("describe_db_instances")

    assert read_cluster(Empty(), None, CLUSTER, 0).instances == ()


def test_a_member_that_is_not_described_is_unknown_and_takes_nothing_over(clock: Clock) -> None:
    class Partial:
        def describe_db_clusters(self, **_: Any) -> dict[str, Any]:
            member = {"DBInstanceIdentifier": "ghost", "IsClusterWriter": False}
            described = {"DBClusterIdentifier": CLUSTER, "Status": "available", "DBClusterMembers": [member]}
            return {"DBClusters": [described]}

        def get_paginator(self, name: str) -> Any:
            return clients.client("rds").get_paginator(name)

    answer = _failover(clock, rds=Partial()).run(REQUEST, 300)
    assert answer["code"] == "no-healthy-reader"
