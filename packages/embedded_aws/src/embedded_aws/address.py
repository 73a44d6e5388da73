"""Where the embedded AWS is reached, and in which account and Region."""

from typing import Final

ACCOUNT: Final = "000000000000"
REGION: Final = "us-east-1"
HOST: Final = "127.0.0.1"  # never `localhost`, which may resolve to anything and breaks S3's virtual-hosted addresses


def endpoint(port: int) -> str:
    """Return the URL of the embedded AWS on a port."""
    return f"http://{HOST}:{port}"
