"""Run the rules over a path and honor acknowledgements."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from breakwater_guards import rules as rule_modules
from breakwater_guards import tools as other_tools
from breakwater_guards.acknowledge import Acknowledgements
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.reading.collector import paused_collector
from breakwater_guards.reading.files import InputError
from breakwater_guards.report import Acknowledged, Report, Unjudged
from breakwater_guards.rule import Breach, Finding, OtherRule, Profile, Rule, declared_rules
from breakwater_guards.tools import Load

Found = TypeVar("Found")


class UnknownRuleError(ValueError):
    """``--rules`` names no rule."""


class RuleError(InputError):
    """A rule failed on the input: a defect of the rule, so nothing can be said about what it looks for."""


@cache
def all_rules() -> dict[str, Rule]:
    """Return every rule of the package by id, in order."""
    # Not pkgutil: it imports what takes as long as judging a hundred resources.
    base = Path(rule_modules.__path__[0])
    for file in sorted(base.rglob("*.py")):
        importlib.import_module(".".join((rule_modules.__name__, *file.relative_to(base).with_suffix("").parts)))
    return declared_rules()


def select(rules: Iterable[str], profile: Profile, *, strict: bool = False) -> tuple[Rule, ...]:
    """Return the rules whose id begins with one of the patterns, or all, that apply to a profile.

    Args:
        rules: ids or their beginnings, e.g. ``DR-AURORA``; empty means every rule.
        profile: what the platform is built for.
        strict: policies count as errors.

    Returns:
        The rules in order.

    Raises:
        UnknownRuleError: a pattern matches no rule.
    """
    wanted = tuple(pattern.upper() for pattern in rules)
    declared = all_rules()
    for pattern in wanted:
        if not any(rule_id.startswith(pattern) for rule_id in declared):
            raise UnknownRuleError(f"--rules {pattern}: no rule id begins like this; see the command `list`")
    return tuple(
        rule._replace(strict=strict)
        for rule_id, rule in declared.items()
        if profile in rule.profiles and (not wanted or any(rule_id.startswith(pattern) for pattern in wanted))
    )


def check(
    path: str | Path | Assembly,
    *,
    rules: Iterable[str] = (),
    profile: Profile = Profile.SINGLE_REGION,
    strict: bool = False,
    tools: Iterable[str] = (),
) -> Report:
    """Judge a template, a folder or a `cdk.out`.

    Args:
        path: what to judge, or a model of it.
        rules: ids or their beginnings; empty means every rule.
        profile: what the platform is built for.
        strict: policies count as errors.
        tools: checkers of others to ask as well, e.g. ``cfn-lint``; see ``breakwater_guards.tools``.

    Returns:
        The report.

    Raises:
        InputError: the path cannot be judged, or a tool is not installed.
        RuleError: a rule or a tool failed on it; the error of the first one is the cause.
        UnknownRuleError: ``rules`` names none.
    """
    report = examine(path, rules=rules, profile=profile, strict=strict, tools=tools)
    if report.unjudged:
        raise RuleError("; ".join(map(str, report.unjudged))) from report.unjudged[0].error
    return report


def examine(
    path: str | Path | Assembly,
    *,
    rules: Iterable[str] = (),
    profile: Profile = Profile.SINGLE_REGION,
    strict: bool = False,
    tools: Iterable[str] = (),
) -> Report:
    """Judge like :func:`check`, but report a rule that fails beside the findings of the others.

    The arguments, the report and the other errors are those of :func:`check`.
    """
    loaders = {tool: other_tools.loader(tool) for tool in tools}
    with paused_collector():
        selected = select(rules, profile, strict=strict)
        assembly = path if isinstance(path, Assembly) else Assembly.load(path)
        own = _examine(assembly, selected)
    return _with_tools(own, assembly, loaders) if loaders else own


def _examine(assembly: Assembly, selected: tuple[Rule, ...]) -> Report:
    accepted = Acknowledgements(assembly, all_rules())
    findings: dict[Finding, None] = {}  # stacks made from one template share its defects
    unjudged = []
    for rule in selected:
        breaches, error = _run(rule, assembly)
        if error is not None:
            unjudged.append(Unjudged(rule=rule.id, error=error))
        findings.update(dict.fromkeys(map(rule.finding, breaches)))
    return Report(
        **_sorted(findings, accepted),
        rules=selected,
        unjudged=tuple(unjudged),
        notices=(*assembly.notices, *accepted.notices),
        void=tuple(accepted.notices),
        path=assembly.path,
    )


def _with_tools(report: Report, assembly: Assembly, loaders: Mapping[str, Load]) -> Report:
    """Ask other tools, and add what they find."""
    accepted = Acknowledgements(assembly, all_rules())
    found: list[tuple[Finding, OtherRule]] = []
    unjudged = list(report.unjudged)
    for tool, load in loaders.items():
        told, error = _all_of(other_tools.findings(tool, load, assembly))
        found += told
        if error is not None:
            unjudged.append(Unjudged(rule=tool, error=error))
    kept = other_tools.first_told([finding for finding, _ in found])
    added = _sorted(kept, accepted)
    shown = {(item.tool, item.rule) for item in kept}
    others = {rule.id: rule for finding, rule in found if (finding.tool, finding.rule) in shown}
    return report._replace(
        findings=tuple(sorted((*report.findings, *added["findings"]), key=_place)),
        acknowledged=(*report.acknowledged, *added["acknowledged"]),
        tools=tuple(loaders),
        others=tuple(others[rule] for rule in sorted(others)),
        unjudged=tuple(unjudged),
    )


def _sorted(findings: Iterable[Finding], accepted: Acknowledgements) -> dict[str, Any]:
    """Return the findings of a report, and apart from them the accepted ones, by place."""
    ordered = sorted(dict.fromkeys(findings), key=_place)
    reasons = {finding: accepted.reason(finding) for finding in ordered}
    return {
        "findings": tuple(finding for finding, reason in reasons.items() if reason is None),
        "acknowledged": tuple(
            Acknowledged(finding=finding, reason=reason) for finding, reason in reasons.items() if reason is not None
        ),
    }


def _run(rule: Rule, assembly: Assembly) -> tuple[list[Breach], Exception | None]:
    """Run one rule."""
    try:
        return _all_of(rule.check(assembly))
    except Exception as error:  # noqa: BLE001 (as below, for a function that is no generator)
        return [], error


def _all_of(found: Iterable[Found]) -> tuple[list[Found], Exception | None]:
    """Collect what a rule or a tool finds; what it found before it failed still counts."""
    kept: list[Found] = []
    try:
        for item in found:
            kept.append(item)
    except Exception as error:  # noqa: BLE001 (a defect in one rule must not hide what the others find)
        return kept, error
    return kept, None


def _place(finding: Finding) -> tuple[str, str, str, str]:
    return finding.template, finding.resource, finding.rule, finding.path
