"""SNS topic policies, which replace the default policy that admits CloudWatch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from breakwater_guards.aws.access import access_of
from breakwater_guards.aws.arns import arn_of
from breakwater_guards.aws.deliveries import TOPIC, Delivery, deliveries, topics_named
from breakwater_guards.aws.policies import statements_of
from breakwater_guards.aws.statements import Statement
from breakwater_guards.model.answer import Answer
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Resource
from breakwater_guards.model.transforms import may_change
from breakwater_guards.model.values import Reference, Text, is_known
from breakwater_guards.rule import Breach, Outcome, breach, rule

PUBLISH = "sns:Publish"
POLICIES = {"AWS::SNS::TopicPolicy": "Topics[]", "AWS::SNS::TopicInlinePolicy": "TopicArn"}
AS_OWNER = ("cloudwatch", "events.rds")  # their calls carry aws:SourceOwner
USE_CASES = "https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html"


@rule(
    "DR-SNS-03",
    title="The policy of an alarm's topic lets CloudWatch publish",
    outcome=Outcome.SILENT,
    prevents=(
        "Resource: arn:aws:cloudwatch:…:alarm:… is not authorized to perform: SNS:Publish because no resource-based "
        "policy allows the action (only in the alarm's history)"
    ),
    fix=(
        "A topic policy replaces the default one: add a statement that lets cloudwatch.amazonaws.com use sns:Publish, "
        "or keep the default statement: Principal AWS: '*' with aws:SourceOwner."
    ),
    sources=(
        USE_CASES,
        "https://repost.aws/knowledge-center/cloudwatch-receive-sns-for-alarm-trigger",
        "https://github.com/DataBiosphere/azul/pull/5651",
        "https://github.com/aws-solutions/automated-security-response-on-aws/issues/43",
    ),
)
def alarms_may_publish(app: Assembly) -> Iterator[Breach]:
    """Find a topic policy, for EventBridge say, that admits neither the service nor everybody for the owner.

    An alarm calls as CloudWatch: the statement of the default policy, which is for everybody with the owner's account
    in `aws:SourceOwner`, admits it. One for the account alone (`…:root`) does not.
    """
    for delivery in deliveries(app, *AS_OWNER):
        policies = _policies(app).get(delivery.target, [])
        kept_out = _kept_out(app, delivery) if policies and not any(map(_names_anybody, policies)) else None
        if kept_out is not None:
            yield breach(
                policies[0],
                "PolicyDocument",
                f"the policy of {delivery.target.logical_id} does not let {delivery.principal} use {PUBLISH}; "
                f"{kept_out.logical_id} would publish there.",
            )


@rule(
    "DR-SNS-04",
    title="A topic behind an event rule lets EventBridge publish",
    outcome=Outcome.SILENT,
    prevents="No error is reported: EventBridge counts FailedInvocations, and every event is dropped",
    fix="Add a topic policy with a statement that lets events.amazonaws.com use sns:Publish.",
    sources=(
        "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html",
        "https://repost.aws/knowledge-center/sns-not-getting-eventbridge-notification",
    ),
)
def events_may_publish(app: Assembly) -> Iterator[Breach]:
    """Find a topic or queue with the default policy, which is the owner's alone, or with one that omits EventBridge."""
    policies = _policies(app)
    if None in policies:
        return  # a policy of a topic that only the deployment names may be this topic's
    for delivery in deliveries(app, "events"):
        if delivery.target.type != TOPIC or may_change(delivery.target.template):
            continue
        own = policies.get(delivery.target, [])
        kept_out = _kept_out(app, delivery)
        if kept_out is not None:
            what = f"its policy {own[0].logical_id}" if own else "the default policy, the only one it has,"
            yield breach(
                delivery.target,
                "",
                f"{what} does not let {delivery.principal} use {PUBLISH}; {kept_out.logical_id} would publish here.",
            )


def _policies(app: Assembly) -> dict[Resource | None, list[Resource]]:
    """Return the policies by topic; ``None`` holds those whose topic is not certain."""
    found: dict[Resource | None, list[Resource]] = defaultdict(list)
    for kind, path in POLICIES.items():
        for policy in app.of_type(kind):
            for value in policy.options(path):
                topic = topics_named(app, value, policy.template)
                if topic is not None or not is_known(value):
                    found[topic].append(policy)
    return dict(found)


def _kept_out(app: Assembly, delivery: Delivery) -> Resource | None:
    """Return the first source of a delivery whose publishing no policy of the topic admits."""
    topic, absent = delivery.target, () if delivery.service in AS_OWNER else ("aws:SourceOwner",)
    for source in delivery.sources:
        caller = arn_of(app, source)
        if not access_of(app).admits(topic, delivery.service, PUBLISH, caller, arn_of(app, topic), absent=absent):
            return source
    return None


def _names_anybody(policy: Resource) -> bool:
    """Tell whether a policy allows somebody to publish whom only the deployment knows."""
    return any(
        principal.kind == "AWS" and not isinstance(principal.value, str | Text | Reference)
        for statement in _publish(policy)
        for principal in statement.principals
    )


def _publish(policy: Resource) -> Iterator[Statement]:
    for statement in statements_of(policy, "PolicyDocument"):
        if statement.effect != "Deny" and statement.acts_on(PUBLISH) is not Answer.NO:
            yield statement
