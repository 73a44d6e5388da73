"""A run of the judges: its exit code, its table and its page."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from scripts.judge import __main__ as command
from scripts.judge import listed, page
from scripts.judge.listed import Listed
from scripts.judge.model import Acknowledged, Finding, JudgeError, Verdict

REASON = "a reason that is long enough for anybody to disprove it"
FINDING = Finding("Storage/Bucket1234ABCD", "RULE-1", "no lock")
CLEAN = Verdict("judge", "prod", 9, "checks", acknowledged=(Acknowledged(FINDING, REASON),))
FAILED = Verdict("judge", "prod", 9, "checks", failed=(FINDING,))
UNASKED = Verdict("audit", "", 0, "packages", unasked="nobody answered")


def _report(*verdicts: Verdict, unneeded: tuple[Finding, ...] = ()) -> tuple[int, str]:
    output = StringIO()
    return command.report(Console(file=output, width=160), verdicts, unneeded), output.getvalue()


def test_what_stays_with_a_reason_is_no_failure() -> None:
    status, text = _report(CLEAN, UNASKED)
    assert status == 0
    assert "9 / 0 / 1" in text
    assert "could not ask: nobody answered" in text


def test_one_complaint_or_one_needless_reason_fails() -> None:
    status, text = _report(FAILED)
    assert status == 1
    assert "RULE-1 Storage/Bucket1234ABCD: no lock" in text
    assert _report(CLEAN, unneeded=(FINDING,))[0] == 1


def test_the_page_gives_construct_rule_environments_and_reason() -> None:
    other = Verdict("judge", "dev", 8, "checks", acknowledged=CLEAN.acknowledged)
    text = page.page([other, CLEAN])
    assert f"| `Storage/Bucket` | `RULE-1` | dev, prod | {REASON} |" in text
    assert "| judge | 1 | 1 |" in text


def test_a_page_that_is_not_of_this_run_is_told_and_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(page, "PAGE", tmp_path / "compliance.md")
    page.PAGE.write_text("old")
    assert command.write([CLEAN, UNASKED], check=True) == 1
    assert page.PAGE.read_text() == "old"
    assert command.write([CLEAN, UNASKED], check=False) == 0
    assert command.write([CLEAN, UNASKED], check=True) == 0
    assert "audit" not in page.PAGE.read_text()


def test_the_committed_page_lists_what_is_listed() -> None:
    text = page.PAGE.read_text(encoding="utf-8")
    for entry in listed.load():
        assert f"`{entry.rule}`" in text


def test_an_entry_covers_its_judge_rule_and_place_only() -> None:
    entry = Listed("judge", "RULE-1", "Storage/*", REASON)
    others = [Finding("Network/Bucket", "RULE-1"), Finding("Storage/Bucket", "RULE-2")]
    failed, stays = listed.split("judge", [FINDING, *others], [entry])
    assert list(failed) == sorted(others)
    assert stays == (Acknowledged(FINDING, REASON),)
    assert listed.split("another", [FINDING], [entry])[0] == (FINDING,)


def test_an_entry_that_nothing_matches_is_needless() -> None:
    used = Listed("judge", "RULE-1", "Storage/*", REASON)
    unused = Listed("judge", "RULE-2", "Storage/*", REASON)
    assert [finding.rule for finding in command.stale([CLEAN], [], [used, unused])] == ["RULE-2"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[[listed]]\njudge = 1\n", "missing"),
        ("[[listed", "listed.toml"),
        ("[other]\n", "listed"),
        ('[[listed]]\njudge = "a"\nrule = "b"\nwhere = "c"\nreason = "known"\n', "40 characters"),
    ],
)
def test_a_broken_list_is_one_clear_error(tmp_path: Path, text: str, complaint: str) -> None:
    file = tmp_path / "listed.toml"
    file.write_text(text)
    with pytest.raises(JudgeError, match=complaint):
        listed.load(file)


def test_a_judge_that_does_not_run_is_exit_code_1_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse() -> Path:
        raise JudgeError("checkov is missing")

    monkeypatch.setattr(command, "scanners_environment", refuse)
    assert command.main(["--judge", "checkov"]) == 1
    assert capsys.readouterr().err == "judge: checkov is missing\n"
