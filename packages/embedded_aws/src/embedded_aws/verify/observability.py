"""Amazon CloudWatch and its Logs, Amazon SNS, Amazon SQS and Amazon EventBridge."""

import json
from collections.abc import Iterator

from embedded_aws.clients import Aws
from embedded_aws.deployment import DeployedResource
from embedded_aws.verify.core import Comparison, declared, named, only, same, verifies


@verifies("AWS::Logs::LogGroup")
def log_group(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare name, retention and key."""
    groups = aws("logs").describe_log_groups(logGroupNamePrefix=resource.physical_id)["logGroups"]
    found = only(group for group in groups if group["logGroupName"] == resource.physical_id)
    yield from named(resource, "LogGroupName")
    yield Comparison("retention", declared(resource, "RetentionInDays"), found.get("retentionInDays"))
    yield Comparison("key", declared(resource, "KmsKeyId"), found.get("kmsKeyId"))


@verifies("AWS::SNS::Topic")
def topic(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare names and key."""
    found = aws("sns").get_topic_attributes(TopicArn=resource.physical_id)["Attributes"]
    yield Comparison("name", declared(resource, "TopicName", _last(resource)), _last(resource))
    yield Comparison("key", declared(resource, "KmsMasterKeyId"), found.get("KmsMasterKeyId") or None)
    yield from same(resource, found, "DisplayName")


def _last(resource: DeployedResource) -> str:
    return str(resource.physical_id).rpartition(":")[2]


@verifies("AWS::SNS::TopicPolicy")
def topic_policy(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare the document on every declared topic."""
    for arn in declared(resource, "Topics"):
        found = aws("sns").get_topic_attributes(TopicArn=arn)["Attributes"]["Policy"]
        yield Comparison("document", declared(resource, "PolicyDocument"), json.loads(found))


@verifies("AWS::SNS::Subscription")
def subscription(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare protocol and endpoint on the declared topic."""
    listed = aws("sns").list_subscriptions_by_topic(TopicArn=declared(resource, "TopicArn"))["Subscriptions"]
    found = only(each for each in listed if each["SubscriptionArn"] == resource.physical_id)
    yield from same(resource, found, "Protocol", "Endpoint")


@verifies("AWS::SQS::Queue")
def queue(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare key, retention, visibility, delay and dead-letter queue."""
    attributes = _attributes(aws, str(resource.physical_id))
    for prop in ("KmsMasterKeyId", "MessageRetentionPeriod", "VisibilityTimeout", "DelaySeconds"):
        expected = declared(resource, prop)
        if expected is not None:
            yield Comparison(prop, str(expected), attributes.get(prop))
    redrive = declared(resource, "RedrivePolicy")
    yield Comparison(
        "RedrivePolicy", redrive, json.loads(attributes["RedrivePolicy"]) if "RedrivePolicy" in attributes else None
    )


@verifies("AWS::SQS::QueuePolicy")
def queue_policy(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare the document on every declared queue."""
    for url in declared(resource, "Queues"):
        yield Comparison("document", declared(resource, "PolicyDocument"), json.loads(_attributes(aws, url)["Policy"]))


def _attributes(aws: Aws, url: str) -> dict[str, str]:
    found = aws("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return {str(name): value for name, value in found.items()}


@verifies("AWS::Events::Rule")
def event_rule(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare state, description, pattern or schedule, and targets."""
    found = aws("events").describe_rule(Name=resource.physical_id)
    yield Comparison("state", declared(resource, "State", "ENABLED"), found["State"])
    yield Comparison("description", declared(resource, "Description", ""), found.get("Description", ""))
    if declared(resource, "EventPattern"):
        yield Comparison("pattern", declared(resource, "EventPattern"), json.loads(found["EventPattern"]))
    yield Comparison("schedule", declared(resource, "ScheduleExpression"), found.get("ScheduleExpression") or None)
    targets = aws("events").list_targets_by_rule(Rule=resource.physical_id)["Targets"]
    yield Comparison(
        "targets",
        {each["Id"]: each for each in declared(resource, "Targets", [])},
        {each["Id"]: each for each in targets},
    )


@verifies("AWS::CloudWatch::Alarm")
def alarm(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare metric, condition and actions."""
    found = only(aws("cloudwatch").describe_alarms(AlarmNames=[resource.physical_id])["MetricAlarms"])
    yield from same(
        resource, found, "Namespace", "MetricName", "Statistic", "ExtendedStatistic", "Period", "Dimensions",
        "ComparisonOperator", "Threshold", "EvaluationPeriods", "DatapointsToAlarm", "TreatMissingData",
        "AlarmName", "AlarmActions", "OKActions", "AlarmDescription", "Metrics",
    )  # fmt: skip


@verifies("AWS::CloudWatch::CompositeAlarm")
def composite_alarm(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare rule and actions."""
    name = resource.physical_id
    answer = aws("cloudwatch").describe_alarms(AlarmNames=[name], AlarmTypes=["CompositeAlarm"])
    found = only(answer["CompositeAlarms"])
    yield from named(resource, "AlarmName")
    yield from same(resource, found, "AlarmRule", "AlarmActions", "OKActions", "AlarmDescription")


@verifies("AWS::CloudWatch::Dashboard")
def dashboard(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare name and body."""
    yield from named(resource, "DashboardName")
    found = aws("cloudwatch").get_dashboard(DashboardName=resource.physical_id)["DashboardBody"]
    yield Comparison("body", declared(resource, "DashboardBody"), found)
