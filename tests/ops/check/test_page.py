"""The page in each of its forms."""

from __future__ import annotations

import json
import re
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from ops.check import page
from ops.check.changes import Action, Change
from ops.check.page import Report
from ops.check.part import PARTS, Line, Part, not_asked, not_installed
from ops.preflight.check import Status
from ops.preflight.formats import SUMMARY

REPORT = Report(
    "Breakwater-dev (dev, us-east-1)",
    [
        Part("settings", "fine"),
        Part("guards", "1 warn", (Line(Status.WARN, "a|b <c>", "mend [it]"),)),
        Part(
            "changes",
            "1 remove",
            (Line(Status.FAIL, "remove Table\nfor ever"),),
            (Change(Action.REMOVE, "T", "Table", old="snapshot", holds=True),),
        ),
        Part("account", "no", (Line(Status.COULD_NOT_ASK, "no"),)),
    ],
    12.3,
)
VERDICT = "NO GO: changes; look at the warnings of guards; not everything could be asked: account"


def test_a_terminal_shows_what_is_lost_in_red_and_the_verdict_last() -> None:
    console = Console(force_terminal=True, width=100, color_system="standard", record=True, file=StringIO())
    page.print_text(console, REPORT)
    shown = console.export_text(styles=True)
    assert "\x1b[31mfail  remove Table" in shown
    assert "mend [it]" in shown
    assert "\n\x1b[1msettings" not in shown  # it has no more to say than the table
    plain = re.sub(r"\x1b\[[\d;]*m", "", shown)
    assert plain.rstrip().endswith(f"{VERDICT} (12 s)")


def test_markdown_escapes_what_others_wrote_and_keeps_all_changes() -> None:
    shown = page.to_markdown(REPORT)
    assert shown.startswith(f"## {VERDICT}\n")
    assert "### settings" not in shown
    assert "- warn: a\\|b &lt;c&gt;<br>mend [it]" in shown
    assert "- **fail**: remove Table<br>for ever" in shown
    assert "<details><summary>All changes: 1 remove</summary>" in shown
    assert "- remove Table (T): the old one would be deleted after a snapshot" in shown


def test_github_gets_annotations_and_the_page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(SUMMARY, raising=False)
    without = page.to_github(REPORT)
    summary = tmp_path / "summary.md"
    monkeypatch.setenv(SUMMARY, str(summary))
    assert page.to_github(REPORT) == without
    assert summary.read_text() == page.to_markdown(REPORT)
    assert without.splitlines() == [
        "::warning title=guards::a|b <c> mend [it]",
        "::error title=changes::remove Table%0Afor ever",
        "::warning title=account::no",
        VERDICT,
    ]


def test_parts_that_say_the_same_are_shown_once() -> None:
    later = [not_asked(name, "not asked: the settings come first", "Correct the settings.") for name in PARTS[1:]]
    report = Report("x", [Part("settings", "no", (Line(Status.FAIL, "no"),)), *later], 0.0)
    console = Console(width=200, record=True, file=StringIO())
    page.print_text(console, report)
    for shown in (console.export_text(), page.to_markdown(report)):
        assert len(re.findall("Correct the settings", shown)) == 1
        assert f"{', '.join(PARTS[1:])}" in shown
    assert [part["name"] for part in json.loads(page.to_json(report))["parts"]] == list(PARTS)


def test_a_report_that_lacks_a_tool_is_neither_go_nor_no_go() -> None:
    report = Report("x", [Part("guards", "fine"), not_installed("cfn-lint", "cfn-lint")], 0.0)
    assert (report.go, report.blocking, report.missing) == (False, "", "cfn-lint")
    assert report.verdict.startswith("INCOMPLETE: nothing found so far; for cfn-lint, run `make install`")
    console = Console(force_terminal=True, width=100, color_system="standard", record=True, file=StringIO())
    page.print_text(console, report)
    assert "\x1b[1;33mINCOMPLETE" in console.export_text(styles=True)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (PARTS, "GO: nothing stands against a deployment"),
        (PARTS[:-1], "GO as far as asked; not everything could be asked: changes"),
    ],
)
def test_go_says_when_it_is_not_of_everything(asked: tuple[str, ...], told: str) -> None:
    parts = [Part(name, "") if name in asked else not_asked(name, "no", "") for name in PARTS]
    assert Report("x", parts, 0.0).verdict == told
