"""Pieces of Markdown for pages about rules and findings."""

import re


def prose(text: str) -> str:
    """Escape what Markdown would take for markup; backticks stay what they mean."""
    pieces = re.split(r"(`[^`]*`)", " ".join(text.split()))
    return "".join(piece if piece.startswith("`") else re.sub(r"([<*_\[\]])", r"\\\1", piece) for piece in pieces)


def row(*cells: str) -> str:
    """Return one row of a table."""
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
