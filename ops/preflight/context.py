"""What a check works with: the settings, what the templates plan, and the account."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Resource
from ops.preflight.account import Ask
from stacks.names import Names
from stacks.settings import Settings


@dataclass(frozen=True)
class Plan:
    """What a deployment is going to create, read from its templates.

    Attributes:
        assembly: the templates, nested ones included.
    """

    assembly: Assembly

    def resources(self, kind: str) -> list[Resource]:
        """Return every resource of a CloudFormation type, e.g. ``AWS::EC2::VPC``."""
        return list(self.assembly.of_type(kind))

    def count(self, kind: str) -> int:
        """Return how many resources of a CloudFormation type are planned."""
        return len(self.resources(kind))

    def texts(self, kind: str, path: str) -> list[str]:
        """Return the literal texts of a property, each once.

        Args:
            kind: CloudFormation type of the resources.
            path: dotted path of the property.
        """
        found = (value for resource in self.resources(kind) for value in resource.options(path))
        return list(dict.fromkeys(value for value in found if isinstance(value, str)))

    def numbers(self, kind: str, path: str) -> list[int]:
        """Return the literal whole numbers of a property, each once, in ascending order; see :meth:`texts`."""
        found = (value for resource in self.resources(kind) for value in resource.options(path))
        return sorted({value for value in found if isinstance(value, int)})


@dataclass(frozen=True)
class CheckContext:
    """Everything that one check may look at.

    Attributes:
        settings: of the deployment.
        plan: what its templates create.
        ask: calls the operations that the check declares.
        identity: ``Account`` and ``Arn`` of the credentials.
        partition: AWS partition of the Region.
        deployed_ids: returns what the stack already owns, types by physical id; raises :class:`CouldNotAsk`.
        program: returns the path of a program, as the shell would find it.
        version: returns what a program prints for ``--version``; raises :class:`CouldNotAsk`.
    """

    settings: Settings
    plan: Plan
    ask: Ask
    identity: Mapping[str, str]
    partition: str
    deployed_ids: Callable[[], Mapping[str, str]]
    program: Callable[[str], str | None] = shutil.which
    version: Callable[[str], str] = lambda _: ""

    @property
    def stack(self) -> str:
        """Name of the root stack."""
        return Names(self.settings.suffix, self.settings.region).stack

    @property
    def deployed(self) -> Mapping[str, str]:
        """Types of what the stack already owns by physical id; empty before the first deployment.

        Raises:
            CouldNotAsk: CloudFormation does not answer.
        """
        return self.deployed_ids()

    def more(self, kind: str) -> int:
        """Return how many resources of a type the deployment adds to those that the stack already owns.

        Args:
            kind: CloudFormation type, e.g. ``AWS::RDS::DBInstance``.

        Raises:
            CouldNotAsk: CloudFormation does not answer.
        """
        return max(0, self.plan.count(kind) - list(self.deployed.values()).count(kind))

    @property
    def zones(self) -> tuple[str, ...]:
        """Availability Zones named in the settings; empty where the Region's first ones are taken."""
        return self.settings.network.zones


def load_plan(folder: Path) -> Plan:
    """Read a cloud assembly.

    Args:
        folder: ``cdk.out``.

    Returns:
        The plan.

    Raises:
        InputError: the folder holds no templates.
    """
    return Plan(Assembly.load(folder))


@contextmanager
def plan_of(assembly: Path | None, settings: Settings) -> Iterator[Plan]:
    """Read the templates; where there is no assembly, synthesize one into a folder that is removed afterwards.

    Args:
        assembly: a `cdk.out` of the same settings, or None.
        settings: of the deployment.

    Raises:
        InputError: the folder holds no templates.
    """
    if assembly is not None:
        yield load_plan(assembly)
        return
    from stacks.profiles import synthesize  # noqa: PLC0415 (it starts Node, which no other command should wait for)

    with tempfile.TemporaryDirectory(prefix="breakwater-templates-") as folder:
        synthesize(settings, Path(folder))
        yield load_plan(Path(folder))


def listed(values: Iterable[Any]) -> str:
    """Return values with commas between them, for a message."""
    return ", ".join(map(str, values))
