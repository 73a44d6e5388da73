"""How AWS is reached: with which credentials, in which Region, and at which endpoint where it is not AWS's own."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import boto3


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
        """Return the connection that boto3 would make.

        Args:
            region: None for the one of the environment or the profile.
        """
        return cls(boto3.session.Session(region_name=region), os.environ.get("AWS_ENDPOINT_URL"))

    def client(self, service: str, **options: Any) -> Any:
        """Return a new client.

        Args:
            service: boto3's name of the service, e.g. `rds`.
            options: of `boto3.session.Session.client`.
        """
        create: Any = self.session.client  # its stubs know a service only as a literal
        return create(service, endpoint_url=self.endpoint, **options)
