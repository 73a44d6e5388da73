"""CloudWatch alarms: their actions, periods and thresholds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from breakwater_guards.aws.alarms import ALARM, COMPOSITE, Metric, metrics_of
from breakwater_guards.aws.arns import resource_named
from breakwater_guards.aws.deliveries import EVENT_RULE
from breakwater_guards.facts import facts
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.mentions import mentioned
from breakwater_guards.model.nesting import NESTED_STACK
from breakwater_guards.model.scalars import as_bool, as_number
from breakwater_guards.model.spelling import spelled
from breakwater_guards.model.template import Resource, Template
from breakwater_guards.model.transforms import may_change
from breakwater_guards.model.values import ABSENT, UNKNOWN, Reference
from breakwater_guards.model.views import view
from breakwater_guards.rule import Breach, Outcome, breach, rule, show

PUT_METRIC_ALARM = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html"
ALARM_EMAIL = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html"
ACTIONS = ("AlarmActions[]", "OKActions[]", "InsufficientDataActions[]")
BYTES = 1e18  # the end of the range of what is counted in bytes: what is free is never below 1 MiB
# What reads an alarm's state by the alarm's name.
READERS = (COMPOSITE, "AWS::ECS::Service", "AWS::CodeDeploy::DeploymentGroup", "AWS::Route53::HealthCheck")


@rule(
    "DR-CLOUDWATCH-01",
    title="An alarm has an action or a reader of its state",
    outcome=Outcome.POLICY,
    prevents="No error is reported: the alarm changes to ALARM, and nobody is notified",
    fix="Add AlarmActions, e.g. a topic, and leave ActionsEnabled on; or let a composite alarm or event rule watch it.",
    sources=(
        ALARM_EMAIL,
        PUT_METRIC_ALARM,
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html",
    ),
)
def alarms_have_actions(app: Assembly) -> Iterator[Breach]:
    """Find an alarm without an action whose state nothing reads, or whose actions are switched off."""
    for alarm in app.of_type(ALARM, COMPOSITE):
        off = all(as_bool(value) is False for value in alarm.options("ActionsEnabled"))
        silent = all(value is ABSENT for path in ACTIONS for value in alarm.options(path))
        if not (off or silent) or _is_read(app, alarm) or may_change(alarm.template):
            continue
        if off:
            yield breach(alarm, "ActionsEnabled", "false, and nothing in the templates reads its state; allowed: true.")
        else:
            yield breach(
                alarm, "AlarmActions", "the alarm has no action, and nothing in the templates reads its state."
            )


@rule(
    "DR-CLOUDWATCH-04",
    title="An alarm has periods that CloudWatch accepts",
    outcome=Outcome.REFUSED,
    prevents=(
        "Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= 86400) / "
        "DatapointsToAlarm must be less than or equal to EvaluationPeriods (ValidationError; the alarm fails to create)"
    ),
    fix=(
        "Use a period of 10, 20, 30 or a multiple of 60 seconds; periods times length of at most one day, or of seven "
        "days when the period is an hour or more; and no more datapoints to alarm than periods."
    ),
    sources=(PUT_METRIC_ALARM, "https://github.com/hashicorp/terraform/issues/24070"),
    data="cloudwatch_metrics",
)
def periods_can_be_evaluated(app: Assembly) -> Iterator[Breach]:
    """Find a period of no valid length, a window that is too long, or more datapoints than periods."""
    limits = facts("cloudwatch_metrics")["alarms"]
    for alarm in app.of_type(ALARM):
        counts = [count for count in map(as_number, alarm.given("EvaluationPeriods")) if count is not None]
        for path in ("Period", "Metrics[].MetricStat.Period", "Metrics[].Period"):
            for period in dict.fromkeys(map(as_number, alarm.given(path))):
                if period is None:
                    continue
                if period not in limits["short_periods"] and (period % limits["period_step"] or period <= 0):
                    yield breach(alarm, path, f"{period:g} seconds; allowed are 10, 20, 30 and multiples of 60.")
                longest = limits["longest" if period >= limits["hour"] else "longest_below_an_hour"]
                for count in counts:
                    if count * period > longest:
                        window = f"{count:g} periods of {period:g} s are {count * period:g} s"
                        yield breach(alarm, "EvaluationPeriods", f"{window}; allowed are {longest} s.")
        for wanted in map(as_number, alarm.given("DatapointsToAlarm")):
            if wanted is not None and counts and wanted > max(counts):
                yield breach(alarm, "DatapointsToAlarm", f"{wanted:g} of {max(counts):g} periods can never be reached.")


@rule(
    "DR-CLOUDWATCH-05",
    title="A threshold is within the range of its metric",
    outcome=Outcome.SILENT,
    prevents="No error is reported: a percentage never exceeds 100, a duration never exceeds the time-out, the average "
    "of what is counted one by one is 1, and the alarm never fires",
    fix="Use a threshold inside the metric's range, e.g. 80 for 80 percent; count with Sum.",
    sources=(
        "https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Aurora.AuroraMonitoring.Metrics.html",
        PUT_METRIC_ALARM,
    ),
    data="cloudwatch_metrics",
)
def threshold_can_be_crossed(app: Assembly) -> Iterator[Breach]:
    """Find a limit at or beyond the end of the metric's range, on the side that the alarm waits for."""
    for metric in metrics_of(app):
        limits = _range(metric) or _limited(app, metric)
        operator, threshold = metric.alarm.get("ComparisonOperator"), as_number(metric.alarm.get("Threshold"))
        if limits is None or threshold is None or metric.path != "Dimensions":
            continue
        lowest, highest = limits
        never = {
            "GreaterThanThreshold": threshold >= highest,
            "GreaterThanOrEqualToThreshold": threshold > highest,
            "LessThanThreshold": threshold <= lowest,
            "LessThanOrEqualToThreshold": threshold < lowest,
        }
        if isinstance(operator, str) and never.get(operator):
            extent = f"lies between {lowest:g} and {highest:g}" if lowest < highest else f"is always {highest:g}"
            reason = f"{metric.name} {extent} by {show(metric.statistic)}"
            if highest == BYTES:
                reason = f"{metric.name} is in bytes, not megabytes, gigabytes or percent"
            yield breach(metric.alarm, "Threshold", f"{operator} {threshold:g} is never true: {reason}.")


def _range(metric: Metric) -> tuple[float, float] | None:
    """Return where values of a metric lie, for statistics that do not add values up."""
    if not isinstance(metric.namespace, str) or not isinstance(metric.name, str):
        return None
    limits = facts("cloudwatch_metrics")["ranges"].get(metric.namespace, {}).get(metric.name)
    return (limits[0], limits[1]) if _is_plain(metric.statistic) and limits else None


def _limited(app: Assembly, metric: Metric) -> tuple[float, float] | None:
    """Return how far a metric can go for the resource that it is of, e.g. a duration up to the time-out."""
    if not isinstance(metric.namespace, str) or not isinstance(metric.name, str) or not _is_plain(metric.statistic):
        return None
    row = facts("cloudwatch_metrics")["limits"].get(metric.namespace, {}).get(metric.name)
    resource = _watched(app, metric, row) if row is not None else None
    if row is None or resource is None:
        return None
    given = [row.get("default") if item is ABSENT else as_number(item) for item in _given(resource, row)]
    numbers = [number for number in given if number is not None]
    return (0, max(numbers) * row.get("factor", 1)) if numbers and len(numbers) == len(given) else None


def _watched(app: Assembly, metric: Metric, row: dict[str, Any]) -> Resource | None:
    """Return the resource that a metric is of, also where its name is cut out of another one's ARN."""
    form = facts("metrics")["namespaces"][metric.namespace].get("values", {}).get(row["dimension"], row)
    found = resource_named(app, metric.dimensions.get(row["dimension"]), metric.alarm.template, *form["types"])
    for reference in mentioned(metric.alarm.template, metric.alarm.body["Properties"]) if found is None else ():
        target = app.target(reference)
        through = row.get("through", {}).get(target.type) if target is not None else None
        if target is not None and through:
            return resource_named(app, target.get(through), target.template, *form["types"])
    return found


def _given(resource: Resource, row: dict[str, Any]) -> list[Any]:
    """Return the values of a limit: of a property, or of the entry of a list that has a key."""
    if "property" in row:
        return resource.options(row["property"])
    entries = [item for item in resource.options(row["entry"]) if item is not ABSENT]
    if not all(isinstance(item, dict) and isinstance(item.get("Key"), str) for item in entries):
        return [UNKNOWN]
    return [item.get("Value") for item in entries if item["Key"] == row["key"]] or [ABSENT]


def _is_plain(statistic: Any) -> bool:
    """Tell whether a statistic does not add values up."""
    return statistic in ("Average", "Minimum", "Maximum") or (
        isinstance(statistic, str) and statistic[:1] == "p" and statistic[1:].replace(".", "", 1).isdigit()
    )


def _is_read(app: Assembly, alarm: Resource) -> bool:
    """Tell whether a composite alarm, a deployment, a health check or anything else refers to an alarm."""
    if alarm.reference in view(app, _referred) or view(app, _hears_of_every_alarm):
        return True
    name = _text(alarm.template, (alarm.body.get("Properties") or {}).get("AlarmName"))
    return bool(name) and any(
        name in text for reader in app.of_type(*READERS) if reader is not alarm for text in _texts(reader)
    )


def _texts(reader: Resource) -> Iterator[str]:
    """Yield every string of a resource, with marks where only the deployment decides."""
    waiting: list[Any] = [reader.body.get("Properties")]
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting += part
        elif isinstance(part, dict):
            waiting += part.values()
        text = _text(reader.template, part)
        if text:
            yield text


def _text(template: Template, written: Any) -> str:
    """Spell a string so that two that are equal in every deployment have the same text; empty for anything else."""
    parts = spelled(template, written) if isinstance(written, str | dict) else None
    return "".join(part if isinstance(part, str) else f"\ue000{part!r}\ue001" for part in parts or ())


def _hears_of_every_alarm(app: Assembly) -> bool:
    """Tell whether an event rule listens to alarms, as AWS announces each change of each alarm on the event bus."""
    return any("aws.cloudwatch" in json.dumps(rule.body, default=str) for rule in app.of_type(EVENT_RULE))


def _referred(app: Assembly) -> set[Reference]:
    """Return what resources and outputs refer to; a dashboard shows a state and does nothing about it.

    An output of a root stack is for whoever stands outside, an export for another stack.
    """
    found: set[Reference] = set()
    for template in app.templates.values():
        written = [
            resource.body.get("Properties")
            for resource in template.resources.values()
            if resource.type not in ("AWS::CloudWatch::Dashboard", NESTED_STACK)
        ]
        shown = [
            output
            for output in template.outputs.values()
            if isinstance(output, dict) and (template.parent is None or "Export" in output)
        ]
        for reference in mentioned(template, [*written, *shown]):
            found.add(Reference(reference.template, reference.logical_id))
    return found
