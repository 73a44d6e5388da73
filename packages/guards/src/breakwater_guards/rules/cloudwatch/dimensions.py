"""CloudWatch dimensions of the metrics that Aurora and the load balancers publish."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from breakwater_guards.aws.alarms import Metric, charted, metrics_of
from breakwater_guards.aws.balancers import balancers_of
from breakwater_guards.facts import facts
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.lookup import Lookup
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import Reference, Text
from breakwater_guards.model.views import view
from breakwater_guards.rule import Breach, Outcome, breach, rule, show

CLUSTER, INSTANCE, GLOBAL = "AWS::RDS::DBCluster", "AWS::RDS::DBInstance", "AWS::RDS::GlobalCluster"
KINDS = {"DBClusterIdentifier": CLUSTER, "DBInstanceIdentifier": INSTANCE}
NAMES = {CLUSTER: "DBClusterIdentifier", INSTANCE: "DBInstanceIdentifier", GLOBAL: "GlobalClusterIdentifier"}
BALANCING = "AWS::ElasticLoadBalancingV2::"


@rule(
    "DR-CLOUDWATCH-02",
    title="Alarms on Aurora metrics use the dimensions that Aurora publishes",
    outcome=Outcome.SILENT,
    prevents="No error is reported: the alarm stays in INSUFFICIENT_DATA forever",
    fix=(
        "Volume and global-database metrics exist per DBClusterIdentifier; give the identifier of a cluster, or of "
        "an instance under DBInstanceIdentifier: not an ARN, an endpoint or the global cluster."
    ),
    sources=(
        "https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Aurora.AuroraMonitoring.Metrics.html",
        "https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/dimensions.html",
    ),
    data="cloudwatch_metrics",
)
def aurora_dimensions(app: Assembly) -> Iterator[Breach]:
    """Find a name that is no dimension, an instance for a cluster's metric, a value of another kind."""
    known = facts("cloudwatch_metrics")["aurora"]
    for metric in [*metrics_of(app), *charted(app)]:
        if metric.namespace != known["namespace"] or not isinstance(metric.name, str):
            continue
        if len(pair := [name for name in KINDS if name in metric.dimensions]) > 1:
            yield breach(metric.alarm, metric.path, f"{metric.name} has no data by {' and '.join(pair)}; allowed: one.")
        for name, value in metric.dimensions.items():
            for reason in _aurora_reasons(app, metric, name, value, known):
                yield breach(metric.alarm, metric.path, reason)


@rule(
    "DR-CLOUDWATCH-03",
    title="Alarms on load balancer metrics use the dimensions that the load balancer publishes",
    outcome=Outcome.SILENT,
    prevents="No error is reported: the alarm stays in INSUFFICIENT_DATA, or OK where missing data is fine, forever",
    fix="Give LoadBalancer as LoadBalancerFullName, and TargetGroup as TargetGroupFullName beside it.",
    sources=(
        "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html",
        "https://github.com/aws/aws-cdk/issues/5046",
        "https://github.com/GetSimpl/cloudlift/issues/40",
    ),
    data="cloudwatch_metrics",
)
def load_balancer_dimensions(app: Assembly) -> Iterator[Breach]:
    """Find a target group without its load balancer, a host count without its target group, an ARN for a full name."""
    known = facts("cloudwatch_metrics")["load_balancers"]
    for metric in [*metrics_of(app), *charted(app)]:
        if metric.namespace not in known["namespaces"] or not isinstance(metric.name, str):
            continue
        if metric.complete and "LoadBalancer" not in metric.dimensions:
            if metric.name not in known["without_load_balancer"]:
                given = ", ".join(metric.dimensions) or "nothing"
                yield breach(
                    metric.alarm, metric.path, f"{metric.name} exists per LoadBalancer only; given is {given}."
                )
        elif metric.name in known["without_target_group"] and "TargetGroup" in metric.dimensions:
            yield breach(metric.alarm, metric.path, f"{metric.name} exists per LoadBalancer only, not per TargetGroup.")
        elif metric.complete and metric.name in known["with_target_group"] and "TargetGroup" not in metric.dimensions:
            yield breach(
                metric.alarm,
                metric.path,
                f"{metric.name} exists per LoadBalancer and TargetGroup; TargetGroup is not set.",
            )
        balancer, group = (_own(app, metric, name) for name in known["full_names"])
        if balancer is not None and group is not None and not balancers_of(app).may_be_behind(group, balancer):
            message = f"{metric.name} has no data: no listener of {balancer.logical_id} uses {group.logical_id}."
            yield breach(metric.alarm, metric.path, message)
        for name, prefixes in known["full_names"].items():
            value = metric.dimensions.get(name)
            if value is not None and not _may_be_full_name(app, name, value, prefixes):
                yield breach(metric.alarm, metric.path, f"{name} is {show(value)}; allowed is {name}FullName.")


def _own(app: Assembly, metric: Metric, name: str) -> Resource | None:
    """Return the load balancer or target group that a dimension refers to."""
    target = app.target(metric.dimensions.get(name))
    return target if target is not None and target.type == BALANCING + name else None


def _aurora_reasons(app: Assembly, metric: Metric, name: str, value: Any, known: dict[str, Any]) -> Iterator[str]:
    spelled = next((item for item in known["dimensions"] if item.lower() == name.lower()), None)
    if name.startswith("GlobalCluster") or (spelled and spelled != name):
        yield f"{name} is no dimension of AWS/RDS; allowed are {', '.join(known['dimensions'])}."
    if name == "DBInstanceIdentifier" and metric.name in known["cluster_only"]:
        yield f"{metric.name} exists per DBClusterIdentifier only, not per DBInstanceIdentifier."
    if name not in KINDS:
        return
    resource = _database(app, value, metric.alarm)
    if resource is None:
        return
    if resource.type != KINDS[name]:
        yield f"{name} is {show(value)}, which is of type {resource.type}; allowed is the identifier of {KINDS[name]}."
    elif isinstance(value, Reference) and value.attribute:
        yield f"{name} is {show(value)}; allowed is the identifier, Ref of {value.logical_id}."
    elif metric.name in known["not_of_aurora"] and _is_aurora(resource):
        instead = known["not_of_aurora"][metric.name]
        yield f"Aurora does not publish {metric.name} for {resource.logical_id}; it has {instead}."


def _database(app: Assembly, value: Any, alarm: Resource) -> Resource | None:
    """Return the cluster, instance or global cluster that a value names; a name that two kinds share is not certain."""
    found = [
        resource
        for lookup in view(app, _lookups)
        if (resource := lookup.find(value, alarm.template) if not isinstance(value, Text) else None) is not None
    ]
    return found[0] if len(found) == 1 else None


def _lookups(app: Assembly) -> list[Lookup]:
    return [Lookup(app, kind, name=name) for kind, name in NAMES.items()]


def _is_aurora(resource: Resource) -> bool:
    engines = resource.given("Engine")
    return bool(engines) and all(isinstance(engine, str) and engine.startswith("aurora") for engine in engines)


def _may_be_full_name(app: Assembly, name: str, value: Any, prefixes: list[str]) -> bool:
    if isinstance(value, str):
        return value.startswith((*prefixes, "{{resolve:"))
    if isinstance(value, Text):
        return not value.known.startswith("arn:")
    target = app.target(value)
    if not isinstance(value, Reference) or target is None or not target.type.startswith(BALANCING):
        return True
    return target.type == BALANCING + name and value.attribute == f"{name}FullName"
