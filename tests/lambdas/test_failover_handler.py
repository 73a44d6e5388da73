"""Handler of the failover function: environment variables, permissions, events and alarms."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from common import clients
from common.aurora import Cluster
from common.environment import ConfigurationError
from failover import handler
from failover.claims import ClaimStore, FailoverRecord
from failover.execution import POLL_SECONDS, Failover, FailoverRequest
from failover.handler import RequestError, parse
from failover.logic import FailoverLimits
from tests.assembly import assembly
from tests.lambdas.account import (
    CLUSTER,
    FakeAccount,
    FakeClock,
    LambdaContext,
    claims_of_the_cluster,
    failover_by,
)
from tests.stacks.permissions import granted_actions, iam_action

EVENT = {"cluster": CLUSTER, "reason": "a drill"}
REQUEST = FailoverRequest(CLUSTER, "a drill", "A")


def _record(clock: FakeClock) -> FailoverRecord:
    return FailoverRecord("other", "a drill", "claimed", "", f"{CLUSTER}-2", clock.now, clock.now + 90)


@pytest.mark.usefixtures("cluster_account")
def test_the_function_reads_its_environment_and_responds() -> None:
    response = handler.handle(EVENT, LambdaContext())
    assert response["outcome"] == "succeeded"
    second = handler.handle(EVENT, LambdaContext("request-2"))
    assert (second["outcome"], second["code"]) == ("refused", "cool-down")


def test_the_failover_gets_all_that_the_environment_says(
    account: FakeAccount, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert account is not None
    made: list[Failover] = []

    def run(self: Failover, request: FailoverRequest, remaining: float) -> dict[str, Any]:
        made.append(self)
        assert request == FailoverRequest(CLUSTER, "alarm (unnamed)", "request-1", automatic=True)
        assert remaining == 300
        return {"outcome": "refused", "code": "not-needed"}

    monkeypatch.setattr(Failover, "run", run)
    with caplog.at_level("INFO"):
        handler.handle({"source": "aws.cloudwatch"}, LambdaContext())
    (failover,) = made
    assert failover.limits == FailoverLimits(CLUSTER, lag_ms=1000, cool_down_seconds=600)
    assert failover.claims == claims_of_the_cluster()
    assert (failover.timeout_seconds, failover.namespace, failover.suffix) == (60, "Breakwater", "test")
    attempts = [client.meta.config.retries["total_max_attempts"] for client in (failover.rds_once, failover.rds)]
    assert attempts == [1, 3]
    (record,) = caplog.records
    told = vars(record)
    assert record.getMessage() == "failover refused"
    assert (told["request"], told["response_outcome"], told["response_code"]) == ("request-1", "refused", "not-needed")


def test_it_calls_only_what_its_role_allows(cluster_account: FakeAccount) -> None:
    handler.handle(EVENT, LambdaContext())
    called = {iam_action(call) for call in cluster_account.calls}
    assert len(called) > 5
    assert called <= granted_actions(assembly("dev"), "Failover")


@pytest.mark.usefixtures("cluster_account")
def test_a_missing_variable_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COOL_DOWN_SECONDS")
    with pytest.raises(ConfigurationError, match="COOL_DOWN_SECONDS is not set"):
        handler.handle(EVENT, LambdaContext())


def test_an_alarm_requests_a_failover_of_the_deployments_cluster() -> None:
    event = {"source": "aws.cloudwatch", "alarmData": {"alarmName": "writer-unhealthy"}}
    assert parse(event, "id", CLUSTER) == FailoverRequest(CLUSTER, "alarm writer-unhealthy", "id", automatic=True)
    assert parse({"source": "aws.cloudwatch"}, "id", CLUSTER).reason == "alarm (unnamed)"


def test_an_operator_may_give_the_request_an_id() -> None:
    assert parse(EVENT, "id", CLUSTER).dry_run is False
    event = {"cluster": CLUSTER, "reason": "drill", "request_id": "mine", "dry_run": True}
    assert parse(event, "id", CLUSTER) == FailoverRequest(CLUSTER, "drill", "mine", dry_run=True)


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ({"reason": "drill"}, "cluster is missing"),
        ({"cluster": CLUSTER}, "reason is missing"),
        ({"cluster": 1, "reason": "drill"}, "cluster = 1: allowed is a string that is not empty"),
        ({"cluster": CLUSTER, "reason": ""}, "reason = ''"),
        ({"cluster": CLUSTER, "reason": "drill", "dry_run": "yes"}, "dry_run = 'yes': allowed is true or false"),
        ({"cluster": CLUSTER, "reason": "drill", "request_id": 5}, "request_id = 5"),
    ],
)
def test_an_error_names_the_invalid_key(event: dict[str, Any], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        parse(event, "id", CLUSTER)


def test_a_cluster_that_cannot_be_read_once_is_read_again(
    cluster_account: FakeAccount, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    read, calls = Failover._read_cluster, list[int]()

    def once_not(self: Failover) -> Cluster:
        calls.append(1)
        if len(calls) == 2:
            raise ClientError({"Error": {"Code": "Throttling"}}, "DescribeDBClusters")
        return read(self)

    monkeypatch.setattr(Failover, "_read_cluster", once_not)
    began = clock.now
    assert failover_by(clock).run(REQUEST, 300)["outcome"] == "succeeded"
    assert (len(calls), clock.now - began) == (3, POLL_SECONDS)
    (told,) = [each for each in caplog.records if each.name == "failover.execution"]
    assert told.getMessage() == "the cluster could not be read; it is read again"
    assert told.exc_info
    assert cluster_account.writer() == f"{CLUSTER}-2"


def test_an_alarm_does_not_move_a_writer_that_serves(cluster_account: FakeAccount, clock: FakeClock) -> None:
    response = failover_by(clock).run(replace(REQUEST, automatic=True), 300)
    assert (response["code"], response["reason"]) == (
        "not-needed",
        "the writer serves: an alarm moves only one that does not",
    )
    assert cluster_account.writer() == f"{CLUSTER}-1"
    assert cluster_account.metrics() == {}


@pytest.mark.parametrize("automatic", [True, False])
def test_a_refused_automatic_failover_reaches_somebody(
    cluster_account: FakeAccount, clock: FakeClock, automatic: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("common.aurora.Cluster.takes_writes", property(lambda _: False))
    claims_of_the_cluster().acquire(replace(_record(clock), held_until=None, finished_at=clock.now))
    assert failover_by(clock).run(replace(REQUEST, automatic=automatic), 300)["code"] == "cool-down"
    told = {("FailoverNotDone", f"Resource={CLUSTER}", "Suffix=test"): 1}
    assert cluster_account.metrics() == (told if automatic else {})


@pytest.mark.usefixtures("cluster_account")
def test_an_attempt_that_loses_the_renewal_to_another_at_the_same_request_tells_its_result(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert claims_of_the_cluster().acquire(replace(_record(clock), request_id=REQUEST.request_id)) is not None
    clock.sleep(90)
    renew, told = ClaimStore.renew, list[dict[str, Any]]()

    def other_attempt_first(self: ClaimStore, record: FailoverRecord, held_until: float) -> bool:
        monkeypatch.setattr(ClaimStore, "renew", renew)
        told.append(failover_by(clock).run(REQUEST, 300))
        return renew(self, record, held_until)

    monkeypatch.setattr(ClaimStore, "renew", other_attempt_first)
    assert [failover_by(clock).run(REQUEST, 300)] == told
    assert told[0]["outcome"] == "succeeded"


SCHEDULED = {"source": "aws.events", "detail-type": "Scheduled Event"}
ALARM = "dr-writer-unhealthy-test-us-east-1"


class _WithAlarm:
    """CloudWatch as moto has it, and with the composite alarm, which it has not.

    Args:
        cloudwatch: moto's.
        state: of the alarm.
    """

    def __init__(self, cloudwatch: Any, state: str) -> None:
        self._cloudwatch, self._state = cloudwatch, state

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cloudwatch, name)

    def describe_alarms(self, *, AlarmNames: list[str], AlarmTypes: list[str], StateValue: str) -> Any:  # noqa: N803
        """Return the alarm if it is asked for in its state."""
        assert (AlarmNames, AlarmTypes) == ([ALARM], ["CompositeAlarm"])
        return {"CompositeAlarms": [{"AlarmName": ALARM}] if self._state == StateValue else []}


@pytest.mark.parametrize(("state", "outcome"), [("OK", "not-asked"), ("ALARM", "succeeded")])
def test_the_schedule_asks_as_long_as_the_alarm_does(
    cluster_account: FakeAccount, monkeypatch: pytest.MonkeyPatch, state: str, outcome: str
) -> None:
    monkeypatch.setenv("ALARM_NAME", ALARM)
    monkeypatch.setattr("common.aurora.Cluster.takes_writes", property(lambda _: False))
    create = clients.client

    def with_alarm(service: str, **options: Any) -> Any:
        made = create(service, **options)
        return _WithAlarm(made, state) if service == "cloudwatch" else made

    monkeypatch.setattr(handler, "client", with_alarm)
    before = cluster_account.writer()
    assert handler.handle(SCHEDULED, LambdaContext())["outcome"] == outcome
    assert (cluster_account.writer() != before) is (outcome == "succeeded")


def test_a_refused_failover_is_tried_again_until_it_is_done(
    cluster_account: FakeAccount, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    failover = failover_by(clock)
    failed = failover.run(FailoverRequest(CLUSTER, "first", "1"), 300)
    assert failed["outcome"] == "succeeded"
    monkeypatch.setattr("common.aurora.Cluster.takes_writes", property(lambda _: False))
    outcomes = []
    for minute in range(2, 13):
        clock.sleep(60)
        response = failover.run(FailoverRequest(CLUSTER, "still", str(minute), automatic=True), 300)
        outcomes.append(response.get("code", response["outcome"]))
    # Nothing within the cool-down of 600 s, once after it, and nothing within the next one.
    assert outcomes == ["cool-down"] * 9 + ["succeeded", "cool-down"]
    assert cluster_account.writer() == failed["old_writer"]


def test_a_failover_that_is_waited_for_is_no_refusal(
    cluster_account: FakeAccount, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("common.aurora.Cluster.takes_writes", property(lambda _: False))
    claimed = replace(_record(clock), held_until=None, state="running")
    assert claims_of_the_cluster().acquire(claimed) is not None
    told = {("FailoverNotDone", f"Resource={CLUSTER}", "Suffix=test"): 1}
    # An invocation waits for 60 s.
    for seconds, code, metrics in ((59, "not-needed", {}), (1, "cool-down", told)):
        clock.sleep(seconds)
        request = FailoverRequest(CLUSTER, "still", str(clock.now), automatic=True)
        response = failover_by(clock).run(request, 300)
        assert response["code"] == code
        waits = "another invocation waits for the failover that it has started"
        assert (response["reason"] == waits) is (code == "not-needed")
        assert cluster_account.metrics() == metrics
