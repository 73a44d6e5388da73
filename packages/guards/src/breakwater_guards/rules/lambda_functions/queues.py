"""Queues that functions read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from breakwater_guards.aws.arns import resource_named
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.scalars import as_int
from breakwater_guards.model.values import ABSENT
from breakwater_guards.rule import Breach, Outcome, breach, rule

QUEUE, FUNCTION = "AWS::SQS::Queue", "AWS::Lambda::Function"
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
    for mapping in app.of_type("AWS::Lambda::EventSourceMapping"):
        queue = resource_named(app, mapping.get("EventSourceArn"), mapping.template, QUEUE)
        function = resource_named(app, mapping.get("FunctionName"), mapping.template, FUNCTION)
        if queue is None or function is None:
            continue
        hidden = _seconds(queue.get("VisibilityTimeout"), DEFAULT_VISIBILITY)
        runs = _seconds(function.get("Timeout"), DEFAULT_TIMEOUT)
        if hidden is not None and runs is not None and hidden < runs:
            message = f"{hidden} seconds, and {function.logical_id} may run {runs}; allowed: {runs} or more."
            yield breach(queue, "VisibilityTimeout", message)


def _seconds(value: Any, default: int) -> int | None:
    return default if value is ABSENT else as_int(value)
