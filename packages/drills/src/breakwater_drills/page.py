"""A page of HTML that fetches nothing: its style and its script are in it, and it may run no others."""

import base64
from collections.abc import Iterable, Sequence
from hashlib import sha256
from html import escape
from importlib.resources import files
from typing import Final

_STYLE: Final = (files(__package__) / "page.css").read_text(encoding="utf-8")
_SCRIPT: Final = (files(__package__) / "page.js").read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(sha256(text.encode()).digest()).decode()}'"


# Whatever a name contains: only the script and the style of this package may run, and nothing is fetched.
_ALLOWED: Final = f"script-src {_digest(_SCRIPT)}; style-src {_digest(_STYLE)}"
_POLICY: Final = f"default-src 'none'; {_ALLOWED}; base-uri 'none'; form-action 'none'"


def page(title: str, body: Iterable[str]) -> str:
    """Return a whole page.

    Args:
        title: as text.
        body: lines of HTML.
    """
    head = (
        "<!doctype html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title>",
        f"<style>{_STYLE}</style>",
        "</head>",
        "<body>",
    )
    end = ('<div id="tip" role="status" hidden></div>', f"<script>{_SCRIPT}</script>", "</body>", "</html>")
    return "\n".join([*head, *body, *end]) + "\n"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Sequence[str] = (), kind: str = "") -> str:
    """Return a table.

    Args:
        heads: of the columns, as text.
        rows: of cells, as HTML.
        numbers: the heads of columns that are aligned to the right.
        kind: its class; empty for none.
    """
    classes = [' class="number"' if head in numbers else "" for head in heads]
    made = [f"<th{each}>{escape(head)}</th>" for each, head in zip(classes, heads, strict=True)]
    lines = [f"<tr>{''.join(made)}</tr>"]
    for row in rows:
        cells = [f"<td{each}>{cell}</td>" for each, cell in zip(classes, row, strict=True)]
        lines.append(f"<tr>{''.join(cells)}</tr>")
    named = f' class="{kind}"' if kind else ""
    return f'<div class="wide"><table{named}>' + "\n".join(lines) + "</table></div>"


def yes(held: bool) -> str:
    """Return whether something held, as HTML."""
    return '<span class="yes">yes</span>' if held else '<span class="no">no</span>'
