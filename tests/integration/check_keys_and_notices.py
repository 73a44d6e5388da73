"""Keys, the alert topic and its queues as they are; and that a notice really arrives."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from stacks.names import Names, OutputKey, PhysicalName
from stacks.settings import Settings
from tests.integration.conftest import Client

KEYS = {
    OutputKey.DATA_KEY_ARN: PhysicalName.DATA_KEY_ALIAS,
    OutputKey.MESSAGING_KEY_ARN: PhysicalName.MESSAGING_KEY_ALIAS,
    OutputKey.BACKUP_KEY_ARN: PhysicalName.BACKUP_KEY_ALIAS,
}
PATIENCE = 60.0


@pytest.mark.parametrize("output", KEYS)
def test_keys_are_enabled_rotate_and_have_their_alias(
    client: Client, outputs: Mapping[str, str], names: Names, output: OutputKey
) -> None:
    kms, key = client("kms"), outputs[output]
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Enabled"
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is True
    pages = kms.get_paginator("list_aliases").paginate()
    aliases = {alias["AliasName"]: alias.get("TargetKeyId") for page in pages for alias in page["Aliases"]}
    assert aliases[names.physical_name(KEYS[output])] == key.rpartition("/")[2]


def test_services_may_use_the_messaging_key(client: Client, outputs: Mapping[str, str]) -> None:
    key = outputs[OutputKey.MESSAGING_KEY_ARN]
    policy = json.loads(client("kms").get_key_policy(KeyId=key, PolicyName="default")["Policy"])
    services = {
        service for statement in policy["Statement"] for service in _list(statement["Principal"].get("Service", []))
    }
    assert {"cloudwatch.amazonaws.com", "events.amazonaws.com", "sns.amazonaws.com"} <= services


def _list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def test_the_topic_is_encrypted_and_lets_alarms_and_rules_publish(client: Client, outputs: Mapping[str, str]) -> None:
    found = client("sns").get_topic_attributes(TopicArn=outputs[OutputKey.ALERT_TOPIC_ARN])["Attributes"]
    assert found["KmsMasterKeyId"] == outputs[OutputKey.MESSAGING_KEY_ARN]
    publishers = {
        statement["Principal"]["Service"]
        for statement in json.loads(found["Policy"])["Statement"]
        if statement["Effect"] == "Allow" and "Service" in statement["Principal"]
    }
    assert publishers == {"cloudwatch.amazonaws.com", "events.amazonaws.com"}


def test_whoever_is_configured_is_subscribed(client: Client, outputs: Mapping[str, str], settings: Settings) -> None:
    pages = client("sns").get_paginator("list_subscriptions_by_topic")
    found = [
        each for page in pages.paginate(TopicArn=outputs[OutputKey.ALERT_TOPIC_ARN]) for each in page["Subscriptions"]
    ]
    emails = {each["Endpoint"] for each in found if each["Protocol"] == "email"}
    assert emails == set(settings.monitoring.emails)


def test_restore_tests_wait_in_an_encrypted_queue(client: Client, outputs: Mapping[str, str]) -> None:
    url = outputs[OutputKey.RESTORE_EVENTS_QUEUE_URL]
    found = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert found["KmsMasterKeyId"] == outputs[OutputKey.MESSAGING_KEY_ARN]
    assert found["VisibilityTimeout"] == "360"
    assert "deadLetterTargetArn" in found["RedrivePolicy"]


@pytest.fixture
def listening(client: Client, outputs: Mapping[str, str]) -> Iterator[str]:
    """Give the URL of a queue that is subscribed to the alert topic for one test."""
    sqs, sns, topic = client("sqs"), client("sns"), outputs[OutputKey.ALERT_TOPIC_ARN]
    url = sqs.create_queue(QueueName=f"dr-integration-{uuid.uuid4()}")["QueueUrl"]
    subscription = ""
    try:
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        subscribed = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, ReturnSubscriptionArn=True)
        subscription = subscribed["SubscriptionArn"]
        yield url
    finally:
        if subscription:
            sns.unsubscribe(SubscriptionArn=subscription)
        sqs.delete_queue(QueueUrl=url)


def _heard(client: Client, queue: str, words: str) -> bool:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        if any(words in message["Body"] for message in found.get("Messages", [])):
            return True
    return False


def test_a_notice_reaches_whoever_is_subscribed(client: Client, outputs: Mapping[str, str], listening: str) -> None:
    words = str(uuid.uuid4())
    client("sns").publish(TopicArn=outputs[OutputKey.ALERT_TOPIC_ARN], Message=f"integration test {words}")
    assert _heard(client, listening, words)


@pytest.fixture
def alarm(client: Client, names: Names) -> Iterator[str]:
    """Give the name of one of the stack's alarms, and restore its state afterwards."""
    cloudwatch, name = client("cloudwatch"), names.alarm("failover-slow")
    (found,) = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    yield name
    cloudwatch.set_alarm_state(AlarmName=name, StateValue=found["StateValue"], StateReason="integration test is over")


def test_an_alarm_that_fires_is_heard(client: Client, alarm: str, listening: str) -> None:
    reason = f"integration test {uuid.uuid4()}"
    client("cloudwatch").set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason=reason)
    assert _heard(client, listening, reason)


def test_its_history_shows_that_the_action_succeeded(
    client: Client, alarm: str, unanswered: Callable[[str, str], None]
) -> None:
    unanswered("cloudwatch:DescribeAlarmHistory", "no action is written into the history there")
    client("cloudwatch").set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="integration test")
    deadline, done = time.monotonic() + PATIENCE, list[Any]()
    while time.monotonic() < deadline and not done:
        found = client("cloudwatch").describe_alarm_history(AlarmName=alarm, HistoryItemType="Action")
        done = [each for each in found["AlarmHistoryItems"] if "Successfully executed" in each["HistorySummary"]]
        time.sleep(2)
    assert done
