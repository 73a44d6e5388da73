"""For programs: the findings as a JSON document."""

from __future__ import annotations

import json

from breakwater_guards.report import Report
from breakwater_guards.rule import Finding

FIELDS = ("rule", "severity", "resource", "template", "path", "message", "fix", "source", "tool")


def to_json(report: Report) -> str:
    """Return ``{"findings": [{rule, severity, resource, template, path, message, fix, source, tool}], …}``."""
    document = {
        "findings": [_entry(finding) for finding in report.findings],
        "acknowledged": [{**_entry(item.finding), "reason": item.reason} for item in report.acknowledged],
        "known": [_entry(finding) for finding in report.known],
        "rules": [rule.id for rule in report.rules],
        "tools": list(report.tools),
        "unjudged": [{"rule": item.rule, "error": str(item)} for item in report.unjudged],
        "notices": list(report.notices),
    }
    return json.dumps(document, indent=2) + "\n"


def _entry(finding: Finding) -> dict[str, str]:
    return {name: str(getattr(finding, name)) for name in FIELDS}
