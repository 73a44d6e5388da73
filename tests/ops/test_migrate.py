"""`python -m ops migrate`: what it asks the function, and what it says of the answer."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from ops import outputs
from ops.__main__ import main
from ops.connection import Connection

STACK = {"MigrationFunctionName": "dr-migration-eu1-us-east-1", "DatabaseName": "transactions"}


class Function:
    """AWS Lambda with one function.

    Args:
        answer: payload of its response, or the error of the call.
        failed: whether the function raised an error.
    """

    def __init__(self, answer: Any, *, failed: bool = False) -> None:
        self._answer, self._failed = answer, failed
        self.asked: list[dict[str, Any]] = []

    def client(self, service: str, config: Any) -> Function:
        assert service == "lambda"
        # Longer than the function runs, and once: nothing says whether the first call still runs.
        assert (config.read_timeout, config.retries) == (310, {"total_max_attempts": 1})
        return self

    def invoke(self, **parameters: Any) -> dict[str, Any]:
        self.asked.append(parameters)
        if isinstance(self._answer, Exception):
            raise self._answer
        payload = io.BytesIO(json.dumps(self._answer).encode())
        return {"Payload": payload, **({"FunctionError": "Unhandled"} if self._failed else {})}


def run(monkeypatch: pytest.MonkeyPatch, function: Function, found: dict[str, str]) -> int:
    monkeypatch.setattr(outputs, "deployed", lambda stack, _connection: found if stack == "Breakwater-eu1" else {})
    monkeypatch.setattr(Connection, "client", lambda _self, service, **options: function.client(service, **options))
    return main(["migrate", "--stack", "Breakwater-eu1", "--region", "us-east-1"])


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"before": 0, "after": 1}, "transactions: schema version 1, was 0\n"),
        ({"before": 2, "after": 2}, "transactions: schema version 2\n"),
        (
            {"before": 0, "after": 0},
            "transactions: the database user is there; the platform makes no tables (migrations = user)\n",
        ),
    ],
)
def test_it_tells_the_version_before_and_after(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answer: dict[str, int], told: str
) -> None:
    function = Function(answer)
    assert run(monkeypatch, function, STACK) == 0
    assert function.asked == [{"FunctionName": "dr-migration-eu1-us-east-1", "Payload": b"{}"}]
    assert capsys.readouterr().out == told


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (
            Function({"errorType": "SqlFileError", "errorMessage": "0001.sql: …"}, failed=True),
            "dr-migration-eu1-us-east-1 failed: SqlFileError: 0001.sql: …",
        ),
        (
            Function(ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "Invoke")),
            "dr-migration-eu1-us-east-1: AccessDeniedException: no",
        ),
        (
            Function(ReadTimeoutError(endpoint_url="https://lambda")),
            'dr-migration-eu1-us-east-1 did not answer: Read timeout on endpoint URL: "https://lambda"',
        ),
    ],
    ids=["failed", "refused", "silent"],
)
def test_an_error_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], function: Function, told: str
) -> None:
    assert run(monkeypatch, function, STACK) == 1
    assert capsys.readouterr().err == f"error: {told}\n"


def test_a_stack_without_the_function_says_why(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    function = Function({})
    assert run(monkeypatch, function, {"DatabaseName": "transactions"}) == 1
    assert capsys.readouterr().err == (
        "error: the stack has no migration function: database.data_api is off, so prepare the database as its owner\n"
    )
    assert function.asked == []
