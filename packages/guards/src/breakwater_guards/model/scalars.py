"""Read scalars in every spelling that CloudFormation accepts: `true` and "true", 5432 and "5432"."""

from __future__ import annotations

from math import isfinite
from typing import Any


def as_bool(value: Any) -> bool | None:
    """Return what a boolean property says, or ``None`` when it is no known boolean."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower())
    return None


def as_number(value: Any) -> float | None:
    """Return the value of a numeric property, or ``None`` when it is no known number."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if isfinite(found) else None


def as_int(value: Any) -> int | None:
    """Return the value of an integer property, or ``None`` when it is no known integer."""
    found = as_number(value)
    return int(found) if found is not None and found.is_integer() else None
