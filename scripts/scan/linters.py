"""cfn-lint with its informational rules, CloudFormation Validate and Control Tower, over every template.

The proactive controls of AWS Control Tower ship as Guard rules in the npm package `@cdklabs/cdk-validator-cfnguard`.
Its own plugin sees no nested template, so the native build of CloudFormation Validate evaluates them here. Accepted
findings are in `listed.toml`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from cloudformation_validate import (
    CompositeEngine,
    CompositeEngineConfig,
    RuleOrigin,
    ValidateConfig,
    file_to_external_rule_source,
)

from scripts.parts import ROOT
from scripts.scan.model import Acknowledged, Finding, Listed, ScanError, ScanResult, Subject, resources, split
from scripts.template_tools import CFN_LINT, VALIDATE, Accepted, cfn_lint, cloudformation_validate, load_accepted
from scripts.template_tools import Finding as LintFinding

EXCEPTIONS = Path(__file__).parents[1] / "lint_exceptions.toml"
CONTROL_TOWER = "Control Tower"
RULES = ROOT / "node_modules" / "@cdklabs" / "cdk-validator-cfnguard" / "rules" / "control-tower" / "cfn-guard"


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


def control_tower(subjects: Sequence[Subject], entries: Sequence[Listed]) -> list[ScanResult]:
    """Evaluate every control.

    Args:
        subjects: The environments.
        entries: Accepted findings.

    Returns:
        One result for each environment.

    Raises:
        ScanError: The rules are not installed.
    """
    files = sorted(RULES.rglob("*.guard"))
    if not files:
        raise ScanError(f"{RULES.relative_to(ROOT)} holds no rules: run `make install`")
    guard = [file_to_external_rule_source(str(file)) for file in files]
    engine = CompositeEngine(CompositeEngineConfig(rego_rules=[], cel_rules=[], guard_rules=guard))
    controls = {rule.id for rule in engine.list_rules() if rule.origin is RuleOrigin.GUARD}
    return [_controls(subject, set(_findings(engine, controls, subject)), entries) for subject in subjects]


def _findings(engine: CompositeEngine, controls: set[str], subject: Subject) -> Iterator[Finding]:
    for template in subject.templates:
        for found in engine.validate_template(template.path, ValidateConfig()).diagnostics:
            # A rule has a line for each clause that fails, some of them without a resource.
            if found.rule_id in controls and found.entity:
                yield Finding(f"{template.stack}/{found.entity.logical_id}", found.rule_id)


def _controls(subject: Subject, findings: set[Finding], entries: Sequence[Listed]) -> ScanResult:
    failed, acknowledged = split(CONTROL_TOWER, findings, entries)
    passed = resources(subject.templates) - len({finding.where for finding in findings})
    return ScanResult(CONTROL_TOWER, subject.environment, passed, "resources", failed, acknowledged)
