"""Clients of AWS services, made once for all invocations of a process."""

from __future__ import annotations

from functools import cache
from typing import Any

import boto3
from botocore.config import Config

# A service that does not answer must not use up the time of the function: seconds, and attempts in all.
_CONFIG = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3})


@cache
def client(service: str) -> Any:
    """Return the client of a service.

    Args:
        service: its name in boto3, e.g. ``rds``.

    Returns:
        The client; its type is known only when it runs.
    """
    create: Any = boto3.client  # the stubs know each service by its literal name
    return create(service, config=_CONFIG)
