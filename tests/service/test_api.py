"""What the service answers, and what it leaves in Aurora, DynamoDB and S3."""

from __future__ import annotations

import json
import socket
import threading
import uuid
from collections import Counter
from functools import partial
from typing import Any

import boto3
import pytest

from breakwater_service.settings import Settings
from tests.service.harness import (
    BUCKET,
    ORDER,
    TTL,
    Answer,
    Postgres,
    Running,
    answers,
    call,
    eventually,
    kept_item,
    process,
    running,
    settings_for,
    transfer,
)

pytestmark = pytest.mark.xdist_group("service")


def _problem(answer: Answer) -> str:
    """Return what a refusal says, after checking its form (RFC 9457)."""
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.body.keys() == {"type", "title", "status", "detail"}
    assert answer.body["status"] == answer.status
    return str(answer.body["detail"])


def test_a_transfer_leaves_its_traces_in_all_three_stores(service: Running, postgres: Postgres) -> None:
    answer = transfer(service.port, "traces")
    assert (answer.status, answer.body) == (201, {"id": answer.body["id"], **ORDER})
    assert "idempotent-replayed" not in answer.headers
    row = postgres.ask("SELECT id, idempotency_key, source, destination, amount FROM transfers")
    assert row == f"{answer.body['id']}|traces|1|2|5"
    assert postgres.ask("SELECT balance FROM accounts WHERE id <= 2 ORDER BY id") == "999995\n1000005"

    eventually(lambda: kept_item("traces"))
    item = kept_item("traces")
    created = float(postgres.ask("SELECT extract(epoch FROM created_at) FROM transfers"))
    assert abs(int(item.pop(TTL)["N"]) - created - 86400) < 5
    assert item["result"] == {"S": json.dumps(answer.body)}

    eventually(lambda: postgres.ask("SELECT count(*) FROM outbox") == "0")
    stored = boto3.client("s3").get_object(Bucket=BUCKET, Key=f"receipts/{answer.body['id']}.json")
    assert stored["ContentType"] == "application/json"
    receipt = json.loads(stored["Body"].read())
    assert receipt.pop("created_at").endswith("+00:00")
    assert receipt == answer.body


def test_a_repeated_request_gets_its_first_answer(service: Running, postgres: Postgres) -> None:
    first, second = transfer(service.port, "repeated"), transfer(service.port, "repeated")
    assert (second.status, second.body) == (201, first.body)
    assert second.headers["idempotent-replayed"] == "true"
    assert postgres.ask("SELECT count(*) FROM transfers") == "1"


@pytest.mark.parametrize("change", [{"amount": 6}, {"from": 3}, {"to": 3}])
def test_a_key_is_good_for_one_body(service: Running, postgres: Postgres, change: dict[str, int]) -> None:
    transfer(service.port, "one-body")
    refused = transfer(service.port, "one-body", ORDER | change)
    assert refused.status == 422
    assert "another body" in _problem(refused)
    assert postgres.ask("SELECT count(*) FROM transfers") == "1"


def test_a_refused_transfer_changes_nothing_and_its_key_stays_free(service: Running, postgres: Postgres) -> None:
    for order, status, words in (
        (ORDER | {"amount": 1_000_001}, 409, "account 1 has less than 1000001"),
        (ORDER | {"from": 51}, 404, "account 51 does not exist"),
        (ORDER | {"to": 2**63 - 1}, 404, f"account {2**63 - 1} does not exist"),
    ):
        refused = transfer(service.port, "free", order)
        assert (refused.status, _problem(refused)) == (status, words)
    assert postgres.ask("SELECT count(*) FROM transfers") == "0"
    assert postgres.ask("SELECT count(*) FROM outbox") == "0"
    assert transfer(service.port, "free", ORDER | {"amount": 1_000_000}).status == 201


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "the body is not JSON"),
        (b"\xff", "the body is not JSON"),
        (b"[" * 1000, "the body is not JSON"),
        ([], 'an object of "from", "to" and "amount"'),
        ({"from": 1, "to": 2}, 'an object of "from", "to" and "amount"'),
        (ORDER | {"more": 1}, 'an object of "from", "to" and "amount"'),
        (ORDER | {"amount": 0}, '"amount" is 0, and must be an integer from 1 to 1000000000000'),
        (ORDER | {"amount": 10**12 + 1}, "must be an integer from 1 to 1000000000000"),
        (ORDER | {"amount": 1.5}, '"amount" is 1.5'),
        (ORDER | {"amount": "1"}, '"amount" is "1"'),
        (ORDER | {"from": True}, '"from" is true'),
        (ORDER | {"from": 2**63}, '"from" is 9223372036854775808'),
        (ORDER | {"to": -1}, '"to" is -1'),
        (ORDER | {"to": 1}, '"to" is 1, and must differ from "from"'),
        (b" " * 1025, "the body has more than 1024 bytes"),
    ],
)
def test_a_malformed_body_is_refused_by_name(service: Running, body: Any, words: str) -> None:
    answer = transfer(service.port, "malformed", body)
    assert answer.status == 400
    assert words in _problem(answer)


def test_limits_are_inside_what_is_allowed(service: Running) -> None:
    body = json.dumps(ORDER | {"amount": 1}).encode()
    assert transfer(service.port, "!" + "~" * 63, body + b" " * (1024 - len(body))).status == 201
    assert transfer(service.port, "highest", ORDER | {"amount": 10**12}).status == 409


@pytest.mark.parametrize("key", ["", "x" * 65, "with space", "\xe9"])
def test_a_malformed_key_is_refused(service: Running, key: str) -> None:
    answer = call(service.port, "POST", "/transactions", ORDER, Idempotency_Key=key)
    assert answer.status == 400
    assert "1 to 64 visible ASCII characters" in _problem(answer)


def test_a_missing_or_repeated_key_is_refused(service: Running) -> None:
    assert call(service.port, "POST", "/transactions", ORDER).status == 400
    body = json.dumps(ORDER)
    head = f"POST /transactions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as raw:
        raw.sendall(f"{head}Idempotency-Key: a\r\nIdempotency-Key: b\r\n\r\n{body}".encode())
        assert raw.makefile("rb").readline().split()[1] == b"400"


def test_reading(service: Running) -> None:
    made = transfer(service.port, "read").body
    assert call(service.port, "GET", f"/transactions/{made['id']}").body == made
    assert call(service.port, "GET", "/accounts/1").body == {"id": 1, "balance": 999_995}
    missing = f"/transactions/{uuid.uuid4()}", "/accounts/51", "/accounts/0", "/accounts/x", f"/accounts/{10**30}"
    for path in missing:
        answer = call(service.port, "GET", path)
        assert (answer.status, _problem(answer)[:16]) == (404, "there is no such"), path


def test_other_paths_and_methods(service: Running) -> None:
    for method, path, status in (("GET", "/", 404), ("GET", "/transactions/1", 404), ("DELETE", "/transactions", 405)):
        answer = call(service.port, method, path)
        assert answer.status == status
        _problem(answer)
    assert call(service.port, "DELETE", "/transactions").headers["allow"] == "POST"
    assert call(service.port, "GET", "/openapi.json").body["openapi"] == "3.1.0"
    assert "server" not in call(service.port, "GET", "/health").headers


def test_health_is_shallow_and_ready_is_deep(service: Running, postgres: Postgres) -> None:
    for path in ("/health", "/ready"):
        assert call(service.port, "GET", path).body == {"status": "ok", "version": "1.0.0"}
    postgres.kill()
    try:
        assert call(service.port, "GET", "/health").status == 200
        answer = call(service.port, "GET", "/ready")
        assert answer.status == 503
        assert _problem(answer).startswith("not ready: ")
        assert answer.headers["retry-after"] == "1"
    finally:
        postgres.start()
    eventually(lambda: call(service.port, "GET", "/ready").status == 200)


def test_a_table_that_is_missing_makes_it_unready_and_nothing_worse(
    postgres: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    with running(settings_for(postgres, table_name="missing")) as other:
        assert "ResourceNotFound" in _problem(call(other.port, "GET", "/ready"))
        assert transfer(other.port, "without-a-table").status == 201
        assert transfer(other.port, "without-a-table").headers["idempotent-replayed"] == "true"
        assert transfer(other.port, "another-without-a-table").status == 201
    # After a failure it is not asked for some seconds: a table that is throttled or broken must not slow each request.
    assert caplog.text.count("DynamoDB is left out for 5 s") == 1


def test_a_fault_of_the_service_is_500_and_logged(
    service: Running, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(service.service.replays, "keep", None)
    answer = transfer(service.port, "fault")
    assert answer.status == 500
    assert "TypeError" not in _problem(answer)
    eventually(lambda: "TypeError" in caplog.text)
    monkeypatch.undo()
    assert transfer(service.port, "fault").headers["idempotent-replayed"] == "true"


def test_a_client_that_leaves_while_it_sends_is_no_fault(service: Running, caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as raw:
        raw.sendall(b"POST /transactions HTTP/1.1\r\nHost: x\r\nIdempotency-Key: a\r\nContent-Length: 9\r\n\r\n{")
    assert call(service.port, "GET", "/ready").status == 200
    assert "Traceback" not in caplog.text


def test_two_processes_with_one_key_commit_once(postgres: Postgres) -> None:
    """Neither has a table: the unique key in Aurora is what decides."""
    both: list[Settings] = [settings_for(postgres), settings_for(postgres)]
    with process(both[0]), process(both[1]):
        for settings in both:
            eventually(partial(answers, settings.port))
        found: list[Answer] = []

        def post(port: int, key: str) -> None:
            found.append(transfer(port, key))

        for number in range(10):
            threads = [threading.Thread(target=post, args=(both[i % 2].port, f"both-{number}")) for i in range(6)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    assert {answer.status for answer in found} == {201}
    assert set(Counter(answer.body["id"] for answer in found).values()) == {6}
    assert sum("idempotent-replayed" not in answer.headers for answer in found) == 10
    assert postgres.ask("SELECT count(*) FROM transfers") == "10"
