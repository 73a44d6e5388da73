"""What resolving a value needs of its template, so that the resolver and the model do not import each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class Written(Protocol):
    """A resource as it is written."""

    @property
    def body(self) -> Mapping[str, Any]:
        """Type, properties and attributes."""


class Scope(Protocol):
    """A template as its conditions, pseudo parameters and intrinsic functions see it."""

    @property
    def key(self) -> str:
        """Unique name of the template in its assembly."""

    @property
    def region(self) -> str | None:
        """Region of the stack, where it is known."""

    @property
    def account(self) -> str | None:
        """Account of the stack, where it is known."""

    @property
    def stack_name(self) -> str | None:
        """Physical name of the stack, where it is known."""

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The section ``Parameters``."""

    @property
    def mappings(self) -> Mapping[str, Any]:
        """The section ``Mappings``."""

    @property
    def conditions(self) -> Mapping[str, Any]:
        """The section ``Conditions``."""

    @property
    def resources(self) -> Mapping[str, Written]:
        """Resources by logical id."""

    def certainly(self, value: Any) -> Any:
        """Resolve a value to what no deployment can change; ``UNKNOWN`` where one can."""

    def usually(self, value: Any) -> Any:
        """Resolve a value with the defaults of parameters."""

    def parameter_options(self, name: str, depth: int, *, certain: bool = False) -> list[Any]:
        """Return every value that a parameter can have."""

    def output_options(self, name: str, depth: int) -> list[Any]:
        """Return every value that an output can have."""

    def child(self, logical_id: str) -> Scope | None:
        """Return the stack that a nested stack makes, if its template is part of the assembly."""

    def stack_named(self, name: Any, region: Any) -> Scope | None:
        """Return the root stack of the assembly with a physical name in a Region, if there is exactly one."""

    def imported(self, name: Any, depth: int) -> list[Any]:
        """Return what another stack of the assembly exports under a name; ``[UNKNOWN]`` unless exactly one does."""
