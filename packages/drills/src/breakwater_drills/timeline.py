"""The picture of a run: which requests were answered, how long they took, and what happened meanwhile."""

import math
from collections.abc import Sequence
from pathlib import Path
from textwrap import fill
from typing import Any, Final

from breakwater_drills.result import Event, Result

_GOOD, _BAD, _INK = "#2a7f62", "#c8102e", "#333333"
_COLORS: Final = ("#1f5a99", "#e07b00", "#6a4c93", "#7a7a7a", "#008b8b", "#b0306a", "#5a7d00")
_NEAR: Final = 0.018  # of the width: numbers of events that are closer are on different levels
_LEVELS: Final = 4
_LONGEST: Final = 100  # characters of the title that fit into a line
_KEY_ROW: Final = 0.2  # inches: a row of the key, which tells two events
_PANELS: Final = 5.6  # inches: both panels, without title and key


def draw(path: Path, result: Result, where: str) -> None:
    """Draw availability above and latency below, over the seconds since the fault, under a key of the events.

    Args:
        path: of the PNG file.
        result: of the run.
        where: it ran, in words.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415 (its import takes a second, which only a drill should cost)

    events = sorted(result.events, key=lambda each: each.at)
    key_height = _KEY_ROW * max(1, math.ceil(len(events) / 2))
    figure = Figure(figsize=(12, max(7.5, _PANELS + key_height + 1)), dpi=120, layout="constrained")
    key, availability, latency = figure.subplots(
        3, 1, height_ratios=(key_height, _PANELS * 0.58, _PANELS * 0.42), sharex=False
    )
    latency.sharex(availability)
    availability.tick_params(labelbottom=False)
    names = sorted({sample.probe for sample in result.samples})
    _draw_key(key, events, result.fault)
    _draw_availability(availability, result, names)
    _draw_latency(latency, result, names)
    _draw_away(availability, latency, result)
    _draw_events(availability, latency, result, events)
    lines = [fill(line, _LONGEST) for line in title(result, where).splitlines()]
    figure.suptitle("\n".join(lines), fontsize=13, fontweight="bold", color=_INK)
    figure.savefig(path)


def title(result: Result, where: str) -> str:
    """Return the title of the picture, which must be true when the picture is shown alone."""
    lost = f"{result.lost} acknowledged writes lost"
    kept = "not every store could be compared" if result.unread else f"RPO {result.rpo}, {lost}"
    return f"Drill {result.drill} in {where}: RTO {result.rto}, {kept}\n{result.headline}"


def levels(events: Sequence[Event], width: float) -> list[int]:
    """Return on which level the number of each event is drawn, so that numbers do not cover each other.

    Args:
        events: in the order of their time.
        width: seconds that the picture shows.
    """
    ends = [-math.inf] * _LEVELS
    found = []
    for event in events:
        level = next((level for level, end in enumerate(ends) if event.at - end >= _NEAR * width), 0)
        ends[level] = event.at
        found.append(level)
    return found


def _draw_key(axes: Any, events: Sequence[Event], fault: float) -> None:
    """List the events beside their numbers, in two columns: a label at its line would cross the lines of others."""
    axes.set_axis_off()
    rows = max(1, math.ceil(len(events) / 2))
    for index, event in enumerate(events):
        column, row = divmod(index, rows)
        told = f"{index + 1}   {event.at - fault:+.1f} s   {event.what}"
        axes.text(
            column / 2, 1 - (row + 0.5) / rows, told, transform=axes.transAxes, fontsize=8.5, color=_INK, va="center"
        )


def _draw_availability(axes: Any, result: Result, names: list[str]) -> None:
    for row, name in enumerate(names):
        for good, color, marker in ((True, _GOOD, "|"), (False, _BAD, "x")):
            at = [s.begun - result.fault for s in result.samples if s.probe == name and s.ok is good]
            axes.plot(at, [row] * len(at), marker, color=color, markersize=11 if good else 9, markeredgewidth=1.6)
    axes.set_yticks(range(len(names)), names)
    axes.margins(x=0.01)
    axes.set_title("Answered (green) and failed (red) requests, by the time they began", loc="left", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)


def _draw_latency(axes: Any, result: Result, names: list[str]) -> None:
    for name, color in zip(names, _COLORS, strict=False):
        mine = sorted((s for s in result.samples if s.probe == name and s.ok), key=lambda s: s.begun)
        at = [s.begun - result.fault for s in mine]
        axes.plot(at, [s.seconds * 1000 for s in mine], ".", color=color, markersize=4, label=name)
    axes.set_yscale("log")
    axes.set_ylabel("milliseconds")
    axes.set_xlabel("seconds since the fault")
    axes.set_title("Latency of the answered requests", loc="left", fontsize=10)
    axes.grid(axis="y", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    # Beside the title, where no request is.
    place = {"loc": "lower right", "bbox_to_anchor": (1, 1), "borderaxespad": 0.2}
    axes.legend(**place, ncols=max(1, len(names)), fontsize=8, frameon=False, columnspacing=1, handletextpad=0.1)


def _draw_away(above: Any, below: Any, result: Result) -> None:
    """Shade the time from the fault until everything had recovered."""
    begun = [sample.begun - result.fault for sample in result.samples]
    away = max(begun) if result.rto_seconds is None else result.rto_seconds
    if away:
        for axes in (above, below):
            axes.axvspan(0, away, color=_BAD, alpha=0.08, linewidth=0)


def _draw_events(above: Any, below: Any, result: Result, events: Sequence[Event]) -> None:
    begun = [sample.begun for sample in result.samples]
    placed = levels(events, max(begun) - min(begun))
    rows = len({sample.probe for sample in result.samples})
    top = -0.6 - 0.55 * (max(placed, default=0) + 1)
    above.set_ylim(rows - 0.5, top)
    for number, (event, level) in enumerate(zip(events, placed, strict=True), start=1):
        at = event.at - result.fault
        for axes in (above, below):
            axes.axvline(at, color=_BAD if at <= 0 else _INK, linewidth=1, linestyle="-" if at <= 0 else ":")
        box = {"boxstyle": "circle,pad=0.25", "facecolor": "white", "edgecolor": _INK, "linewidth": 0.8}
        above.annotate(str(number), (at, top + 0.35 + 0.55 * level), fontsize=8, ha="center", va="center", bbox=box)
