"""Amazon DynamoDB: point-in-time recovery, keys of replicas, time to live."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.mentions import mentioned
from breakwater_guards.model.scalars import as_bool
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import ABSENT, UNKNOWN
from breakwater_guards.rule import Breach, Outcome, breach, rule, show

GUIDE = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide"
CLOUDFORMATION = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide"
TABLE = "AWS::DynamoDB::Table"
GLOBAL_TABLE = "AWS::DynamoDB::GlobalTable"
RECOVERY = "PointInTimeRecoverySpecification"
REPLICA_KEY = "Replicas[].SSESpecification.KMSMasterKeyId"


@rule(
    "DR-DYNAMODB-01",
    title="Every table and replica has point-in-time recovery",
    outcome=Outcome.POLICY,
    prevents="A bad write or a deleted item cannot be undone: DynamoDB keeps no continuous backup, and nobody notices "
    "until one is needed",
    fix="Set PointInTimeRecoveryEnabled to true on the table, and on every replica of a global table.",
    sources=(
        f"{GUIDE}/PointInTimeRecovery.html",
        f"{CLOUDFORMATION}/aws-properties-dynamodb-globaltable-replicaspecification.html",
    ),
)
def tables_are_recoverable(app: Assembly) -> Iterator[Breach]:
    """Find a table without point-in-time recovery, or a replica: each one has its own setting."""
    enabled = f"{RECOVERY}.PointInTimeRecoveryEnabled"
    for kind, path in ((TABLE, enabled), (GLOBAL_TABLE, f"Replicas[].{enabled}")):
        for table in app.of_type(kind):
            off = [value for value in table.options(path) if value is ABSENT or as_bool(value) is False]
            if off:
                which = f" on {len(off)} of the replicas" if len(table.options(path)) > 1 else ""
                yield breach(table, path, f"{show(off[0])}{which}; allowed: true.")


@rule(
    "DR-DYNAMODB-02",
    title="Either all replicas of a global table have a key of their own Region, or none has",
    outcome=Outcome.REFUSED,
    prevents="One or more parameter values were invalid: KMSMasterKeyId must be specified for each replica. "
    "(ValidationException)",
    fix="Give every replica SSESpecification.KMSMasterKeyId with a key of its own Region.",
    sources=(
        f"{CLOUDFORMATION}/aws-properties-dynamodb-globaltable-replicassespecification.html",
        "https://github.com/hashicorp/terraform-provider-aws/issues/17422",
    ),
)
def replicas_agree_on_keys(app: Assembly) -> Iterator[Breach]:
    """Find a customer key on some replicas and none on others, or a key of another Region than the replica's."""
    for table in app.of_type(GLOBAL_TABLE):
        for replicas in _replica_lists(table):
            keys = [_key_of(replica) for replica in replicas]
            bare = [replica for replica, key in zip(replicas, keys, strict=True) if key is ABSENT]
            if bare and len(bare) < len(keys) and UNKNOWN not in keys:
                regions = ", ".join(show(replica.get("Region", ABSENT)) for replica in bare)
                yield breach(table, REPLICA_KEY, f"not set for {regions}, but set for another replica.")
            for replica, value in zip(replicas, keys, strict=True):
                region, key = replica.get("Region"), app.target(value)
                if key is not None and isinstance(region, str) and key.template.region not in (None, region):
                    message = f"{key.logical_id} is a key of {key.template.region}; the replica is in {region}."
                    yield breach(table, REPLICA_KEY, message)


@rule(
    "DR-DYNAMODB-03",
    title="Time to live names its attribute",
    outcome=Outcome.REFUSED,
    prevents="minimum field size of 1, UpdateTimeToLiveInput.TimeToLiveSpecification.AttributeName: the table fails to "
    "create or to update",
    fix="Set AttributeName to the number attribute that holds the epoch seconds, or turn time to live off.",
    sources=(
        "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TimeToLiveSpecification.html",
        "https://github.com/cloudposse/terraform-aws-dynamodb/issues/84",
    ),
)
def time_to_live_has_attribute(app: Assembly) -> Iterator[Breach]:
    """Find time to live enabled without an attribute, or with an empty one."""
    for table in app.of_type(TABLE, GLOBAL_TABLE):
        for settings in table.given("TimeToLiveSpecification"):
            if isinstance(settings, dict) and as_bool(settings.get("Enabled")) is True:
                attribute = settings.get("AttributeName", ABSENT)
                if attribute is ABSENT or attribute == "":
                    yield breach(
                        table, "TimeToLiveSpecification.AttributeName", f"{show(attribute)}, but Enabled is true."
                    )


@rule(
    "DR-DYNAMODB-04",
    title="A global table whose replicas have keys turns encryption with KMS on",
    outcome=Outcome.REFUSED,
    prevents="ReplicaSSESpecification and SSEType must be null when SSE is set to default.",
    fix="Set SSESpecification of the table to SSEEnabled true and SSEType KMS.",
    sources=(
        f"{CLOUDFORMATION}/aws-properties-dynamodb-globaltable-ssespecification.html",
        "https://github.com/aws/aws-cdk/issues/37783",
    ),
)
def replica_keys_need_encryption(app: Assembly) -> Iterator[Breach]:
    """Find KMSMasterKeyId on a replica while the table's own SSESpecification is missing or off."""
    for table in app.of_type(GLOBAL_TABLE):
        enabled = table.options("SSESpecification.SSEEnabled")
        keys = table.options(REPLICA_KEY)
        off = all(value is ABSENT or as_bool(value) is False for value in enabled)
        if off and any(key not in (ABSENT, UNKNOWN) for key in keys):
            yield breach(table, "SSESpecification.SSEEnabled", f"{show(enabled[0])}, but a replica has a key.")


def _replica_lists(table: Resource) -> Iterator[list[dict[str, Any]]]:
    for replicas in table.given("Replicas"):
        if isinstance(replicas, list) and replicas and all(isinstance(replica, dict) for replica in replicas):
            yield replicas


def _key_of(replica: dict[str, Any]) -> Any:
    encryption = replica.get("SSESpecification", ABSENT)
    return encryption.get("KMSMasterKeyId", ABSENT) if isinstance(encryption, dict) else encryption


@rule(
    "DR-DYNAMODB-05",
    title="A table with replicas has a stream",
    outcome=Outcome.REFUSED,
    prevents="StreamSpecification must be specified with NEW_AND_OLD_IMAGES if there is more than one replica",
    fix="Set StreamSpecification.StreamViewType to NEW_AND_OLD_IMAGES.",
    sources=(
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dynamodb-globaltable.html",
        "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2globaltables_HowItWorks.html",
    ),
)
def replicas_have_a_stream(app: Assembly) -> Iterator[Breach]:
    """Find a global table of several Regions without `StreamSpecification`; strong consistency needs none."""
    for table in app.of_type("AWS::DynamoDB::GlobalTable"):
        replicas = table.get("Replicas")
        eventual = table.options("MultiRegionConsistency") in ([ABSENT], ["EVENTUAL"])
        if isinstance(replicas, list) and len(replicas) > 1 and eventual:
            views = table.options("StreamSpecification.StreamViewType")
            if all(view is ABSENT or view in ("KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE") for view in views):
                yield breach(table, "StreamSpecification", f"{show(views[0])}; allowed: NEW_AND_OLD_IMAGES.")


@rule(
    "DR-DYNAMODB-06",
    title="A table whose capacity is scaled has provisioned capacity",
    outcome=Outcome.LATER,
    prevents="No error is reported: a table that is billed by request has no capacity to scale, and the targets and "
    "alarms of the scaling stay without effect until somebody changes the billing mode",
    fix="Leave the scalable targets out, or set BillingMode to PROVISIONED with ProvisionedThroughput.",
    sources=(
        f"{GUIDE}/capacity-mode.html",
        f"{GUIDE}/AutoScaling.html",
        "https://github.com/hashicorp/terraform-provider-aws/issues/22784",
    ),
)
def scaled_tables_have_capacity(app: Assembly) -> Iterator[Breach]:
    """Find a scalable target for a table that is billed by request."""
    for target in app.of_type("AWS::ApplicationAutoScaling::ScalableTarget"):
        if target.get("ServiceNamespace") != "dynamodb":
            continue
        properties = target.body.get("Properties")
        raw = properties.get("ResourceId") if isinstance(properties, dict) else None
        for table in dict.fromkeys(app.target(reference) for reference in mentioned(target.template, raw)):
            billed = table.options("BillingMode") if table and table.type in (TABLE, GLOBAL_TABLE) else []
            if table and billed == ["PAY_PER_REQUEST"]:
                yield breach(target, "ResourceId", f"{table.logical_id} is billed by request: it has no capacity.")
