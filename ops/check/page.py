"""The report on one page: as text in a terminal, as Markdown, as JSON, or as annotations of GitHub Actions."""

from __future__ import annotations

import html
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from typing import Final

from rich.console import Console
from rich.markup import escape

from ops.check.part import PARTS, Part
from ops.console import COLORS, colored, new_table, print_table
from ops.preflight.check import Status
from ops.preflight.formats import LEVELS, annotation, to_summary

BLOCKING: Final = frozenset({Status.FAIL, Status.BROKEN})


@dataclass(frozen=True)
class Report:
    """What all parts found.

    Attributes:
        subject: stack, environment and Region, in words.
        parts: in the order in which they are shown.
        seconds: how long it took.
    """

    subject: str
    parts: Sequence[Part]
    seconds: float

    @property
    def blocking(self) -> str:
        """The parts that stand against a deployment."""
        return _names(part for status in (Status.FAIL, Status.BROKEN) for part in self.parts if part.status is status)

    @property
    def missing(self) -> str:
        """The parts that wait for a tool that is not installed."""
        return _names(part for part in self.parts if part.missing)

    @property
    def go(self) -> bool:
        """Whether nothing stands against a deployment, and nothing is missing that would have told."""
        return not self.blocking and not self.missing

    @property
    def verdict(self) -> str:
        """The last line."""
        unasked = _names(part for part in self.parts if part.status is Status.COULD_NOT_ASK)
        if self.blocking:
            told = [f"NO GO: {self.blocking}"]
        elif self.missing:
            told = [f"INCOMPLETE: nothing found so far; for {self.missing}, run `make install`"]
        elif len(self.parts) < len(PARTS):
            told = [f"GO as far as asked: {_names(self.parts)}"]
        else:
            told = ["GO as far as asked" if unasked else "GO: nothing stands against a deployment"]
        warned = _names(part for part in self.parts if part.status is Status.WARN)
        told += [f"look at the warnings of {warned}"] if warned else []
        return "; ".join([*told, *([f"not everything could be asked: {unasked}"] if unasked else [])])

    @property
    def sections(self) -> list[Part]:
        """The parts as they are shown: neighbors that say the same are one."""
        alike = groupby(self.parts, key=lambda part: (part.summary, part.lines, part.changes))
        groups = [list(parts) for _, parts in alike]
        return [replace(parts[0], name=_names(parts)) for parts in groups]


def _names(parts: Iterable[Part]) -> str:
    return ", ".join(part.name for part in parts)


def print_text(console: Console, report: Report) -> None:
    """Print the page; the verdict comes last, where people look first.

    Args:
        console: where to print.
        report: what to print.
    """
    table = new_table(f"Check of {report.subject}", "Part", "Answer", "What was found")
    for part in report.sections:
        table.add_row(part.name, colored(part.status), escape(part.summary))
    print_table(console, table)
    for part in report.sections:
        if part.lines:
            console.print(f"[bold]{part.name}[/bold]")
        for line in part.lines:
            console.print(
                f"  [{COLORS[line.status]}]{line.status}  {escape(line.text)}[/]", highlight=False, soft_wrap=True
            )
            if line.fix:
                console.print(f"      [dim]{escape(line.fix)}[/dim]", highlight=False, soft_wrap=True)
    style = "bold red" if report.blocking else "bold yellow" if report.missing else "bold green"
    told = f"\n[{style}]{escape(report.verdict)}[/] [dim]({report.seconds:.0f} s)[/dim]"
    console.print(told, highlight=False, soft_wrap=True)


def to_markdown(report: Report) -> str:
    """Return the page for a pull request or the summary of a run."""
    return "\n".join(_markdown(report)) + "\n"


def _markdown(report: Report) -> Iterator[str]:
    yield f"## {_safe(report.verdict)}\n"
    yield f"Check of {_safe(report.subject)}, {report.seconds:.0f} s.\n"
    yield "| Part | Answer | What was found |"
    yield "| --- | --- | --- |"
    for part in report.sections:
        answer = f"**{part.status}**" if part.status in BLOCKING else part.status
        yield f"| {part.name} | {answer} | {_safe(part.summary)} |"
    for part in report.sections:
        if part.lines:
            yield f"\n### {part.name}\n"
        for line in part.lines:
            status = f"**{line.status}**" if line.status in BLOCKING else line.status
            yield f"- {status}: {_safe(line.text)}" + (f"<br>{_safe(line.fix)}" if line.fix else "")
        if part.changes:
            counts = Counter(change.action for change in part.changes)
            told = ", ".join(f"{number} {action}" for action, number in counts.items())
            yield f"\n<details><summary>All changes: {told}</summary>\n"
            yield from (f"- {_safe(str(change))}" for change in part.changes)
            yield "\n</details>"


def _safe(text: str) -> str:
    return html.escape(text, quote=False).replace("|", "\\|").replace("\n", "<br>")


def to_json(report: Report) -> str:
    """Return one document, for programs."""
    parts = [
        {
            "name": part.name,
            "status": part.status,
            "summary": part.summary,
            "findings": [asdict(line) for line in part.lines],
            "changes": [{**asdict(change), "status": change.status} for change in part.changes],
        }
        for part in report.parts
    ]
    document = {"go": report.go, "verdict": report.verdict, "subject": report.subject, "parts": parts}
    return json.dumps({**document, "seconds": round(report.seconds, 1)}, indent=2, ensure_ascii=False) + "\n"


def to_github(report: Report) -> str:
    """Return an annotation for each line, and append the page to the summary of the run."""
    to_summary(to_markdown(report))
    lines = [(part, line) for part in report.sections for line in part.lines if line.status in LEVELS]
    told = [annotation(LEVELS[line.status], part.name, f"{line.text} {line.fix}".strip()) for part, line in lines]
    return "".join([*told, f"{report.verdict}\n"])


FORMATS: Final[Mapping[str, Callable[[Report], str]]] = {
    "github": to_github,
    "json": to_json,
    "markdown": to_markdown,
}
