"""Which AWS services publish to the topics and queues of an assembly, e.g. an alarm to its topic."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from breakwater_guards.facts import facts
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.lookup import Lookup
from breakwater_guards.model.template import Resource, Template
from breakwater_guards.model.values import ABSENT, Text
from breakwater_guards.model.views import view

TOPIC, QUEUE = "AWS::SNS::Topic", "AWS::SQS::Queue"
EVENT_RULE = "AWS::Events::Rule"


class Delivery(NamedTuple):
    """A service that writes to a topic or a queue because resources say so.

    Attributes:
        service: first labels of its service principal, e.g. ``events``.
        target: the topic or queue.
        sources: the resources that name the target, in the order of the templates.
    """

    service: str
    target: Resource
    sources: tuple[Resource, ...]

    @property
    def principal(self) -> str:
        """The service principal as a policy writes it."""
        return f"{self.service}.amazonaws.com"

    @property
    def publisher(self) -> str:
        """The sources, worded for a message: the first one, and how many more."""
        more = len(self.sources) - 1
        return self.sources[0].logical_id + (f" and {more} more" if more else "")


def deliveries(app: Assembly, *services: str) -> Iterator[Delivery]:
    """Yield the deliveries of some services, or of all when none is given."""
    for delivery in view(app, _deliveries):
        if not services or delivery.service in services:
            yield delivery


def topics_named(app: Assembly, value: Any, near: Template) -> Resource | None:
    """Return the topic or queue that a value names, or ``None`` when it is not one of the assembly."""
    for lookup in view(app, _lookups):
        found = lookup.find(_name(value, near), near)
        if found is not None:
            return found
    return None


def _name(value: Any, near: Template) -> Any:
    """Reduce an ARN to its last field where that is known, unless it is plainly one of another Region or account."""
    if isinstance(value, Text) and not value.references:
        value = value.known
    if not isinstance(value, str):
        return value
    fields = value.split(":")
    if len(fields) < 6 or "*" in fields[-1]:
        return None
    here = (near.region, near.account)
    there = (fields[3], fields[4])
    differs = any(ours and "*" not in theirs and theirs != ours for ours, theirs in zip(here, there, strict=True))
    return None if differs else fields[-1]


def _lookups(app: Assembly) -> tuple[Lookup, Lookup]:
    return Lookup(app, TOPIC, name="TopicName"), Lookup(app, QUEUE, name="QueueName")


def _deliveries(app: Assembly) -> list[Delivery]:
    found: dict[tuple[str, Resource], dict[Resource, None]] = {}
    for publisher in facts("key_users")["messages"]["publishers"]:
        for source in app.of_type(publisher["type"]):
            if source.type == EVENT_RULE and not _delivers_as_itself(source):
                continue
            for path in publisher["paths"]:
                for value in source.given(path):
                    target = topics_named(app, value, source.template)
                    if target is not None:
                        found.setdefault((publisher["service"], target), {})[source] = None
    return [
        Delivery(service=service, target=target, sources=tuple(sources)) for (service, target), sources in found.items()
    ]


def _delivers_as_itself(rule: Resource) -> bool:
    """Tell whether a rule is on and calls its targets as EventBridge, not as a role."""
    return rule.get("State") != "DISABLED" and all(role is ABSENT for role in rule.options("Targets[].RoleArn"))
