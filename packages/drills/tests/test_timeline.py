"""The picture of a run."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import matplotlib as mpl
import pytest
from matplotlib.axes import Axes

from breakwater_drills import timeline
from breakwater_drills.measure import Sample
from breakwater_drills.result import Event, Result
from drills_testing.fakes import COMMITTED, target


def drawn(result: Result, folder: Path) -> str:
    """Draw as SVG, without the time, the version of matplotlib, and what other machines round in another way."""
    with mpl.rc_context({"svg.hashsalt": "drill", "svg.fonttype": "none"}):
        timeline.draw(folder / "timeline.svg", result, "AWS")
    found = re.sub(r"(?s)<metadata>.*</metadata>", "", (folder / "timeline.svg").read_text())
    return re.sub(r"\d+\.\d+", lambda number: f"{float(number[0]):.1f}", found)


def test_the_picture_is_as_committed(told_of_all: Result, tmp_path: Path) -> None:
    assert drawn(told_of_all, tmp_path) == (COMMITTED / "timeline.svg").read_text()


@pytest.mark.parametrize(("seconds", "width"), [(0.0, 0), (2.5, 2.5), (None, 4.2)])
def test_the_time_without_recovery_is_shaded_in_both_parts(
    told_of_all: Result, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, seconds: float | None, width: float
) -> None:
    shaded: list[tuple[float, float]] = []
    monkeypatch.setattr(Axes, "axvspan", lambda _, begin, end, **__: shaded.append((begin, round(end, 3))))
    recovery = dataclasses.replace(told_of_all.recoveries[0], rto_seconds=seconds)
    timeline.draw(tmp_path / "x.svg", dataclasses.replace(told_of_all, recoveries=[recovery]), "AWS")
    assert shaded == ([(0, width)] * 2 if width else [])


def test_labels_that_are_near_each_other_are_below_each_other_and_the_last_to_the_left(
    outage: Result, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    placed: list[tuple[float, int, str]] = []

    def annotate(_: Axes, _text: str, at: tuple[float, float], *, ha: str, **__: object) -> None:
        placed.append((at[0], 5 - round((-0.6 - at[1]) / 0.45), ha))

    monkeypatch.setattr(Axes, "annotate", annotate)
    third, samples = 9 - 10 / 3, [Sample("write", n, float(n), 0.1) for n in range(-1, 10)]
    events = [Event(at, "") for at in (0.0, 2.9, third, 6.0, 9.0)]
    timeline.draw(tmp_path / "x.svg", dataclasses.replace(outage, fault=0.0, samples=samples, events=events), "AWS")
    assert placed == [
        *((0.0, 0, "left"), (2.9, 1, "left"), (third, 2, "left")),
        *((6.0, 3, "right"), (9.0, 0, "right")),
    ]


def test_the_picture_names_where_it_was(outage: Result) -> None:
    measured = f"RTO {outage.rto_seconds:.2f} s, RPO 0.00 s, 0 acknowledged writes lost"
    assert timeline.title(outage, "the embedded AWS") == (
        f"Drill fake in the embedded AWS: {measured}\nWhat a client of the service saw was not measured"
    )
    assert timeline.title(outage, "AWS").startswith("Drill fake in AWS: RTO ")
    assert target().where == "AWS account 123456789012, eu-central-1"
    assert target(endpoint="http://127.0.0.1:4566").where == "the embedded AWS"
