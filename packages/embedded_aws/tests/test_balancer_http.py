"""What a client of the load balancer sees, byte by byte."""

from __future__ import annotations

import asyncio
import re

import pytest

from embedded_testing.balancing import HOST, OK, Lab, answering, ask, balanced, get, header, run, say, status


def test_an_answer_is_passed_on_as_it_is() -> None:
    target = b"HTTP/1.1 201 Made\r\nX-One: 1\r\nServer: own\r\nContent-Length: 4\r\n\r\nbody"
    answer, _ = ask(get("/path?q=1"), target)
    assert answer == target.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")


def test_a_target_is_told_where_a_request_comes_from() -> None:
    _, seen = ask(get("/path?q=1", "Accept: text/plain", "Keep-Alive: 5", "X-Hop: 1", "Connection: X-Hop"))
    assert seen.startswith(b"GET /path?q=1 HTTP/1.1\r\n")
    told = {name: header(seen, name) for name in ("Host", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Port")}
    assert told == {
        "Host": "service.test", "X-Forwarded-For": HOST, "X-Forwarded-Proto": "http", "X-Forwarded-Port": "80",
    }  # fmt: skip
    assert re.fullmatch("Root=1-[0-9a-f]{8}-[0-9a-f]{24}", header(seen, "X-Amzn-Trace-Id") or "")
    assert header(seen, "Accept") == "text/plain"
    assert [header(seen, name) for name in ("Connection", "Keep-Alive", "X-Hop")] == [None, None, None]


MODE = "routing.http.xff_header_processing.mode"


@pytest.mark.parametrize(
    ("changed", "sent", "name", "told"),
    [
        ({}, "X-Forwarded-For: 10.0.0.1", "X-Forwarded-For", f"10.0.0.1, {HOST}"),
        ({MODE: "preserve"}, "X-Forwarded-For: 1.1.1.1", "X-Forwarded-For", "1.1.1.1"),
        ({MODE: "remove"}, "X-Forwarded-For: 1.1.1.1", "X-Forwarded-For", None),
        ({}, "X-Forwarded-Proto: https", "X-Forwarded-Proto", "http"),
        ({}, "X_Odd: 1", "X_Odd", "1"),
        ({"routing.http.drop_invalid_header_fields.enabled": "true"}, "X_Odd: 1", "X_Odd", None),
        ({"routing.http.drop_invalid_header_fields.enabled": "true"}, "X-Even: 1", "X-Even", "1"),
    ],
)  # fmt: skip
def test_attributes_decide_which_headers_a_target_gets(
    changed: dict[str, str], sent: str, name: str, told: str | None
) -> None:
    lab = Lab()
    lab.changed = changed
    assert header(ask(get("/", sent), lab=lab)[1], name) == told


@pytest.mark.parametrize(("port", "preserved", "host"), [(8080, "false", "a.test:8080"), (8080, "true", "a.test:99")])
def test_the_host_has_the_port_of_the_listener_unless_it_is_preserved(port: int, preserved: str, host: str) -> None:
    lab = Lab()
    lab.ports, lab.changed = {port: "HTTP"}, {"routing.http.preserve_host_header.enabled": preserved}
    _, seen = ask(b"GET / HTTP/1.1\r\nHost: a.test:99\r\nConnection: close\r\n\r\n", lab=lab)
    assert header(seen, "Host") == host


def test_a_trace_that_a_client_began_goes_on() -> None:
    _, seen = ask(get("/", "X-Amzn-Trace-Id: Self=1-a-b;Root=1-c-d;Sampled=1"))
    own = r"Self=1-[0-9a-f]{8}-[0-9a-f]{24};Root=1-c-d;Sampled=1"
    assert re.fullmatch(own, header(seen, "X-Amzn-Trace-Id") or "")


def test_a_client_of_http_1_0_is_served_and_its_connection_closed() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n2\r\nok\r\n0\r\nX-T: 1\r\n\r\n"
    answer, seen = ask(b"GET / HTTP/1.0\r\n\r\n", chunked)
    assert answer.endswith(b"\r\n\r\nok")
    assert header(answer, "Connection") == "close"
    assert seen.startswith(b"GET / HTTP/1.1\r\n")
    assert re.fullmatch(rf"{HOST}:\d+", header(seen, "Host") or "")


@pytest.mark.parametrize(
    ("request_bytes", "expected"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"nonsense\r\n\r\n", 400),
        (get("/" + "x" * 17_000), 414),
        (get("/", "X-Large: " + "x" * 17_000), 400),
        (get("/", *(f"X-{number}: " + "x" * 9_000 for number in range(8))), 400),
        (get("/", *(f"X-{number}: " + "x" * 9_000 for number in range(6))), 200),
        (get("/", "X-Forwarded-For: " + ", ".join(["10.0.0.1"] * 31)), 463),
        (get("/", "X-Forwarded-For: " + ", ".join(["10.0.0.1"] * 30)), 200),
        (get("/", "Transfer-Encoding: gzip"), 501),
        (get("/", method="TRACE"), 405),
        (get("service.test:443", method="CONNECT"), 400),
        (get("/").replace(b"HTTP/1.1", b"HTTP/2.0"), 505),
        (get("/", "Sec-Fetch-Site: cross-site", method="DELETE"), 403),
        (get("/", "Sec-Fetch-Site: cross-site"), 200),
        (get("/", "Transfer-Encoding: chunked", method="POST") + b"zz\r\n", 400),
        (get("/", "Content-Length: 5", "Content-Length: 6"), 400),
        (b"\x16\x03\x01\x02\x00\x01", 400),
    ],
)
def test_what_is_not_http_or_too_large_is_refused_without_a_target(request_bytes: bytes, expected: int) -> None:
    lab = Lab()
    answer, _ = ask(request_bytes, lab=lab)
    assert status(answer) == expected
    assert [outcome.status for outcome in lab.outcomes] == [expected]
    assert (header(answer, "Server") == "awselb/2.0") == (expected != 200)


def test_the_pages_are_those_of_aws() -> None:
    async def test() -> None:
        async with balanced() as lab:
            answer = await say(lab.balancer.port, get())
            assert answer.startswith(b"HTTP/1.1 503 Service Temporarily Unavailable\r\nServer: awselb/2.0\r\n")
            assert header(answer, "Content-Length") == "162"
            assert b"<center><h1>503 Service Temporarily Unavailable</h1></center>" in answer
            answer = await say(lab.balancer.port, get(method="HEAD"))
            assert (status(answer), answer.partition(b"\r\n\r\n")[2]) == (503, b"")

    run(test)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"", 502),
        (b"HTTP/1.1 200 OK\r\nContent-Le", 502),
        (b"nonsense\r\n\r\n", 502),
        (b"HTTP/1.1 200 OK\r\nX-Large: " + b"x" * 40_000 + b"\r\n\r\n", 502),
        (b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK, 200),
        (b"HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n", 500),
    ],
)
def test_what_a_target_must_not_answer_is_a_bad_gateway(answer: bytes, expected: int) -> None:
    lab = Lab()
    assert status(ask(get(), answer, lab)[0]) == expected
    assert [(outcome.status, outcome.seconds is None) for outcome in lab.outcomes] == [(expected, expected == 502)]


def test_a_target_that_does_not_listen_is_a_bad_gateway() -> None:
    async def test() -> None:
        async with balanced() as lab:
            lab.register((HOST, 1))
            assert status(await say(lab.balancer.port, get())) == 502

    run(test)


@pytest.mark.parametrize(("verb", "code"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
def test_answers_without_a_body_end_with_their_head(verb: str, code: int) -> None:
    target = f"HTTP/1.1 {code} Fine\r\nETag: x\r\n{'Content-Length: 9' if code == 200 else 'X-No: body'}\r\n\r\n"

    async def test() -> None:
        async with balanced(answering(*[target.encode()] * 2)) as lab:
            twice = get(method=verb, close=False) + get(method=verb)
            answer = await say(lab.balancer.port, twice)
            assert answer.count(f"HTTP/1.1 {code}".encode()) == 2
            assert answer.endswith(b"\r\n\r\n")

    run(test)


def test_a_body_that_a_target_ends_by_closing_becomes_chunked() -> None:
    answer, _ = ask(get(close=False) + get(), b"HTTP/1.0 200 OK\r\n\r\nall of it")
    assert header(answer, "Transfer-Encoding") == "chunked"
    assert b"all of it" in answer


def test_a_body_that_breaks_off_breaks_the_connection() -> None:
    answer, _ = ask(get(close=False), b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
    assert answer.endswith(b"\r\n\r\nhalf")
    answer, _ = ask(get(close=False), b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n")
    assert answer.endswith(b"2\r\nok\r\n")


def test_the_load_balancer_itself_answers_what_a_client_expects_before_its_body() -> None:
    async def test() -> None:
        seen: list[bytes] = []
        async with balanced(answering(OK, seen=seen)) as lab:
            reader, writer = await asyncio.open_connection(HOST, lab.balancer.port)
            writer.write(get("/", "Content-Length: 4", "Expect: 100-continue", method="POST"))
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 Continue")
            writer.write(b"body")
            assert (await reader.read()).startswith(b"HTTP/1.1 200 OK")
            writer.close()
        assert header(seen[0], "Expect") is None
        assert seen[0].endswith(b"\r\n\r\nbody")

    run(test)


def test_an_answer_that_comes_before_the_end_of_its_request_is_passed_on() -> None:
    async def early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        await reader.read()

    async def test() -> None:
        async with balanced(early) as lab:
            body = b"x" * 900_000
            request = get("/", f"Content-Length: {len(body)}", method="POST", close=False)
            assert status(await say(lab.balancer.port, request, body, until=b"\r\n\r\n")) == 413

    run(test)


def test_a_large_body_goes_through_in_both_directions() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = await reader.readexactly(5_000_000)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n" + body)
        await writer.drain()

    async def test() -> None:
        async with balanced(echo) as lab:
            request = get("/", "Content-Length: 5000000", method="PUT")
            answer = await say(lab.balancer.port, request, bytes(5_000_000))
            assert answer.partition(b"\r\n\r\n")[2] == bytes(5_000_000)

    run(test)
