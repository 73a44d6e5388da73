"""A transfer that `make local` makes itself: what is asked, and what each missing trace is told as."""

from __future__ import annotations

import json
import shlex
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from drills_testing.web import tls
from ops.errors import OpsError
from ops.local import transfer
from stacks.names import OutputKey

ID = "0b5b8c0e-6f2f-4e0c-9d5a-0123456789ab"
ANSWER = {"id": ID, "from": 1, "to": 2, "amount": 5}
AUTHORITY = Path("authority.pem")
ROW = [{"longValue": 1}, {"longValue": 2}, {"longValue": 5}, {"stringValue": "2026-11-28 12:00:00+00"}]


class Service:
    """A service that keeps what it was asked, and answers what the test says."""

    def __init__(self) -> None:
        self.status, self.body = 201, json.dumps(ANSWER)
        self.asked: list[tuple[str, str, Any]] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                service.asked.append((self.path, self.headers["Idempotency-Key"], body))
                self.send_response(service.status)
                self.end_headers()
                self.wfile.write(service.body.encode())

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


class Stores:
    """The three stores, with everything in them that the transfer must leave."""

    def __init__(self) -> None:
        self.rows: list[Any] = [ROW]
        self.items: list[Mapping[str, Any]] = [{"Item": {}}]
        self.receipts: list[str | None] = [None]
        self.asked: dict[str, Mapping[str, Any]] = {}

    def __call__(self, _service: str) -> Any:
        return SimpleNamespace(execute_statement=self._execute, get_item=self._get, head_object=self._head)

    def _execute(self, **request: Any) -> dict[str, Any]:
        self.asked["row"] = request
        return {"records": self.rows}

    def _get(self, **request: Any) -> Mapping[str, Any]:
        self.asked["item"] = request
        return self.items.pop(0) if len(self.items) > 1 else self.items[0]

    def _head(self, **request: Any) -> None:
        self.asked["receipt"] = request
        code = self.receipts.pop(0) if len(self.receipts) > 1 else self.receipts[0]
        if code:
            raise ClientError({"Error": {"Code": code, "Message": "as the test says"}}, "HeadObject")


def outputs(service: Service) -> dict[str, str]:
    return {
        OutputKey.SERVICE_URL: service.url,
        OutputKey.LOAD_BALANCER_DNS_NAME: service.url.removeprefix("http://"),
        OutputKey.CLUSTER_ARN: "cluster",
        OutputKey.CLUSTER_SECRET_ARN: "secret",
        OutputKey.DATABASE_NAME: "transactions",
        OutputKey.TABLE_NAME: "table",
        OutputKey.DATA_BUCKET_NAME: "bucket",
    }


def test_a_transfer_is_made_and_its_traces_are_read(service: Service) -> None:
    stores = Stores()
    stores.items, stores.receipts = [{}, {"Item": {}}], ["404", None]
    made = transfer.make(stores, outputs(service), AUTHORITY)
    [(path, key, body)] = service.asked
    assert (path, body) == ("/transactions", {"from": 1, "to": 2, "amount": 5})
    assert made.answer == ANSWER
    assert made.row == (1, 2, 5, "2026-11-28 12:00:00+00")
    assert (made.item, made.receipt) == (f"idempotency#{key}", f"s3://bucket/receipts/{ID}.json")
    assert stores.asked["row"]["parameters"] == [{"name": "id", "value": {"stringValue": ID}}]
    assert stores.asked["row"]["secretArn"] == "secret"
    assert stores.asked["item"]["Key"] == {"pk": {"S": f"idempotency#{key}"}, "sk": {"S": "request"}}
    assert 0 < made.seconds < transfer._TIMEOUT_SECONDS


def test_each_transfer_has_a_key_of_its_own(service: Service) -> None:
    for _ in range(2):
        transfer.make(Stores(), outputs(service), AUTHORITY)
    assert len({key for _, key, _ in service.asked}) == 2


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"rows": []}, f"Aurora has 0 rows of transfer {ID}"),
        ({"rows": [ROW, ROW]}, f"Aurora has 2 rows of transfer {ID}"),
        ({"items": [{}]}, "table has no item idempotency#local-.* 0 s after the transfer"),
        ({"receipts": ["404"]}, f"bucket has no receipts/{ID}.json 0 s after the transfer"),
    ],
)
def test_a_missing_trace_is_told(
    service: Service, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], told: str
) -> None:
    monkeypatch.setattr(transfer, "_TRACE_TIMEOUT_SECONDS", 0.2)
    stores = Stores()
    vars(stores).update(change)
    with pytest.raises(OpsError, match=told):
        transfer.make(stores, outputs(service), AUTHORITY)


def test_another_error_of_the_bucket_is_not_taken_for_a_missing_receipt(service: Service) -> None:
    stores = Stores()
    stores.receipts = ["403"]
    with pytest.raises(ClientError, match="403"):
        transfer.make(stores, outputs(service), AUTHORITY)


def test_an_answer_that_is_none_is_told_with_what_was_answered(service: Service) -> None:
    service.status, service.body = 503, json.dumps({"detail": "ask again"})
    told = rf'POST {service.url}/transactions answered 503: {{"detail": "ask again"}}'
    with pytest.raises(OpsError, match=f"^{told}$"):
        transfer.make(Stores(), outputs(service), AUTHORITY)
    for status, body in ((200, json.dumps(ANSWER)), (201, "<html>"), (201, "{}")):
        service.status, service.body = status, body
        with pytest.raises(OpsError, match=f"/transactions answered {status}: "):
            transfer.make(Stores(), outputs(service), AUTHORITY)
    nowhere = {**outputs(service), OutputKey.LOAD_BALANCER_DNS_NAME: "127.0.0.1:1"}
    with pytest.raises(OpsError, match=f"^POST {service.url}/transactions was not answered: NewConnectionError$"):
        transfer.make(Stores(), nowhere, AUTHORITY)


def test_a_domain_name_is_asked_by_the_address_of_the_load_balancer_and_its_certificate_is_verified(
    service: Service, tmp_path: Path
) -> None:
    folder = tmp_path / "a folder"
    folder.mkdir()
    context, certificate = tls("payments.example.com", folder)
    address = f"127.0.0.1:{service.server.server_port}"
    found = {**outputs(service), OutputKey.SERVICE_URL: "https://payments.example.com"}
    service.server.socket = context.wrap_socket(service.server.socket, server_side=True)
    made = transfer.make(Stores(), found, certificate)
    assert (made.url, len(service.asked)) == ("https://payments.example.com/transactions", 1)
    words = shlex.split(made.command.replace("\\\n", " "))
    assert words[:7] == [
        "curl", "-sS", "--cacert", str(certificate), "--connect-to", f"::{address}", made.url,
    ]  # fmt: skip
    with pytest.raises(OpsError, match="was not answered: SSLError"):
        transfer.make(Stores(), {**found, OutputKey.SERVICE_URL: "https://other.example.com"}, certificate)


def test_the_printed_command_asks_for_the_same_transfer(service: Service) -> None:
    made = transfer.make(Stores(), outputs(service), AUTHORITY)
    words = shlex.split(made.command.replace("\\\n", " "))
    assert words[:3] == ["curl", "-sS", f"{service.url}/transactions"]
    assert "Idempotency-Key: $(date +%s)" in words
    assert json.loads(words[-1]) == {"from": 1, "to": 2, "amount": 5}
