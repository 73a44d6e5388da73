"""The judges: each reads all fixtures in one process and says what it finds in each."""

from __future__ import annotations

import json
import os
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from breakwater_guards import Profile, check
from breakwater_guards.engine import all_rules
from scripts.compare_guards_cases import Case, Complaint, Complaints, Verdicts
from scripts.parts import ROOT
from scripts.scan.process import run
from scripts.template_tools import Finding, Template, cfn_lint, cloudformation_validate

REGION = "us-east-1"
MOST_SECONDS = 900
BATCH = 40
Judge = Callable[[Sequence[Case], Path], Verdicts]


def guards(cases: Sequence[Case], _: Path) -> Verdicts:
    """Asks of each fixture the guard that it belongs to, and no other."""
    rules = all_rules()
    verdicts: dict[Case, Complaints] = {}
    for case in cases:
        single = Profile.SINGLE_REGION in rules[case.rule].profiles
        profile = Profile.SINGLE_REGION if single else Profile.MULTI_REGION
        found = check(case.path, rules=[case.rule], profile=profile).findings
        verdicts[case] = frozenset(Complaint(finding.rule, finding.resource) for finding in found)
    return verdicts


def lint(cases: Sequence[Case], _: Path) -> Verdicts:
    """Asks cfn-lint: all rules that are on by default, warnings included."""
    owners = _templates(cases)
    templates = list(owners)
    findings: list[Finding] = []
    for start in range(0, len(templates), BATCH):
        findings += cfn_lint(templates[start : start + BATCH])
        print(f"    {min(start + BATCH, len(templates)):4d} of {len(templates)} templates", flush=True)
    return _by_case(owners, cases, findings)


def validate(cases: Sequence[Case], _: Path) -> Verdicts:
    """Asks CloudFormation Validate, warnings included."""
    templates = _templates(cases)
    return _by_case(templates, cases, cloudformation_validate(list(templates)))


def checkov(cases: Sequence[Case], programs: Path) -> Verdicts:
    """Asks checkov: every CloudFormation policy that it brings; what it cannot parse is no verdict."""
    owners = {str(file): case for case in cases for file in case.files()}
    folder = os.path.commonpath(owners)
    options = ["--framework", "cloudformation", "--output", "json", "--quiet", "--compact", "--soft-fail"]
    answer = json.loads(
        run([str(programs / "checkov"), "--directory", folder, "--skip-download", *options], most_seconds=MOST_SECONDS)
    )
    results: dict[str, Any] = answer.get("results", {})
    found: dict[Case, set[Complaint]] = defaultdict(set)
    for failed in results.get("failed_checks", []):
        path = folder + failed["file_path"]
        if path in owners:
            found[owners[path]].add(Complaint(failed["check_id"], failed["resource"].rpartition(".")[2]))
    unread = {owners[path] for path in results.get("parsing_errors", []) if path in owners}
    return {case: None if case in unread else frozenset(found[case]) for case in cases}


def nag(cases: Sequence[Case], _: Path) -> Verdicts:
    """Asks cdk-nag's AwsSolutions pack; a template that CDK cannot include is no verdict."""
    command = [sys.executable, "-m", "scripts.compare_guards_nag", *(str(case.path) for case in cases)]
    # Its findings are what counts here, not those of CDK's own validation, which takes seconds a synth.
    variables = {"CDK_VALIDATION": "false", "PYTHONPATH": str(ROOT)}
    answers = run(command, variables=variables, most_seconds=MOST_SECONDS).splitlines()
    verdicts: dict[Case, Complaints | None] = {}
    for case, line in zip(cases, answers, strict=True):
        pairs = json.loads(line)
        # Some rules append what they found: AwsSolutions-IAM5[Resource::*].
        complaints = (Complaint(rule.partition("[")[0], resource) for rule, resource in pairs or ())
        verdicts[case] = None if pairs is None else frozenset(complaints)
    return verdicts


JUDGES: dict[str, Judge] = {
    "guards": guards,
    "cfn-lint": lint,
    "CloudFormation Validate": validate,
    "checkov": checkov,
    "cdk-nag": nag,
}


def _templates(cases: Iterable[Case]) -> dict[Template, Case]:
    return {Template(case.rule, case.path.name, REGION, file): case for case in cases for file in case.files()}


def _by_case(owners: dict[Template, Case], cases: Iterable[Case], findings: Iterable[Finding]) -> Verdicts:
    found: dict[Case, set[Complaint]] = defaultdict(set)
    for finding in findings:
        found[owners[finding.template]].add(Complaint(finding.rule, finding.logical_id))
    return {case: frozenset(found[case]) for case in cases}
