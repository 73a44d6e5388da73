"""Clients with scripted responses: botocore validates what they are asked, and no request leaves the process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from boto3.session import Session
from botocore.stub import Stubber

Operation = Callable[..., Mapping[str, Any]]


class ServiceError(Exception):
    """An error response of a service.

    Args:
        code: Error code as the service spells it, e.g. ``ThrottlingException``.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


Response = tuple[str, Mapping[str, Any] | ServiceError]


class _HttpResponse:
    def __init__(self, status: int) -> None:
        self.status_code = status


@cache
def _session() -> Session:
    """Return one session for all fake clients: it parses the model of each service once."""
    return Session("testing", "testing", region_name="us-east-1")  # not the stand-in that a test puts in its place


def _client(service: str) -> Any:
    create: Any = _session().client  # the stubs declare one overload for each literal service name
    return create(service)


def fake_client(service: str, **operations: Operation) -> Any:
    """Return a client that calls functions instead of the service.

    Args:
        service: Service name in boto3.
        operations: Functions by the API's operation name. Each receives the request's parameters, and returns the
            response or raises :class:`ServiceError`. Any other operation fails the test.
    """
    client = _client(service)
    parameters: dict[str, Any] = {}

    def remember(params: dict[str, Any], model: Any, **_: Any) -> None:
        parameters[model.name] = params

    def respond(model: Any, **_: Any) -> tuple[_HttpResponse, Mapping[str, Any]]:
        try:
            return _HttpResponse(200), dict(operations[model.name](**parameters[model.name]))
        except ServiceError as error:
            return _HttpResponse(400), {"Error": {"Code": error.code, "Message": "as the test says"}}

    client.meta.events.register("before-parameter-build", remember)
    client.meta.events.register("before-call", respond)
    return client


def stubbed_client(service: str, *responses: Response) -> Any:
    """Return a client with one response for each call, in this order; botocore validates the responses, too.

    Args:
        service: Service name in boto3.
        responses: Method of the client, and its response. Any other call fails the test.
    """
    client = _client(service)
    stubber = Stubber(client)
    for method, response in responses:
        if isinstance(response, ServiceError):
            stubber.add_client_error(method, response.code, "as the test says", 400)
        else:
            stubber.add_response(method, dict(response))
    stubber.activate()
    return client
