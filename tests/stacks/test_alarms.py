"""Every alarm of every stack in one table: what it watches, when it fires, and that somebody hears of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stacks.settings import Settings
from tests.assembly import Assembly

TOPIC = "${Monitoring/AlertTopic}"
ABOVE, AT_LEAST, BELOW = "GreaterThanThreshold", "GreaterThanOrEqualToThreshold", "LessThanThreshold"
AURORA = {"DBClusterIdentifier": "${Database/Cluster}"}
TABLE = {"TableName": "${Storage/Table}"}
SERVICE = {"ClusterName": "${Compute/Cluster}", "ServiceName": "${Compute/Service/Service.Name}"}
OPERATIONS = ("GetItem", "Query", "PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems")


def _metric(namespace: str, name: str, dimensions: dict[str, str], statistic: str, period: int = 60) -> dict[str, Any]:
    kind = "ExtendedStatistic" if statistic.startswith("p") else "Statistic"
    return {"Namespace": namespace, "MetricName": name, "Period": period, kind: statistic} | {
        "Dimensions": _dimensions(dimensions)
    }


def _dimensions(dimensions: dict[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in sorted(dimensions.items())]


def _expression(
    expression: str, label: str, namespace: str, metrics: dict[str, tuple[str, dict[str, str], str]]
) -> dict[str, Any]:
    """Return a sum or difference over one-minute metrics, given as id: (metric, dimensions, statistic)."""
    terms = [
        {
            "Id": identifier,
            "ReturnData": False,
            "MetricStat": {
                "Metric": {"Namespace": namespace, "MetricName": name, "Dimensions": _dimensions(dimensions)},
                "Period": 60,
                "Stat": statistic,
            },
        }
        for identifier, (name, dimensions, statistic) in metrics.items()
    ]
    return {"Metrics": [{"Id": "expr_1", "Expression": expression, "Label": label, "ReturnData": True}, *terms]}


def _alarm(
    metric: dict[str, Any],
    comparison: str,
    threshold: float,
    periods: int,
    missing: str = "notBreaching",
    datapoints: int | None = None,
) -> dict[str, Any]:
    return metric | {
        "ComparisonOperator": comparison,
        "Threshold": threshold,
        "EvaluationPeriods": periods,
        "DatapointsToAlarm": datapoints or periods,
        "TreatMissingData": missing,
    }


def _aurora(name: str, statistic: str = "Maximum") -> dict[str, Any]:
    return _metric("AWS/RDS", name, AURORA, statistic)


def _database(settings: Settings) -> dict[str, dict[str, Any]]:
    connections, lag = settings.database.connections_alarm, settings.database.replica_lag_alarm_ms
    return {
        "aurora-cpu": _alarm(_aurora("CPUUtilization"), ABOVE, 80, 5),
        "aurora-acu": _alarm(_aurora("ACUUtilization"), ABOVE, 90, 5),
        "aurora-connections": _alarm(_aurora("DatabaseConnections"), ABOVE, connections, 5),
        "aurora-freeable-memory": _alarm(_aurora("FreeableMemory", "Minimum"), BELOW, 268_435_456, 15),
        "aurora-commit-latency": _alarm(_aurora("CommitLatency", "Average"), ABOVE, 100, 5),
        "aurora-replica-lag": _alarm(_aurora("AuroraReplicaLagMaximum"), ABOVE, lag, 5),
        "aurora-deadlocks": _alarm(_aurora("Deadlocks"), ABOVE, 0, 1),
    }


def _storage(_: Settings) -> dict[str, dict[str, Any]]:
    errors = _expression(
        " + ".join(operation.lower() for operation in OPERATIONS),
        "Sum of errors across all operations",
        "AWS/DynamoDB",
        {name.lower(): ("SystemErrors", TABLE | {"Operation": name}, "Sum") for name in OPERATIONS},
    )
    return {
        "table-throttled-reads": _alarm(_metric("AWS/DynamoDB", "ReadThrottleEvents", TABLE, "Sum"), AT_LEAST, 1, 5),
        "table-throttled-writes": _alarm(_metric("AWS/DynamoDB", "WriteThrottleEvents", TABLE, "Sum"), AT_LEAST, 1, 5),
        "table-system-errors": _alarm(errors, AT_LEAST, 1, 5),
    }


def _compute(settings: Settings) -> dict[str, dict[str, Any]]:
    listener = "HttpsListener" if settings.compute.certificate_arn else "HttpListener"
    # The metric's name for a load balancer is the middle of its ARN, here taken from its listener's: app/name/id.
    name = "/".join(f"${{Compute/LoadBalancer/{listener}}}.split(/)[{part}]" for part in (1, 2, 3))
    targets = {"LoadBalancer": name, "TargetGroup": "${Compute/LoadBalancer/TargetGroup.TargetGroupFullName}"}
    balancer = {"LoadBalancer": "${Compute/LoadBalancer.LoadBalancerFullName}"}
    elb = "AWS/ApplicationELB"
    missing = _expression(
        "running - desired",
        "Running minus desired tasks",
        "ECS/ContainerInsights",
        {"running": ("RunningTaskCount", SERVICE, "Minimum"), "desired": ("DesiredTaskCount", SERVICE, "Maximum")},
    )
    slow = settings.compute.latency_p99_alarm_ms / 1000
    unhealthy = _metric(elb, "UnHealthyHostCount", targets, "Maximum")
    return {
        "service-unhealthy-targets": _alarm(unhealthy, AT_LEAST, 1, 10, datapoints=3),
        "service-5xx": _alarm(_metric(elb, "HTTPCode_Target_5XX_Count", targets, "Sum"), AT_LEAST, 10, 3, datapoints=2),
        "alb-5xx": _alarm(_metric(elb, "HTTPCode_ELB_5XX_Count", balancer, "Sum"), AT_LEAST, 10, 3),
        "service-latency-p99": _alarm(_metric(elb, "TargetResponseTime", targets, "p99"), ABOVE, slow, 5),
        "service-missing-tasks": _alarm(missing, BELOW, 0, 5, "breaching"),
        **(_function("migration", "Compute/Migration", 300) if settings.database.data_api else {}),
    }


def _backup(settings: Settings) -> dict[str, dict[str, Any]]:
    vault = {"BackupVaultName": f"dr-vault-{settings.suffix}-{settings.region}"}
    return {
        subject: _alarm(_metric("AWS/Backup", name, vault, "Sum", 300), AT_LEAST, 1, 1)
        for subject, name in (
            ("backup-jobs-failed", "NumberOfBackupJobsFailed"),
            ("backup-jobs-expired", "NumberOfBackupJobsExpired"),
            ("copy-jobs-failed", "NumberOfCopyJobsFailed"),
        )
    }


def _monitoring(_: Settings) -> dict[str, dict[str, Any]]:
    queue = {"QueueName": "${Monitoring/DeadLetterQueue.QueueName}"}
    metric = _metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", queue, "Maximum")
    return {"notices-undelivered": _alarm(metric, AT_LEAST, 1, 1)}


def _operations(settings: Settings) -> dict[str, dict[str, Any]]:
    operations, period = settings.operations, settings.operations.monitor_interval_minutes * 60

    def ours(name: str, statistic: str = "Maximum", every: int = period, **dimensions: str) -> dict[str, Any]:
        return _metric("Breakwater", name, {**dimensions, "Suffix": settings.suffix}, statistic, every)

    health = {
        f"health-{component}": _alarm(ours("ComponentHealth", Component=component), AT_LEAST, 1, 5)
        for component in ("database", "service", "load-balancer", "table", "backups")
    }
    ages = {}
    for kind, resource in (("aurora", "${Database/Cluster}"), ("table", "${Storage/Table}")):
        rpo, hours = operations.estimated_rpo_alarm_seconds, operations.recovery_point_age_alarm_hours
        ages[f"{kind}-estimated-rpo"] = _alarm(ours("EstimatedRpoSeconds", Resource=resource), ABOVE, rpo, 5)
        age = ours("RecoveryPointAgeSeconds", Resource=resource)
        ages[f"{kind}-recovery-point-age"] = _alarm(age, ABOVE, hours * 3600, 5)
    tests = {}
    for kind in ("Aurora", "DynamoDB"):
        proof, days = ours("RestoreValidationAgeSeconds", Resource=kind), operations.restore_proof_alarm_days
        tests[f"{kind.lower()}-restore-proof"] = _alarm(proof, ABOVE, days * 86400, 5)
        test = ours("RestoreTestSucceeded", "Minimum", 300, Resource=kind)
        tests[f"{kind.lower()}-restore-test"] = _alarm(test, BELOW, 1, 1)
    failover, not_done = (
        ours(name, every=60, Resource="${Database/Cluster}") for name in ("FailoverSeconds", "FailoverNotDone")
    )
    return {
        **_functions(settings),
        **health,
        **ages,
        **tests,
        "health-monitor-silent": _alarm(ours("Heartbeat", "Sum"), BELOW, 1, 3, "breaching"),
        "health-overall": _alarm(ours("OverallHealth"), AT_LEAST, 3, 2),
        "database-down": _alarm(ours("ComponentHealth", Component="database"), AT_LEAST, 3, 3),
        "failover-slow": _alarm(failover, ABOVE, settings.recovery.rto_seconds, 1),
        "failover-not-done": _alarm(not_done, AT_LEAST, 1, 1),
    }


def _functions(settings: Settings) -> dict[str, dict[str, Any]]:
    return {
        **_function("health-monitor", "Operations/HealthMonitor", 60),
        **_function("failover", "Operations/Failover", settings.operations.failover_timeout_seconds + 30),
        **_function("restore-validation", "Operations/RestoreValidation", 60),
    }


def _function(subject: str, construct: str, seconds: int) -> dict[str, dict[str, Any]]:
    """Return the alarms on a function that may run for so many seconds."""
    function = {"FunctionName": f"${{{construct}}}"}
    return {
        f"{subject}-errors": _alarm(_metric("AWS/Lambda", "Errors", function, "Sum"), AT_LEAST, 1, 1),
        f"{subject}-throttles": _alarm(_metric("AWS/Lambda", "Throttles", function, "Sum"), AT_LEAST, 1, 1),
        f"{subject}-duration": _alarm(
            _metric("AWS/Lambda", "Duration", function, "Maximum"), AT_LEAST, seconds * 800, 1
        ),
    }


EXPECTED = {
    "Operations": _operations,
    "Monitoring": _monitoring,
    "Database": _database,
    "Storage": _storage,
    "Compute": _compute,
    "Backup": _backup,
}
AROUND = {"AlarmName", "AlarmDescription", "AlarmActions", "OKActions", "Tags"}


def _alarms(deployment: Assembly) -> Iterator[tuple[str, dict[str, Any]]]:
    """Stack and properties of every alarm of the deployment."""
    for path, resource in deployment.all_of_type("AWS::CloudWatch::Alarm"):
        stack = path.split("/")[0]
        properties = deployment.plain(stack, resource["Properties"])
        if "Dimensions" in properties:
            properties["Dimensions"].sort(key=lambda dimension: dimension["Name"])
        yield stack, properties


def test_these_alarms_exactly_and_no_others(deployment: Assembly) -> None:
    settings = deployment.settings
    expected = {
        (stack, f"dr-{subject}-{settings.suffix}-{settings.region}"): alarm
        for stack, make in EXPECTED.items()
        for subject, alarm in make(settings).items()
    }
    found = {
        (stack, alarm["AlarmName"]): {key: value for key, value in alarm.items() if key not in AROUND}
        for stack, alarm in _alarms(deployment)
    }
    assert found.keys() == expected.keys()
    for key, alarm in found.items():
        assert alarm == expected[key], key
    assert len(found) == len(list(_alarms(deployment))), "two alarms of one name"


def test_one_alarm_says_that_the_writer_is_down_while_somebody_watches(deployment: Assembly) -> None:
    ((path, resource),) = deployment.all_of_type("AWS::CloudWatch::CompositeAlarm")
    alarm = deployment.plain(path.split("/")[0], resource["Properties"])
    assert alarm["AlarmName"] == deployment.names.alarm("writer-unhealthy")
    down, silent = "${Operations/Alarms/DatabaseDown.Arn}", "${Operations/Alarms/HealthMonitorSilent.Arn}"
    assert alarm["AlarmRule"] == f'(ALARM("{down}") AND OK("{silent}"))'
    started = ["${Operations/Failover.Arn}"] if deployment.settings.operations.automatic_failover else []
    assert (alarm["AlarmActions"], alarm["OKActions"]) == ([TOPIC, *started], [TOPIC])


def test_the_alert_topic_hears_of_each_alarm_and_of_its_end(deployment: Assembly) -> None:
    for stack, alarm in _alarms(deployment):
        assert (alarm["AlarmActions"], alarm["OKActions"]) == ([TOPIC], [TOPIC]), (stack, alarm["AlarmName"])


def test_every_alarm_says_what_it_means_with_the_limit_that_is_set(deployment: Assembly) -> None:
    database, compute = deployment.settings.database, deployment.settings.compute
    limits = {
        "aurora-connections": str(database.connections_alarm),
        "aurora-replica-lag": f"{database.replica_lag_alarm_ms} ms",
        "service-latency-p99": f"{compute.latency_p99_alarm_ms} ms",
    }
    meanings = {alarm["AlarmName"]: alarm["AlarmDescription"] for _, alarm in _alarms(deployment)}
    assert all(meanings.values())
    assert len(set(meanings.values())) == len(meanings)
    for subject, limit in limits.items():
        assert limit in meanings[deployment.names.alarm(subject)]
