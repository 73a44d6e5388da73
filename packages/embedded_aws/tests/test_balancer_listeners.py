"""Listeners of the load balancer: TLS, redirects, fixed responses, and what is not served."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from pathlib import Path

import pytest

from embedded_aws.server.balancer.certificates import Authority
from embedded_testing.balancing import HOST, OK, Lab, answering, ask, balanced, get, header, run, say, status


def test_without_a_listener_nobody_is_answered() -> None:
    async def test() -> None:
        lab = Lab()
        lab.ports = {}
        async with balanced(answering(OK), lab=lab):
            with suppress(ConnectionResetError):
                assert await say(lab.balancer.port, get()) == b""
        assert lab.outcomes == []

    run(test)


async def secure(port: int, trusted: Path, name: str) -> bytes:
    context = ssl.create_default_context(cafile=str(trusted))
    context.verify_flags |= ssl.VERIFY_X509_STRICT  # Python's default from 3.13 on
    reader, writer = await asyncio.open_connection(HOST, port, ssl=context, server_hostname=name)
    writer.write(get())
    answer = await reader.read()
    writer.close()
    return answer


def test_https_and_http_are_answered_on_one_port_with_a_certificate_for_the_name(tmp_path: Path) -> None:
    async def test() -> None:
        seen: list[bytes] = []
        lab = Lab()
        authority = tmp_path / "authority.pem"
        lab.tls = Authority(authority).context(["pay.test", "*.other.test"])
        lab.ports = {80: "HTTP", 443: "HTTPS"}
        async with balanced(answering(OK, OK, OK, OK, seen=seen), lab=lab):
            port = lab.balancer.port
            for name in ("pay.test", "a.other.test", HOST):
                assert status(await secure(port, authority, name)) == 200
            assert [header(seen[-1], each) for each in ("X-Forwarded-Proto", "X-Forwarded-Port")] == ["https", "443"]
            assert status(await say(port, get())) == 200
            assert header(seen[-1], "X-Forwarded-Proto") == "http"
            with pytest.raises(ssl.SSLCertVerificationError):
                await secure(port, authority, "else.test")
            lab.ports = {443: "HTTPS"}
            assert status(await say(port, get())) == 400

    run(test)


REDIRECT = {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}


@pytest.mark.parametrize(
    ("config", "host", "url"),
    [
        (REDIRECT, "pay.test", "https://pay.test:443/a/b?c=d"),
        (REDIRECT, "pay.test:80", "https://pay.test:443/a/b?c=d"),
        (REDIRECT, "{own}", "https://{own}/a/b?c=d"),
        ({"Host": "x.#{host}", "Path": "/new/#{path}", "Query": "e=f", "StatusCode": "HTTP_302"}, "pay.test",
         "http://x.pay.test:80/new/a/b?e=f"),
    ],
)  # fmt: skip
def test_a_redirect_names_the_url_that_the_rule_describes(config: dict[str, str], host: str, url: str) -> None:
    async def test() -> None:
        lab = Lab()
        lab.action, lab.ports = {"Type": "redirect", "RedirectConfig": config}, {80: "HTTP", 443: "HTTPS"}
        async with balanced(lab=lab):
            own = f"{HOST}:{lab.balancer.port}"
            request = f"GET /a/b?c=d HTTP/1.1\r\nHost: {host.format(own=own)}\r\nConnection: close\r\n\r\n"
            answer = await say(lab.balancer.port, request.encode())
            assert status(answer) == int(config["StatusCode"].removeprefix("HTTP_"))
            assert header(answer, "Location") == url.format(own=own)

    run(test)


def test_a_fixed_response_needs_no_target_and_an_unknown_action_is_not_left_out() -> None:
    lab = Lab()
    lab.action = {
        "Type": "fixed-response",
        "FixedResponseConfig": {"StatusCode": "418", "ContentType": "text/plain", "MessageBody": "tea"},
    }
    answer, seen = ask(get(), lab=lab)
    assert (status(answer), answer.partition(b"\r\n\r\n")[2], seen) == (418, b"tea", b"")
    lab = Lab()
    lab.action = {"Type": "authenticate-oidc"}
    assert status(ask(get(), lab=lab)[0]) == 501
