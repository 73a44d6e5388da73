"""The picture of a run: which requests were answered, how long they took, and what happened meanwhile."""

import math
from pathlib import Path
from typing import Any, Final

from breakwater_drills.result import Result

_GOOD, _BAD, _INK = "#2a7f62", "#c8102e", "#333333"
_COLORS: Final = ("#1f5a99", "#e07b00", "#6a4c93", "#7a7a7a", "#008b8b", "#b0306a", "#5a7d00")
_NEAR: Final = 0.03  # of the width: labels closer than that are drawn below each other
_LEVELS: Final = 6


def draw(path: Path, result: Result, where: str) -> None:
    """Draw availability above and latency below, over the seconds since the fault.

    Args:
        path: of the PNG file.
        result: of the run.
        where: it ran, in words.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415 (its import takes a second, which only a drill should cost)

    figure = Figure(figsize=(12, 7.5), dpi=120, layout="constrained")
    availability, latency = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    names = sorted({sample.probe for sample in result.samples})
    _draw_availability(availability, result, names)
    _draw_latency(latency, result, names)
    _draw_events(availability, latency, result)
    figure.suptitle(title(result, where), fontsize=14, fontweight="bold", color=_INK)
    figure.savefig(path)


def title(result: Result, where: str) -> str:
    """Return the title of the picture, which must be true when the picture is shown alone."""
    lost = f"{result.lost} acknowledged writes lost"
    kept = "not every store could be compared" if result.unread else f"RPO {result.rpo}, {lost}"
    return f"Drill {result.drill} in {where}: RTO {result.rto}, {kept}\n{result.headline}"


def _draw_availability(axes: Any, result: Result, names: list[str]) -> None:
    for row, name in enumerate(names):
        for good, color, marker in ((True, _GOOD, "|"), (False, _BAD, "x")):
            at = [s.begun - result.fault for s in result.samples if s.probe == name and s.ok is good]
            axes.plot(at, [row] * len(at), marker, color=color, markersize=11 if good else 9, markeredgewidth=1.6)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5 - 0.45 * _LEVELS)  # the space above is for the events
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
    axes.legend(loc="upper left", ncols=len(names), fontsize=8, frameon=False)


def _draw_events(above: Any, below: Any, result: Result) -> None:
    begun = [sample.begun - result.fault for sample in result.samples]
    width = max(begun) - min(begun)
    away = max(begun) if result.rto_seconds is None else result.rto_seconds
    if away:
        for axes in (above, below):
            axes.axvspan(0, away, color=_BAD, alpha=0.08, linewidth=0)
    level, last = 0, -math.inf
    for event in sorted(result.events, key=lambda each: each.at):
        at = event.at - result.fault
        level = (level + 1) % _LEVELS if at - last < 10 * _NEAR * width else 0
        last = at
        for axes in (above, below):
            axes.axvline(at, color=_BAD if at <= 0 else _INK, linewidth=1, linestyle="-" if at <= 0 else ":")
        left = at > max(begun) - width / 3
        above.annotate(
            f" {event.what} ({at:+.1f} s) ",
            (at, -0.6 - 0.45 * (_LEVELS - 1 - level)), fontsize=8, color=_INK, va="center",
            ha="right" if left else "left",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
        )  # fmt: skip
