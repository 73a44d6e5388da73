"""What a deployment changes, replaces and removes, from the templates of root and nested stacks."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from breakwater_guards.model.assembly import Assembly
from ops.check.changes import Action, Change
from ops.check.schemas import create_only
from ops.check.templates import of_templates
from ops.preflight.account import Account, Ask
from ops.preflight.check import Status
from ops.preflight.deployed import TEMPLATE_CALLS, deployed_templates
from tests.ops.preflight.cases import Session, plan
from tests.ops.preflight.cases_stack import Documents, deployed

TABLE, BUCKET, VPC, STACK = (
    "AWS::DynamoDB::GlobalTable", "AWS::S3::Bucket", "AWS::EC2::VPC", "AWS::CloudFormation::Stack",
)  # fmt: skip
Found = dict[str, Change]


def _of(change: Callable[[Documents], None]) -> Found:
    """Return the changes between what was deployed, other than dev by a change, and dev, by path."""
    planned = plan("dev").assembly
    ask = Ask(Account("us-east-1", Session(deployed(change))), TEMPLATE_CALLS)
    before = deployed_templates(ask, "Breakwater-dev", planned.roots[0])
    assert before is not None
    return {each.where.removeprefix("Breakwater-dev/"): each for each in of_templates(before, planned)}


def _bodies(documents: Documents, kind: str) -> Iterator[tuple[dict[str, Any], str]]:
    for document in documents.values():
        for name, body in list(document["Resources"].items()):
            if body["Type"] == kind:
                yield document["Resources"], name


def _set(kind: str, **properties: Any) -> Callable[[Documents], None]:
    def change(documents: Documents) -> None:
        for resources, name in _bodies(documents, kind):
            resources[name]["Properties"].update(properties)

    return change


def _rename(documents: Documents) -> None:
    """Give the table another logical id; its construct path stays, so that both are under the same one."""
    for resources, name in _bodies(documents, TABLE):
        resources[f"Old{name}"] = resources.pop(name)


def test_the_same_templates_change_nothing() -> None:
    assert _of(lambda _: None) == {}


def test_another_key_schema_loses_the_table_and_what_refers_to_it_follows() -> None:
    found = _of(_set(TABLE, KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}]))
    table = found["Storage/Table/Resource"]
    assert (table.action, table.status, table.old) == (Action.REPLACE, Status.FAIL, "deleted")
    assert table.why.startswith('KeySchema is [{"AttributeName": "id", "KeyType": "HASH"}], planned is [{')
    # It has a name of its own, which the new table cannot have as long as the old one is there.
    assert str(table).endswith("; CloudFormation refuses it, since TableName stays the same")
    renamed = _of(_set(TABLE, KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}], TableName="old"))
    assert str(renamed["Storage/Table/Resource"]).endswith("; the old one would be deleted")
    assert renamed["Storage/Table/Resource"].status is Status.FAIL
    follower = found["Backup/Plan/Selection/Resource"]
    assert (follower.action, follower.status) == (Action.MAY_REPLACE, Status.WARN)
    assert follower.why.endswith("which is replaced")


def test_another_logical_id_loses_what_the_resource_holds_and_says_how_to_keep_it() -> None:
    planned = plan("dev").assembly
    documents = copy.deepcopy({key: each.document for key, each in planned.templates.items()})
    _rename(documents)
    both = of_templates(Assembly(documents, {planned.roots[0].key: ("us-east-1", None)}), planned)
    (gone,) = [each for each in both if each.action is Action.REPLACE and each.type == TABLE]
    assert (gone.type, gone.status, gone.old) == (TABLE, Status.FAIL, "deleted")
    assert "is the same under another logical id than OldTable" in gone.why
    (new,) = [each for each in both if each.action is Action.ADD]
    assert (new.type, new.status, new.same_name) == (TABLE, Status.FAIL, "TableName")
    assert both[0] is gone


def test_a_network_that_is_replaced_takes_its_subnets_along() -> None:
    found = _of(_set(VPC, CidrBlock="10.99.0.0/16"))
    subnets = [each for each in found.values() if each.type == "AWS::EC2::Subnet"]
    assert len(subnets) == 4
    assert {each.status for each in subnets} == {Status.FAIL}
    assert found["Network/Vpc/Resource"].why == "CidrBlock is 10.99.0.0/16, planned is 10.20.0.0/16"
    routes = [each for each in found.values() if each.type == "AWS::EC2::Route"]
    assert {(each.action, each.status, each.old) for each in routes} == {(Action.REPLACE, Status.WARN, "")}


def test_a_nested_stack_that_goes_is_one_line_and_one_for_each_that_holds_data() -> None:
    def older(documents: Documents) -> None:
        ((resources, name),) = [each for each in _bodies(documents, STACK) if "Storage" in each[1]]
        extra = copy.deepcopy(resources[name])
        extra["Metadata"]["aws:asset:path"] = "Old.nested.template.json"
        resources["Old"] = extra
        bodies = {
            "Data": {"Type": BUCKET, "DeletionPolicy": "Delete"},
            "Kept": {"Type": BUCKET, "DeletionPolicy": "RetainExceptOnCreate"},
            "Cluster": {"Type": "AWS::RDS::DBCluster"},
            "Reader": {"Type": "AWS::RDS::DBInstance", "Properties": {"DBClusterIdentifier": "c"}},
        }
        documents["Old.nested.template.json"] = {"Resources": bodies}

    found = _of(older)
    assert {(where, each.action, each.status, each.old) for where, each in found.items()} == {
        ("Storage", Action.REMOVE, Status.FAIL, "deleted"),
        ("Data", Action.REMOVE, Status.FAIL, "deleted"),
        ("Kept", Action.REMOVE, Status.WARN, "kept"),
        ("Cluster", Action.REMOVE, Status.WARN, "snapshot"),
    }
    assert found["Storage"].why == "with its 4 resources"


@pytest.mark.parametrize(("policy", "old", "status"), [("Retain", "kept", "warn"), ("Delete", "deleted", "fail")])
def test_a_nested_stack_that_is_kept_keeps_what_is_in_it(policy: str, old: str, status: str) -> None:
    root = {"Resources": {"Child": {
        "Type": STACK, "DeletionPolicy": policy, "Metadata": {"aws:asset:path": "child.json"}, "Properties": {},
    }}}  # fmt: skip
    child = {"Resources": {"Data": {"Type": BUCKET, "DeletionPolicy": "Delete"}}}
    found = of_templates(Assembly({"root.json": root, "child.json": child}), Assembly({"root.json": {"Resources": {}}}))
    assert {(each.old, str(each.status)) for each in found} == {(old, status)}


def changed_alone(kind: str, before: dict[str, Any], after: dict[str, Any]) -> list[Change]:
    """Return the changes of a template in which one resource has another body."""

    def made(body: dict[str, Any]) -> Assembly:
        resources = {"One": {"Type": kind, **body}, "Other": {"Type": "AWS::SNS::Topic"}}
        return Assembly({"root.json": {"Resources": resources}})

    return of_templates(made(before), made(after))


def _properties(**given: Any) -> dict[str, Any]:
    return {"Properties": given}


def test_a_change_in_place_names_its_properties() -> None:
    (found,) = changed_alone(BUCKET, _properties(Tags=[]), _properties(Tags=[{}], ObjectLockEnabled=True))
    assert (found.action, found.status, str(found)) == (
        Action.CHANGE, Status.PASS, f"change One ({BUCKET}): ObjectLockEnabled, Tags"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "name", "status"),
    [
        (BUCKET, "BucketName", Status.FAIL),
        ("AWS::RDS::DBCluster", "SnapshotIdentifier", Status.FAIL),
        ("AWS::IAM::InstanceProfile", "InstanceProfileName", Status.WARN),
    ],
)
def test_a_property_that_appears_or_goes_replaces_what_holds_data(kind: str, name: str, status: Status) -> None:
    action = Action.REPLACE if status is Status.FAIL else Action.MAY_REPLACE
    given = {name: "a"}
    (gone,) = changed_alone(kind, _properties(**given), {})
    (new,) = changed_alone(kind, {}, _properties(**given))
    assert {(each.action, each.status) for each in (gone, new)} == {(action, status)}
    assert [gone.why, new.why] == [f"{name} is a, planned is not given", f"{name} is not given, planned is a"]


@pytest.mark.parametrize(
    ("before", "after", "old"),
    [("Retain", "Retain", "kept"), ("Retain", "Delete", "deleted"), ("Delete", "Retain", "deleted")],
)
def test_data_survives_a_replacement_if_both_templates_keep_it(before: str, after: str, old: str) -> None:
    """Either way the new bucket is empty: the deployment is stopped."""
    bodies = [
        {"UpdateReplacePolicy": policy, **_properties(BucketName=name)}
        for policy, name in ((before, "a"), (after, "b"))
    ]
    (found,) = changed_alone(BUCKET, *bodies)
    assert (found.action, found.old, found.status) == (Action.REPLACE, old, Status.FAIL)


def test_a_name_of_its_own_is_refused_even_where_nothing_is_lost() -> None:
    role = {"RoleName": "a", "AssumeRolePolicyDocument": {}}
    (found,) = changed_alone("AWS::IAM::Role", _properties(**role, Path="/a/"), _properties(**role, Path="/b/"))
    assert (found.action, found.status, found.same_name) == (Action.REPLACE, Status.FAIL, "RoleName")
    (found,) = changed_alone("AWS::IAM::Role", _properties(Path="/a/"), _properties(Path="/b/"))
    assert (found.action, found.status, found.same_name) == (Action.REPLACE, Status.WARN, "")


def test_a_new_revision_is_no_loss() -> None:
    (found,) = changed_alone("AWS::ECS::TaskDefinition", _properties(Cpu="256"), _properties(Cpu="512"))
    assert (found.action, found.status) == (Action.REPLACE, Status.PASS)


def test_a_large_value_is_told_by_the_member_that_differs() -> None:
    before, after = ({"SelectionName": "s", "Resources": ["a", {"b": last}]} for last in ("x", "y" * 200))
    (found,) = changed_alone(
        "AWS::Backup::BackupSelection", _properties(BackupSelection=before), _properties(BackupSelection=after)
    )
    assert found.why == f"BackupSelection.Resources.1.b is x, planned is {'y' * 100}…"


def test_a_member_that_is_not_there_any_more_is_told() -> None:
    before, after = ({"SelectionName": "s", name: 1} for name in ("A", "B"))
    (found,) = changed_alone(
        "AWS::Backup::BackupSelection", _properties(BackupSelection=before), _properties(BackupSelection=after)
    )
    assert found.why == "BackupSelection.A is 1, planned is not given"


def test_values_that_differ_in_several_members_are_told_whole() -> None:
    before, after = ({"SelectionName": name, "IamRoleArn": name} for name in ("a", "b"))
    (found,) = changed_alone(
        "AWS::Backup::BackupSelection", _properties(BackupSelection=before), _properties(BackupSelection=after)
    )
    assert found.why.startswith('BackupSelection is {"SelectionName": "a", ')


def test_values_that_only_a_deployment_knows_are_told_in_words() -> None:
    """A value that joins what the templates do not determine once made the report of it recurse for ever."""
    zone = {"Fn::Select": [0, {"Fn::GetAZs": ""}]}
    arn = {"Fn::Join": ["", ["arn:aws:sns:", {"Ref": "AWS::Region"}, ":a"]]}
    (found,) = changed_alone(
        "AWS::EC2::Subnet", _properties(AvailabilityZone=zone), _properties(AvailabilityZone="eu-west-1a")
    )
    assert found.why == "AvailabilityZone is decided by AWS, planned is eu-west-1a"
    (found,) = changed_alone("AWS::Lambda::Permission", _properties(SourceArn=arn), _properties(SourceArn="b"))
    assert found.why == "SourceArn is arn:aws:sns:*:a, planned is b"


def test_what_is_replaced_upon_comes_from_the_schemas() -> None:
    assert create_only("AWS::ECS::Service") == (
        ("Cluster", "Role", "SchedulingStrategy", "ServiceName"),
        ("LaunchType",),
    )
    # Its condition has been read: any change of the key schema replaces the table.
    assert "KeySchema" in create_only(TABLE)[0]
    assert create_only("Custom::Thing") == (("ServiceToken",), ())
    assert create_only("My::Own::Thing") == ((), ())
