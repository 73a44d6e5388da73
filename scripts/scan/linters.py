"""cfn-lint, CloudFormation Validate with the rules of cdk-preflight, and Control Tower, over every template.

The proactive controls of AWS Control Tower ship as Guard rules in the npm package `@cdklabs/cdk-validator-cfnguard`.
Its own plugin sees no nested template, so the native build of CloudFormation Validate evaluates them here. Accepted
findings are in `listed.toml`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from cloudformation_validate import (
    CompositeEngine,
    CompositeEngineConfig,
    RuleOrigin,
    ValidateConfig,
    file_to_external_rule_source,
)

from breakwater_guards import check
from scripts.parts import ROOT
from scripts.scan.model import (
    CFN_LINT,
    GUARDS,
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

# What the guards ask for each scanner. Retired engine versions are errors there, which no template can switch off.
ASKED: Mapping[str, tuple[str, ...]] = {
    GUARDS: (),
    CFN_LINT: ("cfn-lint",),
    VALIDATE: ("cloudformation-validate", "cdk-preflight"),
}
CONTROL_TOWER = "Control Tower"
RULES = ROOT / "node_modules" / "@cdklabs" / "cdk-validator-cfnguard" / "rules" / "control-tower" / "cfn-guard"


def judge(
    templates: Sequence[Template], scanners: Sequence[str] = tuple(ASKED)
) -> Iterator[tuple[str, Template, Finding]]:
    """Ask the guards, and through them the other checkers, about the cloud assemblies that templates are in.

    Args:
        templates: Every template of some cloud assemblies.
        scanners: Names of those whose findings are wanted.

    Yields:
        Scanner, template and finding, errors and warnings, without those that the app acknowledges.

    Raises:
        RuleError: A rule, or a checker, did not get to the end.
    """
    scanners = tuple(scanners)
    tools = [tool for scanner in scanners for tool in ASKED[scanner]]
    for folder in dict.fromkeys(template.path.parent for template in templates):
        by_file = {template.path.name: template for template in templates if template.path.parent == folder}
        for found in check(folder, strict=True, tools=tools).findings:
            scanner = next(name for name, asked in ASKED.items() if found.tool in (asked or ("",)))
            template = by_file[found.template]
            subject = found.resource or found.path.split(".")[1:2] or [""]
            where = f"{template.stack}/{subject if isinstance(subject, str) else subject[0]}".rstrip("/")
            if scanner in scanners:
                yield scanner, template, Finding(where, found.rule, found.message, found.severity.value)


def lint(subject: Subject) -> ScanResult:
    """Run cfn-lint: errors and warnings fail."""
    return _result(CFN_LINT, subject, [])


def validate(subject: Subject, entries: Sequence[Listed]) -> ScanResult:
    """Run CloudFormation Validate; warnings fail as well unless `listed.toml` has a reason."""
    return _result(VALIDATE, subject, entries)


def _result(scanner: str, subject: Subject, entries: Sequence[Listed]) -> ScanResult:
    pairs = [(template, finding) for _, template, finding in judge(subject.templates, [scanner])]
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
