"""Ways to print results, by the word on the command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from preflight.engine import Result
from preflight.formats.github import to_github
from preflight.formats.json import to_json
from preflight.formats.junit import to_junit

FORMATS: Mapping[str, Callable[[Sequence[Result]], str]] = {
    "github": to_github,
    "json": to_json,
    "junit": to_junit,
}
