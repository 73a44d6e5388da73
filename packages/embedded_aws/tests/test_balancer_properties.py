"""However bytes are cut, a client gets through the load balancer what it gets from the target asked directly."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedded_testing.balancing import HOST, Lab, answering, balanced, get, pieces, quiet, status
from embedded_testing.echo import Echo

Answer: TypeAlias = tuple[int, bytes, bytes, str, str]
BOUNDED = settings(max_examples=100, deadline=None)
CUTS = st.lists(st.integers(0, 5000), max_size=6)


@dataclass(frozen=True)
class Sent:
    """A request: its method, the kind of answer that it asks for, its body (None: no body), and how that is framed."""

    method: str
    kind: str
    body: bytes | None
    chunks: tuple[int, ...]

    def message(self, *, last: bool) -> bytes:
        lines = [f"{self.method} /{self.kind} HTTP/1.1", "Host: service.test", "X-Kept: one", "X-Kept: two"]
        lines += ["Connection: close"] if last else []
        body = self.body or b""
        if self.chunks and self.body is not None:
            lines.append("Transfer-Encoding: chunked")
            parts = pieces(body, self.chunks)
            body = b"".join(b"%x;x=y\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\nX-Trailer: t\r\n\r\n"
        elif self.body is not None:
            lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join([*lines, "", ""]).encode() + body


BODIES = st.none() | st.binary(max_size=300)
METHODS = st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
REQUESTS = st.builds(
    Sent,
    method=METHODS,
    kind=st.sampled_from(["length", "chunked", "informed", "204", "304", "500"]),
    body=BODIES,
    chunks=st.lists(st.integers(0, 300), max_size=3).map(tuple),
)
LAST = st.builds(Sent, method=METHODS, kind=st.just("close"), body=BODIES, chunks=st.just(()))


def answers(requests: list[Sent], stream: bytes) -> list[Answer]:
    """Return what a client makes of the bytes that it got."""
    found = []
    for request in requests:
        http = h11.Connection(h11.CLIENT)
        http.send(h11.Request(method=request.method, target="/", headers=[("Host", "a")]))
        http.send(h11.EndOfMessage())
        http.receive_data(stream)
        http.receive_data(b"")
        head, body, trailers = None, b"", ""
        while not isinstance(event := http.next_event(), h11.EndOfMessage):
            if isinstance(event, h11.Response):
                head = event
            elif isinstance(event, h11.Data):
                body += event.data
        assert head is not None
        trailers = str(list(event.headers))
        kind = next((value.decode() for name, value in head.headers if name == b"x-kind"), "none")
        found.append((head.status_code, head.reason, body, kind, trailers))
        stream = http.trailing_data[0]
    assert stream == b""
    return found


class Stage:
    """A load balancer and its target, on an event loop that lives as long as a test."""

    def __init__(self) -> None:
        self.runner = asyncio.Runner()
        self.echo = Echo()
        self.lab = Lab()
        self._context = balanced(self.echo, lab=self.lab)
        self.runner.run(self._context.__aenter__())

    def close(self) -> None:
        self.runner.run(self._context.__aexit__(None, None, None))
        self.runner.close()

    def talk(self, port: int, parts: list[bytes]) -> bytes:
        return self.runner.run(self._talk(port, parts))

    async def _talk(self, port: int, parts: list[bytes]) -> bytes:
        reader, writer = await asyncio.open_connection(HOST, port)
        async with asyncio.timeout(10):
            try:
                for part in parts:
                    writer.write(part)
                    await asyncio.sleep(0)
                return await reader.read()
            except ConnectionResetError:
                return b""
            finally:
                writer.close()

    def leave(self, parts: list[bytes]) -> None:
        async def leave() -> None:
            _, writer = await asyncio.open_connection(HOST, self.lab.balancer.port)
            for part in parts:
                writer.write(part)
                await asyncio.sleep(0)
            writer.close()

        self.runner.run(leave())


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    made = Stage()
    yield made
    made.close()


@BOUNDED
@given(st.lists(REQUESTS, max_size=3), REQUESTS | LAST, CUTS, CUTS)
def test_any_cut_gives_the_answers_of_the_target(
    stage: Stage, earlier: list[Sent], final: Sent, of_request: list[int], of_answer: list[int]
) -> None:
    requests = [*earlier, final]
    stream = b"".join(request.message(last=request is final) for request in requests)
    stage.echo.cuts = of_answer
    directly = stage.talk(stage.lab.addresses[0][1], [stream])
    through = stage.talk(stage.lab.balancer.port, pieces(stream, of_request))
    assert answers(requests, through) == answers(requests, directly)


@BOUNDED
@given(REQUESTS, st.integers(0, 2000), CUTS)
def test_a_client_that_leaves_at_any_moment_leaves_nothing_behind(
    stage: Stage, request: Sent, end: int, cuts: list[int]
) -> None:
    stream = request.message(last=True)
    stage.leave(pieces(stream[: end % (len(stream) + 1)], cuts))
    assert status(stage.talk(stage.lab.balancer.port, [get("/length")])) == 200
    (target,) = stage.lab.group.members.values()

    async def idle() -> None:
        async with asyncio.timeout(10):
            await target._emptied.wait()

    stage.runner.run(idle())


@BOUNDED
@given(st.binary(min_size=1, max_size=200) | st.text("GET /HTP1.0:\r\n", min_size=1).map(str.encode), CUTS)
def test_no_bytes_of_a_client_bring_anything_but_http_or_silence(stage: Stage, noise: bytes, cuts: list[int]) -> None:
    answer = stage.talk(stage.lab.balancer.port, [*pieces(noise, cuts), b"\r\n\r\n\r\n\r\n"])
    assert answer == b"" or 200 <= status(answer) < 600


WHOLE = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nX: y\r\n\r\nall of it",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nall\r\n6\r\n of it\r\n0\r\n\r\n",
)


@BOUNDED
@given(st.sampled_from(WHOLE), st.integers(0, 200), CUTS)
def test_an_answer_that_breaks_off_is_never_taken_for_a_whole_one(
    stage: Stage, whole: bytes, end: int, cuts: list[int]
) -> None:
    said = whole[: end % len(whole)]

    async def broken() -> tuple[int, bytes]:
        server = await asyncio.start_server(quiet(answering(said)), HOST, 0)
        lab = stage.lab
        try:
            lab.register(server.sockets[0].getsockname()[:2])
            reader, writer = await asyncio.open_connection(HOST, lab.balancer.port)
            for part in pieces(get(), cuts):
                writer.write(part)
                await asyncio.sleep(0)
            answer = await reader.read()
            writer.close()
        finally:
            lab.register(lab.addresses[0])
            server.close()
        return status(answer), answer.partition(b"\r\n\r\n")[2]

    code, body = stage.runner.run(broken())
    if b"\r\n\r\n" not in said:
        assert code == 502
    else:
        assert code == 200
        assert b"0\r\n\r\n" not in body
        assert len(body) < 9 or b"Content-Length" not in whole
