"""Event patterns of EventBridge: what no event has, by the reference of the events of AWS's services."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from breakwater_guards.aws.names import some_of
from breakwater_guards.facts import facts

OPERATORS = "$or"
_ALIKE, _VALUE = 0.7, 0.75
_NONE = [{"exists": False}]
_SIGNS = re.compile(r"[-_ ]")


def defects(pattern: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Find what no event has: a field, a source, a detail type, or a field, a form or a value of the details.

    Args:
        pattern: a resolved event pattern.

    Yields:
        The path inside the pattern, and why it never matches.
    """
    known = facts("event_sources")
    for field in pattern:
        if field not in known["fields"] and field != OPERATORS and isinstance(field, str):
            yield field, f"no event has the field {field!r}; allowed: {', '.join(known['fields'])}."
    sources, types = texts(pattern.get("source")), texts(pattern.get("detail-type"))
    for source in sources:
        allowed = _source(source, types, known)
        if allowed:
            yield "source", f"{source!r} is no source; allowed: {allowed}."
    offered = [name for source in sources for name in known["detail_types"].get(source, ())]
    listed = bool(sources) and all(source in known["detail_types"] for source in sources)
    elsewhere = {name for names in known["detail_types"].values() for name in names}
    for kind in types if listed else ():
        near = get_close_matches(kind, offered, 1, _ALIKE)
        other = any(re.fullmatch(known["other_types"].get(source, "-"), kind) for source in sources)
        if kind not in offered and (near or other or kind in elsewhere):
            allowed = near[0] if near else some_of(offered, kind)
            yield "detail-type", f"{kind!r} is no event of {sources[0]}; allowed: {allowed}."
    if types and set(types) <= set(known["no_resources"]) and pattern.get("resources", _NONE) != _NONE:
        yield "resources", f"events of the type {types[0]} name no resources; ask for a field of detail."
    for detail in alternatives(pattern.get("detail")) if types else ():
        yield from _fields(detail, types, known["detail_fields"])
        yield from _spellings(detail, types, known)
        yield from _values(detail, _of_all(types, known["detail_values"]))
        yield from _objects(detail, types, known["detail_objects"])
        if len(types) == 1:
            yield from _forms(detail, known["detail_forms"].get(types[0], {}))


def _of_all(types: list[str], known: dict[str, dict[str, list[str]]]) -> dict[str, list[str]]:
    """Return the values of the fields whose values are known for each of some types of events."""
    each = [known.get(kind, {}) for kind in types]
    return {
        field: sorted({value for one in each for value in one[field]}) for field in set(each[0]).intersection(*each)
    }


def _source(given: str, types: list[str], facts_: dict[str, Any]) -> str | None:
    """Return the source that is meant by one that no service has; ``None`` for one that may exist.

    Without a dot it may be anybody's, and Lambda's destinations send from ``lambda``: the detail types tell.
    """
    known: list[str] = facts_["sources_of_aws"]
    if given in known or given.startswith("aws.partner/"):
        return None
    if given.lower() in facts_["other_sources"]:
        return str(facts_["other_sources"][given.lower()])
    if "." not in given:
        meant = f"aws.{given.lower()}"
        return meant if not set(types).isdisjoint(facts_["detail_types"].get(meant, ())) else None
    lower = given.lower()
    near = get_close_matches(lower, known, 1, 0.9) if lower.startswith("aws.") else []
    return lower if lower in known else near[0] if near else None


def alternatives(detail: Any) -> list[dict[str, Any]]:
    """Return a pattern once for each branch of ``$or``."""
    if not isinstance(detail, dict):
        return []
    rest = {key: value for key, value in detail.items() if key != OPERATORS}
    branches = detail.get(OPERATORS)
    inner = [one for branch in branches for one in alternatives(branch)] if isinstance(branches, list) else []
    return [{**rest, **one} for one in inner] or [rest]


def _fields(detail: dict[str, Any], types: list[str], known: dict[str, list[str]]) -> Iterator[tuple[str, str]]:
    if all(kind in known for kind in types):
        offered = sorted({name for kind in types for name in known[kind]})
        for field in detail:
            if field not in offered:
                near = get_close_matches(str(field), offered, 1) or offered[:8]
                yield f"detail.{field}", f"{types[0]} has no field {field!r}; allowed: {', '.join(near)}."


def _spellings(detail: dict[str, Any], types: list[str], known: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Find a field with other signs or capitals than one that events have, where not all of their fields are known."""
    if not all(kind in known["detail_spellings"] and kind not in known["detail_fields"] for kind in types):
        return
    offered = {_plain(name): name for kind in types for name in known["detail_spellings"][kind]}
    for field in detail:
        meant = offered.get(_plain(str(field)), field)
        if meant != field:
            yield f"detail.{field}", f"{types[0]} has no field {field!r}; allowed: {meant}."


def _plain(field: str) -> str:
    return _SIGNS.sub("", field).lower()


def _objects(detail: dict[str, Any], types: list[str], known: dict[str, list[str]]) -> Iterator[tuple[str, str]]:
    """Find a text where events have an object with fields of its own."""
    for field, wanted in detail.items():
        text = isinstance(wanted, list) and wanted and all(isinstance(item, str) for item in wanted)
        if text and all(field in known.get(kind, ()) for kind in types):
            yield f"detail.{field}", f"{field} of {types[0]} is an object, never a text; allowed: fields inside it."


def _values(detail: dict[str, Any], known: dict[str, list[str]]) -> Iterator[tuple[str, str]]:
    for field, allowed in known.items():
        given = texts(at(detail, field))
        never = [item for item in given if item not in allowed]
        alike = {item for item in never if get_close_matches(item.lower(), [one.lower() for one in allowed], 1, _VALUE)}
        dead = never if len(never) == len(given) else [item for item in never if item in alike]
        if dead:
            yield (
                f"detail.{field}",
                f"{', '.join(map(repr, dead))} is never sent; allowed: {some_of(allowed, dead[0])}.",
            )


def _forms(detail: dict[str, Any], known: dict[str, str]) -> Iterator[tuple[str, str]]:
    for field, form in known.items():
        for given in texts(at(detail, field)):
            if not re.fullmatch(form, given):
                yield f"detail.{field}", f"{given!r} is never sent; allowed: {form or 'a number'}."


def at(pattern: Any, path: str) -> list[Any]:
    """Return what a pattern asks of a field, e.g. ``detail.bucket.name``."""
    for step in path.split("."):
        pattern = pattern.get(step) if isinstance(pattern, dict) else None
    return pattern if isinstance(pattern, list) else []


def texts(value: Any) -> list[str]:
    """Return the literal alternatives of a field; none where one of them is a comparison or not known."""
    entries = value if isinstance(value, list) else []
    return [item for item in entries if isinstance(item, str)] if all(isinstance(item, str) for item in entries) else []
