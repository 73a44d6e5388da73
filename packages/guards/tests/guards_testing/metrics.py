"""Alarms on metrics, written shortly."""

from __future__ import annotations

from typing import Any

from guards_testing.build import Template, resource

ALARM = "AWS::CloudWatch::Alarm"


def alarm(namespace: Any, name: Any, /, **properties: Any) -> Template:
    """Return an alarm; dimensions are given as a mapping."""
    given = properties.pop("Dimensions", {})
    dimensions = [{"Name": key, "Value": value} for key, value in given.items()]
    return resource(ALARM, Namespace=namespace, MetricName=name, Dimensions=dimensions, **properties)
