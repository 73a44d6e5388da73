"""For GitHub Actions: an annotation for each finding that is not a pass.

https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
"""

from __future__ import annotations

from collections.abc import Sequence

from ops.preflight.check import Status
from ops.preflight.engine import Result

LEVELS = {Status.FAIL: "error", Status.WARN: "warning", Status.COULD_NOT_ASK: "warning"}


def to_github(results: Sequence[Result]) -> str:
    """Return one workflow command per finding."""
    return "".join(
        f"::{LEVELS[finding.status]} title={result.check.id}::{_data(f'{finding.message}. Fix: {result.check.fix}')}\n"
        for result in results
        for finding in result.findings
        if finding.status in LEVELS
    )


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
