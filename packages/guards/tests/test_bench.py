"""The bench: assemblies to measure, targets that decide, and a comparison that is complete."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

import pytest

import compare
import speed
from breakwater_guards import check
from breakwater_guards.engine import all_rules
from scanners import SCANNERS, Findings, Fixture
from speed import CFN_LINT, CHECKOV, GUARDS, Inside, Subject
from synthetic import CELL, write_assembly

PAGE = compare.PAGE.read_text(encoding="utf-8")
CASES = compare.all_fixtures()
BROKEN = Fixture("DR-SNS-01", compare.FIXTURES / "DR-SNS-01" / "bad.yaml")
SOUND = Fixture("DR-SNS-01", compare.FIXTURES / "DR-SNS-01" / "good.yaml")


@pytest.mark.parametrize("cells", [1, 39, 40, 100])
def test_assemblies_have_their_size_and_no_finding(tmp_path: Path, cells: int) -> None:
    written = write_assembly(tmp_path, cells)
    assert Subject.load(tmp_path).resources == written
    assert CELL * cells < written < CELL * cells + 20
    assert check(tmp_path).findings == ()


def test_every_cell_is_judged(tmp_path: Path) -> None:
    write_assembly(tmp_path, 40)
    for file in tmp_path.glob("cells-*"):
        file.write_text(file.read_text().replace('"EngineVersion": "17.7"', '"EngineVersion": "13.7"'))
    assert [finding.rule for finding in check(tmp_path, rules=["DR-AURORA-01"]).findings] == ["DR-AURORA-01"] * 40


def _clock(*steps: float) -> Iterator[float]:
    yield from accumulate(steps)


def test_medians_leave_the_warm_up_out_and_tell_reading_from_rules(tmp_path: Path) -> None:
    subject = Subject("one", tmp_path, write_assembly(tmp_path, 1))
    # started, loaded, judged: the clock is read three times a round.
    times = _clock(0, 99, 99, 0, 1, 10, 0, 2, 20, 0, 9, 90)
    found = speed.inside(subject, 3, clock=lambda: next(times))
    assert (found.load, found.rules) == (2, 20)
    assert found.each == pytest.approx(22 / subject.resources * 1e6)


@pytest.mark.parametrize(
    ("app", "middle", "largest", "met"),
    [(0.24, 0.2, 2.9, True), (0.26, 0.2, 2.9, False), (0.24, 0.3, 3.1, False), (0.24, 0.1, 2.9, False)],
)
def test_each_target_inside_the_process_decides(*, app: float, middle: float, largest: float, met: bool) -> None:
    sizes = {"app": (app, 126), "middle": (middle, 1_000), "largest": (largest, 10_000)}
    measured = [Inside(Subject(name, Path(), size), total, 0) for name, (total, size) in sizes.items()]
    assert speed.report_inside(measured, apps=1) is met


@pytest.mark.parametrize(("lint", "met"), [(4.0, True), (3.9, False)])
def test_the_promised_factor_is_that_of_cfn_lint_on_the_first(
    *, lint: float, met: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    walls = {tool: [wall] * 3 for tool, wall in {GUARDS: 0.2, CFN_LINT: lint, CHECKOV: 1.0}.items()}
    slower = {tool: [1.0] * 3 for tool in walls}
    measured = {Subject("app", Path(), 126): walls, Subject("other", Path(), 10): slower}
    assert speed.report_processes(measured) is met
    assert f"by a factor of {lint / 0.2:.1f}" in capsys.readouterr().out


def test_every_tool_gets_every_template(tmp_path: Path) -> None:
    found = speed.commands(Subject("two", tmp_path, write_assembly(tmp_path, 1)))
    names = {"root.template.json", "cells-1.nested.template.json"}
    for tool in (CFN_LINT, CHECKOV):
        assert {Path(part).name for part in found[tool] if part.endswith(".template.json")} == names
    assert found[GUARDS][-1] == str(tmp_path)


def test_a_tool_that_fails_is_exit_code_1_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(speed, "CELLS", (1, 2))
    monkeypatch.setattr(speed, "FINDINGS_CODES", {GUARDS: (7,)})
    assert speed.main(["--rounds", "1"]) == 1
    assert re.search(r"^bench-guards: guards: .* ended with exit code 0", capsys.readouterr().err, re.MULTILINE)


# The comparison


def _scanner(found: Findings) -> compare.Scanner:
    return compare.Scanner(found, {BROKEN: frozenset({("DR-SNS-01", "Topic")}), SOUND: frozenset()})


def test_what_a_scanner_finds_in_the_broken_fixture_alone_counts() -> None:
    (resource, *_) = BROKEN.types
    noise = ("NOISE", resource)
    found: Findings = {BROKEN: frozenset({noise, ("OWN", resource), ("W9003", resource)}), SOUND: frozenset({noise})}
    assert _scanner(found).caught(BROKEN) == frozenset({("OWN", resource)})
    assert _scanner({BROKEN: None, SOUND: frozenset()}).caught(BROKEN) is None


def test_a_cell_counts_fixtures_and_names_rules() -> None:
    caught: dict[str, list[frozenset[tuple[str, str]] | None]] = {
        "guards": [frozenset({("DR-A-01", "R")})] * 2,
        "other": [frozenset({("X1", "R"), ("X2", "")}), None],
    }
    row = compare.Row("DR-A-01", {**caught, "blind": [None, None], "silent": [frozenset(), None]})
    assert [row.cell(name) for name in row.caught] == ["2/2", "1/2 X1, X2", "not applicable", "-"]
    assert "**1 of 2**" in compare.page([row], {"other": "1.0"})


def test_every_rule_was_compared_with_every_fixture_that_it_has_today() -> None:
    sizes = {rule: int(size) for rule, size in re.findall(r"^\| (DR-[\w-]+) \| \d+/(\d+)", PAGE, re.MULTILINE)}
    broken = [fixture.rule for fixture in CASES if fixture.broken]
    assert sizes == {rule: broken.count(rule) for rule in all_rules()}, "run `make compare` and commit what it writes"


def test_the_guards_catch_everything_and_every_scanner_was_asked() -> None:
    lines = PAGE.splitlines()
    assert f"| Rule | {' | '.join(SCANNERS)} |" in lines
    (total,) = (line for line in lines if "Broken fixtures" in line)
    caught, fixtures = re.findall(r"(\d+) of (\d+)", total)[0]
    assert caught == fixtures
