"""SNS and SQS: the keys of topics and queues that AWS services write to."""

from __future__ import annotations

from collections.abc import Iterator

from breakwater_guards.aws.deliveries import TOPIC, Delivery, deliveries
from breakwater_guards.aws.key_policies import Refusal, keys_of, refusal
from breakwater_guards.facts import facts
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import Text
from breakwater_guards.rule import Breach, Outcome, breach, rule, show

SNS_KEYS = "https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html"
SQS_KEYS = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html"
MANAGED = ("alias/aws/sns", "alias/aws/sqs")


@rule(
    "DR-SNS-01",
    title="The key policy of an alarm topic's key admits CloudWatch",
    outcome=Outcome.SILENT,
    prevents=(
        "CloudWatch Alarms does not have authorization to access the SNS topic encryption key "
        "(only in the alarm's history: the alarm changes to ALARM, and nobody is notified)"
    ),
    fix="Let cloudwatch.amazonaws.com use kms:Decrypt and kms:GenerateDataKey* in the key's policy.",
    sources=(
        SNS_KEYS,
        "https://github.com/awslabs/landing-zone-accelerator-on-aws/issues/31",
        "https://github.com/aws/aws-cdk/issues/11121",
    ),
    data="key_users",
)
def alarms_can_use_the_key(app: Assembly) -> Iterator[Breach]:
    """Find an alarm whose topic has a key that does not admit CloudWatch."""
    yield from _missing(app, "cloudwatch")


@rule(
    "DR-SNS-02",
    title="Topics and queues that AWS services publish to have no AWS managed key",
    outcome=Outcome.SILENT,
    prevents=(
        "null (Service: AWSKMS; Status Code: 400; Error Code: AccessDeniedException): the policy of an AWS managed key "
        "names no such service and cannot be changed, so that every notification is lost"
    ),
    fix="Encrypt with a customer managed key whose policy lets the service use kms:Decrypt and kms:GenerateDataKey*.",
    sources=(SNS_KEYS, SQS_KEYS, "https://github.com/ASFHyP3/hyp3/issues/762"),
    data="key_users",
)
def no_managed_key(app: Assembly) -> Iterator[Breach]:
    """Find `alias/aws/sns` behind an alarm or an event rule, `alias/aws/sqs` behind a rule, a bucket or a topic."""
    for delivery in deliveries(app):
        for value in delivery.target.given("KmsMasterKeyId"):
            name = value.known if isinstance(value, Text) else value
            if isinstance(name, str) and name.endswith(MANAGED):
                yield breach(
                    delivery.target,
                    "KmsMasterKeyId",
                    f"{show(value)} is an AWS managed key that {delivery.principal} may not use; "
                    f"{delivery.publisher} would write here.",
                )


@rule(
    "DR-SNS-05",
    title="The key policy of an event target's key admits EventBridge",
    outcome=Outcome.SILENT,
    prevents="No error is reported: EventBridge counts FailedInvocations, and every event is dropped",
    fix="Let events.amazonaws.com use kms:Decrypt and kms:GenerateDataKey* in the key's policy.",
    sources=(SNS_KEYS, SQS_KEYS, "https://github.com/aws-samples/aws-secure-environment-accelerator/pull/1132"),
    data="key_users",
)
def events_can_use_the_key(app: Assembly) -> Iterator[Breach]:
    """Find an event rule whose topic or queue has a key that does not admit EventBridge."""
    yield from _missing(app, "events")


@rule(
    "DR-SNS-06",
    title="A topic's key policy sets no source condition for EventBridge",
    outcome=Outcome.SILENT,
    prevents=(
        "Adding the aws:SourceAccount and aws:SourceArn to a KMS policy is not supported for EventBridge-to-encrypted "
        "topics: every event is dropped, and no error is reported"
    ),
    fix="Give events.amazonaws.com its own statement, without aws:SourceAccount, aws:SourceArn or aws:SourceOrgID.",
    sources=(SNS_KEYS, "https://github.com/awslabs/landing-zone-accelerator-on-aws/issues/407"),
    data="key_users",
)
def events_meet_no_source_condition(app: Assembly) -> Iterator[Breach]:
    """Find a key that admits EventBridge only under a condition key that its calls to a topic do not carry."""
    for delivery in deliveries(app, "events"):
        if delivery.target.type != TOPIC:
            continue
        for key, reason in _refusals(app, delivery):
            if reason.conditions:
                yield breach(
                    delivery.target,
                    "KmsMasterKeyId",
                    f"{_place(key)} lets {delivery.principal} in only under {', '.join(reason.conditions)}, which its "
                    f"calls do not carry; {delivery.publisher} would publish here.",
                )


@rule(
    "DR-SNS-07",
    title="The key policy of a topic's or queue's key admits every other service that publishes there",
    outcome=Outcome.SILENT,
    prevents=(
        "Unable to validate the following destination configurations (S3, at deployment); events of RDS and messages "
        "from a topic to a queue are dropped in silence"
    ),
    fix="Let the service use kms:Decrypt and kms:GenerateDataKey* in the key's policy.",
    sources=(SNS_KEYS, SQS_KEYS, "https://github.com/aws/aws-cdk/issues/29511"),
    data="key_users",
)
def other_services_can_use_the_key(app: Assembly) -> Iterator[Breach]:
    """Find a bucket, budget, vault or subscription whose topic or queue has a key that does not admit the publisher."""
    yield from _missing(app, *_others())


def _others() -> list[str]:
    services = [row["service"] for row in facts("key_users")["messages"]["publishers"]]
    return [name for name in dict.fromkeys(services) if name not in ("cloudwatch", "events")]


def _missing(app: Assembly, *services: str) -> Iterator[Breach]:
    for delivery in deliveries(app, *services):
        for key, reason in _refusals(app, delivery):
            if reason.missing:
                yield breach(
                    delivery.target,
                    "KmsMasterKeyId",
                    f"{_place(key)} does not let {delivery.principal} use {', '.join(reason.missing)}; "
                    f"{delivery.publisher} would write here.",
                )


def _refusals(app: Assembly, delivery: Delivery) -> Iterator[tuple[Resource, Refusal]]:
    needs = facts("key_users")["messages"]
    unmet = needs["conditions_never_met"].get(delivery.service, ()) if delivery.target.type == TOPIC else ()
    for value in delivery.target.given("KmsMasterKeyId"):
        for key in keys_of(app, value):
            reason = refusal(app, key, delivery.service, needs["actions"], never_met=unmet)
            if reason is not None:
                yield key, reason


def _place(key: Resource) -> str:
    return f"the policy of {key.logical_id} ({key.template.file})"
