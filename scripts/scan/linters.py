"""cfn-lint, CloudFormation Validate with the rules of cdk-preflight, and Control Tower, over every template.

The proactive controls of AWS Control Tower ship as Guard rules in the npm package `@cdklabs/cdk-validator-cfnguard`.
Its own plugin sees no nested template, so the native build of CloudFormation Validate evaluates them here. Accepted
findings are in `listed.toml`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from cfnlint.api import lint_by_config
from cloudformation_validate import (
    CompositeEngine,
    CompositeEngineConfig,
    ExternalRuleSource,
    PseudoParameterOverrides,
    ReportStatus,
    RuleOrigin,
    Severity,
    ValidateConfig,
    file_to_external_rule_source,
)

from embedded_aws.preflight_rules import rules_for
from scripts.parts import ROOT
from scripts.scan.model import (
    CFN_LINT,
    VALIDATE,
    Finding,
    Listed,
    ScanError,
    ScanResult,
    Subject,
    Template,
    resources,
    split,
)

Found = tuple[Template, Finding]
# A retired engine version synthesizes, passes review and fails in the account: no template may switch these off.
PROMOTED = ("W3690", "W3691")
CONTROL_TOWER = "Control Tower"
RULES = ROOT / "node_modules" / "@cdklabs" / "cdk-validator-cfnguard" / "rules" / "control-tower" / "cfn-guard"


def cfn_lint(templates: Sequence[Template], *, informational: bool = False) -> Iterator[Found]:
    """Run cfn-lint with the rules for retired database engines as errors.

    Args:
        templates: Templates of any regions.
        informational: Run the informational rules, too; what they say is not yielded, for it is no complaint.

    Yields:
        Every error and warning with its template.

    Raises:
        RuntimeError: cfn-lint refused its own configuration.
    """
    by_path = {str(template.path): template for template in templates}
    for region in sorted({template.region for template in templates}):
        paths = [str(template.path) for template in templates if template.region == region]
        options = {"templates": paths, "regions": [region], "mandatory_checks": list(PROMOTED)}
        for match in lint_by_config(options | ({"include_checks": ["I"]} if informational else {})):
            if match.filename not in by_path:
                raise RuntimeError(f"cfn-lint did not start: {match.message}")
            if match.rule.severity == "informational":
                continue
            is_error = match.rule.id in PROMOTED or match.rule.severity == "error"
            severity = "error" if is_error else "warning"
            subject = "".join(str(part) for part in getattr(match, "path", [])[1:2])
            yield _found(by_path[match.filename], subject, match.rule.id, match.message, severity)


def cloudformation_validate(templates: Sequence[Template]) -> Iterator[Found]:
    """Run CloudFormation Validate and the rules of cdk-preflight: `cdk synth` shows its own build root templates only.

    Yields:
        Every error and warning with its template, and one error for a template that it could not analyse to the end.
    """
    resources = (each for template in templates for each in _resources(template))
    rules = rules_for({str(resource["Type"]) for resource in resources})
    sources = [ExternalRuleSource(name=name, content=rego) for name, rego in rules]
    engine = CompositeEngine(CompositeEngineConfig(rego_rules=sources))
    for template in templates:
        region = PseudoParameterOverrides(region=template.region)
        report = engine.validate_template(
            template.path, ValidateConfig(severity_level=Severity.WARN, pseudo_parameter_overrides=region)
        )
        for found in report.diagnostics:
            severity = "warning" if found.severity is Severity.WARN else "error"
            subject = found.entity.logical_id if found.entity else ""
            yield _found(template, subject, found.rule_id, found.message, severity)
        if report.status is not ReportStatus.OK:
            yield _found(template, "", "incomplete", f"status {report.status.name}", "error")


def _resources(template: Template) -> Iterable[Mapping[str, Any]]:
    """Return the resources of a template; none of one that is no JSON, which the engine reports."""
    try:
        return list(template.document().get("Resources", {}).values())
    except ValueError:
        return []


def _found(template: Template, subject: str, rule: str, message: str, severity: str) -> Found:
    return template, Finding(f"{template.stack}/{subject}".rstrip("/"), rule, message, severity)


def lint(subject: Subject) -> ScanResult:
    """Run cfn-lint: errors and warnings fail; its informational rules run as well, for they may raise errors."""
    return _result(CFN_LINT, subject, cfn_lint(subject.templates, informational=True), [])


def validate(subject: Subject, entries: Sequence[Listed]) -> ScanResult:
    """Run CloudFormation Validate; warnings fail as well unless `listed.toml` has a reason."""
    return _result(VALIDATE, subject, cloudformation_validate(subject.templates), entries)


def _result(scanner: str, subject: Subject, found: Iterable[Found], entries: Sequence[Listed]) -> ScanResult:
    pairs = list(found)
    failed, acknowledged = split(scanner, [finding for _, finding in pairs], entries)
    passed = len(subject.templates) - len({template for template, _ in pairs})
    return ScanResult(scanner, subject.environment, passed, "templates", failed, acknowledged)


def control_tower(subjects: Sequence[Subject], entries: Sequence[Listed]) -> list[ScanResult]:
    """Evaluate every control.

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
