"""Ways to print results, by their names on the command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ops.preflight.engine import CheckResult
from ops.preflight.formats.github import to_github
from ops.preflight.formats.json import to_json
from ops.preflight.formats.junit import to_junit

FORMATS: Mapping[str, Callable[[Sequence[CheckResult]], str]] = {
    "github": to_github,
    "json": to_json,
    "junit": to_junit,
}
