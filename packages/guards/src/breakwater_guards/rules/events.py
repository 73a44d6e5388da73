"""Amazon EventBridge: Patterns that match an event that exists, buses that carry it, rules that are on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from breakwater_guards.aws.arns import resource_named
from breakwater_guards.aws.deliveries import EVENT_RULE
from breakwater_guards.aws.globs import pattern_of
from breakwater_guards.aws.names import misnamed, named
from breakwater_guards.facts import facts
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.scalars import as_bool
from breakwater_guards.model.template import Resource, Template
from breakwater_guards.model.values import ABSENT, Text
from breakwater_guards.rule import Breach, Outcome, breach, rule, show

BUS, BUCKET = "AWS::Events::EventBus", "AWS::S3::Bucket"
OPERATORS = "$or"
_ALIKE, _VALUE = 0.7, 0.75
_NONE = [{"exists": False}]
_PARTS = re.compile(r"[:/*]+")


@rule(
    "DR-EVENTS-01",
    title="An event pattern matches an event that exists",
    outcome=Outcome.SILENT,
    prevents="No error is reported: the rule never matches, and nobody hears of a backup or a task that fails",
    fix="Use the names of the source's page in the events reference: source, detail-type, the fields of detail and "
    "their values; and the name of the resource, best by a reference.",
    sources=(
        "https://docs.aws.amazon.com/eventbridge/latest/ref/events.html",
        "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html",
    ),
    data="event_sources",
)
def patterns_match_something(app: Assembly) -> Iterator[Breach]:
    """Find a field, source, detail type, value or name that no event has."""
    for rule_ in app.of_type(EVENT_RULE):
        for pattern in rule_.given("EventPattern"):
            if isinstance(pattern, dict):
                for path, message in [*_defects(pattern), *_names(app, rule_.template, pattern)]:
                    yield breach(rule_, f"EventPattern.{path}", message)


@rule(
    "DR-EVENTS-02",
    title="A rule listens on the bus that carries its events",
    outcome=Outcome.SILENT,
    prevents="No error is reported: events of AWS services arrive on the default bus alone, and those of a bucket only "
    "if the bucket sends them",
    fix="Leave EventBusName out for events of AWS and for schedules; set the bucket's "
    "NotificationConfiguration.EventBridgeConfiguration.",
    sources=(
        "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event.html",
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-event-notifications-eventbridge.html",
        "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-rule-schedule.html",
    ),
)
def buses_carry_events(app: Assembly) -> Iterator[Breach]:
    """Find a rule for events of AWS, or a schedule, on a bus of its own; one for a bucket that sends no events."""
    for rule_ in app.of_type(EVENT_RULE):
        bus = resource_named(app, rule_.get("EventBusName"), rule_.template, BUS)
        patterns = [pattern for pattern in rule_.given("EventPattern") if isinstance(pattern, dict)]
        sources = [source for pattern in patterns for source in _texts(pattern.get("source"))]
        of_aws = bool(sources) and all(item.startswith("aws.") and "partner" not in item for item in sources)
        if bus is not None and rule_.given("ScheduleExpression"):
            yield breach(rule_, "EventBusName", f"{bus.logical_id}: schedules run on the default bus alone.")
        elif bus is not None and of_aws and not _is_fed(app, bus):
            message = f"{bus.logical_id}: events of {sources[0]} arrive on the default bus, and nothing passes them on."
            yield breach(rule_, "EventBusName", message)
        for pattern in patterns if sources == ["aws.s3"] else ():
            for value in _at(pattern, "detail.bucket.name"):
                bucket = resource_named(app, value, rule_.template, BUCKET)
                if bucket is not None and not _sends_events(app, bucket):
                    message = f"{bucket.logical_id} sends no events: EventBridgeConfiguration is not set."
                    yield breach(rule_, "EventPattern.detail.bucket.name", message)


@rule(
    "DR-EVENTS-03",
    title="Rules, schedules and mappings are switched on",
    outcome=Outcome.POLICY,
    prevents="No error is reported: nothing happens, and nobody hears of it",
    fix="Switch it on, or remove it.",
    sources=("https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DisableRule.html",),
    data="event_sources",
)
def nothing_is_switched_off(app: Assembly) -> Iterator[Breach]:
    """Find a rule, schedule, pipe, mapping or trail that is created switched off."""
    for kind, (path, off) in facts("event_sources")["disabled"].items():
        for resource in app.of_type(kind):
            if all(value == off or (off is False and as_bool(value) is False) for value in resource.options(path)):
                yield breach(resource, path, f"{show(resource.get(path))}; nothing here ever runs.")


def _is_fed(app: Assembly, bus: Resource) -> bool:
    """Tell whether a rule passes events on to a bus, or other accounts or services may put them there."""
    if any(app.of_type("AWS::Events::EventBusPolicy")) or bus.options("Policy") != [ABSENT]:
        return True
    targets = [value for rule_ in app.of_type(EVENT_RULE) for value in rule_.options("Targets[].Arn")]
    return any(
        resource_named(app, value, bus.template, BUS) in (None, bus) for value in targets if _may_be_bus(app, value)
    )


def _may_be_bus(app: Assembly, value: Any) -> bool:
    target = app.target(value)
    if value is ABSENT:
        return False
    return target.type == BUS if target is not None else ":event-bus/" in pattern_of(value) or pattern_of(value) == "*"


def _sends_events(app: Assembly, bucket: Resource) -> bool:
    """Tell whether a bucket has EventBridge on, by itself or by the CDK's custom resource."""
    if bucket.options("NotificationConfiguration.EventBridgeConfiguration") != [ABSENT]:
        return True
    made = app.of_type("Custom::S3BucketNotifications")
    return any(app.target(item.get("BucketName")) in (None, bucket) for item in made)


def _defects(pattern: dict[str, Any]) -> Iterator[tuple[str, str]]:
    known = facts("event_sources")
    for field in pattern:
        if field not in known["fields"] and field != OPERATORS and isinstance(field, str):
            yield field, f"no event has the field {field!r}; allowed: {', '.join(known['fields'])}."
    sources, types = _texts(pattern.get("source")), _texts(pattern.get("detail-type"))
    for source in sources:
        allowed = _source(source, types, known)
        if allowed:
            yield "source", f"{source!r} is no source; allowed: {allowed}."
    offered = [name for source in sources for name in known["detail_types"].get(source, ())]
    listed = bool(sources) and all(source in known["detail_types"] for source in sources)
    elsewhere = {name for names in known["detail_types"].values() for name in names}
    for kind in types if listed else ():
        near = get_close_matches(kind, offered, 1, _ALIKE)
        if kind not in offered and (near or kind in elsewhere):
            allowed = near[0] if near else ", ".join(offered)
            yield "detail-type", f"{kind!r} is no event of {sources[0]}; allowed: {allowed}."
    if types and set(types) <= set(known["no_resources"]) and pattern.get("resources", _NONE) != _NONE:
        yield "resources", f"events of the type {types[0]} name no resources; ask for a field of detail."
    for detail in _alternatives(pattern.get("detail")) if types else ():
        yield from _fields(detail, types, known["detail_fields"])
        yield from _values(detail, _of_all(types, known["detail_values"]))
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
    if "." not in given:
        meant = f"aws.{given.lower()}"
        return meant if not set(types).isdisjoint(facts_["detail_types"].get(meant, ())) else None
    lower = given.lower()
    near = get_close_matches(lower, known, 1, 0.9) if lower.startswith("aws.") else []
    return lower if lower in known else near[0] if near else None


def _alternatives(detail: Any) -> list[dict[str, Any]]:
    """Return a pattern once for each branch of ``$or``."""
    if not isinstance(detail, dict):
        return []
    rest = {key: value for key, value in detail.items() if key != OPERATORS}
    branches = detail.get(OPERATORS)
    inner = [one for branch in branches for one in _alternatives(branch)] if isinstance(branches, list) else []
    return [{**rest, **one} for one in inner] or [rest]


def _fields(detail: dict[str, Any], types: list[str], known: dict[str, list[str]]) -> Iterator[tuple[str, str]]:
    if all(kind in known for kind in types):
        offered = sorted({name for kind in types for name in known[kind]})
        for field in detail:
            if field not in offered:
                near = get_close_matches(str(field), offered, 1) or offered[:8]
                yield f"detail.{field}", f"{types[0]} has no field {field!r}; allowed: {', '.join(near)}."


def _values(detail: dict[str, Any], known: dict[str, list[str]]) -> Iterator[tuple[str, str]]:
    for field, allowed in known.items():
        given = _texts(_at(detail, field))
        never = [item for item in given if item not in allowed]
        alike = {item for item in never if get_close_matches(item.lower(), [one.lower() for one in allowed], 1, _VALUE)}
        dead = never if len(never) == len(given) else [item for item in never if item in alike]
        if dead:
            yield f"detail.{field}", f"{', '.join(map(repr, dead))} is never sent; allowed: {', '.join(allowed)}."


def _forms(detail: dict[str, Any], known: dict[str, str]) -> Iterator[tuple[str, str]]:
    for field, form in known.items():
        for given in _texts(_at(detail, field)):
            if not re.fullmatch(form, given):
                yield f"detail.{field}", f"{given!r} is never sent; allowed: {form or 'a number'}."


def _names(app: Assembly, near: Template, pattern: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Find a name or an ARN that is nearly that of a resource of the application."""
    sources = _texts(pattern.get("source"))
    branches = [{**pattern, "detail": detail} for detail in _alternatives(pattern.get("detail"))] or [pattern]
    for path, kinds in facts("event_sources")["names"].items():
        types = kinds.get(sources[0], []) if len(sources) == 1 else []
        for value in [value for branch in branches for value in _at(branch, path)] if types else ():
            comparison, text = next(iter(value.items())) if isinstance(value, dict) and len(value) == 1 else ("", value)
            allowed = _unnamed(app, near, str(comparison), text, types)
            if allowed:
                yield path, f"{show(text)} names nothing that is here; allowed: {allowed}."


def _unnamed(app: Assembly, near: Template, comparison: str, value: Any, types: list[str]) -> str | None:
    text = pattern_of(value) if isinstance(value, str | Text) else ""
    names = {name for name, _ in named(app, near, *types) if name}
    for part in _PARTS.split(text) if comparison in ("", "prefix", "suffix", "wildcard") else ():
        begins = comparison == "prefix" and any(name.startswith(part) for name in names)
        ends = comparison == "suffix" and any(name.endswith(part) for name in names)
        allowed = None if begins or ends or not part else misnamed(app, near, part, *types)
        if allowed:
            return allowed
    return None


def _at(pattern: Any, path: str) -> list[Any]:
    """Return what a pattern asks of a field, e.g. ``detail.bucket.name``."""
    for step in path.split("."):
        pattern = pattern.get(step) if isinstance(pattern, dict) else None
    return pattern if isinstance(pattern, list) else []


def _texts(value: Any) -> list[str]:
    """Return the literal alternatives of a field; none where one of them is a comparison or not known."""
    entries = value if isinstance(value, list) else []
    return [item for item in entries if isinstance(item, str)] if all(isinstance(item, str) for item in entries) else []
