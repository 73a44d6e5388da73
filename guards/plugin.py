"""The guards as a CDK validation plugin: `cdk synth` and `cdk deploy` fail on a finding.

CDK hands a plugin the root templates only; nested ones are file assets beside them. The plugin therefore models every
template of the cloud assembly, and CDK maps each finding back to its construct path through the template's file.
This is the only module of the package that needs `aws-cdk-lib`.
"""

from __future__ import annotations

from pathlib import Path

import aws_cdk as cdk
import jsii

from guards.engine import all_rules, check
from guards.rule import Finding, Profile

NAME = "breakwater-guards"


@jsii.implements(cdk.IPolicyValidationPlugin)
class GuardsPlugin:
    """Runs the guards over a cloud assembly.

    Args:
        profile: what the platform means to be; a single-region one when not given.
    """

    def __init__(self, profile: Profile = Profile.SINGLE_REGION) -> None:
        self._profile = profile

    @property
    def name(self) -> str:
        """Name of the plugin in CDK's report and in qualified acknowledgements."""
        return NAME

    @property
    def version(self) -> str:
        """Version of the plugin in CDK's report."""
        return "1.0.0"

    @property
    def rule_ids(self) -> list[str]:
        """Ids of the rules that run."""
        return [rule.id for rule in all_rules().values() if self._profile in rule.profiles]

    def validate(self, context: cdk.IPolicyValidationContext) -> cdk.PolicyValidationPluginReport:
        """Judge every template of the assemblies that CDK is about to hand over."""
        folders = sorted({str(Path(path).parent) for path in context.template_paths})
        violations = [
            _violation(finding, folder)
            for folder in folders
            for finding in check(folder, profile=self._profile).findings
        ]
        return cdk.PolicyValidationPluginReport(success=not violations, violations=violations)


def _violation(finding: Finding, folder: str) -> cdk.PolicyViolation:
    return cdk.PolicyViolation(
        rule_name=finding.rule,
        description=finding.message,
        # After any suppression CDK counts violations of exactly "error" and "fatal".
        severity=finding.severity.value,
        fix=f"{finding.fix} {finding.source}",
        violating_resources=[
            cdk.PolicyViolatingResource(
                resource_logical_id=finding.resource or None,
                template_path=str(Path(folder) / finding.template),
                locations=[f"Properties/{finding.path.replace('.', '/')}"] if finding.path else [],
            )
        ],
    )
