"""The encrypted topic of all notifications, its policy and its subscriptions."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.common.location import Location
from stacks.common.views import view_of_key
from stacks.names import Names, PhysicalName


class AlertTopic(Construct):
    """A topic to which this account's alarms and event rules publish.

    Args:
        scope: the stack.
        construct_id: its id in the stack.
        names: physical names.
        location: partition, Region and account.
        key: key of the topic.
        emails: addresses that are subscribed; each must confirm.
        dead_letters: keeps notifications that a mailbox did not accept.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        names: Names,
        location: Location,
        key: kms.IKey,
        emails: Sequence[str],
        dead_letters: sqs.IQueue,
    ) -> None:
        super().__init__(scope, construct_id)
        self.topic = sns.Topic(
            self,
            "Default",
            topic_name=names.physical_name(PhysicalName.ALERT_TOPIC),
            display_name=f"{names.stack} alerts",
            master_key=view_of_key(self, "Key", key),
            enforce_ssl=True,
        )
        self._allow_publishers(location)
        for email in emails:
            # https://docs.aws.amazon.com/sns/latest/dg/sns-dead-letter-queues.html
            self.topic.add_subscription(subscriptions.EmailSubscription(email, dead_letter_queue=dead_letters))

    def _allow_publishers(self, location: Location) -> None:
        """Keep the owner's rights, which any policy of a topic replaces, and let alarms publish."""
        # https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html
        arn = self.topic.topic_arn
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="OwnerKeepsItsRights",
                principals=[iam.AccountRootPrincipal()],
                actions=[
                    "sns:AddPermission",
                    "sns:DeleteTopic",
                    "sns:GetTopicAttributes",
                    "sns:ListSubscriptionsByTopic",
                    "sns:Publish",
                    "sns:RemovePermission",
                    "sns:SetTopicAttributes",
                    "sns:Subscribe",
                ],
                resources=[arn],
            )
        )
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AlarmsPublish",
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[arn],
                conditions=location.this_account,
            )
        )
