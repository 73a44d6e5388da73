"""Dated facts that rules rest on, read from ``guards/data/*.json``."""

from __future__ import annotations

import json
from datetime import date
from functools import cache
from importlib import resources
from typing import Any


@cache
def facts(name: str) -> dict[str, Any]:
    """Return one data file.

    Args:
        name: its name without ``.json``; every file has ``date`` (ISO), ``sources`` (URLs) and its facts.

    Returns:
        The document.
    """
    text = resources.files("guards").joinpath("data", f"{name}.json").read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    return document


def dated(name: str) -> date:
    """Return the day on which the facts of a data file were taken."""
    return date.fromisoformat(facts(name)["date"])
