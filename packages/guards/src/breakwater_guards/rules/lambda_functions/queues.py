"""Queues that functions read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from breakwater_guards.aws.arns import resource_named
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.scalars import as_int
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import ABSENT
from breakwater_guards.rule import Breach, Outcome, breach, rule

QUEUE, FUNCTIONS = "AWS::SQS::Queue", ("AWS::Lambda::Function", "AWS::Serverless::Function")
QUALIFIERS = ("AWS::Lambda::Alias", "AWS::Lambda::Version")
DEFAULT_VISIBILITY, DEFAULT_TIMEOUT = 30, 3  # seconds


@rule(
    "DR-LAMBDA-10",
    title="A queue hides a message for at least as long as its function may run",
    outcome=Outcome.REFUSED,
    prevents="Queue visibility timeout: 30 seconds is less than Function timeout: 60 seconds "
    "(InvalidParameterValueException)",
    fix="Set VisibilityTimeout of the queue to six times the function's Timeout.",
    sources=("https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html",),
)
def queues_hide_long_enough(app: Assembly) -> Iterator[Breach]:
    """Find a mapping of a queue whose messages come back while the function still works on them."""
    for queue, function in _readers(app):
        hidden = _seconds(queue.get("VisibilityTimeout"), DEFAULT_VISIBILITY)
        runs = _seconds(function.get("Timeout"), DEFAULT_TIMEOUT)
        if hidden is not None and runs is not None and hidden < runs:
            message = f"{hidden} seconds, and {function.logical_id} may run {runs}; allowed: {runs} or more."
            yield breach(queue, "VisibilityTimeout", message)


def _readers(app: Assembly) -> Iterator[tuple[Resource, Resource]]:
    """Yield the queues that functions read, with the function: by a mapping, or by an event of SAM."""
    for mapping in app.of_type("AWS::Lambda::EventSourceMapping"):
        queue = resource_named(app, mapping.get("EventSourceArn"), mapping.template, QUEUE)
        function = _function(app, mapping)
        if queue is not None and function is not None:
            yield queue, function
    for function in app.of_type("AWS::Serverless::Function"):
        events = function.get("Events")
        for event in events.values() if isinstance(events, dict) else ():
            given = event.get("Properties") if isinstance(event, dict) and event.get("Type") == "SQS" else None
            queue = (
                resource_named(app, given.get("Queue"), function.template, QUEUE) if isinstance(given, dict) else None
            )
            if queue is not None:
                yield queue, function


def _function(app: Assembly, resource: Resource) -> Resource | None:
    """Return the function that a resource names, also where it names an alias or a version."""
    value = resource.get("FunctionName")
    named = app.target(value)
    if named is not None and named.type in QUALIFIERS:
        return _function(app, named)
    return resource_named(app, value, resource.template, *FUNCTIONS)


def _seconds(value: Any, default: int) -> int | None:
    return default if value is ABSENT else as_int(value)
