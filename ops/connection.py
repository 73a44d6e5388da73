"""How AWS is reached: with which credentials, in which Region, and at which endpoint where it is not AWS's own."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from functools import cache
from typing import Any

import boto3
from botocore.exceptions import ProfileNotFound

from embedded_aws import clients
from ops.errors import OpsError
from ops.local.workspace import Workspace


def new_session(region: str | None = None) -> boto3.session.Session:
    """Return a session with the credentials of the environment.

    Args:
        region: None for the one of AWS_REGION, else what boto3 finds: it reads AWS_DEFAULT_REGION and the profile only,
            while the other SDKs and the CLI prefer AWS_REGION
            (https://docs.aws.amazon.com/sdkref/latest/guide/feature-region.html).

    Raises:
        OpsError: AWS_PROFILE names no profile.
    """
    try:
        return boto3.session.Session(region_name=region or os.environ.get("AWS_REGION") or None)
    except ProfileNotFound as error:
        raise OpsError(f"{error}: set AWS_PROFILE to an existing one") from None


def new_client(session: Any, service: str, **options: Any) -> Any:
    """Return a new client.

    Args:
        session: of boto3.
        service: boto3's name of the service, e.g. `rds`.
        options: of `boto3.session.Session.client`.

    Raises:
        OpsError: the Region or the endpoint of the environment is not well-formed.
    """
    try:
        return session.client(service, **options)
    except ValueError as error:  # botocore's "Invalid endpoint", and InvalidRegionError, which is one
        told = f"{error}".rstrip(".")
        raise OpsError(f"{told}: correct AWS_REGION, or AWS_ENDPOINT_URL, which only an emulator needs") from None


@dataclass(frozen=True)
class Connection:
    """A way to reach AWS, or an emulator of it.

    Attributes:
        session: credentials and Region.
        endpoint: URL of an emulator; None for AWS.
    """

    session: boto3.session.Session
    endpoint: str | None = None

    @classmethod
    def from_environment(cls, region: str | None = None) -> Connection:
        """Return the connection that the environment describes.

        Args:
            region: None for the one of the environment or the profile.

        Raises:
            OpsError: AWS_PROFILE names no profile.
        """
        return cls(new_session(region), os.environ.get("AWS_ENDPOINT_URL") or None)

    @property
    def region(self) -> str:
        """Its Region.

        Raises:
            OpsError: neither the command nor the environment names one.
        """
        found: str | None = self.session.region_name
        if found is None:
            raise OpsError("no Region: give --region, or set AWS_REGION")
        return found

    def client(self, service: str, **options: Any) -> Any:
        """Return a new client.

        Args:
            service: boto3's name of the service, e.g. `rds`.
            options: of `boto3.session.Session.client`.

        Raises:
            OpsError: the Region or the endpoint is not well-formed.
        """
        return new_client(self.session, service, endpoint_url=self.endpoint, **options)


def connect(region: str | None, workspace: Workspace) -> Connection:
    """Return a connection with the credentials of the environment, else to the embedded AWS of this checkout.

    Args:
        region: None for the Region of the environment or the profile.
        workspace: the checkout.

    Raises:
        OpsError: there are no credentials, and no embedded AWS.
    """
    connection = Connection.from_environment(region)
    if connection.session.get_credentials() is not None:
        return connection
    running = workspace.emulator.running()
    if running is None:
        raise OpsError("no AWS credentials, and no embedded AWS runs here: log in, or run `make local`")
    _say(running.endpoint)
    return Connection(clients.session(running.key, region), running.endpoint)


@cache
def _say(endpoint: str) -> None:
    """Say once that it is not AWS which a command reaches."""
    print(f"no AWS credentials: this is the embedded AWS of this checkout, {endpoint}", file=sys.stderr)
