"""For GitHub Actions: workflow commands that annotate the pull request."""

from __future__ import annotations

from guards.engine import Report
from guards.rule import Finding


def to_github(report: Report) -> str:
    """Return one ``::error`` or ``::warning`` command per finding."""
    return "".join(f"{_command(finding)}\n" for finding in report.findings)


def _command(finding: Finding) -> str:
    text = f"{finding.resource} {finding.path}: {finding.message} Fix: {finding.fix} ({finding.source})"
    return (
        f"::{finding.severity.value} file={_property(finding.template)},title={_property(finding.rule)}::{_data(text)}"
    )


def _data(text: str) -> str:
    """Escape as https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts does."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
