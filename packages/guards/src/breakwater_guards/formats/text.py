"""For people: one block per finding, a count at the end."""

from __future__ import annotations

from breakwater_guards.engine import Report
from breakwater_guards.formats.places import file_of, line_of
from breakwater_guards.rule import Finding, Severity


def to_text(report: Report) -> str:
    """Return each finding with its place, the value, the fix and the source, then the totals."""
    blocks = [_block(report, finding) for finding in report.findings]
    errors = sum(finding.severity is Severity.ERROR for finding in report.findings)
    warnings = len(report.findings) - errors
    total = ", ".join(
        (
            f"{_count(len(report.rules), 'rule')}: {_count(errors, 'error')}",
            _count(warnings, "warning"),
            f"{len(report.acknowledged)} acknowledged",
        )
    )
    return "\n\n".join([*blocks, total]) + "\n"


def printable(text: str) -> str:
    """Escape what a terminal would act on and XML forbids: control characters and halves of characters."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode("ascii") for char in text
    )


def _block(report: Report, finding: Finding) -> str:
    line = line_of(report, finding)
    file = f"{file_of(report, finding)}:{line}" if line else file_of(report, finding)
    lines = [
        f"{finding.severity.value} {finding.rule}: {finding.message}",
        f"  at      {' '.join(part for part in (file, finding.resource, finding.path) if part)}",
        f"  fix     {finding.fix}",
        f"  source  {finding.source}",
    ]
    if finding.construct:
        lines.insert(2, f"  made by {finding.construct}")
    return "\n".join(map(printable, lines))


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
