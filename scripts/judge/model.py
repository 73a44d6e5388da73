"""What every judge answers, in one form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.template_tools import Template

# Characters of a reason: less says that somebody disagrees, and not why.
LEAST_REASON = 40


class JudgeError(Exception):
    """A judge that did not run: there is no verdict."""


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
    """One complaint.

    Attributes:
        where: Path of the construct, `Stack/LogicalId`, or name of a package.
        rule: Id of the judge's rule.
        message: What is wrong, in the judge's words.
    """

    where: str
    rule: str
    message: str = ""

    def __str__(self) -> str:
        """One line for the terminal."""
        return f"{self.rule} {self.where}: {' '.join(self.message.split())[:300]}"


@dataclass(frozen=True, order=True)
class Acknowledged:
    """A complaint that stays.

    Attributes:
        finding: The complaint.
        reason: Why it stays.
    """

    finding: Finding
    reason: str


@dataclass(frozen=True)
class Verdict:
    """What a judge says of one environment.

    Attributes:
        judge: Its name.
        environment: Name of the environment; empty for what all of them share.
        passed: Number of things without a complaint.
        unit: What is counted: resources, checks, templates…
        failed: Complaints that nobody took responsibility for.
        acknowledged: Complaints that stay, with their reasons.
        unasked: Why the judge could not be asked; nothing has passed then.
    """

    judge: str
    environment: str
    passed: int = 0
    unit: str = "checks"
    failed: tuple[Finding, ...] = ()
    acknowledged: tuple[Acknowledged, ...] = ()
    unasked: str = ""


def resources(templates: Sequence[Template]) -> int:
    """Returns the number of resources in all templates."""
    return sum(len(template.document()["Resources"]) for template in templates)
