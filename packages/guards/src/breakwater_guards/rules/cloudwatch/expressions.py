"""Expressions over several metrics in one alarm: what they name, and which of them the alarm watches."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from breakwater_guards.aws.alarms import ALARM
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.scalars import as_bool
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import ABSENT, UNKNOWN
from breakwater_guards.rule import Breach, Outcome, breach, rule, show

_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
# An id begins with a small letter, the name of a function does not.
_ID = re.compile(r"(?<![\w.])[a-z]\w*")


@rule(
    "DR-CLOUDWATCH-12",
    title="The expression of an alarm names the metrics beside it, and one of them is watched",
    outcome=Outcome.REFUSED,
    prevents="Invalid metrics list: Error in expression 'rate': Undefined variable 'errors'; Exactly one element of "
    "the metrics list should return data (ValidationError)",
    fix="Use the Id of a metric in the same alarm, each Id once, and ReturnData: false on all but the watched one.",
    sources=(
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html",
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDataQuery.html",
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html",
    ),
)
def expressions_name_their_metrics(app: Assembly) -> Iterator[Breach]:
    """Find an id that no metric of the alarm has, one that two have, and none or two metrics that return data."""
    for alarm in app.of_type(ALARM):
        queries = _queries(alarm)
        ids = [query.get("Id", UNKNOWN) for query in queries]
        if not queries or not all(isinstance(name, str) for name in ids):
            continue
        for number, query in enumerate(queries):
            if ids[number] in ids[:number]:
                yield breach(alarm, f"Metrics.{number}.Id", f"{ids[number]!r} is the Id of another metric already.")
            for name in dict.fromkeys(_named(query.get("Expression"))):
                if name not in ids:
                    message = f"no metric of the alarm has the Id {name!r}; allowed: {', '.join(ids)}."
                    yield breach(alarm, f"Metrics.{number}.Expression", message)
        watched = alarm.get("ThresholdMetricId")
        if isinstance(watched, str) and watched not in ids:
            yield breach(alarm, "ThresholdMetricId", f"{show(watched)} is the Id of no metric of the alarm.")
        returned = [as_bool(query.get("ReturnData", True)) for query in queries]
        if watched is ABSENT and None not in returned and returned.count(True) != 1:
            yield breach(alarm, "Metrics", f"{returned.count(True)} metrics return data; allowed: exactly 1.")


def _queries(alarm: Resource) -> list[dict[str, Any]]:
    """Return the metrics of an alarm; none where a condition decides which there are."""
    properties = alarm.body.get("Properties")
    raw = properties.get("Metrics") if isinstance(properties, dict) else None
    if not isinstance(raw, list) or any(isinstance(item, dict) and "Fn::If" in item for item in raw):
        return []
    found = alarm.options("Metrics[]")
    return found if all(isinstance(query, dict) for query in found) else []


def _named(expression: Any) -> list[str]:
    """Return the ids in an expression; a query in SQL has none."""
    if not isinstance(expression, str) or expression.lstrip().upper().startswith("SELECT"):
        return []
    return _ID.findall(_QUOTED.sub("", expression))
