"""What the load balancer changes in a request before its target sees it, and in an answer before its client does.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/x-forwarded-headers.html
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-request-tracing.html
"""

import re
import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

import h11

Headers: TypeAlias = list[tuple[bytes, bytes]]

# Of one connection, not of the message: https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1
# The load balancer itself answers `Expect: 100-continue`, and does not forward it.
_OF_THE_CONNECTION: Final = {b"connection", b"expect", b"keep-alive", b"proxy-connection", b"te", b"upgrade"}
_OWN: Final = {b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-port", b"x-amzn-trace-id", b"host"}
_VALID_NAME: Final = re.compile(rb"[-A-Za-z0-9]+")
_DEFAULT_PORTS: Final = (80, 443)


@dataclass(frozen=True)
class Front:
    """What is known of a request beside its bytes.

    Attributes:
        secure: whether it came over TLS.
        port: of the listener, as declared.
        host: the DNS name of the load balancer.
        client: address and port of the client.
        attributes: of the load balancer, by key.
    """

    secure: bool
    port: int
    host: str
    client: tuple[str, int]
    attributes: Mapping[str, str]

    @property
    def idle(self) -> float:
        """Seconds after which a silent connection ends."""
        return float(self.attributes["idle_timeout.timeout_seconds"])

    def is_on(self, attribute: str) -> bool:
        """Return whether an attribute is switched on."""
        return self.attributes[attribute] == "true"


def value(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> bytes | None:
    """Return the values of a header, which h11 names in lower case, as one; None when it is not there."""
    found = [each for key, each in headers if key == name]
    return b", ".join(found) if found else None


def _end_to_end(message: h11.Request | h11.Response) -> Headers:
    named = value(message.headers, b"connection") or b""
    dropped = _OF_THE_CONNECTION | {each.strip().lower() for each in named.split(b",")}
    return [(name, each) for name, each in message.headers.raw_items() if name.lower() not in dropped]


def for_client(answer: h11.Response) -> h11.Response:
    """Return a target's answer as the client gets it."""
    return h11.Response(status_code=answer.status_code, headers=_end_to_end(answer), reason=answer.reason)


def for_target(request: h11.Request, front: Front) -> h11.Request:
    """Return a request as the target gets it: HTTP/1.1, with the headers that say where it comes from."""
    kept = [pair for pair in _end_to_end(request) if pair[0].lower() not in _OWN]
    if front.is_on("routing.http.drop_invalid_header_fields.enabled"):
        kept = [pair for pair in kept if _VALID_NAME.fullmatch(pair[0])]
    added: Headers = [(b"Host", _host(request, front))]
    forwarded = _forwarded_for(value(request.headers, b"x-forwarded-for"), front)
    if forwarded:
        added.append((b"X-Forwarded-For", forwarded))
    added += [
        (b"X-Forwarded-Proto", b"https" if front.secure else b"http"),
        (b"X-Forwarded-Port", str(front.port).encode()),
        (b"X-Amzn-Trace-Id", _trace(value(request.headers, b"x-amzn-trace-id"))),
    ]
    return h11.Request(method=request.method, target=request.target, headers=[*added, *kept])


def _host(request: h11.Request, front: Front) -> bytes:
    """Return the host that a target is told: the client's, with the listener's port if that is not the default.

    Observed on AWS by ministack's authors, October 2026. A client of HTTP/1.0 may name none: the load balancer's DNS
    name then stands there.
    """
    given = value(request.headers, b"host")
    if given is None:
        return front.host.encode()
    if front.is_on("routing.http.preserve_host_header.enabled"):
        return given
    host, colon, port = given.rpartition(b":")
    name = host if colon and port.isdigit() else given
    return name if front.port in _DEFAULT_PORTS else name + f":{front.port}".encode()


def _forwarded_for(given: bytes | None, front: Front) -> bytes | None:
    mode = front.attributes["routing.http.xff_header_processing.mode"]
    if mode != "append":
        return given if mode == "preserve" else None
    address, port = front.client
    client = f"{address}:{port}" if front.is_on("routing.http.xff_client_port.enabled") else address
    return client.encode() if given is None else given + b", " + client.encode()


def _trace(given: bytes | None) -> bytes:
    own = f"1-{int(time.time()):08x}-{secrets.token_hex(12)}".encode()
    if given is None:
        return b"Root=" + own
    fields = b";".join(field for field in given.split(b";") if not field.startswith(b"Self="))
    return b"Self=" + own + b";" + fields if b"Root=" in fields else b"Root=" + own + b";" + fields
