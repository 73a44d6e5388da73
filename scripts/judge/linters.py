"""cfn-lint with its informational rules, and CloudFormation Validate, over every template."""

from __future__ import annotations

from pathlib import Path

from scripts.judge.model import Acknowledged, Finding, Subject, Verdict
from scripts.template_tools import CFN_LINT, VALIDATE, Accepted, cfn_lint, cloudformation_validate, load_accepted
from scripts.template_tools import Finding as LintFinding

EXCEPTIONS = Path(__file__).parents[1] / "lint_exceptions.toml"


def lint(subject: Subject) -> Verdict:
    """Asks cfn-lint, with `-I`: errors and warnings fail, what is informational is none of them.

    Args:
        subject: One environment.

    Returns:
        The verdict.
    """
    return _verdict(CFN_LINT, subject, list(cfn_lint(subject.templates, informational=True)), [])


def validate(subject: Subject) -> Verdict:
    """Asks CloudFormation Validate; warnings fail, too, unless `scripts/lint_exceptions.toml` gives a reason.

    Args:
        subject: One environment.

    Returns:
        The verdict.
    """
    return _verdict(VALIDATE, subject, list(cloudformation_validate(subject.templates)), load_accepted(EXCEPTIONS))


def _verdict(judge: str, subject: Subject, found: list[LintFinding], accepted: list[Accepted]) -> Verdict:
    failed, acknowledged = [], []
    for one in found:
        finding = Finding(f"{one.template.stack}/{one.logical_id}".rstrip("/"), one.rule, one.message)
        cover = next((entry for entry in accepted if entry.covers(one)), None)
        if cover is None:
            failed.append(finding)
        else:
            acknowledged.append(Acknowledged(finding, cover.reason))
    touched = {one.template for one in found}
    passed = len(subject.templates) - len(touched)
    return Verdict(judge, subject.environment, passed, "templates", tuple(sorted(failed)), tuple(sorted(acknowledged)))
