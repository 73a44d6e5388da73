"""The boto3 clients of this process: they reach the embedded AWS, and no other."""

import os
from collections.abc import Callable
from functools import cache
from typing import Any, Final, TypeAlias

import boto3
import botocore.session
from botocore.config import Config

from embedded_aws.address import ACCOUNT, REGION, endpoint

Aws: TypeAlias = Callable[[str], Any]
"""Returns the boto3 client of a service, given botocore's name for it, e.g. `rds`."""

# What boto3 would otherwise read from the user's environment and files: (file key, variable, value, converter).
_IGNORED: Final = {
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


def session(key: str, region: str | None = None) -> boto3.Session:
    """Return a session with the credentials of an embedded AWS, and nothing of the user's environment and files.

    Args:
        key: its secret key, see `Running.key`.
        region: None for its own.
    """
    return boto3.Session(
        botocore_session=botocore.session.Session(_IGNORED),
        aws_access_key_id=ACCOUNT,
        aws_secret_access_key=key,
        region_name=region or REGION,
    )


def clients(port: int, key: str) -> Aws:
    """Return clients that know one endpoint, on loopback, and its credentials, whatever the environment says.

    Args:
        port: where the embedded AWS listens.
        key: its secret key, see `Running.key`.

    Returns:
        A function that returns the client of a service, and makes each client once.
    """
    made = session(key)

    @cache
    def client(service: str) -> Any:
        create: Any = made.client  # the stubs accept only literals
        return create(service, endpoint_url=endpoint(port), config=_CONFIG)

    return client
