"""AWS clients, created once for all invocations of an execution environment."""

from __future__ import annotations

from functools import cache
from typing import Any

import boto3
from botocore.config import Config

# Seconds, and attempts including the first: a service that does not respond must not use up the function's time.
CONNECT_SECONDS, READ_SECONDS, ATTEMPTS = 2, 5, 3


@cache
def client(service: str, *, read_seconds: int = READ_SECONDS, attempts: int = ATTEMPTS) -> Any:
    """Return the client of a service.

    Args:
        service: Service name in boto3, e.g. ``rds``.
        read_seconds: How long to wait for a response.
        attempts: Attempts at each request, including the first.

    Returns:
        The client, as ``Any``: its type depends on the name.
    """
    create: Any = boto3.client  # the stubs declare one overload for each literal service name
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=read_seconds,
        retries={"mode": "standard", "total_max_attempts": attempts},
    )
    return create(service, config=config)
