"""Read CloudFormation's JSON within limits; of two equal keys the last one counts, as for CloudFormation."""

from __future__ import annotations

import json
import re
from collections import Counter
from math import isfinite
from typing import Any

MAX_DEPTH = 200
MAX_NODES = 1_000_000
_MAX_DIGITS = 30


_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"')


class JsonError(ValueError):
    """JSON that CloudFormation does not accept, or that is beyond a limit."""


def read_json(text: str, twice: list[str]) -> Any:
    """Read one document.

    Args:
        text: JSON.
        twice: receives each key that stands twice in a mapping.

    Raises:
        JsonError: beyond a limit, or no JSON.
        RecursionError: nested too deep for the parser.
    """
    if _collections(text) > MAX_NODES and _collections(_STRING.sub("", text)) > MAX_NODES:
        raise JsonError(f"more than {MAX_NODES} objects and lists")

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) != len(pairs):
            twice.extend(Counter(key for key, _ in pairs) - Counter(made.keys()))
        return made

    document = json.loads(
        text, object_pairs_hook=unique, parse_int=_integer, parse_float=_number, parse_constant=_constant
    )
    level, depth = [document], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise JsonError(f"nested deeper than {MAX_DEPTH} levels")
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, (dict, list))  # faster than `dict | list`
        ]
    return document


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= _MAX_DIGITS else digits


def _number(text: str) -> float | str:
    number = float(text)
    return number if isfinite(number) else text


def _constant(name: str) -> Any:
    raise JsonError(f"{name} is no JSON")


def _collections(text: str) -> int:
    return text.count("{") + text.count("[")
