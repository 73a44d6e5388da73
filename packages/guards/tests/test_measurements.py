"""How times are taken and compared."""

from __future__ import annotations

import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

import synth
from synth import EMPTY, EMPTY_UNVALIDATED, PLATFORM, Candidate, cli_context
from timing import BenchError, Sample, alternate, ratio, timed


def test_the_context_is_what_the_cli_hands_over() -> None:
    assert cli_context({"context": {"@aws-cdk/flag": True}, "versionReporting": False}) == {
        "@aws-cdk/flag": True,
        "aws:cdk:enable-path-metadata": True,
        "aws:cdk:enable-asset-metadata": True,
        "aws:cdk:version-reporting": False,
        "aws:cdk:bundling-stacks": ["**"],
    }
    assert cli_context({"context": {}})["aws:cdk:version-reporting"] is True


def _app(folder: Path, program: str) -> Candidate:
    (folder / "cdk.json").write_text('{"context": {"flag": true}}')
    (folder / "app.py").write_text(program)
    return Candidate(folder, {"CDK_VALIDATION": "false"})


def test_an_app_runs_with_context_output_folder_and_variables(tmp_path: Path) -> None:
    program = """
import json, os, pathlib, time
assert json.loads(os.environ["CDK_CONTEXT_JSON"])["flag"] is True
assert pathlib.Path(os.environ["CDK_OUTDIR"]).is_dir()
assert os.environ["CDK_VALIDATION"] == "false"
time.sleep(0.3)
while time.process_time() < 0.2:
    sum(range(1000))
"""
    sample = _app(tmp_path, program).run()
    assert sample.wall >= 0.5
    assert 0.2 <= sample.processor < sample.wall


def test_an_app_that_fails_is_not_a_fast_app(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="no such stack"):
        _app(tmp_path, "raise SystemExit('no such stack')").run()


@pytest.mark.parametrize(
    ("empty", "unvalidated", "kept"),
    [(4.0, 1.5, True), (3.0, 1.5, False), (4.0, 1.0, False)],
)
def test_each_target_decides(*, empty: float, unvalidated: float, kept: bool) -> None:
    output = StringIO()
    walls = {PLATFORM: 4.5, EMPTY: empty, EMPTY_UNVALIDATED: unvalidated}
    samples = {name: [Sample(wall, processor=1.0)] * 5 for name, wall in walls.items()}
    assert synth.report(Console(file=output, width=160), samples) is kept
    assert ("missed" in output.getvalue()) is not kept
    assert f"{4.5 / empty:.2f}" in output.getvalue()


def test_targets_are_those_that_the_project_promises() -> None:
    assert synth.TARGETS == {EMPTY: 1.3, EMPTY_UNVALIDATED: 3.5}


@pytest.mark.parametrize("rounds", ["0", "2", "-1", "many"])
def test_too_few_rounds_are_refused(rounds: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        synth.main([f"--rounds={rounds}"])
    assert caught.value.code == 2
    assert rounds in capsys.readouterr().err


def test_a_failed_app_is_exit_code_1_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: Path) -> None:
        raise BenchError("cdk init failed")

    monkeypatch.setattr(synth, "make_empty_app", fail)
    assert synth.main(["--rounds", "3"]) == 1
    assert capsys.readouterr().err == "bench: cdk init failed\n"


NOISY = [4.0, 4.4, 3.9, 9.0, 4.1, 4.2, 4.0, 4.3]
STEADY = [2.0, 2.2, 1.9, 4.4, 2.1, 2.1, 2.0, 2.1]


def test_the_ratio_is_that_of_the_medians_so_one_stall_does_not_move_it() -> None:
    assert ratio(NOISY, STEADY).middle == pytest.approx(4.15 / 2.1)


def test_the_interval_holds_the_ratio_and_is_the_same_each_time() -> None:
    found = ratio(NOISY, STEADY)
    assert found.low <= found.middle <= found.high
    assert found.low < found.high
    assert found == ratio(NOISY, STEADY)


def test_rounds_stay_together_so_a_slow_machine_cancels_out() -> None:
    slowdowns = [1, 5, 2, 9, 1, 3, 7, 2]
    found = ratio([3.0 * each for each in slowdowns], [1.5 * each for each in slowdowns])
    assert (found.low, found.middle, found.high) == (2.0, 2.0, 2.0)


@pytest.mark.parametrize(("ours", "theirs"), [([], []), ([1.0], [1.0, 2.0])])
def test_incomplete_series_are_refused(ours: list[float], theirs: list[float]) -> None:
    with pytest.raises(ValueError, match=r"no rounds|longer|shorter"):
        ratio(ours, theirs)


def test_candidates_take_turns_and_the_warm_up_does_not_count() -> None:
    order: list[str] = []

    def fake(name: str) -> Callable[[], Sample]:
        def run() -> Sample:
            order.append(name)
            return Sample(len(order), 0.1)

        return run

    samples = alternate(Console(file=StringIO()), {name: fake(name) for name in ("a", "b")}, rounds=3)
    assert order == ["a", "b"] * 4
    assert {name: [sample.wall for sample in column] for name, column in samples.items()} == {
        "a": [3, 5, 7],
        "b": [4, 6, 8],
    }


def test_only_the_exit_codes_that_mean_success_are_measured(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import sys; sys.exit('two findings')"]
    assert timed(command, cwd=tmp_path, variables={}, allowed=(0, 1)).wall > 0
    with pytest.raises(BenchError, match=r"exit code 1:\ntwo findings"):
        timed(command, cwd=tmp_path, variables={})
