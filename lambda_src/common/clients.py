"""AWS clients, created once for all invocations of an execution environment."""

from __future__ import annotations

from functools import cache
from typing import Any

import boto3
from botocore.config import Config

# Seconds, and attempts including the first: a service that does not respond must not use up the function's time.
_CONFIG = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3})


@cache
def client(service: str) -> Any:
    """Return the client of a service.

    Args:
        service: Service name in boto3, e.g. ``rds``.

    Returns:
        The client, as ``Any``: its type depends on the name.
    """
    create: Any = boto3.client  # the stubs declare one overload for each literal service name
    return create(service, config=_CONFIG)
