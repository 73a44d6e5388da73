"""The dev environment's own templates in the embedded AWS: listed, deployed, verified, updated, deleted."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws import changes, clients, fidelity
from embedded_aws.address import REGION
from embedded_aws.clients import Aws
from embedded_aws.deployment import DeployedResource, Deployment
from embedded_aws.resolve import UNRESOLVED
from embedded_aws.verify import compare
from embedded_testing.changed import another, leaves, put
from embedded_testing.inventory import inventory
from embedded_testing.listed import OTHERS
from embedded_testing.recorded import recorded
from embedded_testing.stack import delete, deploy, publish_assembly
from ops import REPOSITORY
from ops import drill as command
from ops.__main__ import main
from ops.connection import Connection
from ops.errors import OpsError
from ops.local import smoke_test
from ops.local.workspace import Workspace
from stacks.names import METRIC_NAMESPACE, RESTORED_AT_PARAMETER, OutputKey
from stacks.settings import load_settings
from tests.assembly import Assembly

# One worker runs all of them: they share one deployment, and the last one deletes it.
pytestmark = [pytest.mark.emulator, pytest.mark.xdist_group("dev-app")]
STACK = "Breakwater-dev"
SETTINGS = load_settings({"suffix": "dev", "region": REGION})
AUTHORITY = Path("authority.pem")  # of HTTPS, which dev has not

# Declared, and not compared: what no API reports, and what the emulator does not keep.
NOT_COMPARED = {
    ("AWS::CloudFormation::Stack", "TemplateURL"),  # where it came from; what it made is compared
    ("AWS::EC2::FlowLog", "DeliverLogsPermissionArn"),
    ("AWS::EC2::FlowLog", "ResourceType"),
    ("AWS::ECS::Service", "AvailabilityZoneRebalancing"),
    ("AWS::KMS::Key", "PendingWindowInDays"),  # shows only once a key is being deleted
    ("AWS::Lambda::Function", "Code.S3Bucket"),  # where the code came from; that it came is compared
    ("AWS::Lambda::Function", "Code.S3Key"),
    ("AWS::RDS::DBCluster", "DeleteAutomatedBackups"),  # shows only once the cluster is deleted
}
TAGS = {"Tags", "BackupPlanTags", "BackupVaultTags"}  # asserted on the templates; some services here do not keep them


@dataclass(frozen=True)
class Deployed:
    """The dev app, deployed.

    Attributes:
        folder: its cloud assembly, free to be changed.
        resources: its resources as they were first deployed.
        before: what the embedded AWS held before.
    """

    folder: Path
    resources: list[DeployedResource]
    before: set[str]


@pytest.fixture(scope="module")
def deployed(aws: Aws, dev: Assembly, tmp_path_factory: pytest.TempPathFactory) -> Deployed:
    folder = tmp_path_factory.mktemp("assembly") / "cdk.out"
    shutil.copytree(dev.folder, folder)
    publish_assembly(aws, folder, STACK)
    before = inventory(aws)
    assert deploy(aws, STACK, dev.root.document).status == "CREATE_COMPLETE"
    return Deployed(folder, list(Deployment(aws("cloudformation"), aws("ec2"), folder).resources(STACK)), before)


def test_every_resource_of_every_template_is_read(dev: Assembly, deployed: Deployed) -> None:
    declared = [resource for template in dev.templates.values() for resource in template.resources.values()]
    assert sorted(each.type for each in deployed.resources) == sorted(each["Type"] for each in declared)


def test_every_declared_property_is_there(aws: Aws, deployed: Deployed) -> None:
    for resource in deployed.resources:
        checks = list(compare(aws, resource))
        assert checks, f"{resource.type} is not checked at all"
        assert [check for check in checks if not check.passed] == [], resource


def test_cloud_control_reads_every_resource_but_those_that_only_cloudformation_has(
    aws: Aws, deployed: Deployed
) -> None:
    client = aws("cloudcontrol")
    unread = {"AWS::CloudFormation::Stack", "AWS::CDK::Metadata"}
    for resource in deployed.resources:
        if resource.type in unread:
            with pytest.raises(ClientError, match="UnsupportedActionException"):
                client.get_resource(TypeName=resource.type, Identifier=resource.physical_id)
            continue
        found = client.get_resource(TypeName=resource.type, Identifier=resource.physical_id)["ResourceDescription"]
        listed = client.list_resources(TypeName=resource.type)["ResourceDescriptions"]
        assert found["Identifier"] in {each["Identifier"] for each in listed}


def test_every_reference_of_the_dev_app_is_resolved(deployed: Deployed) -> None:
    unresolved = [
        (resource.logical_id, path)
        for resource in deployed.resources
        for path, value in leaves(resource.properties)
        if value is UNRESOLVED
    ]
    assert unresolved == []


def test_a_wrong_value_anywhere_turns_the_verification_red(aws: Aws, deployed: Deployed) -> None:
    once = recorded(aws)
    unnoticed = set()
    for resource in deployed.resources:
        for path, value in leaves(resource.properties):
            if not TAGS & set(path):
                wrong = replace(resource, properties=put(resource.properties, path, another(value)))
                if all(check.passed for check in compare(once, wrong)):
                    unnoticed.add((resource.type, ".".join(str(part) for part in path)))
    assert unnoticed == NOT_COMPARED


@pytest.fixture
def outputs(aws: Aws, deployed: Deployed) -> dict[str, str]:
    assert deployed.resources
    stack = aws("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
    return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}


def test_the_functions_do_what_they_are_for(aws: Aws, outputs: dict[str, str]) -> None:
    ran = smoke_test.run(aws, outputs, SETTINGS, AUTHORITY)
    assert ran.health["overall"] == "healthy"
    assert set(ran.health["components"]) == {"database", "service", "load-balancer", "table", "backups"}
    first, second = ran.failovers
    assert (first["outcome"], second["outcome"], second["code"]) == ("succeeded", "refused", "cool-down")
    assert first["old_writer"] != first["new_writer"]
    assert ran.restore["ValidationStatus"] == "SUCCESSFUL"
    # That of the smoke test, and that of its transfer.
    assert "2 with data" in ran.restore["ValidationStatusMessage"]
    assert ran.transfer is not None
    assert ran.transfer.row[:3] == (1, 2, 5)
    assert (
        ran.transfer.receipt == f"s3://{outputs[OutputKey.DATA_BUCKET_NAME]}/receipts/{ran.transfer.answer['id']}.json"
    )
    tables = aws("dynamodb").list_tables()["TableNames"]
    assert not [name for name in tables if name.startswith("awsbackup-restore-test-")]


def test_run_again_within_the_cool_down_they_refuse_both_failovers(aws: Aws, outputs: dict[str, str]) -> None:
    assert [answer["outcome"] for answer in smoke_test.run(aws, outputs, SETTINGS, AUTHORITY).failovers] == [
        "refused",
        "refused",
    ]


def test_what_they_published_is_in_the_metrics_that_the_alarms_watch(aws: Aws, outputs: dict[str, str]) -> None:
    smoke_test.run(aws, outputs, SETTINGS, AUTHORITY)
    cloudwatch = aws("cloudwatch")
    published = {
        (metric["MetricName"], *sorted((dim["Name"], dim["Value"]) for dim in metric["Dimensions"]))
        for page in cloudwatch.get_paginator("list_metrics").paginate(Namespace=METRIC_NAMESPACE)
        for metric in page["Metrics"]
    }
    watched = {
        (alarm["MetricName"], *sorted((dim["Name"], dim["Value"]) for dim in alarm["Dimensions"]))
        for alarm in cloudwatch.describe_alarms()["MetricAlarms"]
        if alarm.get("Namespace") == METRIC_NAMESPACE
    }
    # No Aurora restore test runs here, and no failover fails.
    assert {name for name in watched - published if "Aurora" not in str(name)} == {
        ("FailoverNotDone", ("Resource", outputs[OutputKey.CLUSTER_IDENTIFIER]), ("Suffix", outputs[OutputKey.SUFFIX]))
    }


@pytest.mark.parametrize("drill", ["failover", "restore", "take-over"])  # `make drills` runs them all
def test_a_drill_measures_writes_its_evidence_and_leaves_no_trace(
    emulator_workspace: Workspace, aws: Aws, outputs: dict[str, str], drill: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    running = emulator_workspace.emulator.running()
    assert running is not None
    connection = Connection(clients.session(running.key), running.endpoint)
    # The stack is found by tags that only the CDK CLI gives it.
    monkeypatch.setattr(command, "find", lambda *_: command.target_of(outputs, SETTINGS, connection))
    before = inventory(aws)
    words = ["--yes", "--before", "1", "--after", "1", "--out", str(tmp_path)]
    assert main(["drill", drill, *words], emulator_workspace) == 0
    told = json.loads(next(tmp_path.glob("*/report.json")).read_text())
    assert (told["met"], told["not_removed"]) == (True, [])
    assert sum(each["acknowledged"] for each in told["losses"]) > 0
    # What is written after the snapshot of `restore` is not in it; nothing else may lose an acknowledged write.
    assert drill == "restore" or told["measured"]["acknowledged_writes_lost"] == 0
    left = inventory(aws)
    # What follows a cluster that took over: its owner's secret, and the tasks that are told of it.
    follow = ("secret rds!cluster-", "task definition ") if drill == "take-over" else ()
    assert [each for each in left ^ before if not each.startswith(follow)] == []
    assert len(left) == len(before)
    heartbeats = aws("dynamodb").scan(TableName=outputs[OutputKey.TABLE_NAME])["Items"]
    assert not [item for item in heartbeats if item["pk"]["S"].startswith("drill#")]


def test_a_deployment_that_is_not_healthy_is_one_clear_error(aws: Aws, outputs: dict[str, str]) -> None:
    service = {"cluster": outputs[OutputKey.ECS_CLUSTER_NAME], "service": outputs[OutputKey.ECS_SERVICE_NAME]}
    aws("ecs").update_service(**service, desiredCount=0)
    try:
        with pytest.raises(OpsError, match=r"unhealthy: .*no target is healthy"):
            smoke_test.run(aws, outputs, SETTINGS, AUTHORITY)
    finally:
        aws("ecs").update_service(**service, desiredCount=2)


def test_a_changed_capacity_limit_changes_only_the_database_stack(aws: Aws, dev: Assembly, deployed: Deployed) -> None:
    root = copy.deepcopy(dict(dev.root.document))
    database = next(each for each in root["Resources"].values() if "/Database." in each["Metadata"]["aws:cdk:path"])
    template = copy.deepcopy(dict(dev.nested["Database"].document))
    cluster_id, cluster = next(iter(dev.nested["Database"].of_type("AWS::RDS::DBCluster").items()))
    template["Resources"][cluster_id]["Properties"]["ServerlessV2ScalingConfiguration"]["MaxCapacity"] = 7.5
    database["Properties"]["TemplateURL"] = republished(aws, deployed.folder, database, template)

    cloudformation = aws("cloudformation")
    # As with `cdk deploy`, the parameter keeps its value, which a drill has set.
    given = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]["Parameters"]
    values = {each["ParameterKey"]: each["ParameterValue"] for each in given}
    root["Parameters"][RESTORED_AT_PARAMETER]["Default"] = values[RESTORED_AT_PARAMETER]
    before = changes.snapshot(cloudformation, STACK)
    assert deploy(aws, STACK, root).status == "UPDATE_COMPLETE"
    after = changes.snapshot(cloudformation, STACK)

    assert list(changes.between(before, after)) == [
        changes.Change("Database", "updated", (f"{cluster_id}: ServerlessV2ScalingConfiguration",))
    ]
    found = aws("rds").describe_db_clusters()["DBClusters"][0]
    assert found["ServerlessV2ScalingConfiguration"]["MaxCapacity"] == 7.5
    assert found["KmsKeyId"].startswith("arn:aws:kms:"), cluster
    assert len(found["DBClusterMembers"]) == 2


def republished(aws: Aws, folder: Path, resource: Mapping[str, Any], template: Mapping[str, Any]) -> Any:
    """Publish a changed nested template under a new name, and return its URL as the root writes it."""
    manifest_file = folder / f"{STACK}.assets.json"
    manifest = json.loads(manifest_file.read_text())
    old = next(
        digest
        for digest, asset in manifest["files"].items()
        if asset["source"]["path"] == resource["Metadata"]["aws:asset:path"]
    )
    new = "0" * len(old)
    (folder / resource["Metadata"]["aws:asset:path"]).write_text(json.dumps(template))
    manifest_file.write_text(json.dumps(manifest).replace(old, new))
    publish_assembly(aws, folder, STACK)
    return json.loads(json.dumps(resource["Properties"]["TemplateURL"]).replace(old, new))


def empty(aws: Aws, bucket: str) -> None:
    """Delete every version of every object of a bucket."""
    for page in aws("s3").get_paginator("list_object_versions").paginate(Bucket=bucket):
        for version in page.get("Versions", []) + page.get("DeleteMarkers", []):
            aws("s3").delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])


def test_deleting_the_stack_leaves_what_is_to_stay_and_nothing_else(
    aws: Aws, dev: Assembly, deployed: Deployed, outputs: dict[str, str]
) -> None:
    empty(aws, outputs[OutputKey.DATA_BUCKET_NAME])  # of receipts, as the runbook does: it cannot go with them
    stays = {
        logical_id
        for template in dev.templates.values()
        for logical_id, resource in template.of_type("AWS::S3::Bucket").items()
        if resource.get("DeletionPolicy") == "Retain"
    }
    assert len(stays) == 1  # the log bucket
    delete(aws, STACK)
    kept = {f"bucket {each.physical_id}" for each in deployed.resources if each.logical_id in stays}
    assert inventory(aws) - deployed.before == kept


def types_of(dev: Assembly) -> set[str]:
    return {each["Type"] for template in dev.templates.values() for each in template.resources.values()}


def test_every_type_of_the_dev_app_is_listed(dev: Assembly) -> None:
    assert types_of(dev) - fidelity.load().keys() == set()


def test_every_listed_type_is_deployed_by_a_test(dev: Assembly) -> None:
    """The dev app is deployed by test_dev_app, the others by the package's own tests.

    A record needs a hosted zone that no stack makes: `test_elbv2.py` makes one and deploys it. An autoshift needs a
    load balancer: `test_zonal_shifts.py`.
    """
    others = {each["Type"] for each in OTHERS.values()}
    others |= {"AWS::Route53::RecordSet", "AWS::ARCZonalShift::ZonalAutoshiftConfiguration"}
    assert types_of(dev) | others == set(fidelity.load())


def test_the_documentation_has_the_whole_list() -> None:
    assert fidelity.markdown(fidelity.load()) in (REPOSITORY / "docs" / "local.md").read_text()
