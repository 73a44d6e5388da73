"""One form for the results of all scanners."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.template_tools import Template

# Characters. A shorter reason says that somebody disagrees, but not why.
SHORTEST_REASON = 40


class ScanError(Exception):
    """A scanner did not run: there is no result."""


@dataclass(frozen=True)
class Subject:
    """One environment, synthesized.

    Attributes:
        environment: Its name.
        folder: Its cloud assembly.
        templates: The root template and every nested one.
    """

    environment: str
    folder: Path
    templates: tuple[Template, ...]


@dataclass(frozen=True, order=True)
class Finding:
    """One finding of a scanner.

    Attributes:
        where: Path of the construct, `Stack/LogicalId`, or name of a package.
        rule: Id of the scanner's rule.
        message: What is wrong, in the scanner's words.
    """

    where: str
    rule: str
    message: str = ""

    def __str__(self) -> str:
        """One line for the terminal."""
        return f"{self.rule} {self.where}: {' '.join(self.message.split())[:300]}"


@dataclass(frozen=True, order=True)
class Acknowledged:
    """An accepted finding.

    Attributes:
        finding: The finding.
        reason: Why it is accepted.
    """

    finding: Finding
    reason: str


@dataclass(frozen=True)
class ScanResult:
    """What a scanner found in one environment.

    Attributes:
        scanner: Its name.
        environment: Name of the environment; empty for what all of them share.
        passed: Number of units without a finding.
        unit: What is counted: resources, checks, templates or packages.
        failed: Findings without a reason.
        acknowledged: Accepted findings with their reasons.
        unavailable: Why the scanner has no result; nothing has passed then.
    """

    scanner: str
    environment: str
    passed: int = 0
    unit: str = "checks"
    failed: tuple[Finding, ...] = ()
    acknowledged: tuple[Acknowledged, ...] = ()
    unavailable: str = ""


def resources(templates: Sequence[Template]) -> int:
    """Return the number of resources in all templates."""
    return sum(len(template.document()["Resources"]) for template in templates)
