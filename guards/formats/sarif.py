"""For code scanning: SARIF 2.1.0, https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html."""

from __future__ import annotations

import json
from typing import Any

from guards.engine import Report
from guards.rule import Finding, Rule

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def to_sarif(report: Report) -> str:
    """Return one run with every rule that ran, its findings, and the acknowledged ones as suppressed results."""
    index = {rule.id: number for number, rule in enumerate(report.rules)}
    results = [_result(finding, index) for finding in report.findings]
    results += [
        {**_result(item.finding, index), "suppressions": [{"kind": "inSource", "justification": item.reason}]}
        for item in report.acknowledged
    ]
    run = {
        "tool": {"driver": {"name": "breakwater-guards", "rules": [_rule(rule) for rule in report.rules]}},
        "results": results,
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.prevents},
        "help": {"text": rule.fix},
        "helpUri": rule.sources[0],
        "defaultConfiguration": {"level": rule.severity.value},
    }


def _result(finding: Finding, index: dict[str, int]) -> dict[str, Any]:
    logical = ".".join(part for part in (finding.resource, finding.path) if part)
    location: dict[str, Any] = {"physicalLocation": {"artifactLocation": {"uri": finding.template}}}
    if logical:
        location["logicalLocations"] = [{"fullyQualifiedName": logical, "kind": "resource"}]
    return {
        "ruleId": finding.rule,
        "ruleIndex": index[finding.rule],
        "level": finding.severity.value,
        "message": {"text": f"{finding.message} Fix: {finding.fix}"},
        "locations": [location],
    }
