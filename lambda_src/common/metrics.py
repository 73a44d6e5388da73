"""Custom CloudWatch metrics of the platform."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
MAX_METRICS_PER_CALL = 1000


@dataclass(frozen=True)
class Metric:
    """One data point.

    Attributes:
        name: Metric name, e.g. ``FailoverSeconds``.
        value: Value, in ``unit``.
        unit: Unit as CloudWatch spells it: ``Seconds``, ``Milliseconds``, ``Count`` or ``None``.
        dimensions: Dimensions in addition to ``Suffix``, which every metric has.
    """

    name: str
    value: float
    unit: str = "None"
    dimensions: Mapping[str, str] = field(default_factory=dict)


def publish(cloudwatch: Any, metrics: Iterable[Metric], *, namespace: str, suffix: str) -> None:
    """Send metrics to CloudWatch.

    Args:
        cloudwatch: CloudWatch client.
        metrics: Data points to send.
        namespace: Namespace of all metrics.
        suffix: Suffix of the deployment; distinguishes deployments in one account.

    Raises:
        ClientError: CloudWatch rejects the request.
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
    for start in range(0, len(data), MAX_METRICS_PER_CALL):
        cloudwatch.put_metric_data(Namespace=namespace, MetricData=data[start : start + MAX_METRICS_PER_CALL])


def _dimensions(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in sorted(values.items())]
