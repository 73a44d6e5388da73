"""Values that several modules read from AWS responses and errors."""

from __future__ import annotations

from datetime import datetime

from botocore.exceptions import ClientError


def error_code(error: ClientError) -> str:
    """Return the code of an error response, e.g. ``ThrottlingException``."""
    return error.response["Error"].get("Code", "no code")


def error_message(error: ClientError) -> str:
    """Return the message of an error response; empty if it has none."""
    return error.response["Error"].get("Message", "")


def epoch_seconds(timestamp: datetime | None) -> float | None:
    """Return a timestamp in seconds since 1970; ``None`` if the response has none."""
    return None if timestamp is None else timestamp.timestamp()


def resource_name(arn: str) -> str:
    """Return the name at the end of the ARN of a cluster or a table."""
    return arn.replace("/", ":").rpartition(":")[2]
