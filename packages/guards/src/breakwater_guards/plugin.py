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
from collections.abc import Iterable, Sequence
from pathlib import Path

import aws_cdk as cdk
import jsii

from breakwater_guards import __version__
from breakwater_guards.acknowledge import MIN_REASON
from breakwater_guards.engine import all_rules, examine
from breakwater_guards.reading.acknowledged import PLUGIN
from breakwater_guards.reading.assemblies import MANIFEST
from breakwater_guards.rule import Finding, Profile, Severity

VOID, UNJUDGED = "void-acknowledgement", "could-not-judge"
VOID_FIX = f"Name a rule and give a reason of at least {MIN_REASON} characters, or remove the acknowledgement."
UNJUDGED_FIX = "Report it with the template: what this rule looks for was not looked for."


@jsii.implements(cdk.IPolicyValidationPlugin)
class GuardsPlugin:
    """Run the guards over a cloud assembly.

    Args:
        profile: what the platform is built for; a single Region when not given.
        strict: policies count as errors.
        tools: checkers of others to ask as well, e.g. ``cdk-preflight``; see ``breakwater_guards.tools``.
    """

    def __init__(
        self, profile: Profile = Profile.SINGLE_REGION, *, strict: bool = False, tools: Sequence[str] = ()
    ) -> None:
        self._profile, self._strict, self._tools = profile, strict, tuple(tools)

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
            InputError: the assembly cannot be judged; CDK reports it and fails the synth.
        """
        reports = {
            folder: examine(folder, profile=self._profile, strict=self._strict, tools=self._tools)
            for folder in _assemblies(context.template_paths)
        }
        notices = [notice for report in reports.values() for notice in report.void]
        failed = [str(item) for report in reports.values() for item in report.unjudged]
        return cdk.PolicyValidationPluginReport(
            success=not (notices or failed or any(report.failed(Severity.ERROR) for report in reports.values())),
            violations=[
                *(_violation(finding, folder) for folder, report in reports.items() for finding in report.findings),
                *(_problem(VOID, text, VOID_FIX) for text in notices),
                *(_problem(UNJUDGED, text, UNJUDGED_FIX) for text in failed),
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
        fix=f"{finding.fix} {finding.source}".strip(),
        violating_resources=[
            cdk.PolicyViolatingResource(
                resource_logical_id=finding.resource or None,
                construct_path=None if finding.resource else finding.construct,
                template_path=str(folder / finding.template),
                locations=[_location(finding)] if finding.path else [],
            )
        ],
    )


def _problem(name: str, text: str, fix: str) -> cdk.PolicyViolation:
    """Return an error about the run: an acknowledgement that CDK would honor although it is void, or a failed rule."""
    return cdk.PolicyViolation(
        rule_name=name,
        description=text,
        severity=Severity.ERROR.value,
        fix=fix,
        # CDK keeps the records in the manifest; a violation of no resource at all would not fail the process.
        violating_resources=[cdk.PolicyViolatingResource(locations=[], template_path=MANIFEST)],
    )


def _location(finding: Finding) -> str:
    path = finding.path.replace(".", "/")
    return f"Properties/{path}" if finding.resource else path
