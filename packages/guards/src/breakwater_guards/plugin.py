"""The guards as a CDK validation plugin: `cdk synth` and `cdk deploy` fail on a finding.

CDK hands a plugin the root templates only; nested ones are file assets beside them. The plugin therefore models every
template of the cloud assembly, and CDK maps each finding back to its construct path through the template's file.
This is the only module of the package that needs `aws-cdk-lib`.

Findings of severity ``error`` fail the synth. Warnings are printed and fail nothing: CDK itself, once a finding is
acknowledged, counts errors alone. `breakwater-guards check cdk.out` fails on warnings, too. An acknowledgement that
does not count is an error here, because CDK would honor it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import aws_cdk as cdk
import jsii

from breakwater_guards import __version__
from breakwater_guards.acknowledge import MIN_REASON
from breakwater_guards.engine import all_rules, check
from breakwater_guards.reading.assemblies import MANIFEST, PLUGIN
from breakwater_guards.rule import Finding, Profile, Severity

VOID = "void-acknowledgement"


@jsii.implements(cdk.IPolicyValidationPlugin)
class GuardsPlugin:
    """Run the guards over a cloud assembly.

    Args:
        profile: what the platform is built for; a single Region when not given.
    """

    def __init__(self, profile: Profile = Profile.SINGLE_REGION) -> None:
        self._profile = profile

    @property
    def name(self) -> str:
        """Name of the plugin in CDK's report and in qualified acknowledgements."""
        return PLUGIN

    @property
    def version(self) -> str:
        """Version of the plugin in CDK's report."""
        return __version__

    @property
    def rule_ids(self) -> list[str]:
        """Ids of the rules that run."""
        return [rule.id for rule in all_rules().values() if self._profile in rule.profiles]

    def validate(self, context: cdk.IPolicyValidationContext) -> cdk.PolicyValidationPluginReport:
        """Judge every template of the assemblies that CDK is about to hand over.

        Args:
            context: paths of the root templates.

        Returns:
            Errors and warnings; failed when there are errors.

        Raises:
            InputError: the assembly cannot be judged, or a rule failed; CDK reports it and fails the synth.
        """
        reports = {folder: check(folder, profile=self._profile) for folder in _assemblies(context.template_paths)}
        notices = [notice for report in reports.values() for notice in report.notices]
        return cdk.PolicyValidationPluginReport(
            success=not notices and not any(report.failed(Severity.ERROR) for report in reports.values()),
            violations=[
                *(_violation(finding, folder) for folder, report in reports.items() for finding in report.findings),
                *map(_void, notices),
            ],
        )


def _assemblies(templates: Iterable[str]) -> list[Path]:
    """Return the folders to judge: the assembly around all templates, or else the folder of each."""
    folders = sorted({Path(template).parent for template in templates})
    around = Path(os.path.commonpath(folders))
    return [around] if (around / MANIFEST).is_file() else folders


def _violation(finding: Finding, folder: Path) -> cdk.PolicyViolation:
    return cdk.PolicyViolation(
        rule_name=finding.rule,
        description=finding.message,
        severity=finding.severity.value,
        fix=f"{finding.fix} {finding.source}",
        violating_resources=[
            cdk.PolicyViolatingResource(
                resource_logical_id=finding.resource or None,
                construct_path=None if finding.resource else finding.construct,
                template_path=str(folder / finding.template),
                locations=[_location(finding)] if finding.path else [],
            )
        ],
    )


def _void(notice: str) -> cdk.PolicyViolation:
    """Say that an acknowledgement does not count: CDK itself takes any reason, and would let the finding pass."""
    return cdk.PolicyViolation(
        rule_name=VOID,
        description=notice,
        severity=Severity.ERROR.value,
        fix=f"Name a rule and give a reason of at least {MIN_REASON} characters, or remove the acknowledgement.",
        # CDK keeps the records in the manifest; a violation of no resource at all would not fail the process.
        violating_resources=[cdk.PolicyViolatingResource(locations=[], template_path=MANIFEST)],
    )


def _location(finding: Finding) -> str:
    path = finding.path.replace(".", "/")
    return f"Properties/{path}" if finding.resource else path
