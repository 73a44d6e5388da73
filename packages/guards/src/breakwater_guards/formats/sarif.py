"""For code scanning: SARIF 2.1.0, https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html."""

from __future__ import annotations

import json
from typing import Any

from breakwater_guards.engine import Report
from breakwater_guards.formats.places import line_of, uri_of
from breakwater_guards.rule import Finding, Rule

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def to_sarif(report: Report) -> str:
    """Return one run: every rule that ran, its findings, the acknowledged ones as suppressed results, what failed."""
    index = {rule.id: number for number, rule in enumerate(report.rules)}
    results = [_result(report, finding, index) for finding in report.findings]
    results += [
        {**_result(report, item.finding, index), "suppressions": [_suppression(item.reason)]}
        for item in report.acknowledged
    ]
    run = {
        "tool": {"driver": {"name": "breakwater-guards", "rules": [_rule(rule) for rule in report.rules]}},
        "invocations": [
            {
                "executionSuccessful": not report.unjudged,
                "toolExecutionNotifications": [
                    *({"level": "error", "message": {"text": str(item)}} for item in report.unjudged),
                    *({"level": "warning", "message": {"text": notice}} for notice in report.notices),
                ],
            }
        ],
        "results": results,
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.prevents},
        "help": {"text": f"{rule.fix} {' '.join(rule.sources)}"},
        "helpUri": rule.sources[0],
        "defaultConfiguration": {"level": rule.severity.value},
    }


def _result(report: Report, finding: Finding, index: dict[str, int]) -> dict[str, Any]:
    logical = ".".join(part for part in (finding.resource, finding.path) if part)
    # GitHub shows no result without a Region.
    region = {"startLine": line_of(report, finding) or 1}
    location: dict[str, Any] = {
        "physicalLocation": {"artifactLocation": {"uri": uri_of(report, finding)}, "region": region}
    }
    if logical:
        location["logicalLocations"] = [{"fullyQualifiedName": logical, "kind": "resource"}]
    return {
        "ruleId": finding.rule,
        "ruleIndex": index[finding.rule],
        "level": finding.severity.value,
        "message": {"text": f"{finding.message} Fix: {finding.fix}"},
        "locations": [location],
        "partialFingerprints": {"place/v1": f"{finding.rule}:{finding.template}:{logical}"},
    }


def _suppression(reason: str) -> dict[str, str]:
    return {"kind": "inSource", "justification": reason}
