"""Requests that the load balancer refuses whatever its rules say.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html
"""

from typing import Final

import h11

from embedded_aws.server.balancer.headers import value

_LARGEST_LINE: Final = 16_384
_LARGEST_HEADER: Final = 16_384
LARGEST_HEAD: Final = 65_536
_MOST_FORWARDS: Final = 30
_VERSIONS: Final = (b"1.0", b"1.1")


def refusal(request: h11.Request) -> int | None:
    """Return the status with which a request is refused before a rule is looked for; None for one that is served."""
    line = len(request.method) + len(request.target) + len(b"  HTTP/1.1")
    sizes = [len(name) + len(each) + len(b": \r\n") for name, each in request.headers.raw_items()]
    forwards = value(request.headers, b"x-forwarded-for") or b""
    checks = (
        (505, request.http_version not in _VERSIONS),
        (414, line > _LARGEST_LINE),
        (400, max(sizes, default=0) > _LARGEST_HEADER or line + sum(sizes) > LARGEST_HEAD),
        (400, request.method == b"CONNECT"),
        (405, request.method == b"TRACE"),
        (463, forwards.count(b",") >= _MOST_FORWARDS),
        # Not AWS's: a web page that somebody opens in a browser must not reach what runs on this machine.
        (403, request.method != b"GET" and value(request.headers, b"sec-fetch-site") == b"cross-site"),
    )
    return next((status for status, true in checks if true), None)
