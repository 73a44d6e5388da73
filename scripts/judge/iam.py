"""parliament over every IAM policy, and no action that changes something on every resource."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from scripts.judge.listed import Listed, split
from scripts.judge.model import Acknowledged, Finding, Subject, Verdict
from scripts.judge.policies import policies
from scripts.judge.process import run

JUDGE = "parliament"
# What parliament calls LOW is style; the issue is with what is at least MEDIUM.
SEVERE = ("MEDIUM", "HIGH", "CRITICAL")
UNNARROWABLE = "NO_RESOURCE_TYPE"
NOTHING_NARROWER = "AWS defines no resource type for this action, so a policy can name nothing but *."


def judge(subject: Subject, programs: Path, entries: Sequence[Listed]) -> Verdict:
    """Asks parliament.

    Args:
        subject: One environment.
        programs: Folder of the virtual environment that holds it.
        entries: What stays.

    Returns:
        The verdict: failed by what is of medium severity or above, and by a wildcard that could be narrower.

    Raises:
        JudgeError: It does not run.
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
    failed, acknowledged = split(JUDGE, severe - unnarrowable, entries)
    return Verdict(
        JUDGE,
        subject.environment,
        passed=len(found) - len({finding.where for finding in severe}),
        unit="policies",
        failed=failed,
        acknowledged=(*acknowledged, *(Acknowledged(finding, NOTHING_NARROWER) for finding in sorted(unnarrowable))),
    )
