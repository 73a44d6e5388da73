"""The addresses of Aurora's two endpoints, on systems with many loopback addresses and on those with one (macOS)."""

from __future__ import annotations

import errno
import gc
import socket
from contextlib import suppress

import pytest

from embedded_aws.server.postgres import endpoint
from embedded_aws.server.postgres.binaries import PostgresError
from embedded_aws.server.postgres.endpoint import Endpoint, endpoints


def _nowhere() -> None:
    return None


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> int:
    """Return a port that was free, and forget the names of other tests."""
    monkeypatch.setattr(endpoint, "_known", {})
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture
def one_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behave as macOS, where the loopback interface has 127.0.0.1 and ::1 alone."""
    start = Endpoint.__init__

    def started(self: Endpoint, address: str, port: int, route: endpoint.Route) -> None:
        if address.startswith("127.") and address != "127.0.0.1":
            raise OSError(errno.EADDRNOTAVAIL, "Can't assign requested address")
        start(self, address, port, route)

    monkeypatch.setattr(Endpoint, "__init__", started)


def test_two_addresses_of_one_port(port: int) -> None:
    pair = endpoints("one", port, _nowhere, _nowhere)
    other = endpoints("two", port, _nowhere, _nowhere)
    try:
        assert [each.address for each in (*pair, *other)] == ["127.0.64.1", "127.0.64.2", "127.0.64.3", "127.0.64.4"]
        assert {each.port for each in (*pair, *other)} == {port}
    finally:
        for each in (*pair, *other):
            each.close()


@pytest.mark.usefixtures("one_address")
def test_where_there_is_one_address_the_reader_has_that_of_ipv6(port: int) -> None:
    pair = endpoints("one", port, _nowhere, _nowhere)
    try:
        assert [each.address for each in pair] == ["127.0.0.1", "::1"]
        for each in pair:
            socket.create_connection((each.address, port), timeout=5).close()
        with pytest.raises(PostgresError, match=r"no loopback address: .*`sudo ifconfig lo0 alias 127\.0\.64\.1`"):
            endpoints("two", port, _nowhere, _nowhere)
    finally:
        for each in pair:
            each.close()


def test_a_system_with_many_addresses_is_not_told_to_add_some(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "_PAIRS", 0)
    with socket.create_server(("127.0.0.1", port)), pytest.raises(PostgresError, match=r"already in use$"):
        endpoints("one", port, _nowhere, _nowhere)


@pytest.mark.parametrize("held", [True, False])
def test_a_closed_endpoint_has_no_connection_left(port: int, *, held: bool) -> None:
    """Its sockets are closed when `close` returns, not when they are collected: with a server behind it or without."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)
        leading = Endpoint("127.0.0.1", port, lambda: server.getsockname()[1] if held else None)
        try:
            client = socket.create_connection(("127.0.0.1", port), timeout=5)
            behind = server.accept()[0] if held else None
        finally:
            gc.disable()
            leading.close()
        try:
            for each in (client, behind):
                if each:
                    each.settimeout(1)
                    with each, suppress(ConnectionResetError):
                        assert each.recv(1) == b""
        finally:
            gc.enable()
