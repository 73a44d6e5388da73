"""The environment of the container, checked once at the start."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, Self

_DEFAULTS: Final = {"host": "0.0.0.0", "database_secret_arn": ""}  # noqa: S104 - a container has an address of its own
_RANGES: Final = {"port": range(1, 65536), "database_port": range(1, 65536), "retry_seconds": range(1, 61)}


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
    def read(cls, environment: Mapping[str, str]) -> Self:
        """Return the settings that the variables of a process hold.

        Raises:
            SettingsError: A variable is missing or out of its range.
        """
        errors: list[str] = []
        values: dict[str, Any] = {}
        for name in (field.name for field in fields(cls)):
            value = environment.get(name.upper()) or _DEFAULTS.get(name)
            allowed = _RANGES.get(name)
            if value is None:
                errors.append(f"{name.upper()} is missing")
            elif allowed is None:
                values[name] = value
            elif re.fullmatch("[0-9]{1,5}", value) and int(value) in allowed:
                values[name] = int(value)
            else:
                errors.append(f"{name.upper()} is {value!r}, and must be a whole number from 1 to {allowed[-1]}")
        if errors:
            raise SettingsError(f"{'; '.join(errors)}: correct the environment of the container")
        return cls(**values)
