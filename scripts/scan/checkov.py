"""checkov over root and nested templates; a skip stands in the `Metadata` of its resource."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from scripts.scan.model import Acknowledged, Finding, ScanError, ScanResult, Subject, run

SCANNER = "checkov"
OPTIONS = ("--framework", "cloudformation", "--output", "json", "--compact", "--soft-fail", "--skip-download")


def scan(subject: Subject, programs: Path) -> ScanResult:
    """Run every CloudFormation policy of checkov.

    Raises:
        ScanError: It does not run, or cannot parse a template.
    """
    files = [part for template in subject.templates for part in ("--file", str(template.path))]
    answer = json.loads(run([str(programs / "checkov"), *OPTIONS, *files]))
    results = answer["results"]
    if results["parsing_errors"]:
        raise ScanError(f"{SCANNER} cannot parse {', '.join(results['parsing_errors'])}")
    stacks = {template.path.name: template.stack for template in subject.templates}
    skipped = {
        _finding(check, stacks): check["check_result"]["suppress_comment"] for check in results["skipped_checks"]
    }
    return ScanResult(
        SCANNER,
        subject.environment,
        passed=len(results["passed_checks"]),
        failed=tuple(sorted(_finding(check, stacks) for check in results["failed_checks"])),
        acknowledged=tuple(sorted(Acknowledged(finding, reason) for finding, reason in skipped.items())),
    )


def stale(results: Iterable[ScanResult], subjects: Iterable[Subject]) -> list[Finding]:
    """Find skips that skip nothing in any environment.

    Returns:
        A finding for each resource and check.
    """
    used = {(entry.finding.where, entry.finding.rule) for result in results for entry in result.acknowledged}
    written = {
        (f"{template.stack}/{name}", skip["id"])
        for subject in subjects
        for template in subject.templates
        for name, resource in template.document()["Resources"].items()
        for skip in resource.get("Metadata", {}).get("checkov", {}).get("skip", [])
    }
    return [
        Finding(where, rule, "is skipped and no longer occurs: remove it") for where, rule in sorted(written - used)
    ]


def _finding(check: dict[str, Any], stacks: dict[str, str]) -> Finding:
    stack = stacks[Path(check["file_path"]).name]
    return Finding(f"{stack}/{check['resource'].rpartition('.')[2]}", check["check_id"], check["check_name"])
