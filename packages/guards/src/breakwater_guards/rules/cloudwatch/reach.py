"""Where a metric is, and by which dimensions at all."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from breakwater_guards.aws.alarms import Metric
from breakwater_guards.facts import facts
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.values import Reference

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
