"""A client of the emulator's own public API, and template properties in the shape an API operation takes.

The types that this package adds keep their state in ministack's services through this client, so boto3 reads it where
it would be on AWS. The calls go over loopback HTTP: CloudFormation runs these types on a worker thread, so that the
server is free to answer.
"""

import os
from collections.abc import Callable, Mapping
from functools import cache
from threading import Lock
from typing import Any

import boto3
from botocore.config import Config
from botocore.model import ListShape, MapShape, Shape, StructureShape

from embedded_aws.server import upstream
from embedded_aws.server.operations import OWN_AGENT

_creating = Lock()


def client(service: str) -> Any:
    """Return a boto3 client of `service` for the account and Region of the stack operation that is running."""
    with _creating:  # a boto3 session must not make two clients at once
        return _client(service, upstream.account(), upstream.region())


@cache
def _client(service: str, account: str, region: str) -> Any:
    create: Any = boto3.client  # the stubs accept only literals
    return create(
        service,
        region_name=region,
        endpoint_url=os.environ["AWS_ENDPOINT_URL"],
        aws_access_key_id=account,  # ministack takes a twelve-digit access key as the account
        aws_secret_access_key=os.environ["AWS_SECRET_ACCESS_KEY"],
        config=Config(
            retries={"max_attempts": 0},
            connect_timeout=5,
            read_timeout=30,
            s3={"addressing_style": "path"},
            user_agent_extra=OWN_AGENT,
        ),
    )


def arguments(service: str, operation: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties that `operation` takes, named and typed as in its API model, without the others.

    Templates may write numbers and booleans as strings, and start every name with a capital letter; APIs do not.

    Args:
        service: botocore's name of the service, e.g. `rds`.
        operation: the API operation, e.g. `CreateDBCluster`.
        properties: resolved template properties.

    Returns:
        Keyword arguments for the boto3 method of that operation.
    """
    shape = client(service).meta.service_model.operation_model(operation).input_shape
    converted: dict[str, Any] = _convert(properties, shape)
    return converted


def _convert(value: Any, shape: Shape) -> Any:
    match shape:
        case StructureShape():
            names = {name.lower(): name for name in shape.members}
            given = {key.lower(): item for key, item in value.items() if item is not None}
            known = {names[key]: item for key, item in given.items() if key in names}
            return {name: _convert(item, shape.members[name]) for name, item in known.items()}
        case ListShape():
            return [_convert(item, shape.member) for item in _user_tags(value)]
        case MapShape():
            pairs = value if isinstance(value, Mapping) else {tag["Key"]: tag["Value"] for tag in _user_tags(value)}
            return {str(key): _convert(item, shape.value) for key, item in pairs.items()}
    return _SCALARS.get(shape.type_name, _unchanged)(value)


def _unchanged(value: Any) -> Any:
    return value


_SCALARS: Mapping[str, Callable[[Any], Any]] = {
    "boolean": lambda value: str(value).lower() == "true",
    "integer": int,
    "long": int,
    "float": float,
    "double": float,
    "string": str,
}


def _user_tags(items: list[Any]) -> list[Any]:
    """Return the items without CloudFormation's own tags, which no API accepts from a caller."""
    return [item for item in items if not (isinstance(item, Mapping) and str(item.get("Key", "")).startswith("aws:"))]
