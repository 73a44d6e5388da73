"""The picture of a run."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import matplotlib as mpl
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from breakwater_drills import timeline
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


def test_numbers_that_are_near_each_other_are_on_different_levels() -> None:
    events = [Event(at, "") for at in (0.0, 0.1, 0.17, 0.179, 0.19, 0.2, 5.0, 5.17, 5.2)]
    # The sixth is near an event of each level: the key tells it.
    assert timeline.levels(events, 10.0) == [0, 1, 2, 3, 0, 0, 0, 1, 0]


def test_events_are_told_in_the_key_and_only_numbered_at_their_lines(
    outage: Result, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A label at its line would cross the lines of the events after it."""
    told: list[tuple[float, str]] = []
    numbers: list[tuple[float, str]] = []
    monkeypatch.setattr(Axes, "text", lambda _, x, _y, text, **__: told.append((x, text)))
    monkeypatch.setattr(Axes, "annotate", lambda _, text, at, **__: numbers.append((round(at[0], 1), text)))
    events = [Event(outage.fault + at, f"event {at}") for at in (3.0, -1.0, 0.0)]
    timeline.draw(tmp_path / "x.svg", dataclasses.replace(outage, events=events), "AWS")
    assert told == [
        (0.0, "1   -1.0 s   event -1.0"), (0.0, "2   +0.0 s   event 0.0"), (0.5, "3   +3.0 s   event 3.0")
    ]  # fmt: skip
    assert numbers == [(-1.0, "1"), (0.0, "2"), (3.0, "3")]


def test_a_long_title_stays_within_the_picture(outage: Result, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    titles: list[str] = []
    monkeypatch.setattr(Figure, "suptitle", lambda _, text, **__: titles.append(text))
    timeline.draw(tmp_path / "x.svg", outage, "AWS account 123456789012, eu-central-1, which is a long way from here")
    (title,) = titles
    assert max(map(len, title.splitlines())) <= 100
    assert len(title.splitlines()) == 3


def test_the_picture_names_where_it_was(outage: Result) -> None:
    measured = f"RTO {outage.rto_seconds:.2f} s, RPO 0.00 s, 0 acknowledged writes lost"
    assert timeline.title(outage, "the embedded AWS") == (
        f"Drill fake in the embedded AWS: {measured}\nWhat a client of the service saw was not measured"
    )
    assert timeline.title(outage, "AWS").startswith("Drill fake in AWS: RTO ")
    assert target().where == "AWS account 123456789012, eu-central-1"
    assert target(endpoint="http://127.0.0.1:4566").where == "the embedded AWS"
