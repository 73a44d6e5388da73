"""Amazon EventBridge: Patterns that match an event that exists, buses that carry it, rules that are on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from breakwater_guards.aws.arns import names_arn, resource_named
from breakwater_guards.aws.deliveries import EVENT_RULE
from breakwater_guards.aws.event_patterns import alternatives, at, defects, texts
from breakwater_guards.aws.globs import pattern_of
from breakwater_guards.aws.names import misnamed, named
from breakwater_guards.facts import facts
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.scalars import as_bool
from breakwater_guards.model.template import Resource, Template
from breakwater_guards.model.values import ABSENT, Reference, Text
from breakwater_guards.rule import Breach, Outcome, breach, rule, show

ARCHIVE, BUS, BUCKET = "AWS::Events::Archive", "AWS::Events::EventBus", "AWS::S3::Bucket"
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
    for rule_ in app.of_type(EVENT_RULE, ARCHIVE):
        for pattern in rule_.given("EventPattern"):
            if isinstance(pattern, dict):
                for path, message in [*defects(pattern), *_names(app, rule_.template, pattern)]:
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
        for written in rule_.given("EventBusName") if bus is None else ():
            meant = misnamed(app, rule_.template, written, BUS) if isinstance(written, str) else None
            if meant:
                yield breach(rule_, "EventBusName", f"no bus here is called {written!r}; allowed: {meant}.")
        patterns = [pattern for pattern in rule_.given("EventPattern") if isinstance(pattern, dict)]
        sources = [source for pattern in patterns for source in texts(pattern.get("source"))]
        of_aws = bool(sources) and all(item.startswith("aws.") and "partner" not in item for item in sources)
        if bus is not None and rule_.given("ScheduleExpression"):
            yield breach(rule_, "EventBusName", f"{bus.logical_id}: schedules run on the default bus alone.")
        elif bus is not None and of_aws and not _is_fed(app, bus):
            message = f"{bus.logical_id}: events of {sources[0]} arrive on the default bus, and nothing passes them on."
            yield breach(rule_, "EventBusName", message)
        for pattern in patterns if sources == ["aws.s3"] else ():
            for value in at(pattern, "detail.bucket.name"):
                bucket = resource_named(app, value, rule_.template, BUCKET)
                if bucket is not None and not _sends_events(app, bucket):
                    message = f"{bucket.logical_id} sends no events: EventBridgeConfiguration is not set, or is off."
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
    setting = "NotificationConfiguration.EventBridgeConfiguration"
    off = all(as_bool(value) is False for value in bucket.options(f"{setting}.EventBridgeEnabled"))
    if bucket.options(setting) != [ABSENT] and not off:
        return True
    made = app.of_type("Custom::S3BucketNotifications")
    return any(app.target(item.get("BucketName")) in (None, bucket) for item in made)


def _names(app: Assembly, near: Template, pattern: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Find a name or an ARN that is nearly that of a resource of the application."""
    sources = texts(pattern.get("source"))
    branches = [{**pattern, "detail": detail} for detail in alternatives(pattern.get("detail"))] or [pattern]
    for path, kinds in facts("event_sources")["names"].items():
        types = kinds.get(sources[0], []) if len(sources) == 1 else []
        for value in [value for branch in branches for value in at(branch, path)] if types else ():
            if reason := _other_name(app, path, value, types):
                yield path, f"{show(value)} is {reason}."
            comparison, text = next(iter(value.items())) if isinstance(value, dict) and len(value) == 1 else ("", value)
            allowed = _unnamed(app, near, str(comparison), text, types)
            if allowed:
                yield path, f"{show(text)} names nothing that is here; allowed: {allowed}."


def _other_name(app: Assembly, path: str, value: Any, types: list[str]) -> str | None:
    """Tell why a reference to the right resource is not what the field has: an ARN, or the name without one."""
    target = app.target(value) if isinstance(value, Reference) else None
    if target is None or target.type not in types:
        return None
    wanted, given = path.lower().endswith(("arn", "resources")), names_arn(app, value)
    if wanted == given or (value.attribute and not wanted and not value.attribute.endswith("Arn")):
        return None
    return f"no ARN; allowed: the ARN of {target.logical_id}" if wanted else "an ARN; allowed: its name"


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
