"""Ways to print a report: one function per format, by the name that ``--format`` takes."""

from __future__ import annotations

from collections.abc import Callable

from breakwater_guards.formats.github import to_github
from breakwater_guards.formats.json import to_json
from breakwater_guards.formats.junit import to_junit
from breakwater_guards.formats.sarif import to_sarif
from breakwater_guards.formats.text import to_text
from breakwater_guards.report import Report

FORMATS: dict[str, Callable[[Report], str]] = {
    "text": to_text,
    "json": to_json,
    "sarif": to_sarif,
    "junit": to_junit,
    "github": to_github,
}
