"""A load balancer on loopback: one port, on which its listeners for HTTP and HTTPS answer.

Ports below 1024 belong to root, so the declared ones cannot be used. The first byte of a connection tells which
listener is meant: TLS begins with a handshake record (https://www.rfc-editor.org/rfc/rfc8446#section-5.1).
"""

import asyncio
import socket
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Protocol

import h11

from embedded_aws.address import HOST
from embedded_aws.server.accepting import Accepting
from embedded_aws.server.balancer import exchange, limits, pages
from embedded_aws.server.balancer.exchange import Outcome
from embedded_aws.server.balancer.headers import Front
from embedded_aws.server.balancer.peer import Peer
from embedded_aws.server.balancer.redirects import location
from embedded_aws.server.balancer.target import Target

_HANDSHAKE: Final = b"\x16"
_SECURE: Final = "HTTPS"
_DISCARDED: Final = 1_048_576
_PORTS: Final = 200


@dataclass(frozen=True)
class Rule:
    """A rule of a listener, the default one last.

    Attributes:
        applies: whether it is meant for a request.
        action: its last action, as ministack keeps it.
    """

    applies: Callable[[h11.Request], bool]
    action: Mapping[str, Any]


class Config(Protocol):
    """What a load balancer looks up at each use, so that a change takes effect at once."""

    def attributes(self) -> Mapping[str, str]:
        """Return the attributes of the load balancer."""

    def listeners(self) -> list[Mapping[str, Any]]:
        """Return the records of its listeners, the lowest port first."""

    def rules(self, listener: Mapping[str, Any]) -> list[Rule]:
        """Return the rules of a listener in their order."""

    def context(self, listener: Mapping[str, Any]) -> ssl.SSLContext:
        """Return the certificate of a listener."""

    def choose(self, group: str) -> Target | None:
        """Return the target of a group that is to get the next request."""

    def record(self, group: str, outcome: Outcome) -> None:
        """Take down how a request ended; `group` is empty when no target group was asked."""


class Balancer:
    """A load balancer that accepts connections until it is closed.

    Args:
        config: what it looks up at each use.
        first: the lowest port that it may take.

    Raises:
        OSError: no port is free.
    """

    def __init__(self, config: Config, first: int) -> None:
        self._config = config
        self._accepting = self._listen(first)
        self.port: int = self._accepting.port

    def _listen(self, first: int) -> Accepting:
        loop = asyncio.get_running_loop()
        for port in range(first, first + _PORTS):
            with suppress(OSError, OverflowError):  # taken, or beyond the last port
                return Accepting(loop, HOST, port, self._welcome)
        raise OSError(f"no port of {HOST} from {first} to {first + _PORTS - 1} is free for a load balancer")

    def close(self) -> None:
        """Free the port and break every connection."""
        self._accepting.close()
        for conversation in self._accepting.tasks:
            conversation.cancel()

    async def _welcome(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        peer = None
        try:
            with suppress(OSError, ConnectionError):
                async with asyncio.timeout(self._idle):
                    first = await _peek(connection)
                    listener = self._listener(first) if first else None
                    if listener is None:
                        return
                    secure = listener["Protocol"] == _SECURE and first == _HANDSHAKE
                    context = self._config.context(listener) if secure else None
                    _, peer = await loop.connect_accepted_socket(_client, connection, ssl=context)
                await self._converse(peer, listener)
        finally:
            if peer:
                peer.close()
            else:
                connection.close()

    @property
    def _idle(self) -> float:
        return float(self._config.attributes()["idle_timeout.timeout_seconds"])

    def _listener(self, first: bytes) -> Mapping[str, Any] | None:
        """Return the listener for a connection; one for the other protocol, which answers 400, if there is no other."""
        listeners = self._config.listeners()
        meant = [each for each in listeners if (each["Protocol"] == _SECURE) == (first == _HANDSHAKE)]
        return next(iter([*meant, *listeners]), None)

    async def _converse(self, client: Peer, listener: Mapping[str, Any]) -> None:
        """Answer the requests of a connection, one after the other."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while True:
            attributes = self._config.attributes()
            secure = client.about("cipher") is not None
            front = Front(secure, listener["Port"], f"{HOST}:{self.port}", client.name, attributes)
            try:
                event = await client.next(front.idle)
            except TimeoutError:
                if client.began:
                    await self._refuse(client, front, 408)
                return
            except h11.RemoteProtocolError as error:
                await self._refuse(client, front, 501 if error.error_status_hint == 501 else 400)
                return
            if not isinstance(event, h11.Request):
                return
            await self._answer(client, listener, event, front)
            await client.flush(front.idle)
            await _discard(client, front.idle)
            both = (client.http.our_state, client.http.their_state)
            if both != (h11.DONE, h11.DONE) or loop.time() - began > float(attributes["client_keep_alive.seconds"]):
                return
            client.http.start_next_cycle()

    async def _refuse(self, client: Peer, front: Front, status: int) -> None:
        pages.page(client, status)
        self._config.record("", Outcome(status))
        await client.flush(front.idle)

    async def _answer(self, client: Peer, listener: Mapping[str, Any], request: h11.Request, front: Front) -> None:
        group = ""
        misplaced = (listener["Protocol"] == _SECURE) != front.secure
        refused = 400 if misplaced else limits.refusal(request)
        if client.http.they_are_waiting_for_100_continue:
            client.put(h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue"))
            await client.flush(front.idle)
        if refused:
            pages.page(client, refused)
            outcome = Outcome(refused)
        else:
            rule = next(each for each in self._config.rules(listener) if each.applies(request))
            group = rule.action.get("TargetGroupArn", "")
            outcome = await self._act(client, rule.action, request, front)
        self._config.record(group, outcome)

    async def _act(self, client: Peer, action: Mapping[str, Any], request: h11.Request, front: Front) -> Outcome:
        match action["Type"]:
            case "forward":
                target = self._config.choose(action["TargetGroupArn"])
                if target:
                    return await exchange.forward(client, request, target, front)
                status = 503
                pages.page(client, status)
            case "redirect":
                status = int(action["RedirectConfig"]["StatusCode"].removeprefix("HTTP_"))
                ports = {each["Port"] for each in self._config.listeners()}
                where = location(action["RedirectConfig"], request, front, ports)
                pages.page(client, status, (b"Location", where.encode()))
            case "fixed-response":
                fixed = action["FixedResponseConfig"]
                status = int(fixed["StatusCode"])
                pages.fixed(client, status, fixed.get("MessageBody", ""), fixed.get("ContentType", "text/plain"))
            case _:  # a login that is not made here is not left out
                status = 501
                pages.page(client, status)
        return Outcome(status)


async def _discard(client: Peer, idle: float) -> None:
    """Read the rest of a request that was answered before its end: closing at once would take the answer back."""
    left = _DISCARDED
    with suppress(h11.RemoteProtocolError, OSError):
        while client.http.their_state is h11.SEND_BODY and left > 0:
            event = await client.next(idle)
            left -= len(event.data) if isinstance(event, h11.Data) else 0


def _client() -> Peer:
    return Peer(h11.SERVER, limits.LARGEST_HEAD)


async def _peek(connection: socket.socket) -> bytes:
    """Return the first byte that a client sends, and leave it there; empty when it sends none."""
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(connection, readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(connection)
    return connection.recv(1, socket.MSG_PEEK)
