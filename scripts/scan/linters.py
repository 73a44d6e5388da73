"""cfn-lint with its informational rules, and CloudFormation Validate, over every template."""

from __future__ import annotations

from pathlib import Path

from scripts.scan.model import Acknowledged, Finding, ScanResult, Subject
from scripts.template_tools import CFN_LINT, VALIDATE, Accepted, cfn_lint, cloudformation_validate, load_accepted
from scripts.template_tools import Finding as LintFinding

EXCEPTIONS = Path(__file__).parents[1] / "lint_exceptions.toml"


def lint(subject: Subject) -> ScanResult:
    """Run cfn-lint: errors and warnings fail; its informational rules run as well, for they may raise errors.

    Args:
        subject: One environment.

    Returns:
        The result.
    """
    return _result(CFN_LINT, subject, list(cfn_lint(subject.templates, informational=True)), [])


def validate(subject: Subject) -> ScanResult:
    """Run CloudFormation Validate; warnings fail as well unless `scripts/lint_exceptions.toml` has a reason.

    Args:
        subject: One environment.

    Returns:
        The result.
    """
    return _result(VALIDATE, subject, list(cloudformation_validate(subject.templates)), load_accepted(EXCEPTIONS))


def _result(scanner: str, subject: Subject, found: list[LintFinding], accepted: list[Accepted]) -> ScanResult:
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
    return ScanResult(
        scanner, subject.environment, passed, "templates", tuple(sorted(failed)), tuple(sorted(acknowledged))
    )
