"""The proactive controls of AWS Control Tower, as Guard rules, over every template.

They ship in the npm package `@cdklabs/cdk-validator-cfnguard`; its own plugin sees no nested template, so the native
build of CloudFormation Validate evaluates them here. Accepted findings are in `listed.toml`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cloudformation_validate import (
    CompositeEngine,
    CompositeEngineConfig,
    RuleOrigin,
    ValidateConfig,
    file_to_external_rule_source,
)

from scripts.parts import ROOT
from scripts.scan.model import Finding, Listed, ScanError, ScanResult, Subject, resources, split

SCANNER = "Control Tower"
RULES = ROOT / "node_modules" / "@cdklabs" / "cdk-validator-cfnguard" / "rules" / "control-tower" / "cfn-guard"


def scan(subjects: Sequence[Subject], entries: Sequence[Listed]) -> list[ScanResult]:
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
    return [_result(subject, set(_findings(engine, controls, subject)), entries) for subject in subjects]


def _findings(engine: CompositeEngine, controls: set[str], subject: Subject) -> Iterator[Finding]:
    for template in subject.templates:
        for found in engine.validate_template(template.path, ValidateConfig()).diagnostics:
            # A rule has a line for each clause that fails, some of them without a resource.
            if found.rule_id in controls and found.entity:
                yield Finding(f"{template.stack}/{found.entity.logical_id}", found.rule_id)


def _result(subject: Subject, findings: set[Finding], entries: Sequence[Listed]) -> ScanResult:
    failed, acknowledged = split(SCANNER, findings, entries)
    passed = resources(subject.templates) - len({finding.where for finding in findings})
    return ScanResult(SCANNER, subject.environment, passed, "resources", failed, acknowledged)
