"""An answer compared with what a fact expects of it.

A path names one value: `DBClusters/0/Status`. Its parts are keys, indexes, or `Key=name`, the first member of a list
whose `Key` is `name`. A value is expected literally, but for

- `~pattern`: text that matches the whole regular expression
- `<string>`, `<integer>`, `<number>`, `<boolean>`, `<timestamp>`, `<list>`, `<map>`: any value of the type
- `<null>`: nothing, where there is a key; `<absent>`: no such key, or no such member
- `<empty>`: an empty list or map; `<present>`: anything
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

_ABSENT: Final = object()
_TYPES: Final[Mapping[str, Callable[[Any], bool]]] = {
    "<string>": lambda value: isinstance(value, str) and value != "",
    "<integer>": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "<number>": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "<boolean>": lambda value: isinstance(value, bool),
    "<timestamp>": lambda value: isinstance(value, datetime),
    "<list>": lambda value: isinstance(value, list) and value != [],
    "<map>": lambda value: isinstance(value, dict) and value != {},
    "<null>": lambda value: value is None,
    "<absent>": lambda value: value is _ABSENT,
    "<empty>": lambda value: value in ([], {}),
    "<present>": lambda value: value is not _ABSENT,
}


def differences(answer: Any, expected: Mapping[str, Any]) -> Iterator[str]:
    """Return what is not as expected, one line each.

    Args:
        answer: what boto3 returned.
        expected: expected values by path.
    """
    for path, wanted in expected.items():
        found = value_at(answer, path)
        if not _fits(found, wanted):
            shown = "absent" if found is _ABSENT else repr(found)
            yield f"{path} is {shown} instead of {wanted!r}"


def value_at(answer: Any, path: str) -> Any:
    """Return the value at a path, or a marker that only `<absent>` fits."""
    found = answer
    for part in path.split("/"):
        found = _step(found, part)
    return found


def _step(found: Any, part: str) -> Any:
    if isinstance(found, list):
        key, equals, name = part.partition("=")
        if equals:
            return next((each for each in found if str(each.get(key)) == name), _ABSENT)
        return found[int(part)] if part.isdigit() and int(part) < len(found) else _ABSENT
    return found.get(part, _ABSENT) if isinstance(found, dict) else _ABSENT


def _fits(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, str) and wanted in _TYPES:
        return _TYPES[wanted](found)
    if isinstance(wanted, str) and wanted.startswith("~"):
        return isinstance(found, str) and re.fullmatch(wanted[1:], found, re.DOTALL) is not None
    return bool(found == wanted) and isinstance(found, bool) == isinstance(wanted, bool)
