"""What the benchmark of the guards measures, and its verdicts."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from itertools import accumulate
from pathlib import Path

import pytest
from rich.console import Console

from breakwater_guards import check
from breakwater_guards.model.assembly import Assembly
from scripts import bench_guards
from scripts.bench_guards import CFN_LINT, CHECKOV, GUARDS, Inside, Subject, commands, inside
from scripts.bench_guards_assembly import CELL, write_assembly
from scripts.timing import BenchError, Sample


@pytest.mark.parametrize("cells", [1, 39, 40, 100])
def test_assemblies_have_their_size_and_nothing_to_complain_of(tmp_path: Path, cells: int) -> None:
    written = write_assembly(tmp_path, cells)
    model = Assembly.load(tmp_path)
    assert sum(len(template.resources) for template in model.templates.values()) == written
    assert CELL * cells < written < CELL * cells + 20
    assert check(model).findings == ()


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
    found = inside(subject, 3, clock=lambda: next(times))
    assert (found.load, found.rules) == (2, 20)
    assert found.each == pytest.approx(22 / subject.resources * 1e6)


@pytest.mark.parametrize(
    ("platform", "middle", "largest", "kept"),
    [
        (0.09, 0.1, 1.9, True),
        (0.11, 0.1, 1.9, False),
        (0.09, 0.3, 2.1, False),
        (0.09, 0.09, 1.9, False),
    ],
)
def test_each_target_inside_the_process_decides(*, platform: float, middle: float, largest: float, kept: bool) -> None:
    output = StringIO()
    sizes = {"platform": (platform, 126), "middle": (middle, 1_000), "largest": (largest, 10_000)}
    measured = [Inside(Subject(name, Path(), size), total, 0) for name, (total, size) in sizes.items()]
    assert bench_guards.report_inside(Console(file=output, width=160), measured) is kept
    assert ("missed" in output.getvalue()) is not kept


@pytest.mark.parametrize(("lint", "kept"), [(4.0, True), (3.9, False)])
def test_the_promised_factor_is_that_of_cfn_lint_on_the_platform(*, lint: float, kept: bool) -> None:
    output = StringIO()
    seconds = {GUARDS: 0.2, CFN_LINT: lint, CHECKOV: 1.0}
    samples = {tool: [Sample(wall, wall)] * 3 for tool, wall in seconds.items()}
    slower = {tool: [Sample(1.0, 1.0)] * 3 for tool in seconds}
    measured = {Subject("platform", Path(), 126): samples, Subject("other", Path(), 10): slower}
    assert bench_guards.report_processes(Console(file=output, width=160), measured) is kept
    assert ("missed" in output.getvalue()) is not kept
    assert f"{lint / 0.2:.2f}" in output.getvalue()


def test_every_tool_gets_every_template(tmp_path: Path) -> None:
    subject = Subject("two", tmp_path / "two", write_assembly(tmp_path / "two", 1))
    found = commands(subject, tmp_path / "bin")
    names = {"root.template.json", "cells-1.nested.template.json"}
    for tool in (CFN_LINT, CHECKOV):
        assert {Path(part).name for part in found[tool] if part.endswith(".template.json")} == names
    assert found[GUARDS][-1] == str(subject.folder)


def test_a_tool_that_fails_is_exit_code_1_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def fail(_: Path) -> list[Subject]:
        raise BenchError("checkov ended with exit code 3")

    monkeypatch.setattr(bench_guards, "scanners_environment", lambda: tmp_path)
    monkeypatch.setattr(bench_guards, "subjects", fail)
    assert bench_guards.main(["--rounds", "3"]) == 1
    assert capsys.readouterr().err == "bench-guards: checkov ended with exit code 3\n"


def test_too_few_rounds_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        bench_guards.main(["--rounds=2"])
    assert caught.value.code == 2
    assert "--rounds 2: at least 3" in capsys.readouterr().err
