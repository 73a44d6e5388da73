"""Refusals: what AWS does not do, refused with its code and message by the service's API and by CloudFormation alike.

ministack's CloudFormation changes the tables of a service without calling its API, so a rule stands in both places.
"""

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from embedded_aws.server import registry
from embedded_aws.server.registry import Properties

Request: TypeAlias = Mapping[str, Any]
Actions: TypeAlias = MutableMapping[str, Callable[[dict[str, Any]], Any]]


@dataclass(frozen=True)
class RefusedError(Exception):
    """A refusal of a request, raised or returned.

    Attributes:
        code: AWS's error code.
        message: AWS's message.
        status: the HTTP status of the answer.
    """

    code: str
    message: str
    status: int = 400


def by_api(
    actions: Actions, name: str, check: Callable[[Request], None], answer: Callable[[str, str, int], Any]
) -> None:
    """Check the requests of an operation before ministack acts on them.

    Args:
        actions: ministack's operations of the service.
        name: the operation, e.g. `DeleteSubnet`.
        check: raises `RefusedError` for a request that AWS refuses.
        answer: makes the service's error answer of a code, a message and a status.
    """
    act = actions[name]

    def act_if_allowed(request: dict[str, Any]) -> Any:
        try:
            check(request)
        except RefusedError as refused:
            return answer(refused.code, refused.message, refused.status)
        return act(request)

    actions[name] = act_if_allowed


def by_template(
    resource_type: str,
    service: str,
    *,
    delete: Callable[[str], None] | None = None,
    create: Callable[[Properties], None] | None = None,
    change: Callable[[Properties], None] | None = None,
) -> None:
    """Check what CloudFormation does with a type, before it is done.

    Args:
        resource_type: the CloudFormation type name.
        service: the service's name, as CloudFormation writes it behind a message.
        delete: given the physical id, raises `RefusedError` for a resource that AWS does not delete.
        create: given the properties, raises `RefusedError` for a resource that AWS does not create.
        change: given the new properties, raises `RefusedError` for a change that AWS does not make.
    """
    if delete:
        registry.wrap(resource_type, "delete", _checked(0, delete, service))
    if create:
        registry.wrap(resource_type, "create", _checked(1, create, service))
    if change:
        registry.wrap(resource_type, "update", _checked(2, change, service))


def failure(refused: RefusedError, service: str) -> ValueError:
    """Return the failure of a resource whose service refuses it, in CloudFormation's words."""
    details = f"Service: {service}; Status Code: {refused.status}; Error Code: {refused.code}"
    return ValueError(f"{refused.message} ({details})")


def _checked(at: int, check: Callable[..., None], service: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a wrapper of a handler that first checks its argument `at`: an id, or properties."""

    def checked(handle: Callable[..., Any]) -> Callable[..., Any]:
        def handle_if_allowed(*arguments: Any) -> Any:
            try:
                check(arguments[at])
            except RefusedError as refused:
                raise failure(refused, service) from None
            return handle(*arguments)

        return handle_if_allowed

    return checked


def parameter(request: Request, name: str) -> str:
    """Return a parameter of a query request, which ministack may keep as a list; empty when it is not given."""
    value = request.get(name, "")
    return str(value[0] if isinstance(value, list) else value)


def members(request: Request, prefix: str) -> list[str]:
    """Return the members of a list in a query request, e.g. `Subnets.member.1`, in order."""
    numbers = range(1, len(request) + 1)
    given = (parameter(request, f"{prefix}.{number}") for number in numbers)
    return [value for value in given if value]
