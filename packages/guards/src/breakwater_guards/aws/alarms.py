"""CloudWatch metrics that an assembly asks for: alone, inside an expression, in a dashboard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.json_values import from_json
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import ABSENT, UNKNOWN, Text
from breakwater_guards.model.views import view

ALARM, COMPOSITE = "AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"
DASHBOARD, METRIC_FILTER = "AWS::CloudWatch::Dashboard", "AWS::Logs::MetricFilter"


class Metric(NamedTuple):
    """One metric as an alarm or a dashboard asks for it.

    Attributes:
        alarm: the alarm, or the dashboard.
        path: where its dimensions stand, below ``Properties``.
        namespace: e.g. ``AWS/RDS``, or a mark.
        name: e.g. ``CPUUtilization``, or a mark.
        statistic: e.g. ``Average`` or ``p99``, or a mark.
        unit: that the data must have, or a mark; ``ABSENT`` for any.
        dimensions: value by name, as far as they are known.
        complete: whether ``dimensions`` are all there are.
        region: where it is looked for: the alarm's own Region, or the widget's; a mark where that is open.
    """

    alarm: Resource
    path: str
    namespace: Any
    name: Any
    statistic: Any
    unit: Any
    dimensions: dict[str, Any]
    complete: bool
    region: Any


def metrics_of(app: Assembly) -> list[Metric]:
    """Return every metric of every alarm; one whose dimensions depend on a condition once per possibility."""
    return view(app, _metrics)


def charted(app: Assembly) -> list[Metric]:
    """Return every metric that a widget of a dashboard names; what ``...`` repeats is left to the first of its kind."""
    return view(app, _charted)


class Filtered(NamedTuple):
    """A metric that a metric filter makes: its namespace, name, value where no line matches, and dimensions."""

    namespace: Any
    name: Any
    default: Any
    dimensions: Any


def filtered(app: Assembly) -> list[Filtered]:
    """Return what the metric filters of an assembly make."""
    return view(app, _filtered)


def _filtered(app: Assembly) -> list[Filtered]:
    return [
        Filtered(
            namespace=made.get("MetricNamespace"),
            name=made.get("MetricName"),
            default=made.get("DefaultValue", ABSENT),
            dimensions=made.get("Dimensions", []),
        )
        for resource in app.of_type(METRIC_FILTER)
        for made in resource.given("MetricTransformations[]")
        if isinstance(made, dict)
    ]


def _metrics(app: Assembly) -> list[Metric]:
    return list(_read(app))


def _charted(app: Assembly) -> list[Metric]:
    found: list[Metric] = []
    for dashboard in app.of_type(DASHBOARD):
        for body in dashboard.given("DashboardBody"):
            for widget in widgets(body):
                properties = widget.get("properties")
                rows = properties.get("metrics") if isinstance(properties, dict) else None
                if isinstance(properties, dict) and isinstance(rows, list):
                    found += _rows(dashboard, rows, properties.get("region", UNKNOWN))
    return found


def widgets(body: Any) -> list[dict[str, Any]]:
    """Return the widgets of a dashboard's body, with values that the deployment decides in their places.

    Args:
        body: the resolved body: JSON, with marks where other resources are named.

    Returns:
        The widgets; none when the body is not JSON, or not wholly written in the template.
    """
    read = from_json(body) if isinstance(body, str | Text) else None
    listed = read.get("widgets") if isinstance(read, dict) else None
    return [widget for widget in listed if isinstance(widget, dict)] if isinstance(listed, list) else []


def _rows(dashboard: Resource, rows: list[Any], region: Any) -> Iterator[Metric]:
    """Read rows such as ``["AWS/SQS", "NumberOfMessagesSent", "QueueName", "q", {…}]``; a dot repeats what is above."""
    above: list[Any] = []
    for row in rows:
        fields = [field for field in row if not isinstance(field, dict)] if isinstance(row, list) else []
        options = row[-1] if isinstance(row, list) and row and isinstance(row[-1], dict) else {}
        if len(fields) < 2 or "..." in fields:
            continue
        fields = [above[at] if field == "." and at < len(above) else field for at, field in enumerate(fields)]
        above = fields
        pairs = list(zip(fields[2::2], fields[3::2], strict=False))
        written = {
            "Namespace": fields[0],
            "MetricName": fields[1],
            "Dimensions": [{"Name": name, "Value": value} for name, value in pairs],
        }
        where = options.get("region", region) if "accountId" not in options else UNKNOWN
        yield _metric(dashboard, "DashboardBody", written, options.get("stat", UNKNOWN), ABSENT)._replace(region=where)


def _read(app: Assembly) -> Iterator[Metric]:
    for alarm in app.of_type(ALARM):
        for written in alarm.options("Dimensions") if alarm.options("MetricName") != [ABSENT] else ():
            statistics = alarm.given("Statistic") + alarm.given("ExtendedStatistic")
            yield _metric(
                alarm,
                "Dimensions",
                {"Namespace": alarm.get("Namespace"), "MetricName": alarm.get("MetricName"), "Dimensions": written},
                statistics[0] if len(statistics) == 1 else UNKNOWN,
                alarm.get("Unit"),
            )
        for index, query in enumerate(alarm.given("Metrics[]")):
            stat = query.get("MetricStat") if isinstance(query, dict) else None
            metric = stat.get("Metric") if isinstance(stat, dict) else None
            if isinstance(stat, dict) and isinstance(metric, dict):
                path = f"Metrics.{index}.MetricStat.Metric.Dimensions"
                yield _metric(alarm, path, metric, stat.get("Stat", UNKNOWN), stat.get("Unit", ABSENT))


def _metric(alarm: Resource, path: str, written: dict[str, Any], statistic: Any, unit: Any) -> Metric:
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
        unit=unit,
        dimensions=dimensions,
        complete=complete,
        region=alarm.template.region or UNKNOWN,
    )
