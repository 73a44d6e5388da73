"""For GitHub Actions: workflow commands that annotate the pull request.

https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
"""

from __future__ import annotations

from breakwater_guards.formats.places import file_of, line_of
from breakwater_guards.report import Report
from breakwater_guards.rule import Finding


def to_github(report: Report) -> str:
    """Return one ``::error`` or ``::warning`` command per finding."""
    return "".join(f"{_command(report, finding)}\n" for finding in report.findings)


def _command(report: Report, finding: Finding) -> str:
    place = " ".join(part for part in (finding.resource, finding.path) if part)
    parts = (finding.message, finding.fix and f"Fix: {finding.fix}", finding.source and f"({finding.source})")
    text = f"{place}: {' '.join(filter(None, parts))}".removeprefix(": ")
    properties = {"file": file_of(report, finding), "line": line_of(report, finding), "title": finding.rule}
    given = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items() if value is not None)
    return f"::{finding.severity.value} {given}::{_data(text)}"


def _data(text: str) -> str:
    """Escape as https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts does."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
