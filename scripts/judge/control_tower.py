"""The proactive controls of AWS Control Tower, as Guard rules, over every template.

They ship in the npm package `@cdklabs/cdk-validator-cfnguard`; its own plugin sees no nested template, so the native
build of CloudFormation Validate evaluates them here. What they report and stays is in `listed.toml`.
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

from scripts.judge.listed import Listed, split
from scripts.judge.model import Finding, JudgeError, Subject, Verdict, resources
from scripts.parts import ROOT

JUDGE = "Control Tower"
RULES = ROOT / "node_modules" / "@cdklabs" / "cdk-validator-cfnguard" / "rules" / "control-tower" / "cfn-guard"


def judge(subjects: Sequence[Subject], entries: Sequence[Listed]) -> list[Verdict]:
    """Evaluates every control.

    Args:
        subjects: The environments.
        entries: What stays.

    Returns:
        A verdict an environment.

    Raises:
        JudgeError: The rules are not installed.
    """
    files = sorted(RULES.rglob("*.guard"))
    if not files:
        raise JudgeError(f"{RULES.relative_to(ROOT)} holds no rules: run `make install`")
    guard = [file_to_external_rule_source(str(file)) for file in files]
    engine = CompositeEngine(CompositeEngineConfig(rego_rules=[], cel_rules=[], guard_rules=guard))
    controls = {rule.id for rule in engine.list_rules() if rule.origin is RuleOrigin.GUARD}
    return [_verdict(subject, set(_findings(engine, controls, subject)), entries) for subject in subjects]


def _findings(engine: CompositeEngine, controls: set[str], subject: Subject) -> Iterator[Finding]:
    for template in subject.templates:
        for found in engine.validate_template(template.path, ValidateConfig()).diagnostics:
            # A rule has a line for each clause that fails, some of them without a resource.
            if found.rule_id in controls and found.entity:
                yield Finding(f"{template.stack}/{found.entity.logical_id}", found.rule_id)


def _verdict(subject: Subject, findings: set[Finding], entries: Sequence[Listed]) -> Verdict:
    failed, acknowledged = split(JUDGE, findings, entries)
    passed = resources(subject.templates) - len({finding.where for finding in findings})
    return Verdict(JUDGE, subject.environment, passed, "resources", failed, acknowledged)
