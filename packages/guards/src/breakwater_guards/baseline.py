"""A baseline: the findings of an earlier run, as ``--format json`` printed them, which fail no later one."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from breakwater_guards.reading.files import InputError, mapping, read_text
from breakwater_guards.report import Report
from breakwater_guards.rule import Finding

# Not the message: it holds values, and would make an old finding new whenever one of them changes.
_KEY = ("rule", "tool", "template", "resource", "path")
Key = tuple[str, ...]


def read_baseline(file: Path) -> Counter[Key]:
    """Return the places of a baseline, and how many findings each has.

    Args:
        file: what ``check --format json`` printed.

    Raises:
        InputError: it is missing, or no such report.
    """
    text = read_text(file)
    try:
        findings = mapping(json.loads(text))["findings"]
        return Counter(_key(finding) for finding in findings)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise InputError(
            f"{file} is no baseline, which `--format json` prints; write one into another file: "
            "breakwater-guards check PATH --format json > baseline.json"
        ) from None


def without_known(report: Report, baseline: Mapping[Key, int], name: str) -> Report:
    """Move the findings that a baseline has from the new ones to the known ones, and say which it need not have.

    Args:
        report: of this run.
        baseline: places, and how many findings each may have.
        name: of the baseline, for the notice.
    """
    left = Counter(baseline)
    known: list[Finding] = []
    new: list[Finding] = []
    for finding in report.findings:
        key = tuple(str(getattr(finding, part)) for part in _KEY)
        (known if left[key] > 0 else new).append(finding)
        left[key] -= 1
    gone = sum(count for count in left.values() if count > 0)
    notice = f"{gone} findings of the baseline {name} are gone: write it anew, so that they cannot come back"
    return report._replace(
        findings=tuple(new),
        known=tuple(known),
        notices=(*report.notices, *((notice,) if gone else ())),
    )


def _key(finding: Mapping[str, Any]) -> Key:
    return tuple(str(finding.get(part, "")) for part in _KEY)
