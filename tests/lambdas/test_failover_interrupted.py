"""Failovers whose answers are lost, whose invocations end early, and whose requests are repeated."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from common import clients
from failover.claims import ClaimStore, FailoverRecord
from failover.execution import SETTLE_SECONDS, Failover, FailoverRequest
from tests.lambdas.account import CLUSTER, FakeAccount, FakeClock, claims_of_the_cluster, failover_by

FIRST, SECOND = f"{CLUSTER}-1", f"{CLUSTER}-2"


def _request(identifier: str, **changes: Any) -> FailoverRequest:
    return FailoverRequest(CLUSTER, f"reason of {identifier}", identifier, **changes)


class _Rds:
    """RDS in memory: it fails, before or after it serves ``FailoverDBCluster``."""

    def __init__(self, error: Exception, *, served: bool) -> None:
        self._real, self._error, self._served = clients.client("rds"), error, served

    def failover_db_cluster(self, **request: Any) -> None:
        if self._served:
            self._real.failover_db_cluster(**request)
        raise self._error


def _run(clock: FakeClock, request: FailoverRequest, remaining: float = 300, **changes: Any) -> dict[str, Any]:
    return failover_by(clock, **changes).run(request, remaining)


def _record(clock: FakeClock, request: str = "A", **changes: Any) -> FailoverRecord:
    values = {"state": "claimed", "held_until": clock.now + 90, **changes}
    return FailoverRecord(request, "a drill", values.pop("state"), FIRST, SECOND, clock.now, **values)


REFUSAL = ClientError({"Error": {"Code": "InvalidDBClusterStateFault", "Message": "is failing over"}}, "FailoverDB")
TIMEOUT = ReadTimeoutError(endpoint_url="https://rds.us-east-1.amazonaws.com")


@pytest.mark.parametrize("error", [REFUSAL, TIMEOUT])
def test_a_failover_whose_answer_was_lost_is_waited_for(
    cluster_account: FakeAccount, clock: FakeClock, error: Exception
) -> None:
    assert _run(clock, _request("A"), rds_once=_Rds(error, served=True))["outcome"] == "succeeded"
    assert cluster_account.writer() == SECOND
    clock.sleep(35)
    assert _run(clock, _request("B"))["code"] == "cool-down"


def test_an_attempt_that_ended_after_rds_had_accepted_is_taken_up_and_asks_nothing_again(
    cluster_account: FakeAccount, clock: FakeClock
) -> None:
    assert claims_of_the_cluster().acquire(_record(clock)) == _record(clock)
    clients.client("rds").failover_db_cluster(DBClusterIdentifier=CLUSTER, TargetDBInstanceIdentifier=SECOND)
    assert _run(clock, _request("A"), rds_once=None)["outcome"] == "succeeded"
    assert cluster_account.writer() == SECOND


def test_a_timeout_of_rds_without_a_failover_keeps_the_claim(cluster_account: FakeAccount, clock: FakeClock) -> None:
    with pytest.raises(ReadTimeoutError):
        _run(clock, _request("A"), rds_once=_Rds(TIMEOUT, served=False))
    assert clock.now == FakeClock().now + SETTLE_SECONDS
    assert _run(clock, _request("B"))["code"] == "cool-down"
    assert _run(clock, _request("A"))["outcome"] == "succeeded"
    assert cluster_account.writer() == SECOND


def test_a_claim_whose_answer_was_lost_is_won(cluster_account: FakeAccount, clock: FakeClock) -> None:
    dynamodb = clients.client("dynamodb")
    lost: list[str] = []

    def lose(operation: Any, **_: Any) -> int | None:
        if not lost:
            lost.append(operation.name)
            return 0  # seconds after which the SDK sends the request again
        return None

    dynamodb.meta.events.register_first("needs-retry.dynamodb.TransactWriteItems", lose)
    try:
        assert _run(clock, _request("A"))["outcome"] == "succeeded"
    finally:
        dynamodb.meta.events.unregister("needs-retry.dynamodb.TransactWriteItems", lose)
    assert lost == ["TransactWriteItems"]
    assert cluster_account.writer() == SECOND


def test_the_same_request_never_fails_over_twice(cluster_account: FakeAccount, clock: FakeClock) -> None:
    first = _run(clock, _request("A"))
    clock.sleep(700)
    assert _run(clock, _request("B"))["outcome"] == "succeeded"
    clock.sleep(700)
    assert _run(clock, _request("A")) == first
    assert cluster_account.writer() == FIRST


def test_a_claim_without_a_failover_excludes_others_only_while_it_is_held(
    cluster_account: FakeAccount, clock: FakeClock
) -> None:
    assert claims_of_the_cluster().acquire(_record(clock)) is not None
    clock.sleep(89)
    assert _run(clock, _request("B"))["code"] == "cool-down"
    clock.sleep(1)
    assert _run(clock, _request("B"))["outcome"] == "succeeded"
    assert cluster_account.writer() == SECOND
    reason = "a later request has claimed a failover since: this one is not taken up again"
    assert _run(clock, _request("A")) == {"outcome": "refused", "code": "superseded", "reason": reason}


@pytest.mark.usefixtures("cluster_account")
def test_a_claim_with_a_failover_excludes_others_for_the_cool_down(clock: FakeClock) -> None:
    assert claims_of_the_cluster().acquire(_record(clock)) is not None
    clients.client("rds").failover_db_cluster(DBClusterIdentifier=CLUSTER, TargetDBInstanceIdentifier=SECOND)
    clock.sleep(599)
    assert _run(clock, _request("B"))["code"] == "cool-down"


@pytest.mark.usefixtures("cluster_account")
def test_a_claim_taken_over_meanwhile_is_not_renewed(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    assert claims_of_the_cluster().acquire(_record(clock)) is not None

    def other_request_first(*_: Any) -> bool:
        clock.sleep(90)
        assert claims_of_the_cluster().acquire(_record(clock, "B")) is not None
        return False

    monkeypatch.setattr(ClaimStore, "renew", other_request_first)
    assert _run(clock, _request("A"), rds_once=None)["code"] == "superseded"


@pytest.mark.usefixtures("cluster_account")
def test_the_failover_of_a_later_request_is_not_told_as_ones_own(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert claims_of_the_cluster().acquire(_record(clock)) is not None
    clock.sleep(90)
    read = Failover._read_cluster

    def later_request_first(self: Failover) -> Any:
        monkeypatch.setattr(Failover, "_read_cluster", read)
        assert _run(clock, _request("B"))["outcome"] == "succeeded"
        return read(self)

    monkeypatch.setattr(Failover, "_read_cluster", later_request_first)
    assert _run(clock, _request("A"), rds_once=None)["code"] == "superseded"


@pytest.mark.usefixtures("cluster_account")
def test_an_attempt_that_meets_the_end_of_another_tells_it(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    assert claims_of_the_cluster().acquire(_record(clock)) is not None
    read = Failover._read_cluster

    def other_attempt_first(self: Failover) -> Any:
        monkeypatch.setattr(Failover, "_read_cluster", read)
        told.append(_run(clock, _request("A")))
        return read(self)

    told: list[dict[str, Any]] = []
    monkeypatch.setattr(Failover, "_read_cluster", other_attempt_first)
    assert _run(clock, _request("A"), rds_once=None) == told[0]


@pytest.mark.usefixtures("cluster_account")
def test_a_shorter_attempt_does_not_shorten_the_hold_of_another(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    claims = claims_of_the_cluster()
    assert claims.acquire(_record(clock)) is not None
    longer = _record(clock, held_until=clock.now + 150)
    assert claims.renew(longer, clock.now + 90)
    assert not claims.renew(_record(clock), clock.now + 90)
    assert claims.latest() == longer
    monkeypatch.setattr(Failover, "_start", lambda _, record, __: {"held": record.held_until - clock.now})
    for ends, held in ((60, 150), (200, 200)):
        assert failover_by(clock)._serve(_request("A"), clock.now + ends) == {"held": held}


@pytest.mark.usefixtures("cluster_account")
def test_a_renewed_claim_starts_the_cool_down_anew(clock: FakeClock) -> None:
    assert claims_of_the_cluster().acquire(_record(clock)) is not None
    clock.sleep(500)
    assert _run(clock, _request("A"))["started_at"] == clock.now
    clock.sleep(200)
    assert _run(clock, _request("B"))["code"] == "cool-down"


@pytest.mark.usefixtures("cluster_account")
def test_an_attempt_at_the_same_time_is_resumed(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    assert claims_of_the_cluster().acquire(_record(clock)) is not None
    clients.client("rds").failover_db_cluster(DBClusterIdentifier=CLUSTER, TargetDBInstanceIdentifier=SECOND)
    found = iter([None, None])
    monkeypatch.setattr(ClaimStore, "find", lambda *_: next(found))
    latest = ClaimStore.latest
    answers = iter([lambda _: None, latest])
    monkeypatch.setattr(ClaimStore, "latest", lambda self: next(answers)(self))  # noqa: PLW0108 (another one each time)
    clock.sleep(3)
    assert _run(clock, _request("A"), rds_once=None)["started_at"] == clock.now - 3


@pytest.mark.parametrize("automatic", [True, False])
def test_an_attempt_that_finds_the_failover_of_another_at_the_same_request_is_not_refused(
    cluster_account: FakeAccount, clock: FakeClock, automatic: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Failover._read_cluster

    def other_attempt_first(self: Failover) -> Any:
        monkeypatch.setattr(Failover, "_read_cluster", read)
        assert claims_of_the_cluster().acquire(_record(clock)) is not None
        clients.client("rds").failover_db_cluster(DBClusterIdentifier=CLUSTER, TargetDBInstanceIdentifier=SECOND)
        return replace(read(self), status=("available" if automatic else "failing-over"))

    monkeypatch.setattr(Failover, "_read_cluster", other_attempt_first)
    response = _run(clock, _request("A", automatic=automatic), rds_once=None)
    assert (response["outcome"], response["new_writer"]) == ("succeeded", SECOND)
    assert cluster_account.writer() == SECOND


@pytest.mark.usefixtures("cluster_account")
def test_an_ended_record_stays_as_it_is(clock: FakeClock) -> None:
    claims = claims_of_the_cluster()
    ended = _record(clock, state="succeeded", held_until=None, finished_at=clock.now + 5)
    assert claims.acquire(_record(clock)) is not None
    claims.update(ended)
    claims.update(_record(clock, state="timed-out", held_until=None, finished_at=clock.now + 9))
    claims.release(ended)
    assert claims.latest() == claims.find("A") == ended


@pytest.mark.usefixtures("cluster_account")
def test_a_read_that_fails_does_not_end_the_wait(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    assert claims_of_the_cluster().acquire(_record(clock)) is not None
    claims_of_the_cluster().update(_record(clock, state="running", held_until=None))
    clients.client("rds").failover_db_cluster(DBClusterIdentifier=CLUSTER, TargetDBInstanceIdentifier=SECOND)
    read = Failover._read_cluster
    failures = iter([REFUSAL, TIMEOUT])

    def sometimes(self: Failover) -> Any:
        if (error := next(failures, None)) is not None:
            raise error
        return read(self)

    monkeypatch.setattr(Failover, "_read_cluster", sometimes)
    assert _run(clock, _request("A"))["outcome"] == "succeeded"
