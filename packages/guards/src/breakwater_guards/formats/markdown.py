"""Pieces of Markdown for pages about rules and findings."""

import re


def prose(text: str) -> str:
    """Escape what Markdown would take for markup; backticks stay what they mean.

    Python-Markdown knows no backslash before `<`, so that becomes an entity.
    """
    pieces = re.split(r"(`[^`]*`)", " ".join(text.split()))
    return "".join(piece if piece.startswith("`") else _escaped(piece) for piece in pieces)


def _escaped(text: str) -> str:
    return re.sub(r"([*_\[\]])", r"\\\1", text).replace("<", "&lt;")


def row(*cells: str) -> str:
    """Return one row of a table."""
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
