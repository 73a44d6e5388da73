"""A drill of nothing: its probes and its fault are what a test says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ops.drill import probes
from ops.drill.drill import Drill
from ops.drill.measure import Loss, Sample, loss
from ops.drill.sampler import Probe
from ops.drill.target import Target
from stacks.settings import load_settings

OUTPUTS = {
    "EnvironmentName": "dev",
    "Suffix": "x1",
    "Region": "eu-central-1",
    "DatabaseClusterArn": "arn:cluster",
    "DatabaseClusterIdentifier": "dr-aurora-x1",
    "DatabaseSecretArn": "arn:secret",
    "DatabaseName": "app",
    "TableName": "dr-transactions-x1",
    "ServiceUrl": "http://service.example",
}


def target(environment: str = "dev", **context: str) -> Target:
    """A deployed stack."""
    given = {"environment": "dev", "suffix": "x1", "region": "eu-central-1", **context}
    return Target({**OUTPUTS, "EnvironmentName": environment}, load_settings(given))


class World:
    """A store that a test breaks.

    Attributes:
        broken: whether requests fail.
        rows: numbers that are there.
        removed: what was cleaned up.
    """

    def __init__(self) -> None:
        self.broken = False
        self.rows: set[int] = set()
        self.removed: list[str] = []
        self.heals_after = 0  # polls

    def write(self, number: int) -> None:
        """One write."""
        if self.broken:
            raise ConnectionError
        self.rows.add(number)


class FakeDrill(Drill):
    """Breaks a world."""

    name = "fake"
    intention = "break a world of a test"
    timeout_seconds = 1.0
    POLL_SECONDS = 0.05

    def __init__(self, world: World, on: Target) -> None:
        super().__init__(on, "run1")
        self.world = world
        self.polls = 0

    def probes(self) -> Sequence[Probe]:
        """One."""
        return [probes.Doing(probes.DATABASE_WRITE, self.world.write)]

    def prepare(self) -> None:
        """Nothing."""

    def inject(self) -> None:
        """Break it."""
        self.world.broken = True

    def restored(self) -> bool:
        """After some polls."""
        self.polls += 1
        if self.polls <= self.world.heals_after:
            return False
        self.world.broken = False
        self.happened("healed")
        return True

    def state(self) -> str:
        """In a word."""
        return "the world is round"

    def parts(self) -> dict[str, str]:
        """Of a test."""
        return {"world": "a test"}

    def losses(self, samples: Sequence[Sample]) -> list[Loss]:
        """Of its rows."""
        return [loss("rows", samples, self.world.rows, self.fault)]

    def made(self) -> Iterator[tuple[str, Callable[[], None]]]:
        """One thing."""
        yield "the thing", self._remove

    def _remove(self) -> None:
        self.world.removed.append("the thing")


def no_aws(monkeypatch: Any) -> None:
    """Credentials that lead nowhere, so that clients can be made."""
    for name, value in (("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")):
        monkeypatch.setenv(name, value)
