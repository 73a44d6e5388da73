"""Claims of failovers in DynamoDB: who gets one, who loses it, and for how long they are remembered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from common import clients
from failover.claims import RETENTION_SECONDS, FailoverRecord
from failover.execution import FailoverRequest
from tests.fake_clients import ServiceError, fake_client, stubbed_client
from tests.lambdas.account import (
    CLUSTER,
    TABLE,
    FakeClock,
    claims_of_the_cluster,
    failover_by,
)

REQUEST = FailoverRequest(CLUSTER, "a drill", "A")


def _record(clock: FakeClock) -> FailoverRecord:
    return FailoverRecord("other", "a drill", "claimed", "", f"{CLUSTER}-2", clock.now, clock.now + 90)


@pytest.mark.usefixtures("cluster_account")
def test_a_request_is_remembered_for_a_year(clock: FakeClock) -> None:
    failover_by(clock).run(REQUEST, 300)
    items = clients.client("dynamodb").scan(TableName=TABLE)["Items"]
    expiries = [int(item["expires_at"]["N"]) for item in items if "expires_at" in item]
    assert expiries == [clock.now + RETENTION_SECONDS]
    assert {item["pk"]["S"] for item in items} == {"operations#failover"}


@pytest.mark.usefixtures("cluster_account")
def test_claims_are_read_consistently() -> None:
    asked: list[dict[str, Any]] = []

    def answer(**given: Any) -> dict[str, Any]:
        asked.append(given)
        return {}

    claims = replace(claims_of_the_cluster(), dynamodb=fake_client("dynamodb", GetItem=answer))
    assert (claims.latest(), claims.find("request-1")) == (None, None)
    assert [each["ConsistentRead"] for each in asked] == [True, True]


def test_another_error_of_the_claim_is_raised(clock: FakeClock) -> None:
    dynamodb = stubbed_client("dynamodb", ("transact_write_items", ServiceError("ThrottlingException")))
    with pytest.raises(ClientError, match="ThrottlingException"):
        claims_of_the_cluster(dynamodb).acquire(_record(clock))


@pytest.mark.usefixtures("cluster_account")
@pytest.mark.parametrize(("reasons", "lost"), [(("None", "TransactionConflict"), True), (("None", "Other"), False)])
def test_a_conflict_about_either_item_loses_the_claim(
    clock: FakeClock, reasons: tuple[str, str], *, lost: bool
) -> None:
    class Conflicting:
        def transact_write_items(self, **_: Any) -> None:
            codes = [{"Code": each} for each in reasons]
            answer: Any = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": codes}
            raise ClientError(answer, "TransactWriteItems")

    claims = replace(claims_of_the_cluster(), dynamodb=Conflicting())
    if lost:
        assert claims.acquire(_record(clock)) is None
    else:
        with pytest.raises(ClientError, match="TransactionCanceled"):
            claims.acquire(_record(clock))


@pytest.mark.usefixtures("cluster_account")
def test_an_older_record_does_not_replace_a_newer_one(clock: FakeClock) -> None:
    claims = claims_of_the_cluster()
    newer = FailoverRecord("request-2", "newer", "running", "", f"{CLUSTER}-2", clock.now)
    assert claims.acquire(newer)
    older = FailoverRecord("request-1", "older", "succeeded", "", f"{CLUSTER}-2", clock.now - 900, clock.now)
    claims.update(older)
    claims.release(older)
    assert claims.latest() == newer


@pytest.mark.usefixtures("cluster_account")
def test_a_missing_table_is_an_error(clock: FakeClock) -> None:
    claims = claims_of_the_cluster(table="gone")
    record = FailoverRecord("request-1", "a drill", "claimed", "", "two", clock.now)
    for act in (claims.acquire, claims.release):
        with pytest.raises(ClientError, match="ResourceNotFound"):
            act(record)
