"""The environment of the container, checked once at the start."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

_DEFAULTS: Final = {"host": "0.0.0.0", "database_secret_arn": ""}  # noqa: S104 - a container has an address of its own
_RANGES: Final = {"port": (1, 65535), "database_port": (1, 65535), "retry_seconds": (1, 60)}


class SettingsError(Exception):
    """The environment is not usable; the message names every variable that is wrong."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the task definition says; a variable has the name of its field in capitals.

    Attributes:
        host: Address to listen on.
        port: Port to listen on.
        database_host: Endpoint of the cluster's writer.
        database_reader_host: Endpoint of the cluster's readers.
        database_port: Port of both.
        database_name: Name of the database.
        database_user: User that logs in with IAM tokens.
        database_secret_arn: Secret to log in with instead; empty for IAM.
        table_name: DynamoDB table of the answers that were given.
        ttl_attribute: Attribute of the table that holds an item's expiry.
        bucket_name: S3 bucket of the receipts.
        retry_seconds: How long one request tries to reach the database.
        metric_namespace: CloudWatch namespace of the metrics.
        suffix: Suffix of the deployment, the dimension of the metrics.
    """

    host: str
    port: int
    database_host: str
    database_reader_host: str
    database_port: int
    database_name: str
    database_user: str
    database_secret_arn: str
    table_name: str
    ttl_attribute: str
    bucket_name: str
    retry_seconds: int
    metric_namespace: str
    suffix: str

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Settings:
        """Return the settings that the variables of a process hold.

        Raises:
            SettingsError: A variable is missing or out of its range.
        """
        errors: list[str] = []
        values: dict[str, Any] = {}
        for name in (field.name for field in fields(cls)):
            value = environment.get(name.upper()) or _DEFAULTS.get(name)
            low, high = _RANGES.get(name, (None, None))
            if value is None:
                errors.append(f"{name.upper()} is missing")
            elif low is None or high is None:
                values[name] = value
            elif re.fullmatch("[0-9]{1,5}", value) and low <= int(value) <= high:
                values[name] = int(value)
            else:
                errors.append(f"{name.upper()} is {value!r}, and must be a whole number from {low} to {high}")
        if errors:
            raise SettingsError(f"{'; '.join(errors)}: correct the environment of the container")
        return cls(**values)
