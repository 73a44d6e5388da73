"""Amazon EventBridge: Patterns that match an event that exists."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from breakwater_guards.facts import facts
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.rule import Breach, Outcome, breach, rule

_ALIKE = 0.7
OPERATORS = "$or"


@rule(
    "DR-EVENTS-01",
    title="An event pattern matches an event that exists",
    outcome=Outcome.SILENT,
    prevents="No error is reported: the rule never matches, and nobody hears of a backup or a task that fails",
    fix="Use the names of the source's page in the events reference: source, detail-type, and the values of detail.",
    sources=(
        "https://docs.aws.amazon.com/eventbridge/latest/ref/events.html",
        "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html",
    ),
    data="event_sources",
)
def patterns_match_something(app: Assembly) -> Iterator[Breach]:
    """Find a field that no event has, a detail type of another source or spelling, a state that is never sent."""
    for rule_ in app.of_type("AWS::Events::Rule"):
        for pattern in rule_.given("EventPattern"):
            if isinstance(pattern, dict):
                for path, message in _defects(pattern):
                    yield breach(rule_, f"EventPattern.{path}", message)


def _defects(pattern: dict[str, Any]) -> Iterator[tuple[str, str]]:
    known = facts("event_sources")
    for field in pattern:
        if field not in known["fields"] and field != OPERATORS and isinstance(field, str):
            yield field, f"no event has the field {field!r}; allowed: {', '.join(known['fields'])}."
    sources, types = _texts(pattern.get("source")), _texts(pattern.get("detail-type"))
    for source in sources:
        names = [name for name in known["detail_types"] if name != source]
        if source.lower() in names or f"aws.{source}" in names:
            yield (
                "source",
                f"{source!r} is no source; allowed: {source.lower() if source.lower() in names else f'aws.{source}'}.",
            )
    offered = [name for source in sources for name in known["detail_types"].get(source, ())]
    listed = bool(sources) and all(source in known["detail_types"] for source in sources)
    elsewhere = {name for names in known["detail_types"].values() for name in names}
    for kind in types if listed else ():
        near = get_close_matches(kind, offered, 1, _ALIKE)
        if kind not in offered and (near or kind in elsewhere):
            allowed = near[0] if near else ", ".join(offered)
            yield "detail-type", f"{kind!r} is no event of {sources[0]}; allowed: {allowed}."
    if len(types) == 1:
        yield from _values(pattern.get("detail"), known["detail_values"].get(types[0], {}))


def _values(detail: Any, known: dict[str, list[str]]) -> Iterator[tuple[str, str]]:
    for field, allowed in known.items():
        given = _texts(detail.get(field)) if isinstance(detail, dict) else []
        if given and not set(given) & set(allowed):
            yield f"detail.{field}", f"{', '.join(map(repr, given))} is never sent; allowed: {', '.join(allowed)}."


def _texts(value: Any) -> list[str]:
    """Return the literal alternatives of a field; none where one of them is a comparison or not known."""
    entries = value if isinstance(value, list) else []
    return [item for item in entries if isinstance(item, str)] if all(isinstance(item, str) for item in entries) else []
