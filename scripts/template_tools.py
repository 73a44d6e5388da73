"""What cfn-lint, and CloudFormation Validate with the rules of cdk-preflight, say about templates, in one form."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from cfnlint.api import lint_by_config
from cloudformation_validate import (
    CompositeEngine,
    CompositeEngineConfig,
    ExternalRuleSource,
    PseudoParameterOverrides,
    ReportStatus,
    Severity,
    ValidateConfig,
)

from embedded_aws.preflight_rules import rules_for

CFN_LINT = "cfn-lint"
VALIDATE = "CloudFormation Validate"
# A retired engine version synthesizes, passes review and fails in the account: no template may switch these off.
PROMOTED = ("W3690", "W3691")


@dataclass(frozen=True)
class Template:
    """A synthesized template file.

    Attributes:
        profile: The settings profile that it was synthesized from.
        stack: Construct id of the nested stack, or `Root`.
        region: The region that it is meant for.
        path: The file.
    """

    profile: str
    stack: str
    region: str
    path: Path

    def document(self) -> dict[str, Any]:
        """Return what the file holds."""
        content: dict[str, Any] = json.loads(self.path.read_text(encoding="utf-8"))
        return content


@dataclass(frozen=True)
class Finding:
    """One complaint about one template.

    Attributes:
        template: Where.
        tool: Who says it.
        rule: Id of the rule, such as `E3012`.
        severity: `error` or `warning`.
        logical_id: The resource, parameter or output; empty when the tool names none.
        message: What is wrong, in the tool's words.
    """

    template: Template
    tool: str
    rule: str
    severity: str
    logical_id: str
    message: str

    def __str__(self) -> str:
        """One line for the terminal."""
        where = f"{self.template.profile}/{self.template.stack}"
        return f"{self.severity} {self.rule} {where} {self.logical_id}: {self.message} [{self.tool}]"


@dataclass(frozen=True)
class Accepted:
    """A warning that is known and harmless.

    Attributes:
        rule: Id of the rule.
        stack: Construct id of the nested stack, or `Root`.
        logical_id: Shell pattern for the logical id.
        reason: Why it is harmless.
    """

    rule: str
    stack: str
    logical_id: str
    reason: str

    def covers(self, finding: Finding) -> bool:
        """Return whether a finding is this one; errors and cfn-lint's findings never are."""
        return (
            (finding.tool, finding.severity) == (VALIDATE, "warning")
            and (finding.rule, finding.template.stack) == (self.rule, self.stack)
            and fnmatchcase(finding.logical_id, self.logical_id)
        )


def load_accepted(file: Path) -> list[Accepted]:
    """Read the accepted warnings.

    Raises:
        ValueError: The file is no TOML, or an entry lacks a field, has an unknown one, or gives no reason.
    """
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{file.name}: {error}") from None
    entries = []
    for number, entry in enumerate(document.get("accepted", []), start=1):
        try:
            entries.append(Accepted(**entry))
        except TypeError as error:
            raise ValueError(f"{file.name}, entry {number}: {error}") from None
        if not entries[-1].reason.strip():
            raise ValueError(f"{file.name}, entry {number} ({entries[-1].rule}): reason is empty")
    return entries


def cfn_lint(templates: Sequence[Template], *, informational: bool = False) -> Iterable[Finding]:
    """Run cfn-lint with the rules for retired database engines as errors.

    Args:
        templates: Templates of any regions.
        informational: Run the informational rules, too; what they say is not yielded, for it is no complaint.

    Yields:
        Every error and warning.

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
            path = [str(part) for part in getattr(match, "path", [])]
            subject = "".join(path[1:2])
            yield Finding(by_path[match.filename], CFN_LINT, match.rule.id, severity, subject, match.message)


def cloudformation_validate(templates: Sequence[Template]) -> Iterable[Finding]:
    """Run CloudFormation Validate and the rules of cdk-preflight: `cdk synth` shows its own build root templates only.

    Args:
        templates: Templates of any regions.

    Yields:
        Every error and warning, and one error for a template that it could not analyse to the end.
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
            yield Finding(template, VALIDATE, found.rule_id, severity, subject, found.message)
        if report.status is not ReportStatus.OK:
            yield Finding(template, VALIDATE, "incomplete", "error", "", f"status {report.status.name}")


def _resources(template: Template) -> Iterable[Mapping[str, Any]]:
    """Return the resources of a template; none of one that is no JSON, which the engine reports."""
    try:
        return list(template.document().get("Resources", {}).values())
    except ValueError:
        return []


def split(findings: Iterable[Finding], accepted: Sequence[Accepted]) -> tuple[list[Finding], Mapping[Accepted, int]]:
    """Take the accepted warnings out of the findings.

    Returns:
        What remains, and how many findings each entry covered.
    """
    remaining: list[Finding] = []
    uses = dict.fromkeys(accepted, 0)
    for finding in findings:
        cover = next((entry for entry in accepted if entry.covers(finding)), None)
        if cover is None:
            remaining.append(finding)
        else:
            uses[cover] += 1
    return remaining, uses
