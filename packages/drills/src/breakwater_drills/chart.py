"""The pictures of the pages, as SVG: the timeline of one run, and how the figures of a drill developed."""

import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any, Final

from breakwater_drills.result import lasted

_WIDTH, _LEFT, _RIGHT = 1000, 140, 14
_COLUMN: Final = 3  # pixels: requests that began within as many are one mark, however many a run has
_ROW, _GAP, _LATENCY = 24, 34, 130
_LEVELS: Final = 3
_TREND, _TREND_LEFT = 130, 90
_LEAST: Final = 0.1  # seconds: shorter ones are drawn on the lowest line of a trend, which is logarithmic


def timeline(told: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of the timeline of a run.

    Args:
        told: its report, as `evidence.as_json` returns it.
    """
    samples, fault = told["samples"], told["fault"]
    names = probes(told)
    begun = [each["begun"] - fault for each in samples] or [0.0]
    scale = _Scale(min(*begun, 0.0) - 0.2, max(*begun, 0.0) + 0.2, _LEFT, _WIDTH - _RIGHT)
    top = 14 + _LEVELS * 18
    bottom = top + _ROW * len(names)
    end = bottom + _GAP + _LATENCY
    label = "Requests and events by seconds since the fault"
    yield f'<svg viewBox="0 0 {_WIDTH} {end + 40}" role="img" aria-label="{label}">'
    rto = told["measured"]["rto_seconds"]
    away = scale.end if rto is None else rto
    if away > 0:
        yield _rect(scale(0), top, scale(away) - scale(0), end - top, "away")
    for at in scale.ticks():
        yield f'<line class="grid" x1="{scale(at):.1f}" x2="{scale(at):.1f}" y1="{top}" y2="{end}"/>'
        yield f'<text class="tick" x="{scale(at):.1f}" y="{end + 16}" text-anchor="middle">{at:g}</text>'
    yield f'<text class="tick" x="{_WIDTH - _RIGHT}" y="{end + 34}" text-anchor="end">seconds since the fault</text>'
    yield from _events(told, scale, end)
    slowest = max((each["seconds"] for each in samples if not each["error"]), default=1.0)
    fastest = min((each["seconds"] for each in samples if not each["error"]), default=0.001)
    height = _Scale(math.log10(max(fastest, 1e-4)) - 0.1, math.log10(max(slowest, 1e-3)) + 0.1, end, bottom + _GAP)
    for power in range(-4, 3):
        if height.begin <= power <= height.end:
            y = height(power)
            yield f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            yield f'<text class="tick" x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{lasted(10.0**power)}</text>'
    yield f'<text x="{_LEFT}" y="{bottom + _GAP - 8}">Slowest answer</text>'
    for row, name in enumerate(names):
        y = top + _ROW * row
        yield f'<text x="{_LEFT - 8}" y="{y + 16}" text-anchor="end">{escape(name)}</text>'
        for column, group in _columns([each for each in samples if each["probe"] == name], fault, scale):
            failed = [each for each in group if each["error"]]
            tip = f'data-probe="{row}" data-tip="{escape(_tip(name, group, failed, fault))}"'
            edge = 1 if failed else 4
            yield _rect(column, y + edge, _COLUMN - 0.6, _ROW - 2 * edge, "bad" if failed else "good", more=tip)
            answered = [each["seconds"] for each in group if not each["error"]]
            if answered:
                y_at = height(math.log10(max(*answered, 1e-4)))
                yield f'<circle class="good" cx="{column + 1:.1f}" cy="{y_at:.1f}" r="1.8" {tip}/>'
    yield "</svg>"


def probes(told: Mapping[str, Any]) -> list[str]:
    """Return the names of the probes of a run, in the order of their rows."""
    return sorted({each["probe"] for each in told["samples"]})


def _tip(name: str, group: Sequence[Mapping[str, Any]], failed: Sequence[Mapping[str, Any]], fault: float) -> str:
    lines = [f"{name}, {group[0]['begun'] - fault:+.2f} s: {len(group)} of which {len(failed)} failed"]
    lines.append(f"slowest {lasted(max(each['seconds'] for each in group))}")
    return "\n".join([*lines, *dict.fromkeys(str(each["error"])[:200] for each in failed)])


def _columns(
    samples: Sequence[Mapping[str, Any]], fault: float, scale: "_Scale"
) -> Iterator[tuple[float, list[Mapping[str, Any]]]]:
    groups: dict[int, list[Mapping[str, Any]]] = {}
    for each in sorted(samples, key=lambda each: each["begun"]):
        groups.setdefault(int(scale(each["begun"] - fault) // _COLUMN), []).append(each)
    yield from ((column * float(_COLUMN), group) for column, group in groups.items())


def _events(told: Mapping[str, Any], scale: "_Scale", end: float) -> Iterator[str]:
    """Yield a line for each event, with its number; numbers that are near each other are on different levels."""
    level, last = 0, -math.inf
    for number, event in enumerate(told["events"], start=1):
        at = event["at"] - told["fault"]
        x = min(max(scale(at), float(_LEFT)), float(_WIDTH - _RIGHT))
        level = (level + 1) % _LEVELS if x - last < 18 else 0
        last = x
        y = 10 + 18 * level
        yield f'<line class="{"fault" if at == 0 else "event"}" x1="{x:.1f}" x2="{x:.1f}" y1="{y + 8}" y2="{end}"/>'
        tip = escape(f"{at:+.2f} s: {event['what']}")
        yield f'<g data-tip="{tip}"><circle class="mark" cx="{x:.1f}" cy="{y}" r="8"/>'
        yield f'<text x="{x:.1f}" y="{y + 3.5}">{number}</text></g>'


def trend(runs: Sequence[Mapping[str, Any]], figure: str, href: Mapping[int, str]) -> Iterator[str]:
    """Yield the lines of how a figure of a drill developed, beside its objective.

    Args:
        runs: reports in the order of their time.
        figure: `rto_seconds` or `rpo_seconds`.
        href: page of each run, by its number.
    """
    values = [each["measured"][figure] for each in runs]
    objectives = [each["objectives"][figure] for each in runs]
    most = max(value for value in (*values, *objectives, _LEAST * 10) if value is not None)
    across = _Scale(0, max(len(runs) - 1, 1), _TREND_LEFT, _WIDTH - _RIGHT)
    up = _Scale(math.log10(_LEAST), math.log10(most * 1.5), _TREND - 30, 8)
    name = figure.partition("_")[0].upper()
    yield f'<svg viewBox="0 0 {_WIDTH} {_TREND}" role="img" aria-label="{name} of each run, beside the objective">'
    yield f'<text x="0" y="16">{name}</text>'
    for power in range(round(math.log10(_LEAST)), math.ceil(up.end)):
        y = up(power)
        shown = f"≤ {lasted(_LEAST)}" if 10.0**power <= _LEAST else lasted(10.0**power).replace(".00", "")
        yield f'<line class="grid" x1="{_TREND_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text class="tick" x="{_TREND_LEFT - 12}" y="{y + 4:.1f}" text-anchor="end">{shown}</text>'
    for number, anchor in ((0, "start"), (len(runs) - 1, "end"))[: len(runs)]:
        day = escape(str(runs[number]["fault_at"])[:10])
        yield f'<text class="tick" x="{across(number):.1f}" y="{_TREND - 6}" text-anchor="{anchor}">{day}</text>'

    def at(number: int, value: float) -> str:
        return f"{across(number):.1f},{up(math.log10(max(value, _LEAST))):.1f}"

    known = [at(number, value) for number, value in enumerate(values) if value is not None]
    yield f'<polyline class="trend" points="{" ".join(known)}"/>'
    promised = " ".join(at(number, value) for number, value in enumerate([*objectives, *objectives[: len(runs) == 1]]))
    yield f'<polyline class="objective" fill="none" points="{promised}"/>'
    for number, (run, value) in enumerate(zip(runs, values, strict=True)):
        missed = value is None or value > objectives[number]
        shown = "unknown" if value is None else f"{value:.2f} s"
        tip = escape(
            f"{str(run['fault_at'])[:19].replace('T', ' ')}: {name} {shown}, objective {objectives[number]:g} s"
        )
        left, _, down = at(number, most if value is None else value).partition(",")
        dot = f'<circle class="{"bad" if missed else "good"}" cx="{left}" cy="{down}" r="4.5"/>'
        yield f'<a href="{escape(href[number])}" data-tip="{tip}">{dot}</a>'
    yield "</svg>"


def _rect(x: float, y: float, width: float, height: float, kind: str, *, more: str = "") -> str:
    return f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" {more}/>'


class _Scale:
    """Maps values to pixels.

    Args:
        begin: the least value.
        end: the greatest.
        low: pixel of the least value.
        high: pixel of the greatest.
    """

    def __init__(self, begin: float, end: float, low: float, high: float) -> None:
        self.begin, self.end, self._low, self._high = begin, end, low, high

    def __call__(self, value: float) -> float:
        share = (value - self.begin) / (self.end - self.begin or 1.0)
        return self._low + share * (self._high - self._low)

    def ticks(self) -> list[float]:
        """Return about ten round values within."""
        rough = (self.end - self.begin) / 10
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(power * each for each in (1, 2, 5, 10) if power * each >= rough)
        first = math.ceil(self.begin / step)
        return [round(number * step, 6) for number in range(first, math.floor(self.end / step) + 1)]
