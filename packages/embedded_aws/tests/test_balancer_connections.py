"""Connections of the load balancer: how long they are kept, what ends them, and TLS."""

from __future__ import annotations

import asyncio
import time

import pytest

from embedded_aws.server.balancer.listening import Balancer
from embedded_testing.balancing import (
    FIRST_PORT,
    HOST,
    OK,
    Handler,
    Lab,
    answering,
    balanced,
    get,
    run,
    say,
    status,
)


def counting(inner: Handler, connections: list[float]) -> Handler:
    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        began = time.monotonic()
        await inner(reader, writer)
        await reader.read()
        connections.append(time.monotonic() - began)

    return count


def test_a_connection_to_a_target_serves_many_requests_of_many_clients() -> None:
    async def test() -> None:
        ended: list[float] = []
        async with balanced(counting(answering(*[OK] * 9), ended)) as lab:
            for _ in range(3):
                assert status(await say(lab.balancer.port, get(close=False), get())) == 200
            assert ended == []
        assert len(lab.outcomes) == 6

    run(test)


def test_an_idle_connection_is_closed_by_the_load_balancer_before_the_target_tires_of_it() -> None:
    async def test() -> None:
        ended: list[float] = []
        lab = Lab()
        lab.changed = {"idle_timeout.timeout_seconds": "1"}
        async with balanced(counting(answering(OK), ended), lab=lab):
            await say(lab.balancer.port, get())
            async with asyncio.timeout(5):
                while not ended:
                    await asyncio.sleep(0.01)
            assert 0.9 <= ended[0] < 2

    run(test)


@pytest.mark.parametrize("farewell", [b"", b"HTTP/1.1 408 Tired\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"])
def test_a_connection_that_the_target_has_closed_is_not_used_again(farewell: bytes) -> None:
    async def test() -> None:
        async def tires(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(OK)
            await asyncio.sleep(0.01)
            writer.write(farewell)
            if farewell:
                await reader.read()  # it leaves the closing to the load balancer

        async with balanced(tires) as lab:
            for _ in range(5):
                assert status(await say(lab.balancer.port, get())) == 200
                await asyncio.sleep(0.05)

    run(test)


def test_a_silent_target_is_a_gateway_timeout_and_a_slow_one_is_not() -> None:
    async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")
        for _ in range(4):
            await asyncio.sleep(0.6)
            writer.write(b"x")

    async def test() -> None:
        for target, expected in ((silent, b"504 Gateway Time-out"), (slow, b"xxxx")):
            lab = Lab()
            lab.changed = {"idle_timeout.timeout_seconds": "1"}
            async with balanced(target, lab=lab):
                assert expected in await say(lab.balancer.port, get())

    run(test)


def test_a_silent_client_is_let_go_and_one_that_has_begun_is_told() -> None:
    async def test() -> None:
        lab = Lab()
        lab.changed = {"idle_timeout.timeout_seconds": "1"}
        async with balanced(answering(OK), lab=lab):
            port = lab.balancer.port
            begun = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf"
            answers = await asyncio.gather(*(say(port, each) for each in (b"", b"GET / HT", begun)))
            assert [status(each) if each else None for each in answers] == [None, 408, 408]

    run(test)


def test_a_client_that_leaves_takes_its_request_with_it() -> None:
    async def test() -> None:
        began, broken = asyncio.Event(), asyncio.Event()

        async def waiting(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            began.set()
            try:
                await reader.read()
            finally:
                broken.set()

        async with balanced(waiting) as lab:
            for request in (get(), b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf"):
                _, writer = await asyncio.open_connection(HOST, lab.balancer.port)
                writer.write(request)
                await began.wait()
                writer.close()
                await broken.wait()
                began.clear()
                broken.clear()
            async with asyncio.timeout(5):
                while len(lab.outcomes) < 2:
                    await asyncio.sleep(0.01)
            assert {(outcome.status, outcome.seconds) for outcome in lab.outcomes} == {(460, None)}

    run(test)


def test_a_connection_ends_when_it_has_lived_long_enough() -> None:
    async def test() -> None:
        lab = Lab()
        lab.changed = {"client_keep_alive.seconds": "0"}
        async with balanced(answering(*[OK] * 9), lab=lab):
            assert (await say(lab.balancer.port, get(close=False), get())).count(b"200 OK") == 1
            lab.changed = {}
            assert (await say(lab.balancer.port, get(close=False), get())).count(b"200 OK") == 2

    run(test)


def test_a_closed_load_balancer_frees_its_port_and_two_never_share_one() -> None:
    async def test() -> None:
        async with balanced(answering(OK)) as lab:
            port = lab.balancer.port
            second = Balancer(lab, FIRST_PORT)
            assert second.port > port >= FIRST_PORT
            reader, writer = await asyncio.open_connection(HOST, second.port)
            writer.write(get(close=False))
            await reader.readuntil(b"ok")
            second.close()
            assert await reader.read() == b""
            writer.close()
            with pytest.raises(ConnectionRefusedError):
                await say(second.port, get())
            assert status(await say(port, get())) == 200
        with pytest.raises(OSError, match=r"no port of 127\.0\.0\.1 from 70000 to 70199 is free"):
            Balancer(lab, 70_000)

    run(test)
