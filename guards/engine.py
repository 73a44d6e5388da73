"""Runs the rules over a path and honours acknowledgements."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from guards import rules as rule_modules
from guards.rule import Finding, Profile, Rule, Severity, declared_rules
from guards.template import Assembly, Resource

ACKNOWLEDGEMENTS = "breakwater:guards"
MIN_REASON = 20


@dataclass(frozen=True, kw_only=True)
class Acknowledged:
    """A finding that somebody took responsibility for, and why."""

    finding: Finding
    reason: str


@dataclass(frozen=True, kw_only=True)
class Report:
    """The outcome of one run.

    Args:
        findings: what breaks a rule and is not acknowledged, by template, resource and rule.
        acknowledged: what breaks a rule with a stated reason.
        rules: the rules that ran.
    """

    findings: tuple[Finding, ...]
    acknowledged: tuple[Acknowledged, ...]
    rules: tuple[Rule, ...]

    def failed(self, at: Severity = Severity.WARNING) -> bool:
        """Tell whether a finding is at least this severe."""
        return any(at is Severity.WARNING or finding.severity is Severity.ERROR for finding in self.findings)


@cache
def all_rules() -> dict[str, Rule]:
    """Return every rule of the package by id, in order."""
    for module in pkgutil.iter_modules(rule_modules.__path__):
        importlib.import_module(f"{rule_modules.__name__}.{module.name}")
    return declared_rules()


def select(patterns: Iterable[str], profile: Profile) -> tuple[Rule, ...]:
    """Return the rules whose id begins with one of the patterns, or all, that apply to a profile.

    Args:
        patterns: ids or their beginnings, e.g. ``DR-AURORA``; empty means every rule.
        profile: what the platform means to be.

    Returns:
        The rules in order.

    Raises:
        ValueError: a pattern matches no rule.
    """
    wanted = tuple(patterns)
    rules = all_rules()
    for pattern in wanted:
        if not any(rule_id.startswith(pattern) for rule_id in rules):
            raise ValueError(f"--rules {pattern}: no rule begins like this; see `python -m guards list`")
    return tuple(
        rule
        for rule_id, rule in rules.items()
        if profile in rule.profiles and (not wanted or any(rule_id.startswith(pattern) for pattern in wanted))
    )


def check(
    path: str | Path | Assembly, *, rules: Iterable[str] = (), profile: Profile = Profile.SINGLE_REGION
) -> Report:
    """Judge a template, a folder or a `cdk.out`.

    Args:
        path: what to judge, or a model of it.
        rules: ids or their beginnings; empty means every rule.
        profile: what the platform means to be.

    Returns:
        The report.

    Raises:
        InputError: the path cannot be judged.
        ValueError: ``rules`` names none.
    """
    assembly = path if isinstance(path, Assembly) else Assembly.load(path)
    selected = select(rules, profile)
    findings: list[Finding] = []
    acknowledged: list[Acknowledged] = []
    for finding in sorted(
        _run(selected, assembly), key=lambda item: (item.template, item.resource, item.rule, item.path)
    ):
        reason = _reason(assembly, finding)
        if reason is None:
            findings.append(finding)
        else:
            acknowledged.append(Acknowledged(finding=finding, reason=reason))
    return Report(findings=tuple(findings), acknowledged=tuple(acknowledged), rules=selected)


def _run(rules: Iterable[Rule], assembly: Assembly) -> Iterator[Finding]:
    for rule in rules:
        yield from rule.findings(assembly)


def _reason(assembly: Assembly, finding: Finding) -> str | None:
    """Read the reason from the resource's metadata: ``breakwater:guards: {DR-…: why}``."""
    resource: Resource | None = assembly.templates[finding.template].resources.get(finding.resource)
    metadata: Any = resource.body.get("Metadata") if resource else None
    entries = metadata.get(ACKNOWLEDGEMENTS) if isinstance(metadata, dict) else None
    reason = entries.get(finding.rule) if isinstance(entries, dict) else None
    return reason if isinstance(reason, str) and len(reason.strip()) >= MIN_REASON else None
