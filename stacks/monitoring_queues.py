"""The queues: events that reached nobody, and restore tests that wait for their validation."""

from __future__ import annotations

from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.acknowledgements import SERVERLESS, acknowledge
from stacks.imports import view_of_key

# The longest that SQS keeps a message.
KEPT = Duration.days(14)
# Between two steps of a validation: six times its function's time-out, as AWS advises.
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
STEP = Duration.minutes(6)
# Beyond the steps that fit into the hours for which a restored copy is kept; and the most that SQS accepts.
SPARE_RECEIVES, MOST_RECEIVES = 10, 1000
LAST_QUEUE = "This is the dead-letter queue: what lands here waits for an operator, and nothing consumes it."


def build_dead_letters(scope: Construct, key: kms.IKey, *, rules: str) -> sqs.Queue:
    """Keep what EventBridge or a mailbox did not take, and restore tests that nobody could validate.

    Args:
        scope: stack that owns the queue.
        key: its key.
        rules: form of the names of this deployment's event rules.

    Returns:
        The queue; the rules of this stack write their own statements into its policy.
    """
    # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
    queue = sqs.Queue(
        scope,
        "UndeliveredNotices",
        encryption=sqs.QueueEncryption.KMS,
        encryption_master_key=view_of_key(scope, "UndeliveredNoticesKey", key),
        enforce_ssl=True,
        retention_period=KEPT,
    )
    stack = Stack.of(scope)
    # Rules of later stacks cannot write into this stack's policy.
    queue.add_to_resource_policy(
        iam.PolicyStatement(
            sid="RulesOfThisDeployment",
            principals=[iam.ServicePrincipal("events.amazonaws.com")],
            actions=["sqs:SendMessage"],
            resources=[queue.queue_arn],
            conditions={
                "ArnLike": {
                    "aws:SourceArn": f"arn:{stack.partition}:events:{stack.region}:{stack.account}:rule/{rules}"
                }
            },
        )
    )
    acknowledge(queue, SERVERLESS, rule="SQSRedrivePolicy", reason=LAST_QUEUE)
    return queue


def build_restore_events(scope: Construct, key: kms.IKey, *, dead_letters: sqs.IQueue, keep_hours: int) -> sqs.Queue:
    """Queue finished restore tests: validation takes many steps, one each time that a message comes.

    Args:
        scope: stack that owns the queue.
        key: its key.
        dead_letters: takes what came again and again.
        keep_hours: how long AWS Backup keeps what it restored, in hours.

    Returns:
        The queue.
    """
    receives = keep_hours * 3600 // int(STEP.to_seconds()) + SPARE_RECEIVES
    return sqs.Queue(
        scope,
        "RestoreEvents",
        encryption=sqs.QueueEncryption.KMS,
        encryption_master_key=view_of_key(scope, "RestoreEventsKey", key),
        enforce_ssl=True,
        visibility_timeout=STEP,
        retention_period=KEPT,
        dead_letter_queue=sqs.DeadLetterQueue(queue=dead_letters, max_receive_count=min(receives, MOST_RECEIVES)),
    )
