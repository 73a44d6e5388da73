"""Clients that a test answers for: requests are checked against the service's model, and nothing leaves the process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import boto3

from tests.lambdas.world import REGION

Operation = Callable[..., Mapping[str, Any]]


class RefusedError(Exception):
    """The service answers with this error.

    Args:
        code: as the service spells it, e.g. ``ThrottlingException``.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class _Response:
    def __init__(self, status: int) -> None:
        self.status_code = status


def answering(service: str, **operations: Operation) -> Any:
    """Return a client whose operations are these functions.

    Args:
        service: its name in boto3.
        operations: by the API's name of the operation; each takes the request's parameters and returns the answer,
            or raises :class:`RefusedError`. An operation that is not there fails the test.
    """
    create: Any = boto3.client  # the stubs know each service by its literal name
    client = create(service, region_name=REGION)
    asked: dict[str, Any] = {}

    def remember(params: dict[str, Any], model: Any, **_: Any) -> None:
        asked[model.name] = params

    def answer(model: Any, **_: Any) -> tuple[_Response, Mapping[str, Any]]:
        try:
            return _Response(200), dict(operations[model.name](**asked[model.name]))
        except RefusedError as refused:
            return _Response(400), {"Error": {"Code": refused.code, "Message": "as the test says"}}

    client.meta.events.register("before-parameter-build", remember)
    client.meta.events.register("before-call", answer)
    return client
