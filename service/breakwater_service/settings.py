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
    """What the task definition says; a variable has the name of its field in capitals."""

    host: str  # to listen on, as the port
    port: int
    database_host: str  # endpoint of the cluster's writer
    database_reader_host: str  # … and of its readers
    database_port: int
    database_name: str
    database_user: str  # logs in with IAM tokens
    database_secret_arn: str  # to log in with instead; empty for IAM
    table_name: str  # DynamoDB table of the answers that were given
    ttl_attribute: str  # … and its attribute that holds an item's expiry
    bucket_name: str  # of the receipts
    retry_seconds: int  # how long one request tries to reach the database
    metric_namespace: str
    suffix: str  # of the deployment: the dimension of the metrics

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """Return what the variables hold; raise `SettingsError` for those that are missing or out of their range."""
        errors, values = list[str](), dict[str, Any]()
        for name in (field.name for field in fields(cls)):
            value, allowed = environment.get(name.upper()) or _DEFAULTS.get(name), _RANGES.get(name)
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
