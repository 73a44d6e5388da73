"""For GitHub Actions: an annotation for each outcome that is not a pass.

https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
"""

from __future__ import annotations

from collections.abc import Sequence

from ops.preflight.check import Status
from ops.preflight.engine import CheckResult

LEVELS = {Status.FAIL: "error", Status.WARN: "warning", Status.COULD_NOT_ASK: "warning"}


def to_github(results: Sequence[CheckResult]) -> str:
    """Return one workflow command for each outcome that is not a pass."""
    return "".join(
        f"::{LEVELS[outcome.status]} title={result.check.id}::{_data(f'{outcome.message}. Fix: {result.check.fix}')}\n"
        for result in results
        for outcome in result.outcomes
        if outcome.status in LEVELS
    )


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
