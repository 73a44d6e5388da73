"""What the picture says about each resource: read from its properties, never from settings or from memory."""

from __future__ import annotations

import re
from collections import Counter
from textwrap import wrap
from typing import Any

from scripts.diagram_graph import Graph, Resource
from scripts.diagram_html import Box

# Characters of a line in a box with a row to itself, and in one of three in a row.
WIDE, NARROW = 44, 26
KEY = "AWS::KMS::Key"
# What a reader calls the users of a key.
KEY_USERS = {
    "AWS::RDS::DBCluster": "Aurora and its password",
    "AWS::DynamoDB::GlobalTable": "table",
    "AWS::S3::Bucket": "data bucket",
    "AWS::SNS::Topic": "alert topic",
    "AWS::Logs::LogGroup": "log groups",
    "AWS::Backup::BackupVault": "backup vault",
}


def words(path: str) -> str:
    """Splits the last part of a construct path into words: `Kms/DataKey` becomes `Data key`."""
    found = re.findall(r"[A-Z][a-z]*", path.rsplit("/", 1)[-1])
    return " ".join(found).capitalize()


def attributes(resource: Resource, name: str) -> dict[str, Any]:
    """Reads a list of Key and Value, such as load balancer attributes."""
    return {entry["Key"]: entry["Value"] for entry in resource.properties.get(name, [])}


def protection(enabled: object) -> tuple[str, ...]:
    """Says that a resource refuses deletion, if it does."""
    return ("deletion protection",) if enabled in (True, "true") else ()


def load_balancer(graph: Graph) -> Box:
    """The load balancer with its listeners and its web ACL."""
    balancer = graph.one("AWS::ElasticLoadBalancingV2::LoadBalancer")
    listeners = []
    for listener in graph.of("AWS::ElasticLoadBalancingV2::Listener"):
        (action,) = listener.properties["DefaultActions"]
        redirect = action.get("RedirectConfig")
        does = f"redirects to {redirect['Protocol']}" if redirect else "forwards to tasks"
        listeners.append(f"{listener.properties['Protocol']} {listener.properties['Port']} {does}")
    guards = [
        f"AWS WAF: {len(acl.properties['Rules'])} rules"
        for association in graph.of("AWS::WAFv2::WebACLAssociation")
        for acl in graph.targets(association, association.properties["WebACLArn"])
    ]
    guards += protection(attributes(balancer, "LoadBalancerAttributes").get("deletion_protection.enabled"))
    return Box("Compute", "Application Load Balancer", _lines(" · ".join(listeners), " · ".join(guards)), port="alb")


def service(graph: Graph, zones: list[str]) -> Box:
    """The Fargate service with its desired tasks spread over the zones."""
    resource, task = graph.one("AWS::ECS::Service"), graph.one("AWS::ECS::TaskDefinition").properties
    scaling = graph.one("AWS::ApplicationAutoScaling::ScalableTarget").properties
    breaker = resource.properties["DeploymentConfiguration"]["DeploymentCircuitBreaker"]
    sizes = f"{int(task['Cpu']) / 1024:g} vCPU, {int(task['Memory']) / 1024:g} GiB each"
    desired = resource.properties["DesiredCount"]
    counts = [desired // len(zones) + (index < desired % len(zones)) for index in range(len(zones))]
    return Box(
        "Compute",
        "ECS Fargate service",
        _lines(
            f"{scaling['MinCapacity']} to {scaling['MaxCapacity']} tasks · {sizes}",
            "failed deployments roll back" if breaker["Rollback"] else "",
        ),
        port="service",
        cells=tuple(f"{count} task{'s' if count > 1 else ''}" for count in counts if count),
    )


def database(graph: Graph, members: dict[Resource, str]) -> Box:
    """The Aurora cluster with its members in their zones."""
    cluster = graph.one("AWS::RDS::DBCluster").properties
    scaling = cluster["ServerlessV2ScalingConfiguration"]
    return Box(
        "Database",
        f"Aurora PostgreSQL {cluster['EngineVersion']} Serverless v2",
        _lines(
            f"{scaling['MinCapacity']:g} to {scaling['MaxCapacity']:g} ACU · "
            f"any second of {cluster['BackupRetentionPeriod']} days",
            " · ".join(
                [
                    *(["IAM authentication"] if cluster["EnableIAMDatabaseAuthentication"] else []),
                    *(["password rotated by RDS"] if cluster["ManageMasterUserPassword"] else []),
                    *protection(cluster["DeletionProtection"]),
                ]
            ),
        ),
        port="database",
        cells=tuple(f"{words(member.path).lower()} · {zone}" for member, zone in members.items()),
    )


def storage(graph: Graph) -> list[Box]:
    """The buckets and the table."""
    boxes = []
    for bucket in graph.of("AWS::S3::Bucket"):
        versioned = bucket.properties["VersioningConfiguration"]["Status"] == "Enabled"
        logs = graph.targets(bucket, bucket.properties.get("LoggingConfiguration", {}))
        lines = _lines(
            "versioned" if versioned else "",
            _expiry(bucket),
            *(f"access logs to the {words(to.path).lower()}" for to in logs),
        )
        boxes.append(Box("Storage", f"S3: {words(bucket.path).lower()}", lines, port=bucket.path.rsplit("/", 1)[-1]))
    table = graph.one("AWS::DynamoDB::GlobalTable").properties
    (replica,) = table["Replicas"]
    lines = _lines(
        "on demand" if table["BillingMode"] == "PAY_PER_REQUEST" else "provisioned",
        f"any second of {replica['PointInTimeRecoverySpecification']['RecoveryPeriodInDays']} days",
        *protection(replica.get("DeletionProtectionEnabled")),
    )
    return [*boxes, Box("Storage", "DynamoDB table", lines, port="table")]


def _expiry(bucket: Resource) -> str:
    """Says when objects, or what they were before, go."""
    rules = bucket.properties["LifecycleConfiguration"]["Rules"]
    for key, who in (("ExpirationInDays", "objects"), ("NoncurrentVersionExpiration", "old versions")):
        for rule in rules:
            if key in rule:
                days = rule[key] if isinstance(rule[key], int) else rule[key]["NoncurrentDays"]
                return f"{who} kept {days} days"
    return ""


def backup(graph: Graph) -> list[Box | str]:
    """The plan, the vault and the restore tests."""
    vault = graph.one("AWS::Backup::BackupVault").properties.get("LockConfiguration")
    plan = graph.one("AWS::Backup::BackupPlan").properties["BackupPlan"]
    rules = [
        f"{rule['RuleName'].lower()}, kept {rule['Lifecycle']['DeleteAfterDays']} days"
        for rule in plan["BackupPlanRule"]
    ]
    lock = ""
    if vault is not None:
        kind = "compliance" if "ChangeableForDays" in vault else "governance"
        lock = f"locked ({kind}): {vault['MinRetentionDays']} to {vault['MaxRetentionDays']} days"
    tests = graph.of("AWS::Backup::RestoreTestingSelection")
    schedule = graph.one("AWS::Backup::RestoreTestingPlan").properties["ScheduleExpression"]
    tested = " and ".join(test.properties["ProtectedResourceType"] for test in tests)
    return [
        Box("Backup", "Backup plan", tuple(rules), port="plan"),
        "recovery points",
        Box("Backup", "Backup vault", _lines(lock)),
        "newest recovery point",
        Box("Backup", "Restore tests", _lines(tested, f"{schedule} UTC")),
    ]


def kms(graph: Graph) -> list[Box]:
    """The keys, each with what it encrypts."""
    users: dict[Resource, list[str]] = {key: [] for key in graph.of(KEY)}
    for resource in graph.of(*KEY_USERS):
        for key in graph.targets(resource, dict(resource.properties)):
            if key in users:
                users[key].append(KEY_USERS[resource.kind])
    return [
        Box("Kms", words(key.path), tuple(wrap(", ".join(dict.fromkeys(names)), NARROW)))
        for key, names in users.items()
    ]


def monitoring(graph: Graph) -> list[Box | str]:
    """Alarms and event rules that reach the topic, and who hears of them."""
    topic = graph.one("AWS::SNS::Topic")
    alarms = Counter(
        alarm.stack
        for alarm in graph.of("AWS::CloudWatch::Alarm")
        if topic in graph.targets(alarm, alarm.properties["AlarmActions"])
    )
    rules = [
        words(rule.path).lower()
        for rule in graph.of("AWS::Events::Rule")
        if topic in graph.targets(rule, rule.properties["Targets"])
    ]
    subscribers = len(graph.of("AWS::SNS::Subscription"))
    return [
        Box(
            "Monitoring",
            f"{alarms.total()} alarms",
            tuple(wrap(", ".join(f"{name} {count}" for name, count in alarms.items()), WIDE)),
        ),
        Box("Monitoring", f"{len(rules)} event rules", tuple(wrap(", ".join(rules), WIDE))),
        "publish",
        Box(
            "Monitoring",
            "SNS: alert topic",
            _lines(f"{subscribers} subscribers" if subscribers else "no subscriber set"),
        ),
    ]


def operations(graph: Graph) -> list[Box]:
    """The functions with what starts them, the experiments, and the dashboards."""
    functions = [found for found in graph.of("AWS::Lambda::Function") if found.stack == "Operations"]
    boxes = [
        Box("Operations", f"Lambda: {words(found.path).lower()}", (_started(graph, found),)) for found in functions
    ]
    experiments = [words(found.path).lower() for found in graph.of("AWS::FIS::ExperimentTemplate")]
    if experiments:
        boxes.append(
            Box("Operations", f"{len(experiments)} FIS experiments", tuple(wrap(", ".join(experiments), NARROW)))
        )
    dashboards = [words(found.path).lower() for found in graph.of("AWS::CloudWatch::Dashboard")]
    return [*boxes, Box("Operations", f"{len(dashboards)} dashboards", tuple(wrap(", ".join(dashboards), NARROW)))]


def _started(graph: Graph, function: Resource) -> str:
    for rule in graph.of("AWS::Events::Rule"):
        if function in graph.targets(rule, rule.properties["Targets"]):
            return str(rule.properties["ScheduleExpression"])
    for mapping in graph.of("AWS::Lambda::EventSourceMapping"):
        if function in graph.targets(mapping, {"FunctionName": mapping.properties["FunctionName"]}):
            return "restore tests, from a queue"
    alarms = graph.of("AWS::CloudWatch::CompositeAlarm")
    automatic = any(function in graph.targets(alarm, alarm.properties["AlarmActions"]) for alarm in alarms)
    return "by alarm or by hand" if automatic else "by hand or by a drill"


def _lines(*lines: str) -> tuple[str, ...]:
    return tuple(line for line in lines if line)
