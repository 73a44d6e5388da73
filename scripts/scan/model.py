"""One form for the results of all scanners, the accepted findings of `listed.toml`, and how a scanner is run."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

# Characters. A shorter reason says that somebody disagrees, but not why.
SHORTEST_REASON = 40
LISTED = Path(__file__).with_name("listed.toml")
TIMEOUT_SECONDS = 600
GUARDS, CFN_LINT, VALIDATE = "guards", "cfn-lint", "CloudFormation Validate"


class ScanError(Exception):
    """A scanner did not run: there is no result."""


@dataclass(frozen=True)
class Template:
    """A synthesized template file.

    Attributes:
        profile: The settings profile that it was synthesized from.
        stack: Construct id of the nested stack, or `Root`.
        region: The region that it is meant for.
        path: The file.
    """

    profile: str
    stack: str
    region: str
    path: Path

    def document(self) -> dict[str, Any]:
        """Return what the file holds."""
        content: dict[str, Any] = json.loads(self.path.read_text(encoding="utf-8"))
        return content


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
        severity: `error` or `warning`; empty where the scanner has no such thing.
    """

    where: str
    rule: str
    message: str = ""
    severity: str = ""

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
        """Return whether a scanner's finding is this one; an error never is."""
        named = (scanner, finding.rule) == (self.scanner, self.rule) and fnmatchcase(finding.where, self.where)
        return named and finding.severity != "error"


def load_listed(file: Path = LISTED) -> list[Listed]:
    """Read the accepted findings.

    Raises:
        ScanError: The file is no TOML, or an entry lacks a field, has an unknown one, too short a reason, or is about
            cfn-lint, which has no accepted findings.
    """
    try:
        entries = [Listed(**entry) for entry in tomllib.loads(file.read_text(encoding="utf-8"))["listed"]]
    except (tomllib.TOMLDecodeError, TypeError, KeyError) as error:
        raise ScanError(f"{file.name}: {error}") from None
    for entry in entries:
        if len(entry.reason.strip()) < SHORTEST_REASON:
            raise ScanError(f"{file.name}: the reason for {entry.rule} needs {SHORTEST_REASON} characters or more")
        if entry.scanner == CFN_LINT:
            raise ScanError(f"{file.name}: {entry.rule} is of {CFN_LINT}, whose findings are mended, not accepted")
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


def run(
    command: Sequence[str],
    *,
    given: str | None = None,
    allowed: Collection[int] = (0,),
    cwd: Path | None = None,
    variables: Mapping[str, str] | None = None,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> str:
    """Run a program, by default in an empty folder, so that it finds no configuration of this project.

    Args:
        command: Program and arguments.
        given: Its standard input.
        allowed: Exit codes of a complete run.
        cwd: Folder to run it in.
        variables: Environment variables on top of this process's own.
        timeout_seconds: How long it may take.

    Returns:
        Its standard output.

    Raises:
        ScanError: The program is missing, takes too long, or ends with another exit code.
    """
    name = Path(command[0]).name
    with tempfile.TemporaryDirectory(prefix="breakwater-scan-") as empty:
        try:
            done = subprocess.run(
                command,
                cwd=cwd or empty,
                input=given,
                env={**os.environ, **(variables or {})},
                capture_output=True,
                text=True,
                check=False,
                timeout=timeout_seconds,
            )
        except FileNotFoundError:
            raise ScanError(f"{command[0]} is missing: run `make install`") from None
        except subprocess.TimeoutExpired:
            raise ScanError(f"{name} took more than {timeout_seconds:g} s") from None
    if done.returncode not in allowed:
        raise ScanError(f"{name} ended with exit code {done.returncode}: {done.stderr.strip()[-500:]}")
    return done.stdout
