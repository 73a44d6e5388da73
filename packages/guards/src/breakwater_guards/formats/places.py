"""Where a finding is, for people and editors: file as seen from the working directory, and line."""

from __future__ import annotations

import os
import re
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

from breakwater_guards.reading.files import InputError, read_text
from breakwater_guards.report import Report
from breakwater_guards.rule import Finding

_KEY = re.compile(r"""['"]?([A-Za-z0-9]+)['"]?\s*:""")
_SECTION = re.compile(r"""^\s*['"]?Resources['"]?\s*:""", re.MULTILINE)


def file_of(report: Report, finding: Finding) -> str:
    """Return the path of a finding's template as one would type it, with forward slashes.

    Args:
        report: says what was judged.
        finding: one of its findings.
    """
    if report.path is None:
        return finding.template
    file = report.file_of(finding)
    try:
        return Path(os.path.relpath(file)).as_posix() if file.resolve().is_relative_to(Path.cwd()) else file.as_posix()
    except OSError:
        return file.as_posix()


def uri_of(report: Report, finding: Finding) -> str:
    """Return a finding's template as a URI reference; relative to the working directory when it lies below it."""
    file = file_of(report, finding)
    return Path(file).as_uri() if Path(file).is_absolute() else quote(file, errors="surrogatepass")


def line_of(report: Report, finding: Finding) -> int | None:
    """Return the line, from 1, on which a finding's resource begins; ``None`` where the file does not tell."""
    if report.path is None or not finding.resource:
        return None
    return _lines(report.file_of(finding)).get(finding.resource)


@lru_cache(maxsize=8)
def _lines(file: Path) -> dict[str, int]:
    """Index the lines of the first keys below ``Resources``, in files that are printed over several lines."""
    try:
        text = read_text(file)
    except InputError:
        return {}
    section = _SECTION.search(text)
    if section is None:
        return {}
    found: dict[str, int] = {}
    indent = None
    below = text[section.end() :].split("\n")[1:]
    for number, line in enumerate(below, start=text.count("\n", 0, section.end()) + 2):
        bare = line.lstrip()
        match = _KEY.match(bare)
        here = len(line) - len(bare)
        indent = here if indent is None and match else indent
        if match and here < (indent or 0):
            break
        if match and here == indent:
            found.setdefault(match[1], number)
    return found
