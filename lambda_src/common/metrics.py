"""Metrics in the platform's own namespace."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
MOST_IN_ONE_CALL = 1000


@dataclass(frozen=True)
class Metric:
    """One value.

    Args:
        name: e.g. ``FailoverSeconds``.
        value: in the unit.
        unit: CloudWatch's name of it: ``Seconds``, ``Milliseconds``, ``Count`` or ``None``.
        dimensions: beside ``Suffix``, which every metric has.
    """

    name: str
    value: float
    unit: str = "None"
    dimensions: Mapping[str, str] = field(default_factory=dict)


def publish(cloudwatch: Any, metrics: Iterable[Metric], *, namespace: str, suffix: str) -> None:
    """Send metrics to CloudWatch.

    Args:
        cloudwatch: client.
        metrics: what to send.
        namespace: namespace of all of them.
        suffix: tells two deployments in one account apart.

    Raises:
        ClientError: CloudWatch refuses them.
    """
    data = [
        {
            "MetricName": metric.name,
            "Value": metric.value,
            "Unit": metric.unit,
            "Dimensions": _dimensions({**metric.dimensions, "Suffix": suffix}),
        }
        for metric in metrics
    ]
    for start in range(0, len(data), MOST_IN_ONE_CALL):
        cloudwatch.put_metric_data(Namespace=namespace, MetricData=data[start : start + MOST_IN_ONE_CALL])


def _dimensions(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in sorted(values.items())]
