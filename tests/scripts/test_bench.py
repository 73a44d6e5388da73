"""The runs and the verdict of the benchmark of a synth."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from scripts import bench
from scripts.bench import EMPTY, EMPTY_UNVALIDATED, PLATFORM, Candidate, cli_context
from scripts.timing import BenchError, Sample


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
    assert bench.report(Console(file=output, width=160), samples) is kept
    assert ("missed" in output.getvalue()) is not kept
    assert f"{4.5 / empty:.2f}" in output.getvalue()


def test_targets_are_those_that_the_project_promises() -> None:
    assert bench.TARGETS == {EMPTY: 1.3, EMPTY_UNVALIDATED: 3.5}


@pytest.mark.parametrize("rounds", ["0", "2", "-1", "many"])
def test_too_few_rounds_are_refused(rounds: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        bench.main([f"--rounds={rounds}"])
    assert caught.value.code == 2
    assert rounds in capsys.readouterr().err


def test_a_failed_app_is_exit_code_1_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: Path) -> None:
        raise BenchError("cdk init failed")

    monkeypatch.setattr(bench, "make_empty_app", fail)
    assert bench.main(["--rounds", "3"]) == 1
    assert capsys.readouterr().err == "bench: cdk init failed\n"
