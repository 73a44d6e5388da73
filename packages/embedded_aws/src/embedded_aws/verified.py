"""What a verification found: the resources, how each compares with its template, and how truly each is emulated."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from embedded_aws.deployment import DeployedResource
from embedded_aws.fidelity import Fidelity, Level
from embedded_aws.verify import Comparison


@dataclass(frozen=True)
class Verified:
    """One resource, and how it compares with its template.

    Attributes:
        resource: the deployed resource.
        checks: one for each declared property.
    """

    resource: DeployedResource
    checks: Sequence[Comparison]

    @property
    def failed(self) -> list[Comparison]:
        """The checks that found another value than the declared one."""
        return [check for check in self.checks if not check.passed]


def levels(verified: Sequence[Verified], fidelity: Mapping[str, Fidelity]) -> str:
    """Return how many resources have which level of emulation, and what the levels mean."""
    counted = Counter(fidelity[each.resource.type].level for each in verified)
    meanings = {
        Level.REAL: "acted on by the API of its service",
        Level.SIMULATED: "kept and described by its service, and nothing runs",
        Level.METADATA: "kept as declared, because there is no service for it",
    }
    return "\n".join(f"{counted[level]:>4} {level}: {meaning}" for level, meaning in meanings.items() if counted[level])


def failures(verified: Iterable[Verified]) -> Iterator[str]:
    """Yield one line for each failed check."""
    for each in verified:
        for check in each.failed:
            where = f"{each.resource.stack}/{each.resource.logical_id} ({each.resource.type})"
            yield f"{where}: {check.what} is {check.found!r}, and the template says {check.expected!r}"
