"""Graphviz's HTML-like labels: boxes in rows, in the colour of the nested stack that owns them.

https://graphviz.org/doc/info/shapes.html#html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

# Header and background of each nested stack.
COLOURS = {
    "Kms": ("#B3261E", "#FCEEEE"),
    "Network": ("#5B3FA8", "#F7F5FC"),
    "Monitoring": ("#AD1457", "#FDF0F5"),
    "Storage": ("#2E7D32", "#F1F8F1"),
    "Database": ("#1F5FBF", "#EFF5FD"),
    "Compute": ("#BF5600", "#FFF4EA"),
    "Backup": ("#00695C", "#EDF7F5"),
    "Operations": ("#455A64", "#F2F5F6"),
}
GREY = "#455A64"
# Points: a box with a row to itself, and one of three in a row.
WIDE, NARROW = 250, 150


@dataclass(frozen=True)
class Box:
    """One thing in the picture.

    Attributes:
        stack: Nested stack that owns it.
        title: What it is.
        lines: What a newcomer should know about it.
        port: Name for arrows to end at; empty when none does.
        cells: Parts of it side by side, e.g. one for each zone.
    """

    stack: str
    title: str
    lines: tuple[str, ...] = ()
    port: str = ""
    cells: tuple[str, ...] = ()


def row(*cells: str) -> str:
    """A table row."""
    return f"<TR>{''.join(cells)}</TR>"


def cell(content: str, *, span: int = 1, **attributes: str) -> str:
    """A table cell; attributes in Graphviz's spelling."""
    given = "".join(f' {key.upper()}="{value}"' for key, value in attributes.items() if value)
    return f'<TD COLSPAN="{span}"{given}>{content}</TD>'


def table(rows: Iterable[str], **attributes: str) -> str:
    """A table; attributes in Graphviz's spelling."""
    defaults = {"border": "0", "cellborder": "0", "cellspacing": "0", "cellpadding": "2"} | attributes
    given = "".join(f' {key.upper()}="{value}"' for key, value in defaults.items())
    return f"<TABLE{given}>{''.join(rows)}</TABLE>"


def text(content: str, *, size: int = 10, colour: str = GREY, bold: bool = False) -> str:
    """Escaped text in one size and colour."""
    inner = escape(content)
    return f'<FONT POINT-SIZE="{size}" COLOR="{colour}">{f"<B>{inner}</B>" if bold else inner}</FONT>'


def arrow(label: str) -> str:
    """What flows into the box below."""
    return text(f"▼ {label}", size=10, colour="#1F2933")


def box(content: Box, *, width: int) -> str:
    """Draws one box: title, lines, and its cells side by side.

    Args:
        content: What to say.
        width: Width in points.
    """
    colour, tint = COLOURS[content.stack]
    span = max(1, len(content.cells))
    title = text(content.title, size=12, colour=colour, bold=True)
    rows = [row(cell(line, span=span, width=str(width))) for line in (title, *map(text, content.lines))]
    if content.cells:
        parts = (
            cell(
                text(name, colour=colour),
                width=str(width // span),
                border="1",
                color=colour,
                bgcolor="#FFFFFF",
                style="rounded",
                cellpadding="4",
            )
            for name in content.cells
        )
        rows.append(row(*parts))
    return table(rows, border="1", color=colour, bgcolor=tint, style="rounded", cellspacing="3", cellpadding="1")


def header(stack: str, title: str, note: str) -> str:
    """The coloured first row of a card."""
    ends = [
        cell(text(title, size=14, colour="#FFFFFF", bold=True), align="left"),
        cell(text(note, colour="#FFFFFF"), align="right"),
    ]
    return row(cell(table([row(*ends)]), bgcolor=COLOURS[stack][0], cellpadding="2"))


def card(stack: str, title: str, note: str, parts: Sequence[Box | str], *, side_by_side: bool = False) -> str:
    """Draws a nested stack: its header, its boxes, and between them what flows from one to the next.

    Args:
        stack: Nested stack, which decides the colour.
        title: Text of the header.
        note: Small text of the header.
        parts: Boxes, and words for the arrows between them.
        side_by_side: Boxes in one row instead of below each other.
    """
    drawn = [
        cell(arrow(part))
        if isinstance(part, str)
        else cell(box(part, width=WIDE if not side_by_side else NARROW), port=part.port)
        for part in parts
    ]
    rows = [row(*drawn)] if side_by_side else [row(one) for one in drawn]
    body = table(rows, cellspacing="4", cellpadding="0")
    return table([header(stack, title, note), row(cell(body))], border="1", color=COLOURS[stack][0], bgcolor="#FFFFFF")
