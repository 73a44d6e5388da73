"""Complaints that stay although no template can say so: `listed.toml`, each with its reason."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from scripts.judge.model import LEAST_REASON, Acknowledged, Finding, JudgeError

FILE = Path(__file__).with_name("listed.toml")


@dataclass(frozen=True)
class Listed:
    """A complaint that stays.

    Attributes:
        judge: Who complains.
        rule: Id of the judge's rule.
        where: Shell pattern for what it complains about.
        reason: Why it stays.
    """

    judge: str
    rule: str
    where: str
    reason: str

    def covers(self, judge: str, finding: Finding) -> bool:
        """Tells whether a judge's complaint is this one."""
        return (judge, finding.rule) == (self.judge, self.rule) and fnmatchcase(finding.where, self.where)


def load(file: Path = FILE) -> list[Listed]:
    """Reads what stays.

    Raises:
        JudgeError: The file is no TOML, or an entry lacks a field, has an unknown one, or too short a reason.
    """
    try:
        entries = [Listed(**entry) for entry in tomllib.loads(file.read_text(encoding="utf-8"))["listed"]]
    except (tomllib.TOMLDecodeError, TypeError, KeyError) as error:
        raise JudgeError(f"{file.name}: {error}") from None
    for entry in entries:
        if len(entry.reason.strip()) < LEAST_REASON:
            raise JudgeError(f"{file.name}: the reason for {entry.rule} needs {LEAST_REASON} characters or more")
    return entries


def split(
    judge: str, findings: Iterable[Finding], entries: Sequence[Listed]
) -> tuple[tuple[Finding, ...], tuple[Acknowledged, ...]]:
    """Takes what is listed out of a judge's complaints.

    Returns:
        What fails, and what stays with its reason, both in order.
    """
    failed, acknowledged = [], []
    for finding in sorted(findings):
        entry = next((entry for entry in entries if entry.covers(judge, finding)), None)
        if entry is None:
            failed.append(finding)
        else:
            acknowledged.append(Acknowledged(finding, entry.reason))
    return tuple(failed), tuple(acknowledged)
