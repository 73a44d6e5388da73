"""JSON in a property, of which parts are values that only the deployment decides."""

from __future__ import annotations

import json
import re
from typing import Any

from breakwater_guards.model.values import Text, text_of

_MARK = re.compile("\ue000(\\d+)\ue001")


def from_json(value: str | Text, *, having: str = "") -> Any:
    """Read JSON text, with the values that the deployment decides in their places.

    Args:
        value: resolved text.
        having: text without which it is not worth reading.

    Returns:
        What it says; ``None`` when it is not JSON, or lacks that text.
    """
    parts = value.parts if isinstance(value, Text) else (value,)
    text = "".join(part if isinstance(part, str) else f"\ue000{index}\ue001" for index, part in enumerate(parts))
    if having not in text:
        return None
    try:
        return _restore(json.loads(text), parts)
    except (ValueError, RecursionError):
        return None


def _restore(node: Any, parts: tuple[Any, ...]) -> Any:
    """Put the values back into what was read."""
    if isinstance(node, dict):
        return {key: _restore(child, parts) for key, child in node.items()}
    if isinstance(node, list):
        return [_restore(child, parts) for child in node]
    if not isinstance(node, str) or "\ue000" not in node:
        return node
    pieces = _MARK.split(node)  # text, index, text, index, …, text
    return text_of([parts[int(piece)] if position % 2 else piece for position, piece in enumerate(pieces)])
