"""The boto3 clients of this process: of the embedded AWS, and of no other."""

import os
from collections.abc import Callable
from functools import cache
from typing import Any, Final, TypeAlias

import boto3
import botocore.session
from botocore.config import Config

from embedded_aws.resolve import REGION

Aws: TypeAlias = Callable[[str], Any]
"""Gives the client of a service, by botocore's name of it, e.g. `rds`."""

FAKE_KEY: Final = "test"
HOST: Final = "127.0.0.1"  # never `localhost`, which may resolve to anything and breaks S3's virtual-hosted addresses

# What boto3 would otherwise take from the user's environment and files: (file key, variable, value, converter).
_NOTHING_OF_THE_USERS: Final = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
    "ca_bundle": (None, None, None, None),
}
_CONFIG: Final = Config(
    connect_timeout=5,
    read_timeout=60,
    retries={"mode": "standard", "total_max_attempts": 1},
    proxies={},
    use_fips_endpoint=False,
    use_dualstack_endpoint=False,
    s3={"addressing_style": "path"},
)


def endpoint(port: int) -> str:
    """The URL of the embedded AWS on a port."""
    return f"http://{HOST}:{port}"


def clients(port: int) -> Aws:
    """Clients that know one endpoint, on loopback, and no credentials but fake ones, whatever the environment says.

    Args:
        port: where the embedded AWS listens.
    """
    session = boto3.Session(
        botocore_session=botocore.session.Session(_NOTHING_OF_THE_USERS),
        aws_access_key_id=FAKE_KEY,
        aws_secret_access_key=FAKE_KEY,
        region_name=REGION,
    )

    @cache
    def client(service: str) -> Any:
        create: Any = session.client  # its stubs know a service only as a literal
        return create(service, endpoint_url=endpoint(port), config=_CONFIG)

    return client
