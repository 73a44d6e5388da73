"""Several runs as a distribution, and the gate against the figures of an earlier release."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from breakwater_drills import distribution, summary
from breakwater_drills.distribution import Figures
from breakwater_drills.errors import DrillError
from breakwater_drills.measure import Client, Loss, Recovery, unknown
from breakwater_drills.result import Result
from drills_testing.fakes import target


def runs(
    outage: Result, *failed: int, gap: float | None = 1.0, p99: float = 0.1, slowest: float = 0.0, **more: Any
) -> list[Figures]:
    """Return a run for each number of failed requests; the slowest request takes a second for each."""
    clients = [Client("transfer", 800, each, 0.010, p99, slowest or float(each), gap) for each in failed]
    other = Client("balance", 9, 0, 5.0, 6.0, 777.0, 8.0)  # its times are not those of the headline
    return [distribution.of(replace(outage, clients=[each, other], **more), target()) for each in clients]


def test_the_figures_of_all_runs_are_spread(outage: Result) -> None:
    found = distribution.spreads(runs(outage, *range(1, 101)))
    failed, slowest = found["failed requests"], found["slowest request"]
    assert (failed.p50, failed.p99, failed.max) == (50, 99, 100)
    assert (slowest.unit, slowest.p50, slowest.max) == ("s", 50.0, 100.0)
    assert found["RTO"].max == outage.rto_seconds
    assert found["lost writes"].max == 0
    rows = {row[0]: row[1:] for row in summary.of_distribution(found).rows}
    assert rows["failed requests"] == ("50", "99", "100")
    assert rows["request p50"] == ("10 ms",) * 3
    assert (found["request p99"].max, found["longest gap"].max) == (0.1, 1.0)


def test_what_recovers_without_being_asked_is_a_figure_too(outage: Result) -> None:
    assert list(runs(outage, 1)[0].values)[-1] == "lost writes", "the probes are in RTO"
    (late,) = runs(outage, 1, recoveries=[*outage.recoveries, Recovery("tasks", 0, 0, None, 7.5, {}, judged=False)])
    (never,) = runs(outage, 1, recoveries=[*outage.recoveries, Recovery("tasks", 0, 0, None, None, {})])
    assert distribution.spreads([late, late])["tasks"].words == ("7.50 s",) * 3
    for other in (never, *runs(outage, 1)):
        assert distribution.spreads([late, other])["tasks"].words == ("unknown",) * 3


def test_a_figure_that_one_run_does_not_know_is_not_known(outage: Result) -> None:
    unread = [unknown("rows", outage.samples, "nowhere")]
    results = [*runs(outage, 1), *runs(outage, 1, gap=None, restored=False, losses=unread)]
    found = distribution.spreads(results)
    names = ("longest gap", "RTO", "RPO", "lost writes")
    assert [(found[name].p50, found[name].p99, found[name].max) for name in names] == [(None,) * 3] * 4
    assert summary.of_distribution(found).rows[4] == ("longest gap", "unknown", "unknown", "unknown")
    unasked = distribution.of(replace(outage, clients=[]), target())
    assert distribution.spreads([unasked])["request p99"].max is None


@pytest.mark.usefixtures("far_east")
def test_the_distribution_is_written_beside_the_evidence(outage: Result, tmp_path: Path) -> None:
    (first,), (second,) = runs(outage, 0), runs(outage, 2, run="run2", drill="another", fault=outage.fault + 60.0)
    file = distribution.write(tmp_path / "new" / "evidence", [first, second])
    assert file.relative_to(tmp_path) == Path("new/evidence/fake-20270115T080001Z-run1-2-runs/distribution.json")
    found = json.loads(file.read_text())
    assert file.read_text() == json.dumps(found, indent=2) + "\n"
    assert (found["drill"], found["runs"], found["embedded_aws"]) == ("fake", ["run1", "run2"], False)
    assert (found["requests_per_run"], found["failed_per_run"]) == ([809, 809], [0, 2])
    assert (found["began"], found["processors"]) == ("2027-01-15T08:00:01+00:00", os.cpu_count())
    assert found["figures"]["failed requests"] == {"unit": "", "p50": 0, "p99": 2, "max": 2}
    with pytest.raises(DrillError, match=r"the distribution cannot be written to .*: File exists"):
        distribution.write(tmp_path / "new" / "evidence", [first, second])


@pytest.mark.parametrize(
    ("now", "told"),
    [
        ((4, 4), []),
        ((8, 8), []),  # 4 * 1.5 + 2
        ((4, 9), ["p99: 9, was 4, at most 8 is allowed", "max: 9, was 4, at most 8 is allowed"]),
        ((9, 9), [f"{rank}: 9, was 4, at most 8 is allowed" for rank in ("p50", "p99", "max")]),
    ],
)
def test_a_release_may_not_be_much_worse_than_the_one_before(
    outage: Result, tmp_path: Path, now: tuple[int, ...], told: list[str]
) -> None:
    kept = tmp_path / "figures.json"
    distribution.record(kept, runs(outage, 4, 4, slowest=9.0))
    assert distribution.worse(runs(outage, *now), kept) == [f"failed requests, {line}" for line in told]


def test_each_kind_of_figure_is_compared(outage: Result, tmp_path: Path) -> None:
    kept = tmp_path / "figures.json"
    distribution.record(kept, runs(outage, 1, gap=None))
    lost = [Loss("rows", 9, 1, 0, 0.1)]
    assert distribution.worse(runs(outage, 1, gap=99.0), kept) == [], "what was not known is not compared"
    worse = distribution.worse(runs(outage, 1, losses=lost), kept)
    assert [line.partition(",")[0] for line in worse] == ["lost writes"] * 3
    was = outage.rto_seconds or 0
    assert distribution.worse(runs(outage, 1, restored=False), kept) == [
        f"RTO, {rank}: unknown, was {was:.3g}, at most {was * 1.5 + 0.25:.3g} is allowed"
        for rank in ("p50", "p99", "max")
    ]
    assert (
        distribution.worse(runs(outage, 1, p99=0.41), kept)[0]
        == "request p99, p50: 0.41 s, was 0.1, at most 0.4 is allowed"
    )


def test_the_figures_of_all_drills_are_in_one_file(outage: Result, tmp_path: Path) -> None:
    kept = tmp_path / "figures.json"
    distribution.record(kept, runs(outage, 1))
    distribution.record(kept, runs(replace(outage, drill="another"), 1))
    distribution.record(kept, runs(outage, 3))
    found = json.loads(kept.read_text())
    assert kept.read_text() == json.dumps(found, indent=2) + "\n"
    assert list(found) == ["another", "fake"]
    assert found["fake"]["figures"]["failed requests"]["max"] == 3
    with pytest.raises(DrillError, match=r"has no figures of other: record some with --record .*figures\.json"):
        distribution.worse(runs(replace(outage, drill="other"), 1), kept)


def test_what_an_earlier_release_did_not_measure_is_not_compared(outage: Result, tmp_path: Path) -> None:
    kept = tmp_path / "figures.json"
    kept.write_text(json.dumps({"fake": {"figures": {"failed requests": {"p50": None, "max": 4}}}}))
    assert distribution.worse(runs(outage, 9, gap=99.0), kept) == [
        "failed requests, max: 9, was 4, at most 8 is allowed"
    ]


def test_a_file_that_cannot_be_read_or_written_is_one_line(outage: Result, tmp_path: Path) -> None:
    kept = tmp_path / "figures.json"
    with pytest.raises(DrillError, match=r"the figures in .* cannot be read: .*No such file"):
        distribution.worse(runs(outage, 1), kept)
    kept.write_bytes(b"\xff")
    with pytest.raises(DrillError, match=r"the figures in .* cannot be read: .* can't decode byte 0xff"):
        distribution.worse(runs(outage, 1), kept)
    kept.write_text("no JSON")
    with pytest.raises(DrillError, match=r"the figures in .* cannot be read: Expecting value"):
        distribution.record(kept, runs(outage, 1))
    with pytest.raises(DrillError, match=r"cannot be written: No such file or directory"):
        distribution.record(tmp_path / "none" / "figures.json", runs(outage, 1))
