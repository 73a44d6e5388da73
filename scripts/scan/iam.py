"""parliament for every IAM policy, and no action that may change every resource."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from scripts.scan.listed import Listed, split
from scripts.scan.model import Acknowledged, Finding, ScanResult, Subject
from scripts.scan.policies import policies
from scripts.scan.process import run

SCANNER = "parliament"
# Findings of severity LOW are about style.
SEVERE = ("MEDIUM", "HIGH", "CRITICAL")
UNNARROWABLE = "NO_RESOURCE_TYPE"
NOTHING_NARROWER = "AWS defines no resource type for this action, so a policy can name nothing but *."


def scan(subject: Subject, programs: Path, entries: Sequence[Listed]) -> ScanResult:
    """Run parliament over every policy.

    Args:
        subject: One environment.
        programs: Folder of the virtual environment that holds it.
        entries: Accepted findings.

    Returns:
        The result; findings of medium severity or above and wildcards that could be narrower fail.

    Raises:
        ScanError: It does not run.
    """
    found = list(policies(subject.folder))
    worker = Path(__file__).with_name("iam_worker.py")
    answers = json.loads(run([str(programs / "python"), str(worker)], given=json.dumps([asdict(one) for one in found])))
    severe = {
        Finding(answer["where"], answer["rule"], answer["message"])
        for answer in answers
        if answer["severity"] in SEVERE
    }
    unnarrowable = {finding for finding in severe if finding.rule == UNNARROWABLE}
    failed, acknowledged = split(SCANNER, severe - unnarrowable, entries)
    return ScanResult(
        SCANNER,
        subject.environment,
        passed=len(found) - len({finding.where for finding in severe}),
        unit="policies",
        failed=failed,
        acknowledged=(*acknowledged, *(Acknowledged(finding, NOTHING_NARROWER) for finding in sorted(unnarrowable))),
    )
