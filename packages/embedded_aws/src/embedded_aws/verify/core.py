"""The verifier's table: one function per resource type compares what is declared with what its service reports."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.clients import Aws
from embedded_aws.deployment import Resource
from embedded_aws.resolve import UNRESOLVED


@dataclass(frozen=True)
class Check:
    """One property, compared.

    Attributes:
        what: the property, in the words of the service.
        expected: what the template declares; `UNRESOLVED` when it refers to what only CloudFormation knows.
        found: what the service reports.
    """

    what: str
    expected: Any
    found: Any

    @property
    def passed(self) -> bool:
        """Whether they agree; against an unresolved value, whether there is anything at all."""
        return _agree(self.expected, self.found)


def _agree(expected: Any, found: Any) -> bool:
    if expected is UNRESOLVED:
        return found not in (None, "", [], {})
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        return expected.keys() == found.keys() and all(_agree(expected[key], found[key]) for key in expected)
    if isinstance(expected, list) and isinstance(found, list):
        return len(expected) == len(found) and all(map(_agree, expected, found))
    if isinstance(expected, bool) or isinstance(found, bool):
        return str(expected).lower() == str(found).lower()  # templates and tags carry booleans as strings
    if isinstance(expected, int | float | str) and isinstance(found, int | float):
        return _number(expected) == found
    return bool(expected == found)


def _number(value: float | str) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None


Verifier: TypeAlias = Callable[[Aws, Resource], Iterable[Check]]
_VERIFIERS: dict[str, Verifier] = {}


def verifies(*resource_types: str) -> Callable[[Verifier], Verifier]:
    """Register the decorated function for these types."""

    def register(verifier: Verifier) -> Verifier:
        _VERIFIERS.update(dict.fromkeys(resource_types, verifier))
        return verifier

    return register


def verified_types() -> frozenset[str]:
    """The types that have a verifier."""
    return frozenset(_VERIFIERS)


def checks_of(aws: Aws, resource: Resource) -> Iterator[Check]:
    """Every check of one resource; a resource that is not there, or a service that refuses to show it, is a failed one.

    Raises:
        KeyError: nobody wrote a verifier for its type.
    """
    verifier = _VERIFIERS[resource.type]
    complete = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE")
    if resource.status not in complete:
        yield Check("status in its stack", "CREATE_COMPLETE or UPDATE_COMPLETE", resource.status or "not there")
        return
    try:
        yield from verifier(aws, resource)
    except (ClientError, BotoCoreError) as error:
        yield Check("described by its service", "described", str(error))
    except LookupError as error:
        yield Check("described by its service", "described", f"no {error} in the answer")


def declared(resource: Resource, prop: str, default: Any = None) -> Any:
    """A declared property, at a dotted path (`SSESpecification.SSEEnabled`), or what AWS takes when it is left out."""
    value: Any = resource.properties
    for part in prop.split("."):
        if value is UNRESOLVED:
            return UNRESOLVED
        if not isinstance(value, Mapping) or part not in value:
            return default
        value = value[part]
    return value


def same(resource: Resource, found: Mapping[str, Any], *properties: str) -> Iterator[Check]:
    """A check for each declared property that the service reports under the same name."""
    for prop in properties:
        expected = declared(resource, prop)
        if expected is not None:
            yield Check(prop, expected, found.get(prop))


def named(resource: Resource, prop: str) -> Iterator[Check]:
    """A check that the physical id is the declared name, where there is one."""
    name = declared(resource, prop)
    if name is not None:
        yield Check(prop, name, resource.physical_id)


def only(items: Iterable[Any]) -> Any:
    """The one item of an answer that was asked for one thing.

    Raises:
        LookupError: there is none, or more than one.
    """
    listed = list(items)
    if len(listed) != 1:
        raise LookupError(f"single item among {len(listed)}")
    return listed[0]


def unordered(items: Any) -> Any:
    """A list whose order means nothing, sorted to compare; `UNRESOLVED` when any of it is."""
    if items is UNRESOLVED or any(item is UNRESOLVED for item in items):
        return UNRESOLVED
    return sorted(items, key=str)
