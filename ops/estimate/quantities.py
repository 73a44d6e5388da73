"""How many units of which price a month needs: one small function for each CloudFormation type that costs something."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

from breakwater_guards.model.template import Resource
from ops.estimate.month import GB, Month, Units, number
from stacks.settings.times import WEEKDAYS

Quantity: TypeAlias = Callable[[Sequence[Resource], Month], Units]


def days_between(schedule: str, month: Month) -> float:
    """Return the days between two runs of a `cron(…)` expression.

    Its minute and hour count as one time a day, its month and year as every one, and `6L` or `6#3` as once a month.
    """
    _, _, day, _, weekday, _ = schedule.removeprefix("cron(").removesuffix(")").split()
    if weekday not in {"?", "*"}:
        return month.days if re.search("[L#]", weekday) else 7 / _count(weekday)
    return 1 if day in {"?", "*"} else month.days / _count(day)


def _count(field: str) -> int:
    """Return how many days a field names: `1,15`, `MON-FRI`."""
    count = 0
    for item in field.upper().split(","):
        first, _, last = item.partition("-")
        numbers = [WEEKDAYS.index(each) if each in WEEKDAYS else each for each in (first, last) if each]
        count += int(numbers[-1]) - int(numbers[0]) + 1 if last else 1
    return count


def _each(price: str) -> Quantity:
    """Return the function of a type with one price for each resource of it."""

    def quantity(found: Sequence[Resource], _month: Month) -> Units:
        yield price, len(found)

    return quantity


def _clusters(found: Sequence[Resource], month: Month) -> Units:
    for each in found:
        yield "aurora_storage_gb", month.database_gb
        yield "aurora_ios", month.assume("database_ios") * month.transfers
        # The first copy, as large as the data, has no charge; what changed within the retention has.
        kept = number(each, "BackupRetentionPeriod") / month.days
        yield "aurora_backup_gb", month.gigabytes("database_bytes") * kept
        yield "secret", float(each.get("ManageMasterUserPassword") is True)


def _instances(found: Sequence[Resource], month: Month) -> Units:
    for each in found:
        hours = month.capacity(each) * month.hours
        yield "aurora_acu_hour", hours
        if month.resource(each, "DBClusterIdentifier").get("DatabaseInsightsMode") == "advanced":
            yield "database_insights_acu_hour", hours
        seconds = number(each, "MonitoringInterval")
        if seconds:
            yield from month.logs(month.hours * 3600 / seconds * month.assume("monitoring_bytes") / GB)


def _tables(found: Sequence[Resource], month: Month) -> Units:
    for each in found:
        yield "table_write", month.transfers
        yield "table_storage_gb", month.table_gb
        if True in each.given("Replicas[].PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled"):
            yield "table_pitr_gb", month.table_gb
        if True in each.given("Replicas[].ContributorInsightsSpecification.Enabled"):
            # Most accessed and most throttled, by partition key and with the sort key; only the first two see writes.
            yield "insight_rule", 4
            yield "insight_event", 2 * month.transfers


def _buckets(found: Sequence[Resource], month: Month) -> Units:
    for each in found:
        expires = number(each, "LifecycleConfiguration.Rules[].ExpirationInDays")
        if expires:  # access logs; writing them has no charge
            yield "object_storage_gb", month.gigabytes("access_log_bytes") * expires / month.days
        else:
            yield "object_write", month.transfers
            yield "object_storage_gb", month.assume("stored_months") * month.gigabytes("receipt_bytes")


def _services(found: Sequence[Resource], month: Month) -> Units:
    network = "NetworkConfiguration.AwsvpcConfiguration"
    for each in found:
        task, count = month.resource(each, "TaskDefinition"), month.tasks(each)
        kind = "arm" if task.get("RuntimePlatform.CpuArchitecture") == "ARM64" else "x86"
        yield f"fargate_{kind}_vcpu_hour", count * number(task, "Cpu") / 1024 * month.hours
        yield f"fargate_{kind}_gb_hour", count * number(task, "Memory") / 1024 * month.hours
        if each.get(f"{network}.AssignPublicIp") == "ENABLED":
            yield "public_address_hour", count * month.hours
        zones = len(each.given(f"{network}.Subnets[]"))
        yield "zone_gb", month.gigabytes("database_traffic_bytes") * (zones - 1) / zones
        yield "metric", month.assume("task_metrics")
        yield from month.logs(count * month.hours * month.assume("task_log_bytes_hour") / GB)


def _clusters_of_tasks(found: Sequence[Resource], month: Month) -> Units:
    tasks = sum(month.tasks(each) for each in month.plan.resources("AWS::ECS::Service"))
    for each in found:
        mode, metrics = each.given("ClusterSettings[].Value"), month.assume("insights_metrics")
        if "enhanced" in mode:
            yield "enhanced_metric", metrics + tasks * month.assume("insights_task_metrics")
        elif "enabled" in mode:
            yield "metric", metrics
        if {"enhanced", "enabled"} & set(mode):
            yield from month.logs(tasks * month.hours * 60 * month.assume("insights_task_bytes_minute") / GB)


def _load_balancers(found: Sequence[Resource], month: Month) -> Units:
    for each in found:
        yield "load_balancer_hour", month.hours
        # The largest dimension counts: 25 new connections a second, or 1 GB an hour; the default action is no rule.
        connections = month.rate * month.assume("connections") / 25
        units = max(connections, month.gigabytes("request_bytes") / month.hours)
        yield "load_balancer_lcu_hour", units * month.hours
        if each.get("Scheme") == "internet-facing":
            yield "public_address_hour", len(each.given("Subnets[]")) * month.hours
        yield "internet_gb", month.gigabytes("response_bytes")


def _endpoints(found: Sequence[Resource], month: Month) -> Units:
    interfaces = [each for each in found if each.get("VpcEndpointType") == "Interface"]  # gateways have no charge
    yield "endpoint_hour", sum(len(each.given("SubnetIds[]")) for each in interfaces) * month.hours
    if interfaces:
        yield "endpoint_gb", month.assume("egress_fixed_gb") + month.gigabytes("egress_bytes")


def _gateways(found: Sequence[Resource], month: Month) -> Units:
    yield "nat_hour", len(found) * month.hours
    yield "nat_gb", month.assume("egress_fixed_gb") + month.gigabytes("egress_bytes")


def _addresses(found: Sequence[Resource], month: Month) -> Units:
    yield "public_address_hour", len(found) * month.hours


def _flow_logs(found: Sequence[Resource], month: Month) -> Units:
    yield from month.logs(len(found) * (month.assume("flow_log_fixed_gb") + month.gigabytes("flow_log_bytes")))


def _alarms(found: Sequence[Resource], _month: Month) -> Units:
    own = set()
    for each in found:
        single = each.given("MetricName")
        yield "alarm_metric", len(single) + len(each.given("Metrics[].MetricStat.Metric.MetricName"))
        if single and not str(each.get("Namespace")).startswith(("AWS/", "ECS/")):
            own.add((single[0], str(each.get("Dimensions"))))
    yield "metric", len(own)


def _functions(found: Sequence[Resource], month: Month) -> Units:
    for each in found:
        runs = _scheduled_runs(each, month)
        kind = "arm" if "arm64" in each.given("Architectures[]") else "x86"
        seconds = runs * month.assume("function_seconds")
        yield "function_run", runs
        yield f"function_gb_second_{kind}", seconds * number(each, "MemorySize") / 1024
        yield "metric_request", runs
        yield from month.logs(runs * month.assume("function_log_bytes") / GB)


def _scheduled_runs(function: Resource, month: Month) -> float:
    """Return how often a month's schedules run a function; events and alarms do so too rarely to count."""
    runs = 0.0
    for rule in month.plan.resources("AWS::Events::Rule"):
        rate = re.fullmatch(r"rate\((\d+) minutes?\)", str(rule.get("ScheduleExpression")))
        if rate and function in map(month.plan.assembly.target, rule.given("Targets[].Arn")):
            runs += month.hours * 60 / int(rate[1])
    return runs


def _mappings(found: Sequence[Resource], month: Month) -> Units:
    yield "queue_request", len(found) * month.assume("polls_minute") * month.hours * 60


def _web_acls(found: Sequence[Resource], month: Month) -> Units:
    for each in found:
        yield "web_acl", 1
        yield "web_acl_rule", len(each.given("Rules[].Name"))
        yield "web_acl_request", month.transfers


def _web_acl_logs(found: Sequence[Resource], month: Month) -> Units:
    yield from month.logs(len(found) * month.assume("blocked_share") * month.gigabytes("blocked_log_bytes"))


def _backup_plans(found: Sequence[Resource], month: Month) -> Units:
    own = max(number(each, "BackupRetentionPeriod") for each in month.plan.resources("AWS::RDS::DBCluster"))
    for each in found:
        for rule in each.given("BackupPlan.BackupPlanRule[]"):
            days, between = rule["Lifecycle"]["DeleteAfterDays"], days_between(rule["ScheduleExpression"], month)
            # A snapshot of Aurora within the retention of the cluster's own backup has no charge beside it.
            yield "aurora_backup_gb", month.database_gb * max(0, days - own) / between
            yield "table_backup_gb", month.table_gb * days / between


def _restore_tests(found: Sequence[Resource], month: Month) -> Units:
    (schedule,) = month.plan.texts("AWS::Backup::RestoreTestingPlan", "ScheduleExpression")
    tests = month.days / days_between(schedule, month)
    for each in found:
        yield "restore_test", tests
        if each.get("ProtectedResourceType") == "Aurora":
            hours = tests * number(each, "ValidationWindowHours")
            yield "aurora_acu_hour", hours * month.assume("restored_acu")
            yield "aurora_storage_gb", month.database_gb * hours / month.hours
        else:
            yield "table_restore_gb", month.table_gb * tests


QUANTITIES: Final[Mapping[str, Quantity]] = {
    "AWS::Backup::BackupPlan": _backup_plans,
    "AWS::Backup::RestoreTestingSelection": _restore_tests,
    "AWS::CloudWatch::Alarm": _alarms,
    "AWS::CloudWatch::CompositeAlarm": _each("composite_alarm"),
    "AWS::CloudWatch::Dashboard": _each("dashboard"),
    "AWS::DynamoDB::GlobalTable": _tables,
    "AWS::EC2::EIP": _addresses,
    "AWS::EC2::FlowLog": _flow_logs,
    "AWS::EC2::NatGateway": _gateways,
    "AWS::EC2::VPCEndpoint": _endpoints,
    "AWS::ECS::Cluster": _clusters_of_tasks,
    "AWS::ECS::Service": _services,
    "AWS::ElasticLoadBalancingV2::LoadBalancer": _load_balancers,
    "AWS::KMS::Key": _each("key"),
    "AWS::Lambda::EventSourceMapping": _mappings,
    "AWS::Lambda::Function": _functions,
    "AWS::RDS::DBCluster": _clusters,
    "AWS::RDS::DBInstance": _instances,
    "AWS::S3::Bucket": _buckets,
    "AWS::WAFv2::LoggingConfiguration": _web_acl_logs,
    "AWS::WAFv2::WebACL": _web_acls,
}
