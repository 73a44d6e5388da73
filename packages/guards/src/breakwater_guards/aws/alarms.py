"""CloudWatch alarms of an assembly, and the metrics that they watch, alone or inside an expression."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import ABSENT, UNKNOWN
from breakwater_guards.model.views import view

ALARM, COMPOSITE = "AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One metric as an alarm asks for it.

    Attributes:
        alarm: the alarm.
        path: where its dimensions stand, below ``Properties``.
        namespace: e.g. ``AWS/RDS``, or a mark.
        name: e.g. ``CPUUtilization``, or a mark.
        statistic: e.g. ``Average`` or ``p99``, or a mark.
        dimensions: value by name, as far as they are known.
        complete: whether ``dimensions`` are all there are.
    """

    alarm: Resource
    path: str
    namespace: Any
    name: Any
    statistic: Any
    dimensions: dict[str, Any]
    complete: bool


def metrics_of(app: Assembly) -> list[Metric]:
    """Return every metric of every alarm; one whose dimensions depend on a condition once per possibility."""
    return view(app, _metrics)


def _metrics(app: Assembly) -> list[Metric]:
    return list(_read(app))


def _read(app: Assembly) -> Iterator[Metric]:
    for alarm in app.of_type(ALARM):
        for written in alarm.options("Dimensions") if alarm.options("MetricName") != [ABSENT] else ():
            statistics = alarm.given("Statistic") + alarm.given("ExtendedStatistic")
            yield _metric(
                alarm,
                "Dimensions",
                {"Namespace": alarm.get("Namespace"), "MetricName": alarm.get("MetricName"), "Dimensions": written},
                statistics[0] if len(statistics) == 1 else UNKNOWN,
            )
        for index, query in enumerate(alarm.given("Metrics[]")):
            stat = query.get("MetricStat") if isinstance(query, dict) else None
            metric = stat.get("Metric") if isinstance(stat, dict) else None
            if isinstance(stat, dict) and isinstance(metric, dict):
                path = f"Metrics.{index}.MetricStat.Metric.Dimensions"
                yield _metric(alarm, path, metric, stat.get("Stat", UNKNOWN))


def _metric(alarm: Resource, path: str, written: dict[str, Any], statistic: Any) -> Metric:
    entries = written.get("Dimensions", ABSENT)
    entries = [] if entries is ABSENT else entries
    dimensions: dict[str, Any] = {}
    complete = isinstance(entries, list)
    for entry in entries if isinstance(entries, list) else ():
        name = entry.get("Name") if isinstance(entry, dict) else None
        if isinstance(entry, dict) and isinstance(name, str):
            dimensions[name] = entry.get("Value", UNKNOWN)
        else:
            complete = False
    return Metric(
        alarm=alarm,
        path=path,
        namespace=written.get("Namespace", UNKNOWN),
        name=written.get("MetricName", UNKNOWN),
        statistic=statistic,
        dimensions=dimensions,
        complete=complete,
    )
