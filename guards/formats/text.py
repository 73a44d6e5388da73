"""For people: one block per finding, a count at the end."""

from __future__ import annotations

from guards.engine import Report
from guards.rule import Finding, Severity


def to_text(report: Report) -> str:
    """Return each finding with its place, the value, the fix and the source, then the totals."""
    blocks = [_block(finding) for finding in report.findings]
    errors = sum(finding.severity is Severity.ERROR for finding in report.findings)
    warnings = len(report.findings) - errors
    total = f"{len(report.rules)} rules: {errors} errors, {warnings} warnings, {len(report.acknowledged)} acknowledged"
    return "\n\n".join([*blocks, total]) + "\n"


def _block(finding: Finding) -> str:
    place = " ".join(part for part in (finding.template, finding.resource, finding.path) if part)
    lines = [
        f"{finding.severity.value} {finding.rule}: {finding.message}",
        f"  at     {place}",
        f"  fix    {finding.fix}",
        f"  source {finding.source}",
    ]
    if finding.construct:
        lines.insert(2, f"  made by {finding.construct}")
    return "\n".join(lines)
