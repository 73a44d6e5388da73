"""What a check sees: settings, what the templates plan, and the account."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Resource
from ops.preflight.account import Ask
from stacks.names import STACK_PREFIX
from stacks.settings import Settings


@dataclass(frozen=True)
class Plan:
    """What a deployment is going to create, read from its templates.

    Args:
        assembly: templates, nested ones included.
    """

    assembly: Assembly

    def resources(self, kind: str) -> list[Resource]:
        """Return every resource of a CloudFormation type.

        Args:
            kind: e.g. ``AWS::EC2::VPC``.
        """
        return [
            resource
            for template in self.assembly.templates.values()
            for resource in template.resources.values()
            if resource.type == kind
        ]

    def count(self, kind: str) -> int:
        """Return how many resources of a type there are."""
        return len(self.resources(kind))

    def texts(self, kind: str, path: str) -> list[str]:
        """Return the literal texts of a property, of all resources of a type, each once.

        Args:
            kind: CloudFormation type.
            path: dotted path of the property.
        """
        found = (value for resource in self.resources(kind) for value in resource.options(path))
        return list(dict.fromkeys(value for value in found if isinstance(value, str)))


@dataclass(frozen=True)
class CheckContext:
    """One check's view of the context.

    Args:
        settings: of the deployment.
        plan: its templates.
        ask: calls the operations that the check declared.
        identity: ``Account`` and ``Arn`` of who asks.
        partition: of the region.
        deployed_of: tells the physical ids of what the stack has deployed already.
        program: tells where a program is, as the shell would find it.
        version: runs a program with ``--version`` and returns what it says.
    """

    settings: Settings
    plan: Plan
    ask: Ask
    identity: Mapping[str, str]
    partition: str
    deployed_of: Callable[[], frozenset[str]]
    program: Callable[[str], str | None] = shutil.which
    version: Callable[[str], str] = lambda _: ""

    @property
    def stack(self) -> str:
        """Name of the root stack."""
        return f"{STACK_PREFIX}-{self.settings.suffix}"

    @property
    def deployed(self) -> frozenset[str]:
        """Physical ids of what the stack owns; nothing before the first deployment.

        Raises:
            CouldNotAsk: CloudFormation does not tell.
        """
        return self.deployed_of()

    @property
    def zones(self) -> tuple[str, ...]:
        """Availability Zones that are named in the settings; empty where the region's first ones are taken."""
        return self.settings.network.zones


def load_plan(folder: Path) -> Plan:
    """Read a cloud assembly.

    Args:
        folder: ``cdk.out``.

    Returns:
        The plan.

    Raises:
        InputError: there is none.
    """
    return Plan(Assembly.load(folder))


def items(values: Iterable[Any]) -> str:
    """Return things with commas between them, for a message."""
    return ", ".join(map(str, values))
