"""Answers of Amazon SNS, Amazon SQS, Amazon EventBridge and Amazon CloudWatch Logs."""

import re
from collections.abc import Mapping
from typing import Any, Final

from embedded_aws.server import upstream
from embedded_aws.server.answers.wire import Check, Completion, Json, Request, Xml
from embedded_aws.server.refusals import RefusedError

_ARN_PARTS: Final = 6
_FIFO_ONLY: Final = ("ContentBasedDeduplication",)
_FIFO_DEFAULTS: Final = {
    "ContentBasedDeduplication": "false",
    "DeduplicationScope": "queue",
    "FifoThroughputLimit": "perQueue",
}
_TARGET_ID: Final = re.compile(r"[\.\-_A-Za-z0-9]+")
# Settings of a log group that are off until somebody turns them on.
_LOG_GROUP_DEFAULTS: Final = {"deletionProtectionEnabled": False, "bearerTokenAuthenticationEnabled": False}


def _topic_arn(request: Request) -> RefusedError | None:
    parts = len(request.text("TopicArn").split(":"))
    if parts >= _ARN_PARTS:
        return None
    reason = f"TopicArn Reason: An ARN must have at least {_ARN_PARTS} elements, not {parts}"
    return RefusedError("InvalidParameter", f"Invalid parameter: {reason}")


def _new_topic(request: Request) -> RefusedError | None:
    name = request.text("Name")
    if not re.fullmatch(r"[\w-]{1,256}(\.fifo)?", name, re.ASCII):
        return RefusedError("InvalidParameter", "Invalid parameter: Topic Name")
    topic = upstream.topics.get(f"arn:aws:sns:{upstream.region()}:{upstream.account()}:{name}")
    keys = request.listed("Tags.member", "Key")
    tags = dict(zip(keys, request.listed("Tags.member", "Value"), strict=True))
    if topic and tags and tags != topic["tags"]:
        message = "Invalid parameter: Tags Reason: Topic already exists with different tags"
        return RefusedError("InvalidParameter", message)
    return None


def _subscription(request: Request) -> RefusedError | None:
    names, values = (request.listed("Attributes.entry", part) for part in ("key", "value"))
    raw = dict(zip(names, values, strict=True)).get("RawMessageDelivery", "true")
    if raw in ("true", "false"):
        return None
    reason = f"Attributes Reason: RawMessageDelivery: Invalid value [{raw}]. Must be true or false."
    return RefusedError("InvalidParameter", f"Invalid parameter: {reason}")


def _unnamed_topic(request: Request, _answer: Xml) -> None:
    """Leave the display name empty unless the request has one; ministack takes the topic's name."""
    topic = upstream.topics.get(f"arn:aws:sns:{upstream.region()}:{upstream.account()}:{request.text('Name')}")
    if topic and "DisplayName" not in request.listed("Attributes.entry", "key"):
        topic["attributes"]["DisplayName"] = ""


def _topic_attributes(_request: Request, answer: Xml) -> None:
    for attributes in answer.every("Attributes"):
        for entry in attributes.members("Attributes"):
            if entry.text("key") == "KmsMasterKeyId" and not entry.text("value"):
                attributes.node.remove(entry.node)


def _new_queue(request: Request) -> RefusedError | None:
    attributes = request.given.get("Attributes", {})
    for name in _FIFO_ONLY:
        if name in attributes and attributes.get("FifoQueue") != "true":
            return RefusedError("InvalidAttributeName", f"Unknown Attribute {name}.")
    return None


def _queue_settings(request: Request) -> RefusedError | None:
    fifo = request.text("QueueUrl").endswith(".fifo")
    if "FifoQueue" in request.given.get("Attributes", {}) and not fifo:
        return RefusedError("InvalidAttributeName", "Unknown Attribute FifoQueue.")
    return None


def _queue_attributes(request: Request, answer: Json) -> None:
    attributes = answer.get("Attributes", {})
    if "All" not in request.given.get("AttributeNames", ()):
        return
    if attributes.get("FifoQueue") == "true":
        answer["Attributes"] = attributes = {**_FIFO_DEFAULTS, **attributes}
    if attributes.get("KmsMasterKeyId"):
        encrypted = {"KmsDataKeyReusePeriodSeconds": "300", **attributes, "SqsManagedSseEnabled": "false"}
        answer["Attributes"] = encrypted


def _rule_of_targets(request: Request) -> RefusedError | None:
    name, bus = request.text("Rule"), request.text("EventBusName") or "default"
    if any(rule.get("Name") == name for rule in upstream.event_rules.values()):
        return None
    return RefusedError("ResourceNotFoundException", f"Rule {name} does not exist on EventBus {bus}.")


def _rule(_request: Request, answer: Json) -> None:
    answer.setdefault("CreatedBy", upstream.account())


def _rule_without_targets(request: Request) -> RefusedError | None:
    bus = request.text("EventBusName") or "default"
    if upstream.event_targets.get(f"{bus}|{request.text('Name')}"):
        return RefusedError("ValidationException", "Rule can't be deleted since it has targets.")
    return None


def _targets(request: Request) -> RefusedError | None:
    for number, target in enumerate(request.given.get("Targets", ()), start=1):
        if not _TARGET_ID.fullmatch(str(target.get("Id", ""))):
            message = (
                f"1 validation error detected: Value '{target.get('Id')}' at 'targets.{number}.member.id' failed to "
                f"satisfy constraint: Member must satisfy regular expression pattern: {_TARGET_ID.pattern}"
            )
            return RefusedError("ValidationException", message)
    return None


def _log_events(request: Request) -> RefusedError | None:
    times = [event["timestamp"] for event in request.given.get("logEvents", ())]
    if times == sorted(times):
        return None
    message = "Log events in a single PutLogEvents request must be in chronological order."
    return RefusedError("InvalidParameterException", message)


def _log_groups(_request: Request, answer: Json) -> None:
    groups: list[dict[str, Any]] = answer["logGroups"]
    answer["logGroups"] = [{**_LOG_GROUP_DEFAULTS, **group} for group in groups]


CHECKS: Final[Mapping[str, Check]] = {
    "sns GetTopicAttributes": _topic_arn,
    "sns CreateTopic": _new_topic,
    "sns Subscribe": _subscription,
    "sqs CreateQueue": _new_queue,
    "sqs SetQueueAttributes": _queue_settings,
    "events ListTargetsByRule": _rule_of_targets,
    "events DeleteRule": _rule_without_targets,
    "events PutTargets": _targets,
    "logs PutLogEvents": _log_events,
}
COMPLETIONS: Final[Mapping[str, Completion]] = {
    "sns CreateTopic": _unnamed_topic,
    "sns GetTopicAttributes": _topic_attributes,
    "sqs GetQueueAttributes": _queue_attributes,
    "events DescribeRule": _rule,
    "logs DescribeLogGroups": _log_groups,
}
