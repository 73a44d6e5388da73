"""A load balancer in the process of the test, its targets, and clients that send whatever bytes a test wants."""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from itertools import pairwise
from typing import Any, TypeAlias

import h11

from embedded_aws.server.balancer.exchange import Outcome
from embedded_aws.server.balancer.groups import Group
from embedded_aws.server.balancer.listening import Balancer, Rule
from embedded_aws.server.balancer.target import Address, Target

Handler: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

HOST = "127.0.0.1"
FIRST_PORT = 20_000
DEFAULTS = {
    "client_keep_alive.seconds": "3600",
    "idle_timeout.timeout_seconds": "20",
    "routing.http.drop_invalid_header_fields.enabled": "false",
    "routing.http.preserve_host_header.enabled": "false",
    "routing.http.xff_client_port.enabled": "false",
    "routing.http.xff_header_processing.mode": "append",
    "deregistration_delay.timeout_seconds": "20",
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count": "1",
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage": "off",
}
SETTINGS = {
    "HealthCheckIntervalSeconds": 5, "HealthCheckTimeoutSeconds": 2, "HealthyThresholdCount": 2,
    "UnhealthyThresholdCount": 2, "HealthCheckPort": "traffic-port", "HealthCheckPath": "/health",
    "Matcher": {"HttpCode": "200"},
}  # fmt: skip
FORWARD = {"Type": "forward", "TargetGroupArn": "group"}


class Lab:
    """What a test may set and look at; it is the configuration of the load balancer.

    Attributes:
        changed: attributes of the load balancer and its group that differ from the defaults.
        settings: the record of the group.
        action: what the listeners do.
        ports: of the listeners, with their protocols.
        outcomes: how each request ended.
        told: the states of targets, as they were told.
        paper: addresses of targets without a process.
        addresses: of the targets, in the order of their handlers.
    """

    def __init__(self) -> None:
        self.changed: dict[str, str] = {}
        self.settings: dict[str, Any] = dict(SETTINGS)
        self.action: Mapping[str, Any] = FORWARD
        self.ports: dict[int, str] = {80: "HTTP"}
        self.outcomes: list[Outcome] = []
        self.told: list[tuple[Address, str, str]] = []
        self.paper: set[str] = set()
        self.tls: ssl.SSLContext | None = None
        self.group = Group(
            "group",
            settings=lambda: self.settings,
            attributes=self.attributes,
            reach=lambda address, port: None if address in self.paper else (address, port),
            on_paper=lambda address: address in self.paper,
            told=lambda _group, target: self.told.append((target.address, target.state, target.reason)),
        )
        self.balancer: Balancer
        self.addresses: list[Address] = []

    def attributes(self) -> Mapping[str, str]:
        return {**DEFAULTS, **self.changed}

    def listeners(self) -> list[Mapping[str, Any]]:
        return [{"Port": port, "Protocol": protocol} for port, protocol in sorted(self.ports.items())]

    def rules(self, _listener: Mapping[str, Any]) -> list[Rule]:
        return [Rule(lambda _request: True, self.action)]

    def context(self, _listener: Mapping[str, Any]) -> ssl.SSLContext:
        assert self.tls is not None
        return self.tls

    def choose(self, _group: str) -> Target | None:
        return self.group.choose()

    def record(self, _group: str, outcome: Outcome) -> None:
        self.outcomes.append(outcome)

    def register(self, *targets: Address, healthy: bool = True) -> None:
        """Register targets; unless they are to be checked, they are healthy, and nobody asks them."""
        self.group.sync(set(targets), used=True)
        for target in self.group.members.values():
            if healthy and target.watcher:
                target.watcher.cancel()
                self.group.mark(target, "healthy")

    async def state(self, wanted: str, reason: str = "") -> None:
        """Wait until the last told state is that."""
        async with asyncio.timeout(10):
            while not self.told or self.told[-1][1:] != (wanted, reason):
                await asyncio.sleep(0.01)


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a test that is a coroutine, for half a minute at most."""
    asyncio.run(asyncio.wait_for(test(), 30))


@asynccontextmanager
async def balanced(*handlers: Handler, lab: Lab | None = None) -> AsyncIterator[Lab]:
    """Run a load balancer with a target for each handler."""
    lab = lab or Lab()
    servers = [await asyncio.start_server(quiet(each), HOST, 0) for each in handlers]
    lab.balancer = Balancer(lab, FIRST_PORT)
    try:
        lab.addresses = [server.sockets[0].getsockname()[:2] for server in servers]
        lab.register(*lab.addresses)
        yield lab
    finally:
        lab.balancer.close()
        lab.group.close()
        for server in servers:
            server.close()
        await asyncio.sleep(0)


def quiet(handler: Handler) -> Handler:
    """Return a handler that ends silently with its connection."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, EOFError, asyncio.CancelledError, h11.RemoteProtocolError):
            await handler(reader, writer)
        writer.close()

    return handle


def answering(*answers: bytes, seen: list[bytes] | None = None) -> Handler:
    """Return a target that answers each request of a connection with the next of some bytes, and then closes it."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for each in answers:
            head = await reader.readuntil(b"\r\n\r\n")
            for line in head.lower().split(b"\r\n"):
                if line.startswith(b"content-length:"):
                    head += await reader.readexactly(int(line.partition(b":")[2]))
            if seen is not None:
                seen.append(head)
            writer.write(each)
            await writer.drain()

    return answer


def named(name: str) -> Handler:
    """Return a target that answers with its name."""
    return answering(*[b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + name.encode()] * 99)


async def turns(lab: Lab, times: int) -> Counter[str]:
    """Return how often each target answered."""
    return Counter([(await say(lab.balancer.port, get()))[-1:].decode() for _ in range(times)])


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def say(port: int, *parts: bytes, until: bytes | None = None) -> bytes:
    """Send bytes in parts, and return what comes until the connection ends, or until some bytes have come."""
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        async with asyncio.timeout(10):
            for part in parts:
                writer.write(part)
                await asyncio.sleep(0)
            if until is not None:
                return await reader.readuntil(until)
            return await reader.read()
    finally:
        writer.close()


def ask(request: bytes, answer: bytes = OK, lab: Lab | None = None) -> tuple[bytes, bytes]:
    """Return the answer to a request, and the request as its target saw it."""
    seen: list[bytes] = []

    async def test() -> bytes:
        async with balanced(answering(answer, seen=seen), lab=lab) as running:
            return await say(running.balancer.port, request)

    return asyncio.run(test()), seen[0] if seen else b""


def get(path: str = "/", *headers: str, method: str = "GET", close: bool = True) -> bytes:
    """Return a request without a body."""
    lines = [f"{method} {path} HTTP/1.1", "Host: service.test", *headers, *(["Connection: close"] if close else [])]
    return "\r\n".join([*lines, "", ""]).encode()


def status(answer: bytes) -> int:
    """Return the status of an answer."""
    return int(answer.split()[1])


def header(message: bytes, name: str) -> str | None:
    """Return the value of a header; None when it is not there."""
    lines = message.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
    found = [value.strip() for key, _, value in (line.partition(":") for line in lines) if key.lower() == name.lower()]
    return ", ".join(found) if found else None


def pieces(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    """Return bytes cut at some places."""
    places = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    return [data[start:end] for start, end in pairwise(places)]
