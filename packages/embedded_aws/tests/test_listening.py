"""Every port that an embedded AWS with a database listens on: on loopback, and closed to whoever has no key.

The operating system is asked, not the emulator: what listens may be ministack, a database, or whatever a later version
of either adds.
"""

from __future__ import annotations

import os
import socket
import struct
from contextlib import suppress
from importlib import import_module
from ipaddress import ip_address
from typing import Any, TypeAlias

import pytest

from embedded_aws.emulator import Emulator
from embedded_testing import Deploy
from embedded_testing.aurora import aurora

pytestmark = pytest.mark.emulator
Address: TypeAlias = tuple[str, int]
# https://www.postgresql.org/docs/current/protocol-message-formats.html
PROTOCOL, AUTHENTICATION, SASL = 196608, b"R", 10
TIMEOUT_SECONDS = 10.0


def listening(pid: int) -> set[Address]:
    """Return the addresses that a process and all that it started listen on, for TCP and UDP."""
    psutil: Any = import_module("psutil")  # it has no type stubs
    process = psutil.Process(pid)
    sockets = []
    for one in [process, *process.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):  # it has ended since it was listed
            sockets += one.net_connections("inet")
    # A UDP socket without a peer receives from anybody.
    open_ones = [each for each in sockets if each.status == "LISTEN" or (each.status == "NONE" and not each.raddr)]
    return {(each.laddr.ip, each.laddr.port) for each in open_ones}


def ask(address: Address, sent: bytes) -> bytes:
    with socket.create_connection(address, TIMEOUT_SECONDS) as connection:
        connection.settimeout(TIMEOUT_SECONDS)
        connection.sendall(sent)
        return connection.recv(4096)


def http(host: str) -> bytes:
    return f"GET /?Action=DescribeInstances HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()


def postgres(user: str) -> bytes:
    body = struct.pack("!I", PROTOCOL) + f"user\0{user}\0database\0postgres\0\0".encode()
    return struct.pack("!I", len(body) + 4) + body


def test_whatever_listens_is_on_loopback_and_refuses_a_client_without_a_key(emulator: Emulator, deploy: Deploy) -> None:
    assert deploy(aurora()).status == "CREATE_COMPLETE"
    running = emulator.running()
    assert running is not None
    addresses = listening(running.pid)
    assert {each for each in addresses if not ip_address(each[0]).is_loopback} == set()

    api = ("127.0.0.1", running.port)
    assert b" 403 " in ask(api, http(f"127.0.0.1:{running.port}")).splitlines()[0]
    databases = addresses - {api}
    assert len(databases) >= 4  # two endpoints and two servers, or this test looked in the wrong place
    for address in databases:
        answer = ask(address, postgres("owner"))
        method = struct.unpack("!I", answer[5:9])[0]
        assert (answer[:1], method) == (AUTHENTICATION, SASL), f"{address} lets a client in without a password"


@pytest.mark.parametrize("where", ["127.0.0.1", "0.0.0.0"])  # noqa: S104 (what the test above has to notice)
@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_an_open_port_of_a_process_is_seen(where: str, kind: socket.SocketKind) -> None:
    with socket.socket(socket.AF_INET, kind) as opened:
        opened.bind((where, 0))
        if kind is socket.SOCK_STREAM:
            opened.listen()
        assert opened.getsockname() in listening(os.getpid())
