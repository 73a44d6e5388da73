"""What the load balancer answers itself, without a target."""

from collections.abc import Mapping
from email.utils import formatdate
from typing import Final

import h11

from embedded_aws.server.balancer.headers import Headers
from embedded_aws.server.balancer.peer import Peer

# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html
_REASONS: Final[Mapping[int, str]] = {
    400: "Bad Request",
    403: "Forbidden",
    405: "Not Allowed",
    408: "Request Time-out",
    414: "Request-URI Too Large",
    463: "",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Temporarily Unavailable",
    504: "Gateway Time-out",
    505: "HTTP Version Not Supported",
    301: "Moved Permanently",
    302: "Found",
}


def page(client: Peer, status: int, *more: tuple[bytes, bytes]) -> None:
    """Put the answer that a status has on AWS; other headers may be added to it."""
    title = f"{status} {_REASONS[status]}".strip()
    html = (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n"
        f"<center><h1>{title}</h1></center>\r\n</body>\r\n</html>\r\n"
    )
    fixed(client, status, html, "text/html", *more)


def fixed(client: Peer, status: int, body: str, kind: str, *more: tuple[bytes, bytes]) -> None:
    """Put an answer with a body of its own."""
    content = body.encode()
    headers: Headers = [
        (b"Server", b"awselb/2.0"),
        (b"Date", formatdate(usegmt=True).encode()),
        (b"Content-Type", kind.encode()),
        (b"Content-Length", str(len(content)).encode()),
        *more,
    ]
    client.put(h11.Response(status_code=status, headers=headers, reason=_REASONS.get(status, "").encode()))
    if not client.wants_head:
        client.put(h11.Data(data=content))
    client.put(h11.EndOfMessage())
