"""Tags as each service tells them: every resource of every type, among those that the stack made."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

import pytest

from stacks.names import OutputKey, TagKey
from stacks.settings import Settings
from tests.integration.conftest import Client

Tags = Mapping[str, str]
EC2_ID = re.compile(r"(vpc|subnet|sg|rtb|igw|vpce|fl|nat|eipalloc)-[0-9a-f]+")


def _of(pairs: list[dict[str, str]], key: str = "Key", value: str = "Value") -> Tags:
    return {pair[key]: pair[value] for pair in pairs}


def _network(client: Client, outputs: Mapping[str, str]) -> Iterator[tuple[str, Tags]]:
    found: dict[str, dict[str, str]] = {each: {} for each in outputs.values() if EC2_ID.fullmatch(each)}
    filters = [{"Name": "resource-id", "Values": sorted(found)}]
    for page in client("ec2").get_paginator("describe_tags").paginate(Filters=filters):
        for tag in page["Tags"]:
            found[tag["ResourceId"]][tag["Key"]] = tag["Value"]
    yield from found.items()


def _keys(client: Client, outputs: Mapping[str, str]) -> Iterator[tuple[str, Tags]]:
    for key in (OutputKey.DATA_KEY_ARN, OutputKey.MESSAGING_KEY_ARN, OutputKey.BACKUP_KEY_ARN):
        tags = client("kms").list_resource_tags(KeyId=outputs[key])["Tags"]
        yield key, _of(tags, "TagKey", "TagValue")


def _database(client: Client, outputs: Mapping[str, str]) -> Iterator[tuple[str, Tags]]:
    rds, cluster = client("rds"), outputs[OutputKey.CLUSTER_ARN]
    yield cluster, _of(rds.list_tags_for_resource(ResourceName=cluster)["TagList"])
    filters = [{"Name": "db-cluster-id", "Values": [outputs[OutputKey.CLUSTER_IDENTIFIER]]}]
    for instance in rds.describe_db_instances(Filters=filters)["DBInstances"]:
        arn = instance["DBInstanceArn"]
        yield arn, _of(rds.list_tags_for_resource(ResourceName=arn)["TagList"])


def _storage(client: Client, outputs: Mapping[str, str]) -> Iterator[tuple[str, Tags]]:
    table = outputs[OutputKey.TABLE_ARN]
    yield table, _of(client("dynamodb").list_tags_of_resource(ResourceArn=table)["Tags"])
    for key in (OutputKey.DATA_BUCKET_NAME, OutputKey.LOG_BUCKET_NAME):
        yield key, _of(client("s3").get_bucket_tagging(Bucket=outputs[key])["TagSet"])


def _messages(client: Client, outputs: Mapping[str, str]) -> Iterator[tuple[str, Tags]]:
    topic = outputs[OutputKey.ALERT_TOPIC_ARN]
    yield topic, _of(client("sns").list_tags_for_resource(ResourceArn=topic)["Tags"])
    for key, url in outputs.items():
        if re.fullmatch(r"Monitoring\.(RestoreEventQueue|DeadLetterQueue)[0-9A-F]{8}", key):
            yield key, client("sqs").list_queue_tags(QueueUrl=url).get("Tags", {})


def _service(client: Client, outputs: Mapping[str, str]) -> Iterator[tuple[str, Tags]]:
    ecs, cluster, service = client("ecs"), outputs[OutputKey.ECS_CLUSTER_NAME], outputs[OutputKey.ECS_SERVICE_NAME]
    (found,) = ecs.describe_clusters(clusters=[cluster], include=["TAGS"])["clusters"]
    yield cluster, _of(found["tags"], "key", "value")
    (found,) = ecs.describe_services(cluster=cluster, services=[service], include=["TAGS"])["services"]
    yield service, _of(found["tags"], "key", "value")
    arns = [outputs[OutputKey.LOAD_BALANCER_ARN], outputs[OutputKey.TARGET_GROUP_ARN]]
    for each in client("elbv2").describe_tags(ResourceArns=arns)["TagDescriptions"]:
        yield each["ResourceArn"], _of(each["Tags"])


def _functions(client: Client, outputs: Mapping[str, str]) -> Iterator[tuple[str, Tags]]:
    functions = client("lambda")
    for page in functions.get_paginator("list_functions").paginate():
        for each in page["Functions"]:
            if each["FunctionName"] in outputs.values():
                yield each["FunctionName"], functions.list_tags(Resource=each["FunctionArn"])["Tags"]


def _logs(client: Client, outputs: Mapping[str, str]) -> Iterator[tuple[str, Tags]]:
    logs = client("logs")
    for page in logs.get_paginator("describe_log_groups").paginate():
        for each in page["logGroups"]:
            if each["logGroupName"] in outputs.values():
                arn = each["arn"].removesuffix(":*")
                yield arn, logs.list_tags_for_resource(resourceArn=arn)["tags"]


def _alarms(client: Client, outputs: Mapping[str, str]) -> Iterator[tuple[str, Tags]]:
    cloudwatch = client("cloudwatch")
    pages = cloudwatch.get_paginator("describe_alarms").paginate(AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    for page in pages:
        for each in (*page.get("MetricAlarms", []), *page.get("CompositeAlarms", [])):
            if each["AlarmName"] in outputs.values():
                arn = each["AlarmArn"]
                yield arn, _of(cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"])


def _rules(client: Client, outputs: Mapping[str, str]) -> Iterator[tuple[str, Tags]]:
    events = client("events")
    for page in events.get_paginator("list_rules").paginate():
        for rule in page["Rules"]:
            if rule["Name"] in outputs.values():
                yield rule["Name"], _of(events.list_tags_for_resource(ResourceARN=rule["Arn"])["Tags"])


def _backups(client: Client, outputs: Mapping[str, str]) -> Iterator[tuple[str, Tags]]:
    backup = client("backup")
    vault = backup.describe_backup_vault(BackupVaultName=outputs[OutputKey.BACKUP_VAULT_NAME])["BackupVaultArn"]
    plan = backup.get_backup_plan(BackupPlanId=outputs[OutputKey.BACKUP_PLAN_ID])["BackupPlanArn"]
    for arn in (vault, plan):
        yield arn, backup.list_tags(ResourceArn=arn)["Tags"]


def _roles(client: Client, outputs: Mapping[str, str]) -> Iterator[tuple[str, Tags]]:
    iam = client("iam")
    for page in iam.get_paginator("list_roles").paginate():
        for role in page["Roles"]:
            if role["RoleName"] in outputs.values():
                yield role["RoleName"], _of(iam.list_role_tags(RoleName=role["RoleName"])["Tags"])


# How each service tells tags, and of how many resources at least: a reader that finds nothing proves nothing.
READERS: Mapping[str, tuple[Callable[[Client, Mapping[str, str]], Iterator[tuple[str, Tags]]], int]] = {
    "ec2": (_network, 10),
    "kms": (_keys, 3),
    "rds": (_database, 3),
    "dynamodb and s3": (_storage, 3),
    "sns and sqs": (_messages, 3),
    "ecs and elbv2": (_service, 4),
    "lambda": (_functions, 3),
    "logs": (_logs, 5),
    "cloudwatch": (_alarms, 20),
    "events": (_rules, 9),
    "backup": (_backups, 2),
    "iam": (_roles, 6),
}


@pytest.mark.parametrize("service", READERS)
def test_every_resource_carries_the_tags_of_the_deployment(
    client: Client, outputs: Mapping[str, str], settings: Settings, service: str
) -> None:
    expected = {
        TagKey.PROJECT: settings.project.name,
        TagKey.ENVIRONMENT: settings.environment,
        TagKey.SUFFIX: settings.suffix,
        TagKey.OWNER: settings.project.owner,
        TagKey.COST_CENTER: settings.project.cost_center,
    }
    read, least = READERS[service]
    found = dict(read(client, outputs))
    assert len(found) >= least
    assert {name: dict(tags) for name, tags in found.items() if not expected.items() <= tags.items()} == {}
