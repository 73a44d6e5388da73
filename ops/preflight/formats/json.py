"""For programs: one JSON document."""

from __future__ import annotations

import json
from collections.abc import Sequence

from ops.preflight.engine import CheckResult


def to_json(results: Sequence[CheckResult]) -> str:
    """Return a list with one entry for each check."""
    rows = [
        {
            "id": result.check.id,
            "title": result.check.title,
            "status": result.status,
            "findings": [{"status": each.status, "message": each.message} for each in result.outcomes],
            "fix": result.check.fix,
            "source": result.check.source,
            "seconds": round(result.seconds, 3),
        }
        for result in results
    ]
    return json.dumps(rows, indent=2, ensure_ascii=False) + "\n"
