"""The outcome of a run: what was found, what is accepted, what could not be judged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from breakwater_guards.rule import Finding, OtherRule, Rule, Severity
from breakwater_guards.tools import TOOLS


class Acknowledged(NamedTuple):
    """A finding that is accepted, and the stated reason."""

    finding: Finding
    reason: str


class Unjudged(NamedTuple):
    """A rule that could not judge.

    Attributes:
        rule: its id; or the name of a tool that was asked as well.
        error: what went wrong in it.
    """

    rule: str
    error: Exception

    def __str__(self) -> str:
        text = " ".join(str(self.error).split())[:200]
        what = self.rule if self.rule in TOOLS else f"rule {self.rule}"
        return f"could not judge: {what} failed ({type(self.error).__name__}{f': {text}' if text else ''})"


class Report(NamedTuple):
    """The outcome of one run.

    Attributes:
        findings: what breaks a rule and is not acknowledged, by template, resource and rule.
        acknowledged: what breaks a rule with a stated reason.
        rules: the rules that ran.
        tools: the checkers of others that were asked, too.
        others: their rules that found something.
        unjudged: rules that failed; always empty in what :func:`check` returns.
        known: what a baseline knows already; never fails a run.
        notices: warnings about the run: keys that stand twice, acknowledgements that do not count.
        void: those about acknowledgements.
        fail_on: the least severity of a finding that fails a run.
        path: what was judged; ``None`` for a model in memory.
    """

    findings: tuple[Finding, ...]
    acknowledged: tuple[Acknowledged, ...]
    rules: tuple[Rule, ...]
    tools: tuple[str, ...] = ()
    others: tuple[OtherRule, ...] = ()
    unjudged: tuple[Unjudged, ...] = ()
    known: tuple[Finding, ...] = ()
    notices: tuple[str, ...] = ()
    void: tuple[str, ...] = ()
    fail_on: Severity = Severity.WARNING
    path: Path | None = None

    def file_of(self, finding: Finding) -> Path:
        """Return the path of a finding's template, below the path that was checked."""
        path = self.path or Path()
        return path if path.is_file() else path / finding.template

    def located(self, finding: Finding) -> Finding:
        """Return a finding whose template is its whole path."""
        return finding._replace(template=self.file_of(finding).as_posix())

    def failed(self, at: Severity | None = None) -> bool:
        """Tell whether a finding is at least this severe; as severe as ``fail_on`` when no severity is given."""
        return any(
            (at or self.fail_on) is Severity.WARNING or item.severity is Severity.ERROR for item in self.findings
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
        item._replace(finding=report.located(item.finding)) for report in reports for item in report.acknowledged
    ]
    return Report(
        findings=tuple(dict.fromkeys(findings)),  # a path may be given twice, or lie below another one
        acknowledged=tuple(dict.fromkeys(accepted)),
        rules=first.rules,
        tools=first.tools,
        others=tuple({rule.id: rule for report in reports for rule in report.others}.values()),
        unjudged=tuple({item.rule: item for report in reports for item in report.unjudged}.values()),
        notices=tuple(f"{report.path}: {notice}" for report in reports for notice in report.notices),
        path=Path(),
    )
