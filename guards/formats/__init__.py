"""Ways to print a report: one function per format, by the name that ``--format`` takes."""

from __future__ import annotations

from collections.abc import Callable

from guards.engine import Report
from guards.formats.github import to_github
from guards.formats.json import to_json
from guards.formats.junit import to_junit
from guards.formats.sarif import to_sarif
from guards.formats.text import to_text

FORMATS: dict[str, Callable[[Report], str]] = {
    "text": to_text,
    "json": to_json,
    "sarif": to_sarif,
    "junit": to_junit,
    "github": to_github,
}
