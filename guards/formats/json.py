"""For programs: the findings as a JSON document."""

from __future__ import annotations

import json
from typing import Any

from guards.engine import Report
from guards.rule import Finding


def to_json(report: Report) -> str:
    """Return ``{"findings": [{rule, severity, resource, template, path, message, fix, source, …}], …}``."""
    document = {
        "findings": [_entry(finding) for finding in report.findings],
        "acknowledged": [{**_entry(item.finding), "reason": item.reason} for item in report.acknowledged],
        "rules": [rule.id for rule in report.rules],
    }
    return json.dumps(document, indent=2) + "\n"


def _entry(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "resource": finding.resource,
        "template": finding.template,
        "path": finding.path,
        "message": finding.message,
        "fix": finding.fix,
        "source": finding.source,
        "construct": finding.construct,
    }
