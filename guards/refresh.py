"""Rewrites the facts that can be derived from the packaged data of cfn-lint and botocore.

    python -m guards.refresh

Facts that only AWS's pages state (support dates, feature floors, reserved users) stay as they are, with their source;
the command names them, so that somebody reads those pages again. Needs cfn-lint and botocore, which the rules do not.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from guards import refresh_sources as sources

DATA = Path(__file__).parent / "data"
CFN_LINT = "https://github.com/aws-cloudformation/cfn-lint"
BOTOCORE = "https://github.com/boto/botocore"
DERIVED: dict[str, tuple[str, Callable[[], dict[str, Any]]]] = {
    "aurora_versions": (CFN_LINT, sources.aurora_versions),
    "fargate": (CFN_LINT, sources.fargate_sizes),
    "lambda": (CFN_LINT, sources.lambda_facts),
    "rds_log_types": (BOTOCORE, sources.log_types),
}


def refresh(folder: Path, today: date) -> list[str]:
    """Rewrite every derived data file of a folder and date it.

    Args:
        folder: where the data files are.
        today: date that the files get.

    Returns:
        What changed, one line per fact; empty when the facts are as they were.

    Raises:
        SourceError: the packaged data have another shape than expected.
    """
    fresh = {name: {"date": today.isoformat(), "sources": [url], **derive()} for name, (url, derive) in DERIVED.items()}
    changes: list[str] = []
    for name, document in fresh.items():  # all derived before the first is written: nothing stays half done
        path = folder / f"{name}.json"
        before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        changes += _changes(name, before, document)
        path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return changes


def _changes(name: str, before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    old, new = dict(_leaves(before)), dict(_leaves(after))
    return [
        f"{name}: {sign} {path}" + (f" = {values[path]}" if values[path] is not None else "")
        for sign, values, others in (("-", old, new), ("+", new, old))
        for path in values
        if path not in others or values[path] != others[path]
    ]


def _leaves(value: Any, path: str = "") -> list[tuple[str, Any]]:
    """Flatten a document: ``versions.aurora-postgresql.17.7`` for list items, a value for mapping entries."""
    if isinstance(value, dict):
        entries = [(key, item) for key, item in value.items() if path or key not in ("date", "sources")]
        return [leaf for key, item in entries for leaf in _leaves(item, f"{path}.{key}".lstrip("."))]
    if isinstance(value, list):
        return [(f"{path}.{item}", None) for item in value]
    return [(path, value)]


def main() -> int:
    """Refresh the package's own data and print what changed.

    Returns:
        0; 2 with one line when cfn-lint or botocore is missing or has changed its data.
    """
    try:
        changes = refresh(DATA, datetime.now(UTC).date())
    except (ImportError, sources.SourceError) as error:
        sys.stderr.write(f"guards.refresh: {error}; nothing was written\n")
        return 2
    lines = changes or ["no fact changed"]
    for path in sorted(DATA.glob("*.json")):
        if path.stem not in DERIVED:
            document = json.loads(path.read_text(encoding="utf-8"))
            lines.append(f"by hand: data/{path.name} of {document['date']}: {', '.join(document['sources'])}")
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
