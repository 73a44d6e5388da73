"""Requests of the service, against a web server of a test."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from ops.drill import probes
from tests.ops.drill.fakes import target


@pytest.fixture
def served() -> Iterator[tuple[str, list[int]]]:
    """Give the URL of a web server, and the status that it answers with."""
    status = [200]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status[0])
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", status
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_service_is_requested_in_an_account_and_a_server_error_is_a_failure(
    served: tuple[str, list[int]],
) -> None:
    on = target()
    url, status = served
    (probe,) = probes.service(replace(on, outputs={**on.outputs, "ServiceUrl": url}))
    probe.request(0)
    status[0] = 503
    with pytest.raises(OSError, match="503"):
        probe.request(1)
    assert probes.service(target(endpoint="http://127.0.0.1:4566")) == []
