"""Subscriptions of the alert topic."""

from __future__ import annotations

from collections.abc import Iterator

from botocore.exceptions import ClientError

from ops.errors import error_code
from ops.preflight.check import Check, Outcome, ok, warn
from ops.preflight.context import CheckContext, listed

PENDING = "PendingConfirmation"


class Subscriptions(Check):
    """Checks that the e-mail subscriptions are confirmed."""

    id = "PF-SNS-01"
    title = "Every e-mail subscription of the alert topic is confirmed"
    why = "An address that has not been confirmed receives no alarm, and no error tells so."
    fix = "Confirm the message that AWS sent to the address; `monitoring.emails` lists the subscribers."
    source = "https://docs.aws.amazon.com/sns/latest/dg/SendMessageToHttp.confirm.html"
    calls = ("sns:ListSubscriptionsByTopic",)

    def run(self, context: CheckContext) -> Iterator[Outcome]:
        """Compare the topic's subscriptions with the settings; before the first deployment there is no topic."""
        emails = context.settings.monitoring.emails
        if not emails:
            yield warn("no address is subscribed: `monitoring.emails` is empty")
            return
        name = context.plan.texts("AWS::SNS::Topic", "TopicName")[0]
        scope = f"arn:{context.partition}:sns:{context.ask.region}:{context.identity['Account']}"
        try:
            found = context.ask.every("sns:ListSubscriptionsByTopic", "Subscriptions", TopicArn=f"{scope}:{name}")
        except ClientError as error:
            if error_code(error) not in ("NotFound", "NotFoundException"):
                raise
            yield ok("the topic does not exist yet: AWS will ask each address to confirm")
            return
        state = {each["Endpoint"]: each["SubscriptionArn"] for each in found if each["Protocol"] == "email"}
        silent = [email for email in emails if state.get(email, PENDING) in (PENDING, "Deleted")]
        yield warn(f"not confirmed: {listed(silent)}") if silent else ok(f"{len(emails)} confirmed")
