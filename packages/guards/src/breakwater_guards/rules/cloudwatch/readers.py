"""Alarms by name: what reads the state of an alarm, and metrics of the application's own."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from breakwater_guards.aws.alarms import (
    ALARM,
    COMPOSITE,
    DASHBOARD,
    METRIC_FILTER,
    Metric,
    charted,
    filtered,
    metrics_of,
)
from breakwater_guards.aws.arns import pattern
from breakwater_guards.aws.names import misnamed, named
from breakwater_guards.aws.policies import all_statements
from breakwater_guards.aws.tags import words_of
from breakwater_guards.facts import facts
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.mentions import mentioned
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import Reference, Text
from breakwater_guards.model.views import view
from breakwater_guards.rule import Breach, Outcome, breach, rule
from breakwater_guards.rules.lambda_functions.variables import programs_of

_STATE = re.compile(r"""(?:ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*["']?([^"')]*)["']?\s*\)""")
_ALIKE = 0.8
_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_COUNTS = {"count", "metric", "number", "of", "sum", "total"}


@rule(
    "DR-CLOUDWATCH-09",
    title="Alarms that are named are there",
    outcome=Outcome.REFUSED,
    prevents="Could not save the composite alarm as alarms [x] in the alarm rule do not exist (ValidationError); "
    "InvalidParameterException for a deployment that watches an alarm that is not there",
    fix="Refer to the alarm (Ref is its name), or give the alarm the AlarmName that is written, and DependsOn.",
    sources=(
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html",
        "https://github.com/awsdocs/aws-cloudformation-user-guide/issues/911",
    ),
    data="metrics",
)
def named_alarms_exist(app: Assembly) -> Iterator[Breach]:
    """Find a name beside alarms of the application that none of them has, or one that is not created before."""
    for kind, path in facts("metrics")["alarm_readers"].items():
        for reader in app.of_type(kind):
            values = reader.given(path)
            names = [name for value in values for name in _written(app, value, composite=kind == COMPOSITE)]
            here = {known for known, _ in named(app, reader.template, ALARM, COMPOSITE)}
            others = any(_is_alarm(app, reference) for value in values for reference in _references(value))
            others = others or not here.isdisjoint(names)
            for name in names:
                # A whole ARN is written where the alarm belongs to somebody else.
                by_arn = any(f":alarm:{name}" in pattern(app, value) for value in values)
                reason = _not_there(app, reader, name, others=others and not by_arn)
                if reason:
                    yield breach(reader, path.replace("[]", ""), reason)


@rule(
    "DR-CLOUDWATCH-10",
    title="Alarms watch the application's own metrics where the application publishes them",
    outcome=Outcome.SILENT,
    prevents="No error is reported: the alarm stays in INSUFFICIENT_DATA, or OK where missing data is fine, forever",
    fix="Use the namespace and the metric's name that the code, its environment or the metric filter has.",
    sources=("https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html#Namespace",),
)
def own_metrics_are_published(app: Assembly) -> Iterator[Breach]:
    """Find a metric of the application's code or filters in a namespace of nobody, or nearly under its name."""
    for metric in [*metrics_of(app), *charted(app)]:
        target = app.target(metric.name) if isinstance(metric.name, Reference) else None
        if target is not None and target.type == METRIC_FILTER:
            message = f"Ref is the name of the filter {target.logical_id}; allowed: its MetricName."
            yield breach(metric.alarm, "MetricName" if metric.path == "Dimensions" else metric.path, message)
        if isinstance(metric.namespace, str) and isinstance(metric.name, str):
            reason = _unpublished(app, metric, metric.namespace, metric.name) or _by_others(app, metric)
            if reason:
                yield breach(metric.alarm, "Namespace" if metric.path == "Dimensions" else metric.path, reason)


@rule(
    "DR-CLOUDWATCH-11",
    title="Alarms on one metric of the application name the same dimensions",
    outcome=Outcome.LATER,
    prevents="No error is reported: CloudWatch does not add up an application's own metrics over dimensions, so that "
    "an alarm on other dimensions stays in INSUFFICIENT_DATA, or OK where missing data is fine",
    fix="Name the dimensions that the other alarms name; where the code publishes both sets, acknowledge the finding.",
    sources=(
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html#dimension-combinations",
    ),
)
def alarms_name_the_same_dimensions(app: Assembly) -> Iterator[Breach]:
    """Find the one alarm on a metric of the code that leaves out, or adds, a dimension that all the others agree on."""
    groups: dict[tuple[str, str], list[Metric]] = {}
    for metric in metrics_of(app):
        named_here = isinstance(metric.namespace, str) and isinstance(metric.name, str)
        if named_here and not metric.namespace.startswith("AWS/"):
            groups.setdefault((metric.namespace, metric.name), []).append(metric)
    for (_, name), metrics in groups.items():
        sets = Counter(frozenset(metric.dimensions) for metric in metrics)
        if len(sets) != 2 or not all(metric.complete for metric in metrics):
            continue
        publishers = [program for program in programs_of(app).values() if name in program.mentioned]
        if not publishers or any(EMBEDDED in program.mentioned for program in publishers):
            continue
        (usual, most), (odd, once) = sets.most_common()
        if most > 1 and once == 1 and (odd < usual or usual < odd):
            (metric,) = [one for one in metrics if frozenset(one.dimensions) == odd]
            given = ", ".join(sorted(odd)) or "no dimension"
            message = f"{name} by {given}; the {most} other alarms on it name {', '.join(sorted(usual)) or 'none'}."
            yield breach(metric.alarm, metric.path, message)


EMBEDDED = "CloudWatchMetrics"  # the embedded metric format may publish one metric by several sets of dimensions


def _is_alarm(app: Assembly, reference: Reference) -> bool:
    target = app.target(reference)
    return target is not None and target.type in (ALARM, COMPOSITE)


def _references(value: Any) -> tuple[Reference, ...]:
    return (value,) if isinstance(value, Reference) else value.references if isinstance(value, Text) else ()


def _written(app: Assembly, value: Any, *, composite: bool) -> list[str]:
    """Return the names that are written out, with ``*`` for a Region or an account; those of references are right."""
    if not isinstance(value, str | Text):
        return []
    text = pattern(app, value)
    names = _STATE.findall(text) if composite else [text]
    return [name.rpartition(":alarm:")[2] for name in names if "\ue000" not in name and name.strip("*")]


def _not_there(app: Assembly, reader: Resource, name: str, *, others: bool) -> str | None:
    found = [alarm for known, alarm in named(app, reader.template, ALARM, COMPOSITE) if known == name]
    if not found:
        near = misnamed(app, reader.template, name, ALARM, COMPOSITE)
        hint = f"; allowed: {near}" if near else ", and the other alarms of the list are here"
        return f"no alarm here is called {name!r}{hint}." if near or others else None
    here = [alarm for alarm in found if alarm.template is reader.template]
    if reader.type != COMPOSITE:  # a deployment's alarm may be named only: it watches the service, a circle otherwise
        return None
    if len(here) == len(found) == 1 and here[0] is not reader and not _comes_after(reader, here[0]):
        return f"{here[0].logical_id} may not be there yet: {name!r} is neither a reference nor in DependsOn."
    return None


def _comes_after(reader: Resource, alarm: Resource) -> bool:
    depends = reader.body.get("DependsOn", [])
    return alarm.logical_id in (depends if isinstance(depends, list) else [depends]) or any(
        reference.logical_id == alarm.logical_id for reference in mentioned(reader.template, reader.body)
    )


def _unpublished(app: Assembly, metric: Metric, namespace: str, name: str) -> str | None:
    if namespace.startswith("AWS/") or namespace in facts("metrics")["agents"]:
        return None
    own, texts = view(app, _own_namespaces), view(app, _texts_of_code)
    filters = {str(one.name) for one in filtered(app) if one.namespace == namespace}
    if namespace not in own and name in texts and not _is_said(app, metric, namespace):
        return (
            f"nothing here publishes to {namespace!r}; {name} is published to {', '.join(sorted(own))}."
            if own
            else None
        )
    if namespace in own and name not in texts | filters and not _is_published_elsewhere(app, namespace):
        near = get_close_matches(name, texts | filters, 1, _ALIKE)
        near = near or sorted(one for one in filters if _stems(one) == _stems(name))
        return f"{name!r} is published by nothing here; allowed: {near[0]}." if near else None
    return None


def _stems(name: str) -> set[str]:
    """Return the words of a metric's name without plurals and what any count can be called."""
    return {word.removesuffix("s") for word in words_of(_CAPITAL.sub(" ", name))} - _COUNTS


def _by_others(app: Assembly, metric: Metric) -> str | None:
    """Tell why a metric of metric filters has no data by the dimensions that an alarm asks for: each set is apart."""
    made = [one.dimensions for one in filtered(app) if (one.namespace, one.name) == (metric.namespace, metric.name)]
    sets = {frozenset(item["Key"] for item in one) for one in made if _has_keys(one)}
    if not made or not all(map(_has_keys, made)) or not metric.complete or frozenset(metric.dimensions) in sets:
        return None
    if any(metric.name in program.mentioned for program in programs_of(app).values()):
        return None
    allowed = " or ".join(sorted(" with ".join(sorted(one)) or "none" for one in sets))
    return f"{metric.name} has no data by {', '.join(sorted(metric.dimensions)) or 'no dimension'}; allowed: {allowed}."


def _has_keys(dimensions: Any) -> bool:
    """Tell whether the names of a metric filter's dimensions are known."""
    return isinstance(dimensions, list) and all(isinstance(item, dict) and "Key" in item for item in dimensions)


def _own_namespaces(app: Assembly) -> set[str]:
    """Return the namespaces that the application publishes to: by policy, by environment, by metric filters."""
    values: list[Any] = [one.namespace for one in filtered(app)]
    for statement in all_statements(app):
        values += [
            value for one in statement.conditions if one.key.lower() == "cloudwatch:namespace" for value in one.values
        ]
    for function in programs_of(app):
        for variables in function.given("Environment.Variables"):
            items = variables.items() if isinstance(variables, dict) else ()
            values += [value for key, value in items if str(key).endswith("NAMESPACE")]
    return {value for value in values if isinstance(value, str) and "*" not in value}


def _texts_of_code(app: Assembly) -> set[str]:
    made = {str(one.name) for one in filtered(app)}
    return {text for program in programs_of(app).values() for text in program.mentioned} | made


def _is_published_elsewhere(app: Assembly, namespace: str) -> bool:
    """Tell whether something whose code is not here is told a namespace: a container, an instance, another function."""
    read = {function.reference for function in programs_of(app)}
    resources = (one for template in app.templates.values() for one in template.resources.values())
    return any(
        _says(one.text, namespace)
        for one in resources
        if one.reference not in read and not one.type.startswith(("AWS::IAM::", "AWS::CloudWatch::", "AWS::Logs::"))
    )


def _is_said(app: Assembly, metric: Metric, namespace: str) -> bool:
    """Tell whether code or another resource than alarms and dashboards has the text of a namespace."""
    shown = (ALARM, COMPOSITE, DASHBOARD)
    resources = (one for template in app.templates.values() for one in template.resources.values())
    return namespace in view(app, _texts_of_code) or any(
        _says(one.text, namespace) for one in resources if one.type not in shown and one is not metric.alarm
    )


def _says(text: str, word: str) -> bool:
    """Tell whether a text has a word that is no part of a longer one."""
    return word in text and re.search(rf"(?<![\w/-]){re.escape(word)}(?![\w/-])", text) is not None
