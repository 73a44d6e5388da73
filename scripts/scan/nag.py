"""cdk-nag: what its packs reported during the synthesis, and whether every acknowledgement is narrow and needed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from breakwater_guards.reading.acknowledged import ACKNOWLEDGED_RULES, QUALIFIER
from scripts.scan.model import SHORTEST_REASON, Acknowledged, Finding, ScanError, ScanResult, Subject, resources
from stacks.common.acknowledgements import PACKS

SCANNER = "cdk-nag"
# CDK acknowledges rules of its own validator for constructs of its own.
OTHERS = ("CloudFormation-Validate::", QUALIFIER)
_QUALIFIED = re.compile(rf"^({'|'.join(map(re.escape, PACKS))})::\1-.+$")


def scan(subject: Subject) -> ScanResult:
    """Read the report of the synthesis.

    Returns:
        The result; an acknowledgement that is too wide, too short or not needed is a finding as well.

    Raises:
        ScanError: A rule of cdk-nag failed.
    """
    report = json.loads((subject.folder / "validation-report.json").read_text(encoding="utf-8"))
    plugins = [plugin for plugin in report["pluginReports"] if plugin["pluginName"] in PACKS]
    failed = [finding for plugin in plugins for finding, _ in _findings(plugin.get("violations", []))]
    accepted = [pair for plugin in plugins for pair in _findings(plugin.get("suppressedViolations", []))]
    broken = [finding for finding in failed if finding.rule.startswith("CdkNagValidationFailure")]
    if broken:
        raise ScanError(f"{SCANNER}: {broken[0]}")
    used = {(violation["acknowledgedAt"], violation["acknowledgedId"]) for _, violation in accepted}
    failed += unsound(list(records(subject.folder)), used)
    acknowledged = tuple(sorted(Acknowledged(finding, violation["reason"]) for finding, violation in accepted))
    touched = {finding.where for finding in failed} | {entry.finding.where for entry in acknowledged}
    passed = resources(subject.templates) - len(touched)
    return ScanResult(SCANNER, subject.environment, passed, "resources", tuple(sorted(failed)), acknowledged)


def _findings(violations: list[dict[str, Any]]) -> Iterator[tuple[Finding, dict[str, Any]]]:
    for violation in violations:
        for construct in violation["violatingConstructs"]:
            path = construct["constructPath"].partition("/")[2]
            yield Finding(path, violation["ruleName"], violation["description"]), violation


def records(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Yield every acknowledgement of an assembly: path of the construct, id and reason."""
    for file in folder.glob("*.metadata.json"):
        for path, entries in json.loads(file.read_text(encoding="utf-8")).items():
            for entry in entries:
                if entry["type"] == ACKNOWLEDGED_RULES:
                    yield from ((path.lstrip("/"), rule, reason) for rule, reason in entry["data"].items())


def unsound(written: list[tuple[str, str, str]], used: set[tuple[str, str]]) -> list[Finding]:
    """Find invalid acknowledgements.

    Args:
        written: Path of the construct, id and reason of each.
        used: Path and id of those that covered a finding.

    Returns:
        A finding for each bare id, whole app or stack, short reason, and acknowledgement without a finding.
    """
    found = []
    for path, rule, reason in written:
        if rule.startswith(OTHERS):
            continue
        wrong = None
        if not _QUALIFIED.match(rule):
            wrong = f"{rule!r} is not qualified; allowed: <pack>::<pack>-<rule>"
        elif path.count("/") < 2:
            wrong = f"{rule} is acknowledged for the whole of {path or 'the app'}; allowed: one resource"
        elif len(reason.strip()) < SHORTEST_REASON:
            wrong = f"the reason for {rule} has {len(reason.strip())} characters; allowed: {SHORTEST_REASON} or more"
        elif (path, rule) not in used:
            wrong = f"{rule} is acknowledged and no longer occurs: remove it"
        if wrong:
            found.append(Finding(path.partition("/")[2], "acknowledgement", wrong))
    return found
