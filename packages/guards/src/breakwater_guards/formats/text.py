"""For people: one block per finding, a count at the end."""

from __future__ import annotations

from breakwater_guards.formats.places import file_of, line_of
from breakwater_guards.report import Report
from breakwater_guards.rule import Finding, Severity


def to_text(report: Report) -> str:
    """Return each finding with its place, the value, the fix and the source, then the totals."""
    blocks = [_block(report, finding) for finding in report.findings]
    errors = sum(finding.severity is Severity.ERROR for finding in report.findings)
    warnings = len(report.findings) - errors
    total = ", ".join(
        (
            f"{' and '.join((_count(len(report.rules), 'rule'), *report.tools))}: {_count(errors, 'error')}",
            _count(warnings, "warning"),
            f"{len(report.acknowledged)} acknowledged",
            *(f"{number} in the baseline" for number in (len(report.known),) if number),
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
        f"{finding.severity.value} {finding.rule}{f' ({finding.tool})' if finding.tool else ''}: {finding.message}",
        f"  at      {' '.join(part for part in (file, finding.resource, finding.path) if part)}",
        *(f"  made by {path}" for path in (finding.construct,) if path),
        *(f"  fix     {fix}" for fix in (finding.fix,) if fix),
        *(f"  source  {source}" for source in (finding.source,) if source),
    ]
    return "\n".join(map(printable, lines))


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
