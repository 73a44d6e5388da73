"""Alarms that can never fire: metrics, dimensions and values that no service publishes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from breakwater_guards.aws.alarms import Metric, charted, filtered, metrics_of
from breakwater_guards.aws.globs import pattern_of
from breakwater_guards.aws.names import misnamed, named
from breakwater_guards.aws.tags import words_of
from breakwater_guards.facts import facts
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.scalars import as_int, as_number
from breakwater_guards.model.values import ABSENT, Reference, Text
from breakwater_guards.rule import Breach, Outcome, breach, rule, show
from breakwater_guards.rules.cloudwatch.reach import elsewhere, no_dimension, switched_off, uncounted

MISSING = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html"
_ALIKE, _SAME = 0.8, 0.92
# Characters by which another name is longer, rather than misspelled.
_ADDED = 3
_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


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
    title="Alarms and dashboards name metrics, dimensions and values that the service publishes",
    outcome=Outcome.SILENT,
    prevents="No error is reported: the alarm stays in INSUFFICIENT_DATA, or OK where missing data is fine, forever; "
    "the graph stays empty",
    fix="Use the metric's spelling, all dimensions of one set that the service publishes, its unit or none, and the "
    "name of the resource, not its ARN, URL or logical id.",
    sources=(
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/aws-services-cloudwatch-metrics.html",
        "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html",
    ),
    data="metrics",
)
def metrics_exist(app: Assembly) -> Iterator[Breach]:
    """Find a namespace, metric or unit of no service, dimensions without data, a value that is no resource's name."""
    for metric in [*metrics_of(app), *charted(app)]:
        namespace = _no_namespace(metric.namespace) or elsewhere(app, metric)
        if namespace:
            yield breach(metric.alarm, "Namespace" if metric.path == "Dimensions" else metric.path, namespace)
        known = _namespace(metric)
        if not known or not isinstance(metric.name, str):
            continue
        reason = _no_metric(metric, known)
        if reason:
            yield breach(metric.alarm, "MetricName" if metric.path == "Dimensions" else metric.path, reason)
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
        for message in no_dimension(metric, known) if sets is None else ():
            yield breach(metric.alarm, metric.path, message)
        yield from _apart(app, metric)
        yield from switched_off(app, metric)
        yield from uncounted(app, metric)
        for unit, names in facts("metrics")["units"].get(metric.namespace, {}).items():
            if metric.name in names and isinstance(metric.unit, str) and metric.unit != unit:
                yield breach(metric.alarm, "Unit", f"{metric.name} is in {metric.unit}; allowed: {unit}, or none.")
        for name, value in metric.dimensions.items():
            form = known.get("values", {}).get(name)
            reason = form and (_never(value, form) or _misnamed(app, value, form) or _unnamed(app, metric, value, form))
            if reason:
                yield breach(metric.alarm, metric.path, f"{name} is {show(value)}; {reason}")


@rule(
    "DR-CLOUDWATCH-08",
    title="An alarm that waits for silence takes missing data as a breach",
    outcome=Outcome.SILENT,
    prevents="No error is reported: the metric never has the value 0, it is missing then, and missing data does not "
    "breach: the alarm on a function that stopped stays OK or in INSUFFICIENT_DATA",
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
        if none and _vanishes(app, metric):
            missing = alarm.get("TreatMissingData")
            told = missing in (ABSENT, "missing") and alarm.options("InsufficientDataActions") == [ABSENT]
            if told or missing in ("notBreaching", "ignore"):
                yield breach(
                    alarm,
                    "TreatMissingData",
                    f"{show(missing)}, and {metric.name} is missing when it is 0; allowed: breaching.",
                )


def _apart(app: Assembly, metric: Metric) -> Iterator[Breach]:
    """Find a dimension that a resource of one sort has, in a metric of one of another sort."""
    row = facts("metrics")["apart"].get(metric.namespace, {}) if isinstance(metric.namespace, str) else {}
    value = metric.dimensions.get(row.get("named", ""), ABSENT)
    for resource in app.of_type(row["type"]) if value is not ABSENT and metric.complete else ():
        if value in [name for path in row["names"] for name in resource.given(path)]:
            sort, name = resource.get(row["property"]), row["dimension"]
            if row["has"].get(sort, name in metric.dimensions) is not (name in metric.dimensions):
                word = "without" if row["has"][sort] else "by"
                yield breach(
                    metric.alarm, metric.path, f"{metric.name} of a {sort} {row['named']} has no data {word} {name}."
                )


def _never(value: Any, form: dict[str, Any]) -> str | None:
    """Tell why a value is none of the few that a dimension has."""
    allowed = form.get("allowed")
    return f"allowed: {', '.join(allowed)}." if allowed and isinstance(value, str) and value not in allowed else None


def _vanishes(app: Assembly, metric: Metric) -> bool:
    """Tell whether a metric is missing when there is nothing to count, as the service or a metric filter sends it."""
    if metric.name in _namespace(metric).get("absent_when_zero", ()):
        return True
    if not isinstance(metric.name, str) or not isinstance(metric.namespace, str) or metric.namespace.startswith("AWS/"):
        return False
    words = words_of(_CAPITAL.sub(" ", metric.name))
    if metric.statistic in ("Sum", "SampleCount") and not set(words).isdisjoint(facts("metrics")["heartbeats"]):
        return True
    made = [one for one in filtered(app) if (one.namespace, one.name) == (metric.namespace, metric.name)]
    return bool(made) and all(one.default is ABSENT for one in made)


def _no_namespace(given: Any) -> str | None:
    """Tell why a namespace that only AWS publishes to is none of them."""
    known = facts("metrics")
    if not isinstance(given, str) or not given.lower().startswith("aws/") or given in known["aws_namespaces"]:
        return None
    spelled = {name.lower(): name for name in known["aws_namespaces"]}
    near = get_close_matches(given.lower(), spelled, 1, _SAME)
    allowed = known["other_names"].get(given) or (spelled[near[0]] if near else None)
    return f"{given!r} is no namespace of AWS; allowed: {allowed}." if allowed else None


def _no_metric(metric: Metric, known: dict[str, Any]) -> str | None:
    """Tell why a name is no metric of its namespace: misspelled, of another one, or not in a list that is whole."""
    names = [*known["metrics"], *known.get("per_run", ())]
    if metric.name in names:
        return None
    whole = metric.namespace in facts("metrics")["complete"]
    alike = get_close_matches(metric.name, names, 1, _ALIKE)
    near = [name for name in alike if whole or _misspelled(metric.name, name)]
    near = near or [name for name in names if name == f"NumberOf{metric.name}"]
    others = facts("metrics")["namespaces"].items()
    elsewhere = [other for other, one in others if metric.name in (*one["metrics"], *one.get("per_run", ()))]
    if not near and not elsewhere and not whole:
        return None
    allowed = near[0] if near else f"it is one of {elsewhere[0]}" if elsewhere else ", ".join(names[:10])
    return f"{metric.name!r} is no metric of {metric.namespace}; allowed: {allowed}."


def _misspelled(name: str, known: str) -> bool:
    """Tell whether a name is probably meant to be another: MasterCPUCreditBalance is no slip for CPUCreditBalance."""
    return abs(len(name) - len(known)) < _ADDED or not (name in known or known in name)


def _namespace(metric: Metric) -> dict[str, Any]:
    known: dict[str, dict[str, Any]] = facts("metrics")["namespaces"]
    return known.get(metric.namespace, {}) if isinstance(metric.namespace, str) else {}


def _unnamed(app: Assembly, metric: Metric, value: Any, form: dict[str, Any]) -> str | None:
    """Tell why a written name is that of no resource: a logical id, or nearly the name of one in the application."""
    text = pattern_of(value) if isinstance(value, str | Text) else ""
    names = {name.lower() for name, _ in named(app, metric.alarm.template, *form["types"])} if form.get("lower") else ()
    if text.lower() in names:
        return None if text == text.lower() else f"the service keeps it in lower case; allowed: {text.lower()}."
    allowed = misnamed(app, metric.alarm.template, text, *form["types"], path=form.get("named_by", ""))
    return f"nothing of that name is here; allowed: {allowed}." if allowed else None


def _misnamed(app: Assembly, value: Any, form: dict[str, Any]) -> str | None:
    """Tell why a value is not that of a dimension: of another type, or another attribute of the right one."""
    target = app.target(value)
    if form.get("literal_only") or target is None or isinstance(value, Text) or not target.type.startswith("AWS::"):
        return None
    if target.type not in form["types"]:
        known = target.type.split("::")[1] == form["types"][0].split("::")[1]
        return f"allowed is the name of an {form['types'][0]}." if known and value.attribute == "" else None
    if isinstance(value, Reference) and value.attribute not in form["attributes"]:
        if "named_by" in form:
            return f"allowed is its {form['named_by']}."
        allowed = form["attributes"][0]
        return f"allowed is {f'Fn::GetAtt {target.logical_id}.{allowed}' if allowed else f'Ref {target.logical_id}'}."
    return None
