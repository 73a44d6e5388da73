"""Timing of processes: the turns that they take and the statistics."""

from __future__ import annotations

import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from scripts.timing import BenchError, Sample, alternate, ratio, timed

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
