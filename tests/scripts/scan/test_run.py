"""A run of the scanners: its exit code, its table and its page."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from threading import Barrier

import pytest
from rich.console import Console

from scripts.scan import __main__ as command
from scripts.scan import model, page
from scripts.scan.model import Acknowledged, Finding, Listed, ScanError, ScanResult

REASON = "a reason that is long enough for anybody to disprove it"
FINDING = Finding("Storage/Bucket1234ABCD", "RULE-1", "no lock")
CLEAN = ScanResult("scanner", "prod", 9, "checks", acknowledged=(Acknowledged(FINDING, REASON),))
FAILED = ScanResult("scanner", "prod", 9, "checks", failed=(FINDING,))
UNAVAILABLE = ScanResult("audit", "", 0, "packages", unavailable="nobody answered")


def _report(*results: ScanResult, unneeded: tuple[Finding, ...] = ()) -> tuple[int, str]:
    output = StringIO()
    return command.report(Console(file=output, width=160), results, unneeded), output.getvalue()


def test_what_stays_with_a_reason_is_no_failure() -> None:
    status, text = _report(CLEAN, UNAVAILABLE)
    assert status == 0
    assert "9 / 0 / 1" in text
    assert "no result: nobody answered" in text


def test_one_finding_or_one_needless_reason_fails() -> None:
    status, text = _report(FAILED)
    assert status == 1
    assert "RULE-1 Storage/Bucket1234ABCD: no lock" in text
    assert _report(CLEAN, unneeded=(FINDING,))[0] == 1


def test_the_page_gives_construct_rule_environments_and_reason() -> None:
    other = ScanResult("scanner", "dev", 8, "checks", acknowledged=CLEAN.acknowledged)
    text = page.page([other, CLEAN])
    assert f"| `Storage/Bucket` | `RULE-1` | dev, prod | {REASON} |" in text
    assert "| scanner | 1 | 1 |" in text


def test_a_page_that_is_not_of_this_run_is_told_and_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(page, "PAGE", tmp_path / "compliance.md")
    page.PAGE.write_text("old")
    assert command.write([CLEAN, UNAVAILABLE], check=True) == 1
    assert page.PAGE.read_text() == "old"
    assert command.write([CLEAN, UNAVAILABLE], check=False) == 0
    assert command.write([CLEAN, UNAVAILABLE], check=True) == 0
    assert "audit" not in page.PAGE.read_text()


def test_the_committed_page_lists_what_is_listed() -> None:
    text = page.PAGE.read_text(encoding="utf-8")
    environments = [entry for entry in model.load_listed() if entry.scanner != model.VALIDATE]  # that has more profiles
    assert environments
    assert all(f"`{entry.rule}`" in text for entry in environments)


def test_an_entry_covers_its_scanner_rule_and_place_only() -> None:
    entry = Listed("scanner", "RULE-1", "Storage/*", REASON)
    others = [Finding("Network/Bucket", "RULE-1"), Finding("Storage/Bucket", "RULE-2")]
    failed, stays = model.split("scanner", [FINDING, *others], [entry])
    assert list(failed) == sorted(others)
    assert stays == (Acknowledged(FINDING, REASON),)
    assert model.split("another", [FINDING], [entry])[0] == (FINDING,)


def test_an_entry_that_nothing_matches_is_needless() -> None:
    used = Listed("scanner", "RULE-1", "Storage/*", REASON)
    unused = Listed("scanner", "RULE-2", "Storage/*", REASON)
    of_lint = Listed(model.VALIDATE, "W1", "Storage/*", REASON)  # which `make lint` looks for in more profiles
    assert [finding.rule for finding in command.stale([CLEAN], [], [used, unused, of_lint])] == ["RULE-2"]


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("[[listed]]\nscanner = 1\n", "missing"),
        ("[[listed", "listed.toml"),
        ("[other]\n", "listed"),
        ('[[listed]]\nscanner = "a"\nrule = "b"\nwhere = "c"\nreason = "known"\n', "40 characters"),
        (f'[[listed]]\nscanner = "cfn-lint"\nrule = "W1"\nwhere = "c"\nreason = "{REASON}"\n', "mended, not accepted"),
        (f'[[listed]]\nscanner = "a"\nrule = "b"\nwhere = "c"\nreason = "{REASON}"\nuntil = 1\n', "until"),
    ],
)
def test_a_broken_list_is_one_clear_error(tmp_path: Path, text: str, finding: str) -> None:
    file = tmp_path / "listed.toml"
    file.write_text(text)
    with pytest.raises(ScanError, match=finding):
        model.load_listed(file)


def test_a_scanner_that_does_not_run_is_exit_code_1_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse() -> Path:
        raise ScanError("checkov is missing")

    monkeypatch.setattr(command, "install_scanners", refuse)
    assert command.main(["--scanner", "checkov"]) == 1
    assert capsys.readouterr().err == "scan: checkov is missing\n"


def test_scanners_run_at_the_same_time_and_keep_their_order() -> None:
    both_run = Barrier(2)

    def slow(result: ScanResult) -> list[ScanResult]:
        both_run.wait(timeout=30)
        return [result]

    available = {"one": lambda: slow(CLEAN), "two": lambda: slow(FAILED)}
    assert command.run(Console(file=StringIO()), available, ["two", "one"]) == [FAILED, CLEAN]
