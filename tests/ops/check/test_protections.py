"""Which changes weaken a protection, and that the table of protections speaks of what there is."""

from __future__ import annotations

import re
from typing import Any

import pytest

from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.values import UNKNOWN
from ops.check.changes import Action, Change
from ops.check.protections import properties, table, weakened
from ops.check.templates import of_templates
from ops.preflight.check import Status
from stacks.profiles import PROFILES
from tests.ops.check.test_changes import changed_alone
from tests.ops.preflight.cases import plan

CLUSTER, BUCKET, TABLE, VAULT, PLAN, LOGS = (
    "AWS::RDS::DBCluster", "AWS::S3::Bucket", "AWS::DynamoDB::GlobalTable", "AWS::Backup::BackupVault",
    "AWS::Backup::BackupPlan", "AWS::Logs::LogGroup",
)  # fmt: skip
INSTANCE = "AWS::RDS::DBInstance"
SERVICE, BALANCER, SCALING, GROUP = (
    "AWS::ECS::Service", "AWS::ElasticLoadBalancingV2::LoadBalancer", "AWS::ApplicationAutoScaling::ScalableTarget",
    "AWS::RDS::DBClusterParameterGroup",
)  # fmt: skip


def _recovery(*, on: Any) -> dict[str, Any]:
    specification = {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": on}}
    return {"Replicas": [{"Region": "us-east-1", **specification}]}


def _rule(name: str, **more: Any) -> dict[str, Any]:
    return {"BackupPlan": {"BackupPlanRule": [{"RuleName": name, **more}]}}


def _attribute(value: str) -> dict[str, Any]:
    return {"LoadBalancerAttributes": [{"Key": "deletion_protection.enabled", "Value": value}]}


_EXPORTS = "EnableCloudwatchLogsExports"
_KEPT = {"Lifecycle": {"DeleteAfterDays": 35}}
_LOCK = {"LockConfiguration": {"MinRetentionDays": 7, "ChangeableForDays": 3}}
WEAKER = [
    (CLUSTER, {"DeletionProtection": True}, {}, "DeletionProtection is true, planned is not given"),
    (CLUSTER, {"BackupRetentionPeriod": "35"}, {"BackupRetentionPeriod": 7}, "Period is 35, planned is 7"),
    (CLUSTER, {"BackupRetentionPeriod": 2}, {}, "BackupRetentionPeriod is 2, planned is not given"),
    (CLUSTER, {"DeleteAutomatedBackups": False}, {}, "backups after a deletion: "),
    (CLUSTER, {_EXPORTS: ["a", "b"]}, {_EXPORTS: ["b"]}, "logs of the database"),
    (TABLE, _recovery(on=True), _recovery(on=False), "point-in-time recovery: Replicas[us-east-1].PointInTimeRecovery"),
    (TABLE, {"Replicas": [{"Region": "a"}, {"Region": "b"}]}, {"Replicas": [{"Region": "a"}]}, "a copy in another"),
    (VAULT, _LOCK, {}, "the lock of the vault: LockConfiguration is "),
    (PLAN, _rule("Daily"), _rule("Weekly"), "scheduled backups"),
    (PLAN, _rule("Daily"), _rule("Daily", **_KEPT), "how long backups are kept: BackupPlan.BackupPlanRule[Daily].Life"),
    (LOGS, {}, {"RetentionInDays": 30}, "how long logs are kept: RetentionInDays is not given, planned is 30"),
    (LOGS, {"KmsKeyId": {"Ref": "Other"}}, {}, "encryption with a key of one's own: KmsKeyId is Other"),
    (SCALING, {"MinCapacity": 4}, {"MinCapacity": 1}, "more than one task at any time"),
    (BALANCER, _attribute("true"), _attribute("false"), "LoadBalancerAttributes[deletion_protection.enabled] is true"),
    (GROUP, {"Parameters": {"rds.force_ssl": "1"}}, {"Parameters": {"rds.force_ssl": "0"}}, "encryption in transit: "),
    (BUCKET, {"VersioningConfiguration": {"Status": "Enabled"}}, {}, "earlier versions of objects"),
    (SERVICE, {}, {"AvailabilityZoneRebalancing": "DISABLED"}, "tasks in several zones"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "before", "after", "told"), WEAKER)
def test_a_protection_that_a_change_takes_away_fails(
    kind: str, before: dict[str, Any], after: dict[str, Any], told: str
) -> None:
    (found,) = changed_alone(kind, {"Properties": before}, {"Properties": after})
    assert (found.action, found.status) == (Action.WEAKEN, Status.FAIL)
    assert told in found.weakened
    assert f"weakened: {found.weakened}" in str(found)
    (back,) = changed_alone(kind, {"Properties": after}, {"Properties": before})
    # Another schedule in the place of one is weaker either way.
    assert (back.weakened == "") is (told != "scheduled backups")


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        (SCALING, {"MinCapacity": 4}, {"MinCapacity": 2}),
        (SERVICE, {"AvailabilityZoneRebalancing": "ENABLED"}, {}),
        (TABLE, _recovery(on=True), {"Replicas": UNKNOWN}),
        (TABLE, _recovery(on=True), _recovery(on=UNKNOWN)),
        (TABLE, {"Replicas": UNKNOWN}, _recovery(on=False)),
        (CLUSTER, {"BackupRetentionPeriod": 7}, {"BackupRetentionPeriod": UNKNOWN}),
        (CLUSTER, {_EXPORTS: ["a"]}, {_EXPORTS: UNKNOWN}),
        (CLUSTER, {_EXPORTS: ["a"]}, {_EXPORTS: [UNKNOWN]}),
        (CLUSTER, {_EXPORTS: [UNKNOWN]}, {_EXPORTS: ["a"]}),
        (VAULT, _LOCK, {"LockConfiguration": UNKNOWN}),
        (BALANCER, _attribute("true"), {"LoadBalancerAttributes": [UNKNOWN]}),
        (BUCKET, {"LifecycleConfiguration": {"Rules": [{"Status": "Enabled"}]}}, {}),
    ],
)
def test_what_stays_or_only_a_deployment_knows_weakens_nothing(
    kind: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    assert weakened(kind, before, after) == ""


def test_a_protection_is_told_once() -> None:
    told = weakened(VAULT, _LOCK, {})
    assert told.count("planned is") == 1


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (
            {"DeletionPolicy": "Retain"},
            {"DeletionPolicy": "Delete"},
            "DeletionPolicy: a later removal would delete what",
        ),
        ({"UpdateReplacePolicy": "Retain"}, {}, "UpdateReplacePolicy: a later replacement would delete what until"),
        ({"DeletionPolicy": "Snapshot"}, {}, "would delete what until now would be deleted after"),
        ({"DeletionPolicy": "Delete"}, {"DeletionPolicy": "Retain"}, ""),
        ({"DeletionPolicy": "Retain"}, {"DeletionPolicy": "RetainExceptOnCreate"}, ""),
    ],
)
def test_a_policy_that_deletes_what_it_kept_weakens(before: dict[str, Any], after: dict[str, Any], told: str) -> None:
    changes = changed_alone(BUCKET, before, after)
    assert [told in each.weakened for each in changes] == ([True] if told else [])
    # What holds nothing may go.
    assert changed_alone("AWS::SNS::Topic", before, after) == []


def _removed(*others: str) -> list[Change]:
    def app(*kinds: tuple[int, str]) -> Assembly:
        resources = {f"R{index}": {"Type": kind, "Properties": {"DBClusterIdentifier": "c"}} for index, kind in kinds}
        return Assembly({"root.json": {"Resources": resources}})

    return of_templates(app((0, INSTANCE), (1, INSTANCE)), app((0, INSTANCE), *((9, kind) for kind in others)))


def test_an_instance_that_goes_cannot_take_over_unless_another_one_comes() -> None:
    (gone,) = _removed()
    assert (gone.action, gone.status, gone.weakened) == (Action.REMOVE, Status.FAIL, "an instance that can take over")
    gone, _ = _removed(INSTANCE)
    assert (gone.action, gone.status, gone.weakened) == (Action.REMOVE, Status.WARN, "")


def test_every_protection_is_of_a_type_and_a_property_that_there_is() -> None:
    from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

    assert table()["removed"]
    for kind in {*table(), *table()["removed"]} - {"removed"}:
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
        for path in table().get(kind, {}):
            at: Any = schema
            for step in re.findall(r"\[[^\]]*\]|[^.\[]+", path):
                while "$ref" in at:
                    at = schema["definitions"][at["$ref"].rpartition("/")[2]]
                if step.startswith("[") and "items" in at:
                    at = at["items"]
                elif not step.startswith("[") and at.get("properties"):
                    assert step in at["properties"], f"{kind} {path}: {step}"
                    at = at["properties"][step]


def test_the_protections_are_those_of_the_platform() -> None:
    """A type that no profile creates has no place in the table."""
    named = {*table(), *table()["removed"]} - {"removed"}
    assert named == {each.type for name in PROFILES for each in plan(name).assembly.of_type(*named)}
    assert properties(CLUSTER)[0] == "BackupRetentionPeriod"
