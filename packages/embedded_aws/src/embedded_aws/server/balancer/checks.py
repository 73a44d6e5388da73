"""Health checks, with the figures of the target group.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import h11

from embedded_aws.server.balancer.target import Target

Failure: TypeAlias = tuple[str, str]
"""The reason, and the status of the answer if that was it."""
_HEADERS: Final = (
    ("Connection", "close"), ("User-Agent", "ELB-HealthChecker/2.0"), ("Accept-Encoding", "gzip, compressed"),
)  # fmt: skip


async def failure(target: Target, settings: Mapping[str, Any]) -> Failure | None:
    """Check a target once; return None if it is well.

    Args:
        target: what is checked.
        settings: the record of its group.
    """
    seconds = float(settings["HealthCheckTimeoutSeconds"])
    try:
        async with asyncio.timeout(seconds):
            status = await _status(target, settings, seconds)
    except TimeoutError:
        return "Target.Timeout", ""
    except (OSError, h11.RemoteProtocolError):
        return "Target.FailedHealthChecks", ""
    return None if matches(settings["Matcher"]["HttpCode"], status) else ("Target.ResponseCodeMismatch", str(status))


async def _status(target: Target, settings: Mapping[str, Any], seconds: float) -> int:
    port = settings["HealthCheckPort"]
    peer = await target.dial(None if port == "traffic-port" else int(port))
    try:
        host = f"{target.address[0]}:{target.address[1] if port == 'traffic-port' else port}"
        peer.put(h11.Request(method="GET", target=settings["HealthCheckPath"], headers=[("Host", host), *_HEADERS]))
        peer.put(h11.EndOfMessage())
        await peer.flush(seconds)
        while not isinstance(answer := await peer.next(seconds), h11.Response):
            if not isinstance(answer, h11.InformationalResponse):
                raise ConnectionResetError
        return int(answer.status_code)
    finally:
        peer.abort()


def matches(codes: str, status: int) -> bool:
    """Return whether a status is one of a matcher: `200`, `200,202` or `200-299`."""
    ranges = (part.partition("-") for part in codes.split(","))
    return any(int(first) <= status <= int(last or first) for first, _, last in ranges)
