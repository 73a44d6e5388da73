"""Which changes switch a protection off, or weaken it: what `protections.toml` lists, in words.

Only values that both sides tell are judged: what a deployment alone decides weakens nothing.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from breakwater_guards.model.values import ABSENT, UNKNOWN
from breakwater_guards.rule import shorten
from ops.preflight.deployed import shown

FILE: Final = Path(__file__).with_name("protections.toml")
MAX_WORDS: Final = 60
_ON: Final = frozenset({"1", "enabled", "true"})
_OFF: Final = frozenset({"0", "disabled", "false", "suspended", "absent"})
# What tells the elements of a list apart, the first that they have; without any, they are compared as they are.
_NAMES: Final = ("RuleName", "Region", "Sid", "Id", "Name")
# A value that CloudFormation knows only after the deployment.
_LATER: Final = "{{changeSet:KNOWN_AFTER_APPLY}}"


@cache
def table() -> Mapping[str, Mapping[str, Any]]:
    """Return the properties that protect, by type; and under `removed`, the types that do."""
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def of_removal(kind: str) -> str:
    """Return what the removal of a resource weakens; empty for nothing.

    Args:
        kind: CloudFormation type.
    """
    protects: str = table()["removed"].get(kind, "")
    return protects


def properties(kind: str) -> list[str]:
    """Return the names of the properties of a type that protect.

    Args:
        kind: CloudFormation type.
    """
    return sorted({re.split(r"[.\[]", path)[0] for path in table().get(kind, ())})


def weakened(kind: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """Return which protections a change weakens, in words; empty for none.

    Args:
        kind: CloudFormation type of the resource.
        before: its properties as they are deployed.
        after: its properties as they are planned.
    """
    return "; ".join(dict.fromkeys(_weakened(kind, before, after)))


def _weakened(kind: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    gone: list[str] = []
    for path, rule in table().get(kind, {}).items():
        old, new = (dict(_values(properties, _steps(path))) for properties in (before, after))
        for place in {**old, **new}:
            values = [_at(each, place) for each in (old, new)]
            judged = [rule.get("absent", ABSENT) if value is ABSENT else value for value in values]
            if place.startswith(tuple(gone)) or not _WEAKER[rule["weaker"]](*judged):
                continue
            if _below(judged[1], rule.get("least")):
                gone += [place] if values[1] is ABSENT else []
                told = [shorten(_shown(value), MAX_WORDS) for value in values]
                yield f"{rule['protects']}: {place} is {told[0]}, planned is {told[1]}"


def _at(found: Mapping[str, Any], place: str) -> Any:
    """Return the value at a place: not known where the list is not, that it would be an element of."""
    value = found.get(place, UNKNOWN if any("[]" in each for each in found) else ABSENT)
    return UNKNOWN if value == _LATER else value


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else shown(value)


@cache
def _steps(path: str) -> tuple[str, ...]:
    """Split a path into names; `[]` and `[name]` are steps of their own."""
    return tuple(re.findall(r"\[[^\]]*\]|[^.\[]+", path))


def _values(value: Any, steps: tuple[str, ...], place: str = "") -> Iterator[tuple[str, Any]]:
    """Yield what is at the end of a path, and where; a name that is not given leads to `ABSENT`."""
    if not steps:
        # What is neither a mapping nor absent has no members that could be told.
        yield place, value
        return
    step, rest = steps[0], steps[1:]
    if step == "[]" and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _values(item, rest, f"{place}[{_name(item) or index}]")
    elif step != "[]":
        name, members = step.strip("[]"), value
        if name != step and isinstance(value, list):
            keys = {each.get("Key"): each.get("Value") for each in value if isinstance(each, dict)}
            members = UNKNOWN if name not in keys and UNKNOWN in value else keys
        found = members.get(name, ABSENT) if isinstance(members, dict) else members
        yield from _values(found, rest, f"{place}{'.' if place and name == step else ''}{step}")
    elif value is not ABSENT:
        yield f"{place}[]", UNKNOWN


def _name(item: Any) -> str:
    names = item if isinstance(item, dict) else {}
    return next((str(names[key]) for key in _NAMES if key in names), "")


def _off(before: Any, after: Any) -> bool:
    return _word(before) in _ON and _word(after) in _OFF


def _on(before: Any, after: Any) -> bool:
    return _off(after, before)


def _word(value: Any) -> str:
    return "absent" if value is ABSENT else str(value).lower()


def _lower(before: Any, after: Any) -> bool:
    old, new = _number(before), _number(after)
    return old is not None and new is not None and new < old


def _number(value: Any) -> float | None:
    try:
        return 0.0 if value is ABSENT else float(value)
    except (TypeError, ValueError):
        return None


def _gone(before: Any, after: Any) -> bool:
    return before is not UNKNOWN and before is not ABSENT and after is ABSENT


def _fewer(before: Any, after: Any) -> bool:
    old, new = ([] if value is ABSENT else value for value in (before, after))
    if not isinstance(old, list) or not isinstance(new, list) or UNKNOWN in new:
        return False
    there = [_name(item) or item for item in new]
    return any((_name(item) or item) not in there for item in old if item is not UNKNOWN)


def _below(value: Any, least: float | None) -> bool:
    number = _number(value) if least is not None else None
    return least is None or (number is not None and number < least)


_WEAKER: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "fewer": _fewer,
    "gone": _gone,
    "lower": _lower,
    "off": _off,
    "on": _on,
}
