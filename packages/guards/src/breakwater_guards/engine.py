"""Run the rules over a path and honor acknowledgements."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from breakwater_guards import rules as rule_modules
from breakwater_guards.acknowledge import Acknowledgements
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.reading.collector import paused_collector
from breakwater_guards.reading.files import InputError
from breakwater_guards.rule import Breach, Finding, Profile, Rule, Severity, declared_rules


class UnknownRuleError(ValueError):
    """``--rules`` names no rule."""


class RuleError(InputError):
    """A rule failed on the input: a defect of the rule, so nothing can be said about what it looks for."""


@dataclass(frozen=True, kw_only=True)
class Acknowledged:
    """A finding that is accepted, and the stated reason."""

    finding: Finding
    reason: str


@dataclass(frozen=True, kw_only=True)
class Unjudged:
    """A rule that could not judge.

    Attributes:
        rule: its id.
        error: what went wrong in it.
    """

    rule: str
    error: Exception

    def __str__(self) -> str:
        text = " ".join(str(self.error).split())[:200]
        return f"could not judge: rule {self.rule} failed ({type(self.error).__name__}{f': {text}' if text else ''})"


@dataclass(frozen=True, kw_only=True)
class Report:
    """The outcome of one run.

    Attributes:
        findings: what breaks a rule and is not acknowledged, by template, resource and rule.
        acknowledged: what breaks a rule with a stated reason.
        rules: the rules that ran.
        unjudged: rules that failed; always empty in what :func:`check` returns.
        notices: warnings about the run, e.g. acknowledgements that do not count.
        path: what was judged; ``None`` for a model in memory.
    """

    findings: tuple[Finding, ...]
    acknowledged: tuple[Acknowledged, ...]
    rules: tuple[Rule, ...]
    unjudged: tuple[Unjudged, ...] = ()
    notices: tuple[str, ...] = ()
    path: Path | None = None

    def file_of(self, finding: Finding) -> Path:
        """Return the path of a finding's template, below the path that was checked."""
        path = self.path or Path()
        return path if path.is_file() else path / finding.template

    def located(self, finding: Finding) -> Finding:
        """Return a finding whose template is its whole path."""
        return replace(finding, template=self.file_of(finding).as_posix())

    def failed(self, at: Severity = Severity.WARNING) -> bool:
        """Tell whether a finding is at least this severe."""
        return any(at is Severity.WARNING or finding.severity is Severity.ERROR for finding in self.findings)


@cache
def all_rules() -> dict[str, Rule]:
    """Return every rule of the package by id, in order."""
    for module in pkgutil.walk_packages(rule_modules.__path__, f"{rule_modules.__name__}."):
        importlib.import_module(module.name)
    return declared_rules()


def select(patterns: Iterable[str], profile: Profile) -> tuple[Rule, ...]:
    """Return the rules whose id begins with one of the patterns, or all, that apply to a profile.

    Args:
        patterns: ids or their beginnings, e.g. ``DR-AURORA``; empty means every rule.
        profile: what the platform is built for.

    Returns:
        The rules in order.

    Raises:
        UnknownRuleError: a pattern matches no rule.
    """
    wanted = tuple(pattern.upper() for pattern in patterns)
    rules = all_rules()
    for pattern in wanted:
        if not any(rule_id.startswith(pattern) for rule_id in rules):
            raise UnknownRuleError(f"--rules {pattern}: no rule id begins like this; see the command `list`")
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
        profile: what the platform is built for.

    Returns:
        The report.

    Raises:
        InputError: the path cannot be judged.
        RuleError: a rule failed on it; the error of the first one is the cause.
        UnknownRuleError: ``rules`` names none.
    """
    report = examine(path, rules=rules, profile=profile)
    if report.unjudged:
        raise RuleError("; ".join(map(str, report.unjudged))) from report.unjudged[0].error
    return report


def examine(
    path: str | Path | Assembly, *, rules: Iterable[str] = (), profile: Profile = Profile.SINGLE_REGION
) -> Report:
    """Judge like :func:`check`, but report a rule that fails beside the findings of the others.

    Args:
        path: what to judge, or a model of it.
        rules: ids or their beginnings; empty means every rule.
        profile: what the platform is built for.

    Returns:
        The report.

    Raises:
        InputError: the path cannot be judged.
        UnknownRuleError: ``rules`` names none.
    """
    with paused_collector():
        return _examine(path, select(rules, profile))


def _examine(path: str | Path | Assembly, selected: tuple[Rule, ...]) -> Report:
    assembly = path if isinstance(path, Assembly) else Assembly.load(path)
    accepted = Acknowledgements(assembly, all_rules())
    findings: dict[Finding, None] = {}  # stacks made from one template share its defects
    acknowledged: dict[Finding, Acknowledged] = {}
    unjudged = []
    for rule in selected:
        breaches, error = _run(rule, assembly)
        if error is not None:
            unjudged.append(Unjudged(rule=rule.id, error=error))
        for breach in breaches:
            finding = rule.finding(breach)
            reason = accepted.reason(breach, finding)
            if reason is None:
                findings[finding] = None
            else:
                acknowledged[finding] = Acknowledged(finding=finding, reason=reason)
    return Report(
        findings=tuple(sorted(findings, key=_place)),
        acknowledged=tuple(acknowledged[finding] for finding in sorted(acknowledged, key=_place)),
        rules=selected,
        unjudged=tuple(unjudged),
        notices=tuple(accepted.notices),
        path=assembly.path,
    )


def merge(reports: Sequence[Report]) -> Report:
    """Join the reports of several paths, each of which was checked by itself.

    Args:
        reports: at least one.

    Returns:
        The only report as it is; of several, one in which each finding names its file as seen from the working
        directory, and each rule that failed is listed once.
    """
    first, *others = reports
    if not others:
        return first
    findings = [finding for report in reports for finding in map(report.located, report.findings)]
    accepted = [
        replace(item, finding=report.located(item.finding)) for report in reports for item in report.acknowledged
    ]
    return Report(
        findings=tuple(dict.fromkeys(findings)),  # a path may be given twice, or lie below another one
        acknowledged=tuple(dict.fromkeys(accepted)),
        rules=first.rules,
        unjudged=tuple({item.rule: item for report in reports for item in report.unjudged}.values()),
        notices=tuple(f"{report.path}: {notice}" for report in reports for notice in report.notices),
        path=Path(),
    )


def _run(rule: Rule, assembly: Assembly) -> tuple[list[Breach], Exception | None]:
    """Run one rule; what it found before it failed still counts."""
    found: list[Breach] = []
    try:
        for breach in rule.check(assembly):
            found.append(breach)
    except Exception as error:  # noqa: BLE001 (a defect in one rule must not hide what the others find)
        return found, error
    return found, None


def _place(finding: Finding) -> tuple[str, str, str, str]:
    return finding.template, finding.resource, finding.rule, finding.path
