"""The table of verifiers: for each resource type a function that compares declaration and service."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.clients import Aws
from embedded_aws.deployment import DeployedResource
from embedded_aws.resolve import UNRESOLVED


@dataclass(frozen=True)
class Comparison:
    """One property as declared and as reported.

    Attributes:
        what: the property, in the words of the service.
        expected: what the template declares; `UNRESOLVED` when only CloudFormation knows its value.
        found: what the service reports.
    """

    what: str
    expected: Any
    found: Any

    @property
    def passed(self) -> bool:
        """Whether the two agree; for an unresolved value, whether the service reports anything at all."""
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


Verifier: TypeAlias = Callable[[Aws, DeployedResource], Iterable[Comparison]]
_VERIFIERS: dict[str, Verifier] = {}
_COMPLETE = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE")


def verifies(*resource_types: str) -> Callable[[Verifier], Verifier]:
    """Register the decorated function for these types."""

    def register(verifier: Verifier) -> Verifier:
        _VERIFIERS.update(dict.fromkeys(resource_types, verifier))
        return verifier

    return register


def verified_types() -> frozenset[str]:
    """Return the types that have a verifier."""
    return frozenset(_VERIFIERS)


def compare(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare a deployed resource with its declaration.

    A resource that is not there, or that its service refuses to describe, gives a comparison that fails.

    Args:
        aws: clients of the embedded AWS.
        resource: the resource.

    Yields:
        One comparison for each declared property that the service reports.

    Raises:
        KeyError: there is no verifier for its type.
    """
    verifier = _VERIFIERS[resource.type]
    if resource.status not in _COMPLETE:
        yield Comparison("status in its stack", "CREATE_COMPLETE or UPDATE_COMPLETE", resource.status or "not there")
        return
    try:
        yield from verifier(aws, resource)
    except (ClientError, BotoCoreError) as error:
        yield Comparison("described by its service", "described", str(error))
    except LookupError as error:
        yield Comparison("described by its service", "described", f"no {error} in the answer")


def declared(resource: DeployedResource, prop: str, default: Any = None) -> Any:
    """Return a declared property.

    Args:
        resource: the resource.
        prop: name or dotted path of the property, e.g. `SSESpecification.SSEEnabled`.
        default: the value AWS takes when the property is left out.
    """
    value: Any = resource.properties
    for part in prop.split("."):
        if value is UNRESOLVED:
            return UNRESOLVED
        if not isinstance(value, Mapping) or part not in value:
            return default
        value = value[part]
    return value


def same(resource: DeployedResource, found: Mapping[str, Any], *properties: str) -> Iterator[Comparison]:
    """Compare those of the properties that are declared and that the service reports under the same name."""
    for prop in properties:
        expected = declared(resource, prop)
        if expected is not None:
            yield Comparison(prop, expected, found.get(prop))


def named(resource: DeployedResource, prop: str) -> Iterator[Comparison]:
    """Compare the physical id with the declared name, if there is one."""
    name = declared(resource, prop)
    if name is not None:
        yield Comparison(prop, name, resource.physical_id)


def only(items: Iterable[Any]) -> Any:
    """Return the one item of an answer about one resource.

    Raises:
        LookupError: there is none, or more than one.
    """
    listed = list(items)
    if len(listed) != 1:
        raise LookupError(f"single item among {len(listed)}")
    return listed[0]


def unordered(items: Any) -> Any:
    """Return a list whose order means nothing, sorted; `UNRESOLVED` when any item of it is."""
    if items is UNRESOLVED or any(item is UNRESOLVED for item in items):
        return UNRESOLVED
    return sorted(items, key=str)
