"""Where a metric is, and by which dimensions at all."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from breakwater_guards.aws.alarms import Metric
from breakwater_guards.aws.arns import resource_named
from breakwater_guards.facts import facts
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.mentions import mentioned
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import ABSENT, Reference
from breakwater_guards.rule import Breach, breach

_ALIKE = 0.6


def elsewhere(app: Assembly, metric: Metric) -> str | None:
    """Tell why a metric has no data in the Region where it is looked for: its service or resource is elsewhere."""
    needed = facts("metrics")["regions"].get(metric.namespace) if isinstance(metric.namespace, str) else None
    if not isinstance(metric.region, str) or metric.region == needed:
        return None
    if needed is not None:
        return f"{metric.namespace} has its metrics in {needed} alone; looked for in {metric.region}."
    for name, value in metric.dimensions.items():
        resource = app.target(value) if isinstance(value, Reference) else None
        region = resource.template.region if resource is not None else None
        if resource is not None and region and region != metric.region:
            return f"{name} is {resource.logical_id} of {region}; looked for in {metric.region}."
    return None


def no_dimension(metric: Metric, known: dict[str, Any]) -> Iterator[str]:
    """Yield why a dimension is none of a namespace, where it is nearly one."""
    names = {name.lower(): name for name in known.get("names", ())}
    for given in metric.dimensions if names else ():
        near = get_close_matches(given.lower(), names, 1, _ALIKE)
        if given not in names.values() and near:
            yield f"{metric.name} has no data by {given}; allowed: {names[near[0]]}."


def switched_off(app: Assembly, metric: Metric) -> Iterator[Breach]:
    """Find a metric that a resource of the application publishes only where it is told to, and is not."""
    for row in facts("metrics")["switches"]:
        value = metric.dimensions.get(row["dimension"]) if metric.namespace == row["namespace"] else None
        if value is None or row.get("with", row["dimension"]) not in metric.dimensions:
            continue
        resource = resource_named(app, value, metric.alarm.template, row["type"])
        given = resource.options(row["path"]) if resource is not None else []
        if given and all(("absent" if item is ABSENT else item) in row["off"] for item in given):
            name = resource.logical_id if resource is not None else ""
            message = f"{name} publishes no {metric.name}; allowed: {row['allowed']}."
            yield breach(metric.alarm, metric.path, message)


def uncounted(app: Assembly, metric: Metric) -> Iterator[Breach]:
    """Find a metric of a resource that gets nothing but what the metric leaves out, e.g. messages that are redriven."""
    for row in facts("metrics")["uncounted"]:
        if (metric.namespace, metric.name) != (row["namespace"], row["metric"]):
            continue
        resource = resource_named(app, metric.dimensions.get(row["dimension"]), metric.alarm.template, row["type"])
        sources = [value for one in app.of_type(row["type"]) for value in one.given(row["by"])]
        if resource is None or not any(app.target(value) is resource for value in sources):
            continue
        if {one.type for one in _naming(app, resource)} <= set(row["beside"]):
            message = f"{metric.name} leaves out what comes by {row['by']} of another; allowed: {row['allowed']}."
            yield breach(metric.alarm, "MetricName" if metric.path == "Dimensions" else metric.path, message)


def _naming(app: Assembly, resource: Resource) -> Iterator[Resource]:
    """Yield the resources that refer to one."""
    for template in app.templates.values():
        for one in template.resources.values():
            if any(app.target(reference) is resource for reference in mentioned(template, one.body.get("Properties"))):
                yield one
