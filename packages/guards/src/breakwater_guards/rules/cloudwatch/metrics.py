"""Alarms that can never fire: metrics, dimensions and values that no service publishes."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from breakwater_guards.aws.alarms import Metric, metrics_of
from breakwater_guards.facts import facts
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.scalars import as_int, as_number
from breakwater_guards.model.values import ABSENT, Reference, Text
from breakwater_guards.rule import Breach, Outcome, breach, rule, show

MISSING = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html"
_ALIKE = 0.8


@rule(
    "DR-CLOUDWATCH-06",
    title="An alarm on what happens now and then fires at its first period",
    outcome=Outcome.LATER,
    prevents="No error is reported: the metric exists only in periods in which a function or job runs, and missing "
    "data does not breach, so that several periods in a row are never reached",
    fix="Set EvaluationPeriods and DatapointsToAlarm to 1, or DatapointsToAlarm to 1 of more periods.",
    sources=(MISSING,),
    data="metrics",
)
def sparse_metrics_need_one_period(app: Assembly) -> Iterator[Breach]:
    """Find an alarm for which all of several periods must breach, on failures that are reported when something runs."""
    for metric in metrics_of(app):
        known = _namespace(metric)
        if metric.name not in known.get("per_run", ()) or metric.path != "Dimensions":
            continue
        periods = as_int(metric.alarm.get("EvaluationPeriods"))
        wanted = metric.alarm.get("DatapointsToAlarm")
        needed = periods if wanted is ABSENT else as_int(wanted)
        if periods is not None and needed == periods > 1 and metric.alarm.get("TreatMissingData") == "notBreaching":
            message = (
                f"{periods} of {periods} periods of {metric.name}, which exists in periods with a run only; allowed: 1."
            )
            yield breach(metric.alarm, "DatapointsToAlarm", message)


@rule(
    "DR-CLOUDWATCH-07",
    title="Alarms watch metrics, dimensions and values that the service publishes",
    outcome=Outcome.SILENT,
    prevents="No error is reported: the alarm stays in INSUFFICIENT_DATA, or OK where missing data is fine, forever",
    fix="Use the metric's spelling, all dimensions of one set that the service publishes, and the name of the "
    "resource, not its ARN or URL.",
    sources=(
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/aws-services-cloudwatch-metrics.html",
        "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html",
    ),
    data="metrics",
)
def metrics_exist(app: Assembly) -> Iterator[Breach]:
    """Find a misspelled metric, a set of dimensions without data, an ARN where the dimension is a name."""
    for metric in metrics_of(app):
        known = _namespace(metric)
        if not known or not isinstance(metric.name, str):
            continue
        names = [*known["metrics"], *known.get("per_run", ())]
        near = [] if metric.name in names else get_close_matches(metric.name, names, 1, _ALIKE)
        if near:
            yield breach(
                metric.alarm, "MetricName", f"{metric.name!r} is no metric of {metric.namespace}; allowed: {near[0]}."
            )
            continue
        sets = known.get("dimensions", {}).get(metric.name)
        given = ",".join(sorted(metric.dimensions))
        if sets is not None and metric.complete and given not in sets:
            allowed = " or ".join(item.replace(",", " with ") or "none" for item in sets)
            yield breach(
                metric.alarm,
                metric.path,
                f"{metric.name} has no data by {given or 'no dimension'}; allowed: {allowed}.",
            )
        for name, value in metric.dimensions.items():
            reason = _misnamed(app, value, known.get("values", {}).get(name))
            if reason:
                yield breach(metric.alarm, metric.path, f"{name} is {show(value)}; {reason}")


@rule(
    "DR-CLOUDWATCH-08",
    title="An alarm that waits for silence takes missing data as a breach",
    outcome=Outcome.SILENT,
    prevents="No error is reported: the metric never has the value 0, it is missing then, and missing data does not "
    "breach: the alarm on a function that stopped stays OK",
    fix="Set TreatMissingData to breaching.",
    sources=(MISSING,),
    data="metrics",
)
def silence_is_a_breach(app: Assembly) -> Iterator[Breach]:
    """Find an alarm on less than one run or message, of a metric that is absent when there was none."""
    for metric in metrics_of(app):
        alarm, threshold = metric.alarm, as_number(metric.alarm.get("Threshold"))
        lowest = {"LessThanThreshold": 1, "LessThanOrEqualToThreshold": 0}.get(str(alarm.get("ComparisonOperator")))
        none = lowest is not None and threshold is not None and threshold <= lowest and metric.path == "Dimensions"
        if none and metric.name in _namespace(metric).get("absent_when_zero", ()):
            missing = alarm.get("TreatMissingData")
            if missing in ("notBreaching", "ignore"):
                yield breach(alarm, "TreatMissingData", f"{metric.name} is missing when it is 0; allowed: breaching.")


def _namespace(metric: Metric) -> dict[str, Any]:
    known: dict[str, dict[str, Any]] = facts("metrics")["namespaces"]
    return known.get(metric.namespace, {}) if isinstance(metric.namespace, str) else {}


def _misnamed(app: Assembly, value: Any, form: dict[str, Any] | None) -> str | None:
    """Tell why a value is not that of a dimension: of another type, or another attribute of the right one."""
    target = app.target(value)
    if form is None or target is None or isinstance(value, Text) or not target.type.startswith("AWS::"):
        return None
    if target.type not in form["types"]:
        known = target.type.split("::")[1] == form["types"][0].split("::")[1]
        return f"allowed is the name of an {form['types'][0]}." if known and value.attribute == "" else None
    if isinstance(value, Reference) and value.attribute not in form["attributes"]:
        allowed = form["attributes"][0]
        return f"allowed is {f'Fn::GetAtt {target.logical_id}.{allowed}' if allowed else f'Ref {target.logical_id}'}."
    return None
