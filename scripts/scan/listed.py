"""Accepted findings of scanners that read no acknowledgement in a template: `listed.toml`, each with its reason."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from scripts.scan.model import SHORTEST_REASON, Acknowledged, Finding, ScanError

FILE = Path(__file__).with_name("listed.toml")


@dataclass(frozen=True)
class Listed:
    """An accepted finding.

    Attributes:
        scanner: Name of the scanner.
        rule: Id of the scanner's rule.
        where: Shell pattern for the place of the finding.
        reason: Why it is accepted.
    """

    scanner: str
    rule: str
    where: str
    reason: str

    def covers(self, scanner: str, finding: Finding) -> bool:
        """Return whether a scanner's finding is this one."""
        return (scanner, finding.rule) == (self.scanner, self.rule) and fnmatchcase(finding.where, self.where)


def load(file: Path = FILE) -> list[Listed]:
    """Read the accepted findings.

    Raises:
        ScanError: The file is no TOML, or an entry lacks a field, has an unknown one, or too short a reason.
    """
    try:
        entries = [Listed(**entry) for entry in tomllib.loads(file.read_text(encoding="utf-8"))["listed"]]
    except (tomllib.TOMLDecodeError, TypeError, KeyError) as error:
        raise ScanError(f"{file.name}: {error}") from None
    for entry in entries:
        if len(entry.reason.strip()) < SHORTEST_REASON:
            raise ScanError(f"{file.name}: the reason for {entry.rule} needs {SHORTEST_REASON} characters or more")
    return entries


def split(
    scanner: str, findings: Iterable[Finding], entries: Sequence[Listed]
) -> tuple[tuple[Finding, ...], tuple[Acknowledged, ...]]:
    """Split the findings of a scanner into open and accepted ones.

    Returns:
        The open findings, and the accepted ones with their reasons, both in order.
    """
    failed, acknowledged = [], []
    for finding in sorted(findings):
        entry = next((entry for entry in entries if entry.covers(scanner, finding)), None)
        if entry is None:
            failed.append(finding)
        else:
            acknowledged.append(Acknowledged(finding, entry.reason))
    return tuple(failed), tuple(acknowledged)
