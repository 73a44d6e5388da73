"""The queues: notifications that could not be delivered, and restore tests that wait for their validation."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.common.views import view_of_key

# The longest that SQS keeps a message, in days.
RETENTION_DAYS = 14
# Between two steps of a validation: six times the timeout of its function, as AWS advises; in seconds.
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
STEP_SECONDS = 360
# Beyond the steps that fit into the hours for which a restored copy is kept; and the most that SQS accepts.
SPARE_RECEIVES, MOST_RECEIVES = 10, 1000


class DeadLetterQueue(Construct):
    """What EventBridge or a mailbox did not accept, and restore tests that could not be validated.

    The rules of this stack write their own statements into the queue's policy.

    Args:
        scope: the stack.
        construct_id: its id in the stack.
        key: key of the queue.
        rules_arn: pattern of the ARNs of this deployment's event rules.
    """

    def __init__(self, scope: Construct, construct_id: str, *, key: kms.IKey, rules_arn: str) -> None:
        super().__init__(scope, construct_id)
        # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
        self.queue = sqs.Queue(
            self,
            "Default",
            encryption=sqs.QueueEncryption.KMS,
            encryption_master_key=view_of_key(self, "Key", key),
            enforce_ssl=True,
            retention_period=Duration.days(RETENTION_DAYS),
        )
        # Rules of later stacks cannot write into this stack's policy.
        self.queue.add_to_resource_policy(
            iam.PolicyStatement(
                sid="RulesOfThisDeployment",
                principals=[iam.ServicePrincipal("events.amazonaws.com")],
                actions=["sqs:SendMessage"],
                resources=[self.queue.queue_arn],
                conditions={"ArnLike": {"aws:SourceArn": rules_arn}},
            )
        )


class RestoreEventQueue(Construct):
    """Finished restore tests: a validation takes many steps, one each time that its message is received.

    Args:
        scope: the stack.
        construct_id: its id in the stack.
        key: key of the queue.
        dead_letters: receives a message that was received too often.
        keep_hours: how long AWS Backup keeps what it restored, in hours.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, key: kms.IKey, dead_letters: sqs.IQueue, keep_hours: int
    ) -> None:
        super().__init__(scope, construct_id)
        receives = keep_hours * 3600 // STEP_SECONDS + SPARE_RECEIVES
        self.queue = sqs.Queue(
            self,
            "Default",
            encryption=sqs.QueueEncryption.KMS,
            encryption_master_key=view_of_key(self, "Key", key),
            enforce_ssl=True,
            visibility_timeout=Duration.seconds(STEP_SECONDS),
            retention_period=Duration.days(RETENTION_DAYS),
            dead_letter_queue=sqs.DeadLetterQueue(queue=dead_letters, max_receive_count=min(receives, MOST_RECEIVES)),
        )
