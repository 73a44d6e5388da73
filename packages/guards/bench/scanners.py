"""Asks the guards and four other scanners about every fixture, each in the way that its users run it.

Each runs the rules that are on by default, warnings included; cdk-nag runs its AwsSolutions pack.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

from breakwater_guards import Profile, check
from breakwater_guards.engine import all_rules
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Template

REGION = "us-east-1"
Found = tuple[str, str]
"""A finding: the scanner's own rule and the logical id, which is empty when it names none."""


@dataclass(frozen=True)
class Fixture:
    """One fixture of a rule.

    Attributes:
        rule: Id of the guard that it belongs to.
        path: A template, or a folder of templates that may nest each other.
    """

    rule: str
    path: Path

    @property
    def broken(self) -> bool:
        """Whether it has the defect."""
        return self.path.name.startswith("bad")

    @cached_property
    def assembly(self) -> Assembly:
        """Model of its templates."""
        return Assembly.load(self.path)

    def file(self, template: Template) -> Path:
        """Return the file of one of its templates."""
        return (self.path if self.path.is_dir() else self.path.parent) / template.file

    @cached_property
    def files(self) -> list[Path]:
        """Its template files."""
        return sorted({self.file(template) for template in self.assembly.templates.values()})

    @cached_property
    def types(self) -> dict[str, str]:
        """Type of each resource by logical id."""
        templates = self.assembly.templates.values()
        return {name: resource.type for template in templates for name, resource in template.resources.items()}


Findings = dict[Fixture, frozenset[Found] | None]
"""What a scanner finds in each fixture; ``None`` where it cannot read it."""


def guards(fixtures: Sequence[Fixture]) -> Findings:
    """Run on each fixture the guard that it belongs to, and no other."""
    found: Findings = {}
    for fixture in fixtures:
        profiles = all_rules()[fixture.rule].profiles
        profile = Profile.SINGLE_REGION if Profile.SINGLE_REGION in profiles else Profile.MULTI_REGION
        report = check(fixture.assembly, rules=[fixture.rule], profile=profile)
        found[fixture] = frozenset((finding.rule, finding.resource) for finding in report.findings)
    return found


def cfn_lint(fixtures: Sequence[Fixture]) -> Findings:
    """Run cfn-lint; the rules for retired database engines, W3690 and W3691, cannot be switched off."""
    from cfnlint.api import lint_by_config  # noqa: PLC0415 (each scanner is imported when it runs)

    owners = _owners(fixtures)
    found = _nothing(fixtures)
    options = {"templates": list(owners), "regions": [REGION], "mandatory_checks": ["W3690", "W3691"]}
    for match in lint_by_config(options):
        if match.rule.severity != "informational":
            found[owners[match.filename]].add((match.rule.id, "".join(map(str, getattr(match, "path", [])[1:2]))))
    return _frozen(found)


def cloudformation_validate(fixtures: Sequence[Fixture]) -> Findings:
    """Run CloudFormation Validate, the validator behind `cdk synth`."""
    import cloudformation_validate as validate  # noqa: PLC0415

    found = _nothing(fixtures)
    engine = validate.CompositeEngine()
    config = validate.ValidateConfig(
        severity_level=validate.Severity.WARN,
        pseudo_parameter_overrides=validate.PseudoParameterOverrides(region=REGION),
    )
    for file, fixture in _owners(fixtures).items():
        for diagnostic in engine.validate_template(Path(file), config).diagnostics:
            subject = diagnostic.entity.logical_id if diagnostic.entity else ""
            found[fixture].add((diagnostic.rule_id, subject))
    return _frozen(found)


def checkov(fixtures: Sequence[Fixture]) -> Findings:
    """Run checkov's policies for CloudFormation."""
    owners = _owners(fixtures)
    folder = os.path.commonpath(owners)
    options = ["--framework", "cloudformation", "--output", "json", "--quiet", "--compact", "--soft-fail"]
    command = ["checkov", "--directory", folder, "--skip-download", *options]
    with tempfile.TemporaryDirectory() as empty:  # no configuration of this project reaches it
        done = subprocess.run(command, cwd=empty, capture_output=True, text=True, check=True)
    results: dict[str, Any] = json.loads(done.stdout).get("results", {})
    found = _nothing(fixtures)
    for failed in results.get("failed_checks", []):
        fixture = owners.get(folder + failed["file_path"])
        if fixture:
            found[fixture].add((failed["check_id"], failed["resource"].rpartition(".")[2]))
    unread = {owners[path] for path in results.get("parsing_errors", []) if path in owners}
    return {fixture: None if fixture in unread else rules for fixture, rules in _frozen(found).items()}


def cdk_nag(fixtures: Sequence[Fixture]) -> Findings:
    """Run cdk-nag's AwsSolutions pack over each fixture, which comes into a CDK app through `CfnInclude`."""
    os.environ["CDK_VALIDATION"] = "false"  # its findings count here, not those of CDK's own validation
    return {fixture: _nag(fixture) for fixture in fixtures}


def _nag(fixture: Fixture) -> frozenset[Found] | None:
    """Return ``None`` where CDK refuses the template, e.g. for a circular dependency."""
    import aws_cdk as cdk  # noqa: PLC0415
    from aws_cdk.cloudformation_include import CfnInclude  # noqa: PLC0415
    from cdk_nag import AwsSolutionsChecks  # noqa: PLC0415
    from jsii.errors import JSIIError  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        # The findings are read from the report: they must not stop the synthesis.
        app = cdk.App(outdir=folder, context={"@aws-cdk/core:failSynthOnValidationErrors": False})
        cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
        try:
            for number, template in enumerate(fixture.assembly.roots):
                CfnInclude(cdk.Stack(app, f"Stack{number}"), "Template", **_include(fixture, template))
            app.synth()
        except (JSIIError, RuntimeError):
            return None
        report = json.loads(Path(folder, "validation-report.json").read_text(encoding="utf-8"))
    return frozenset(
        # Some rules append what they found: AwsSolutions-IAM5[Resource::*]. An included resource's construct is called
        # as its logical id.
        (violation["ruleName"].partition("[")[0], construct["constructPath"].rpartition("/")[2])
        for plugin in report["pluginReports"]
        for violation in plugin.get("violations", [])
        for construct in violation["violatingConstructs"]
        if not violation["ruleName"].startswith("CdkNagValidationFailure")  # a rule of cdk-nag failed
    )


def _include(fixture: Fixture, template: Template) -> dict[str, Any]:
    """Return the arguments of `CfnInclude` for a template with all that it nests."""
    children = fixture.assembly.children.items()
    nested = {name: _include(fixture, child) for (parent, name), child in children if parent == template.key}
    return {"template_file": str(fixture.file(template)), "load_nested_stacks": nested}


def _owners(fixtures: Iterable[Fixture]) -> dict[str, Fixture]:
    return {str(file): fixture for fixture in fixtures for file in fixture.files}


def _nothing(fixtures: Iterable[Fixture]) -> dict[Fixture, set[Found]]:
    return defaultdict(set, {fixture: set() for fixture in fixtures})


def _frozen(found: dict[Fixture, set[Found]]) -> Findings:
    return {fixture: frozenset(pairs) for fixture, pairs in found.items()}


SCANNERS: dict[str, Callable[[Sequence[Fixture]], Findings]] = {
    "guards": guards,
    "cfn-lint": cfn_lint,
    "CloudFormation Validate": cloudformation_validate,
    "checkov": checkov,
    "cdk-nag": cdk_nag,
}


def versions() -> dict[str, str]:
    """Return the version of each scanner but the guards."""
    asked = subprocess.run(["checkov", "--version"], capture_output=True, text=True, check=True)
    return {
        "cfn-lint": version("cfn-lint"),
        "CloudFormation Validate": version("cloudformation-validate"),
        "checkov": asked.stdout.strip(),
        "cdk-nag": version("cdk-nag"),
    }
