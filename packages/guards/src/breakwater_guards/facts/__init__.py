"""Dated facts that rules rest on, read from ``data/*.json``, and what keeps them current."""

from __future__ import annotations

import json
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

# Not importlib.resources: its import takes longer than judging a template.
DATA = Path(__file__).parent / "data"


@cache
def facts(name: str) -> dict[str, Any]:
    """Return one data file.

    Args:
        name: its name without ``.json``; every file has ``date`` (ISO), ``sources`` (URLs) and its facts.

    Returns:
        The document.
    """
    document: dict[str, Any] = json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))
    return document


def dated(name: str) -> date:
    """Return the day on which the facts of a data file were taken."""
    return date.fromisoformat(facts(name)["date"])
