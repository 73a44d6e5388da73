"""Ways to print results: as text for people, and by name for programs.

- github: workflow commands, https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
- json: one document with an entry for each check
- junit: one test case for each check, for CI servers
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from rich.console import Console
from rich.markup import escape

from ops.console import COLORS, colored, new_table, print_table
from ops.preflight.check import Status
from ops.preflight.engine import CheckResult

SUMMARY = "GITHUB_STEP_SUMMARY"
LEVELS = {Status.FAIL: "error", Status.BROKEN: "error", Status.WARN: "warning", Status.COULD_NOT_ASK: "warning"}


def to_github(results: Sequence[CheckResult]) -> str:
    """Return one workflow command for each outcome that is not a pass."""
    return "".join(
        annotation(LEVELS[outcome.status], result.check.id, f"{outcome.message}. Fix: {result.check.fix}")
        for result in results
        for outcome in result.outcomes
        if outcome.status in LEVELS
    )


def annotation(level: str, title: str, text: str) -> str:
    """Return the workflow command of one annotation: its level is `error` or `warning`."""
    data = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return f"::{level} title={title}::{data}\n"


def to_summary(text: str) -> None:
    """Append Markdown to the summary of the job, where GitHub Actions runs the command.

    Args:
        text: what to append.

    Raises:
        OSError: the file of the summary cannot be written.
    """
    if path := os.environ.get(SUMMARY):
        with Path(path).open("a", encoding="utf-8") as page:
            page.write(text)


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


def to_junit(results: Sequence[CheckResult]) -> str:
    """Return a test suite: what could not be asked is skipped, a broken check is an error, a warning is output."""
    suite = ET.Element(
        "testsuite",
        name="breakwater-preflight",
        tests=str(len(results)),
        failures=str(sum(result.status is Status.FAIL for result in results)),
        errors=str(sum(result.status is Status.BROKEN for result in results)),
        skipped=str(sum(result.status is Status.COULD_NOT_ASK for result in results)),
    )
    for result in results:
        name = f"{result.check.id} {result.check.title}"
        case = ET.SubElement(suite, "testcase", classname="preflight", name=name, time=f"{result.seconds:.3f}")
        messages = "\n".join(f"{each.status}: {each.message}" for each in result.outcomes)
        if result.status is Status.FAIL:
            ET.SubElement(case, "failure", message=messages).text = f"{result.check.fix}\n{result.check.source}"
        elif result.status is Status.BROKEN:
            ET.SubElement(case, "error", message=messages)
        elif result.status is Status.COULD_NOT_ASK:
            ET.SubElement(case, "skipped", message=messages)
        else:
            ET.SubElement(case, "system-out").text = messages
    ET.indent(suite)
    # ASCII with character references is right whatever the encoding of the standard output.
    document: bytes = ET.tostring(suite, xml_declaration=True)
    return document.decode() + "\n"


def print_text(console: Console, results: Sequence[CheckResult]) -> None:
    """Print what was found; the worst comes last, where people look first.

    Args:
        console: where to print.
        results: of the checks.
    """
    table = new_table("", "Check", "Answer", "What was found")
    for result in results:
        found = escape("\n".join(outcome.message for outcome in result.outcomes))
        table.add_row(result.check.id, colored(result.status), found)
    print_table(console, table)
    for result in sorted(results, key=lambda result: list(Status).index(result.status)):
        if result.status in (Status.WARN, Status.FAIL):
            title = f"{result.check.id} ({result.status}): {result.check.title}"
            console.print(f"[{COLORS[result.status]}]{escape(title)}[/]", highlight=False)
            for line in (f"Otherwise: {result.check.why}", f"Fix: {result.check.fix}", result.check.source):
                console.print(f"  {escape(line)}", highlight=False, soft_wrap=True)
    if unseen := [result.check.id for result in results if result.status is Status.COULD_NOT_ASK]:
        console.print(how_to_see(unseen), highlight=False, soft_wrap=True, markup=False)
    counts = Counter(result.status for result in results)
    console.print(", ".join(f"{counts[status]} {status}" for status in Status), highlight=False)


def how_to_see(unseen: Sequence[str]) -> str:
    """Return how to see what could not be asked.

    Args:
        unseen: ids of the checks.
    """
    only = " ".join(f"--only {name}" for name in unseen)
    return (
        f"To see {', '.join(unseen)}: allow the actions of docs/preflight-policy.json, which an emulator may lack, "
        f"then run `python -m ops preflight {only}` with the same -c"
    )


FORMATS: Mapping[str, Callable[[Sequence[CheckResult]], str]] = {
    "github": to_github,
    "json": to_json,
    "junit": to_junit,
}
