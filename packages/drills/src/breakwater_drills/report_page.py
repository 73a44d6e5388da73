"""The evidence of a run as one page for people, which fetches nothing, and an index of all runs with their trends."""

import json
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from breakwater_drills import chart
from breakwater_drills.page import page, table, yes
from breakwater_drills.result import counted, lasted, recovered, spanned

REPORT: Final = "report.html"
INDEX: Final = "index.html"
_KEPT: Final = frozenset(
    {"drill", "fault_at", "objectives", "measured", "met", "misses", "headline", "where", "stack", "embedded_aws"}
)
ROLES: Final = ("Carried out by", "Reviewed by", "Evidence accepted by")


def report(told: Mapping[str, Any]) -> str:
    """Return the page of one run.

    Args:
        told: its report, as `evidence.as_json` returns it.
    """
    return page(f"Drill {told['drill']}, {_time(told)}", _report(told))


def _report(told: Mapping[str, Any]) -> Iterator[str]:
    yield f'<p><a href="../{INDEX}">All runs</a></p>'
    yield f"<h1>Drill {escape(told['drill'])}: {_verdict(told)}</h1>"
    place = f"stack {told['stack']} ({told['environment']}, {told['region']}), {told['where']}"
    yield f'<p class="quiet">{escape(f"{_time(told)}, {place}")}</p>'
    if told["embedded_aws"]:
        yield '<p class="notice">Measured in the embedded AWS on one machine: no figure here is one of AWS.</p>'
    yield f"<p>{escape(told['headline'])}.</p>"
    yield from (f'<p class="notice">Missed: {escape(miss)}.</p>' for miss in told["misses"])
    yield from _figures(told)
    yield "<h2>Timeline</h2>"
    yield '<fieldset class="filters" aria-label="Shown in the timeline">'
    for row, name in enumerate(chart.probes(told)):
        yield f'<label><input type="checkbox" name="probe" value="{row}" checked>{escape(name)}</label>'
    yield '<label><input type="checkbox" name="failed">only failed requests</label></fieldset>'
    yield f'<div class="wide" tabindex="0" role="region" aria-label="Timeline">{"".join(chart.timeline(told))}</div>'
    legend = "Green: answered. Red: failed. Shaded: until everything had recovered. Numbers: the events."
    yield f'<p class="quiet">{legend}</p>'
    rows = [
        (str(number), f"{event['at'] - told['fault']:+.2f} s", escape(event["what"]))
        for number, event in enumerate(told["events"], start=1)
    ]
    yield table(("", "After the fault", "Event"), rows, numbers=("After the fault",), kind="tight")
    yield "<h2>What a client saw</h2>"
    heads = ("", "Requests", "Errors", "Detected after", "Recovered after", "p50 before", "during", "after")
    yield table(heads, [_recovery(each) for each in told["recoveries"]], numbers=heads[1:])
    if told["checks"]:
        yield "<h2>Money</h2>"
        checks = [
            (escape(each["where"]), escape(each["sentence"]), f"{yes(not each['broken'])} {escape(each['broken'])}")
            for each in told["checks"]
        ]
        yield table(("In", "What must hold", "Holds"), checks)
    yield "<h2>Acknowledged writes</h2>"
    kept = ("", "Acknowledged", "Lost", "Found without acknowledgment", "RPO")
    yield table(kept, [_loss(each) for each in told["losses"]], numbers=kept[1:])
    if told["unread"]:
        yield f'<p class="notice">Unknown: {escape(told["unread"])}</p>'
    yield "<h2>What ran where</h2>"
    yield table(
        ("Part", "Where"), [(escape(part), escape(where)) for part, where in told["parts"].items()], kind="tight"
    )
    if told["not_removed"]:
        yield "<h2>Not removed</h2><ul>"
        yield from (f"<li>{escape(line)}</li>" for line in told["not_removed"])
        yield "</ul>"
    yield "<h2>Sign-off</h2>"
    yield "<p>By signing, people say what they did or accept; the checksums of this folder are in SHA256SUMS.</p>"
    yield table(("Role", "Name", "Date", "Signature"), [(escape(role), "", "", "") for role in ROLES], kind="sign")


def _verdict(told: Mapping[str, Any]) -> str:
    return '<span class="yes">objectives met</span>' if told["met"] else '<span class="no">objectives missed</span>'


def _time(told: Mapping[str, Any]) -> str:
    return f"{told['fault_at'][:19].replace('T', ' ')} UTC"


def _figures(told: Mapping[str, Any]) -> Iterator[str]:
    measured, objectives = told["measured"], told["objectives"]
    lost = measured["acknowledged_writes_lost"]
    figures = [
        ("RTO", recovered(measured["rto_seconds"]), f"objective {objectives['rto_seconds']:g} s"),
        (
            "RPO",
            spanned(measured["rpo_seconds"], at_least=measured["rpo_is_at_least"]),
            f"objective {objectives['rpo_seconds']:g} s",
        ),
        ("Acknowledged writes lost", counted(lost), ""),
    ]
    if told["clients"]:
        first = told["clients"][0]
        more = f"slowest {lasted(first['slowest'])}"
        figures.append((f"Failed {first['probe']}s", f"{first['failed']} of {first['requests']}", more))
    yield '<dl class="figures">'
    for name, value, more in figures:
        yield f"<div><dt>{escape(name)}</dt><dd>{escape(value)} <small>{escape(more)}</small></dd></div>"
    yield "</dl>"


def _recovery(each: Mapping[str, Any]) -> tuple[str, ...]:
    detected = "" if each["detection_seconds"] is None else lasted(each["detection_seconds"])
    counts = (str(each["requests"]), str(each["errors"])) if each["requests"] else ("", "")
    judged = "" if each["judged"] else " (not judged)"
    phases = [(each["latency"].get(phase) or {}).get("p50") for phase in ("before", "during", "after")]
    shown = ["" if seconds is None else lasted(seconds) for seconds in phases]
    return (escape(each["name"]), *counts, detected, f"{recovered(each['rto_seconds'])}{judged}", *shown)


def _loss(each: Mapping[str, Any]) -> tuple[str, ...]:
    found = counted(each["unacknowledged_found"])
    rpo = spanned(each["rpo_seconds"], at_least=each["at_least"])
    return (escape(each["name"]), str(each["acknowledged"]), counted(each["lost"]), found, rpo)


def write_index(folder: Path) -> Path:
    """Write the index of all runs whose evidence is in a folder.

    Args:
        folder: with a folder for each run.

    Returns:
        The page.

    Raises:
        OSError: it cannot be written.
    """
    found, unread = list[tuple[str, Mapping[str, Any]]](), list[str]()
    for file in sorted(folder.glob("*/report.json")):
        try:
            told = json.loads(file.read_text(encoding="utf-8"))
            where = "the embedded AWS" if told["embedded_aws"] else f"AWS, {told['region']}"
            found.append((file.parent.name, {"where": where, **{key: told[key] for key in told if key in _KEPT}}))
        except (OSError, ValueError, KeyError, TypeError) as error:
            unread.append(f"{file.parent.name}: {type(error).__name__}")
    index = folder / INDEX
    index.write_text(page("Drills", _index(folder, found, unread)), encoding="utf-8")
    return index


def _index(folder: Path, found: Sequence[tuple[str, Mapping[str, Any]]], unread: Sequence[str]) -> Iterator[str]:
    yield "<h1>Drills</h1>"
    missed = sum(not told["met"] for _, told in found)
    yield f'<p class="quiet">{len(found)} runs, {missed} of which missed an objective.</p>'
    yield '<p class="quiet">Dashed: the objective. A dot leads to its run.</p>'
    yield from (f'<p class="notice">Cannot be read: {escape(line)}</p>' for line in unread)
    groups: dict[tuple[str, str, str], list[tuple[str, Mapping[str, Any]]]] = {}
    for name, told in sorted(found, key=lambda each: str(each[1]["fault_at"])):
        groups.setdefault((told["drill"], told["where"], told["stack"]), []).append((name, told))
    for (drill, where, stack), runs in sorted(groups.items()):
        yield f"<h2>{escape(drill)}</h2>"
        yield f'<p class="quiet">{escape(f"stack {stack}, {where}")}</p>'
        pages = {number: _page_of(folder, name) for number, (name, _) in enumerate(runs)}
        for figure in ("rto_seconds", "rpo_seconds"):
            yield f'<div class="wide">{"".join(chart.trend([told for _, told in runs], figure, pages))}</div>'
        heads = ("Run, UTC", "RTO", "RPO", "Lost writes", "Met", "What a client saw")
        rows = [_run(told, pages[number]) for number, (_, told) in enumerate(runs)]
        yield table(heads, reversed(rows), numbers=heads[1:4], kind="runs")


def _page_of(folder: Path, name: str) -> str:
    """Return the page of a run; one from before there were pages has only its text."""
    return f"{quote(name)}/{REPORT if (folder / name / REPORT).exists() else 'report.md'}"


def _run(told: Mapping[str, Any], href: str) -> tuple[str, ...]:
    measured = told["measured"]
    return (
        f'<a href="{escape(href)}">{escape(_time(told).removesuffix(" UTC"))}</a>',
        recovered(measured["rto_seconds"]),
        spanned(measured["rpo_seconds"], at_least=measured["rpo_is_at_least"]),
        counted(measured["acknowledged_writes_lost"]),
        yes(told["met"]),
        escape("; ".join(told["misses"]) or told["headline"]),
    )
