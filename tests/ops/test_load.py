"""`python -m ops load`: what it measures, and what it refuses."""

from __future__ import annotations

import json
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from breakwater_drills.probes import Rows
from drills_testing.fakes import target
from drills_testing.service import FakeService
from drills_testing.web import served
from ops import load as command
from ops.__main__ import main
from ops.local.workspace import Workspace

# A web server without packages, and one that does not start.
ECHO = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


@contextmanager
def bank(service: FakeService, status: int = 0) -> Iterator[str]:
    """Serve a bank on loopback; with a status every second transfer is answered by that alone."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(*service.get(self.path))

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                service.refuses = status if status and not service.asked % 2 else 0
                self._answer(*service.post(self.path, body, {"Idempotency-Key": self.headers["Idempotency-Key"]}))

        def _answer(self, status: int, fields: Any) -> None:
            content = json.dumps(fields).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with served(Handler) as url:
        yield url


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> FakeService:
    """Let the database of the stack be that of this service, and the bare web server need no packages."""
    made = FakeService()
    monkeypatch.setattr(Rows, "query", lambda _, sql, **parameters: made.query(sql, **parameters))
    monkeypatch.setattr(command, "_ECHO", ECHO)
    monkeypatch.setattr(Workspace, "service_python", Path(sys.executable))
    return made


def load(monkeypatch: pytest.MonkeyPatch, url: str, *words: str, endpoint: str | None = "http://127.0.0.1:1") -> int:
    on = target(endpoint=endpoint)
    monkeypatch.setattr(command, "find_target", lambda *_: replace(on, service=replace(on.service, url=url)))
    floor = ("--seconds", "2", "--clients", "2", "--least", "1", "--p50", "5000", "--p99", "5000")
    return main(["load", *floor, *words])


def test_it_loads_in_three_parts_and_checks_the_money(
    service: FakeService, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with bank(service) as url:
        assert load(monkeypatch, url) == 0
    told = capsys.readouterr().out
    rows = re.findall(r"(transfers, 2 clients|transfers, 50/s|bare Starlette, 2 clients) +(\d+) .* (\d+) *\n", told)
    assert [(name, failed) for name, _, failed in rows] == [
        ("transfers, 2 clients", "0"), ("transfers, 50/s", "0"), ("bare Starlette, 2 clients", "0"),
    ]  # fmt: skip
    assert all(int(rate) > 0 for _, rate, _ in rows)


def test_what_is_too_slow_ends_with_1(
    service: FakeService, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command.Part, "milliseconds", lambda _, percent: float(percent))
    with bank(service) as url:
        assert load(monkeypatch, url, "--least", "10000", "--p50", "49", "--p99", "98.5") == 1
    first, second, third = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"error: transfers, 2 clients: \d+ a second, at least 10000 are demanded \(--least\)", first)
    assert second == "error: transfers, 50/s: p50 50.0 ms, at most 49 (--p50)"
    assert third == "error: transfers, 50/s: p99 99.0 ms, at most 98.5 (--p99)"


def test_failed_requests_and_lost_money_end_with_1(
    service: FakeService, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    service.fault = "half a transfer"
    with bank(service, 500) as url:
        assert load(monkeypatch, url) == 1
    told = capsys.readouterr().err
    assert re.search(r"error: transfers, 2 clients: \d+ failed\n", told)
    assert "error: the database: not true that the sum of all balances is that of the opening balances" in told


@pytest.mark.parametrize(
    ("url", "endpoint"), [("https://payments.example.com", "http://127.0.0.1:1"), ("http://127.0.0.1:2", None)]
)
def test_only_this_machine_is_loaded(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], url: str, endpoint: str | None
) -> None:
    assert load(monkeypatch, url, endpoint=endpoint) == 1
    assert capsys.readouterr().err == f"error: {url} is not on this machine: load is made in the embedded AWS alone\n"


def test_another_service_is_not_loaded(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert load(monkeypatch, "http://127.0.0.1:1") == 1
    assert capsys.readouterr().err.startswith("error: http://127.0.0.1:1/openapi.json does not describe /transactions")


def test_a_bare_web_server_that_does_not_start_is_one_line(
    service: FakeService, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "_ECHO", "raise SystemExit(1)")
    with bank(service) as url:
        assert load(monkeypatch, url) == 1
    assert capsys.readouterr().err.startswith("error: the bare web server did not start: run `make install`")


def test_a_part_without_an_answer_is_infinitely_slow() -> None:
    part = command.Part("p", 2.0, [], 3)
    assert part.row() == ("p", "0", "inf", "inf", "inf", "3")
    assert command.Part("p", 2.0, [0.010, 0.020, 0.030], 0).row() == ("p", "2", "20.0", "30.0", "30.0", "0")
