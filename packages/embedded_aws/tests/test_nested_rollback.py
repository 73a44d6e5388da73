"""Nested stacks go back as a stack of its own does, and the parent learns of what could not be deleted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from test_nested import child, parent

from embedded_aws.clients import Aws
from embedded_testing import Deploy
from embedded_testing.inventory import inventory
from embedded_testing.stack import delete, events, exists, reasons, update, upload, wait

pytestmark = pytest.mark.emulator
_BROKEN = {
    "Type": "AWS::EC2::SecurityGroupIngress",
    "Properties": {"GroupId": "sg-0123456789abcdef0", "IpProtocol": "-1", "CidrIp": "10.0.0.0/8"},
}
_TARGET = {
    "ServiceNamespace": "ecs",
    "ResourceId": "service/any/any",
    "ScalableDimension": "ecs:service:DesiredCount",
}
_AFTER_CHILD = {**_BROKEN, "DependsOn": "Child"}


def table(name: str, **attributes: Any) -> dict[str, Any]:
    properties = {
        "TableName": name,
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
        "Replicas": [{"Region": "us-east-1"}],
    }
    return {"Type": "AWS::DynamoDB::GlobalTable", "Properties": properties, **attributes}


def vpc_with(cidr: str) -> dict[str, Any]:
    return {
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
        "Subnet": {"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": {"Ref": "Vpc"}, "CidrBlock": cidr}},
    }


@pytest.fixture
def clean(aws: Aws) -> Iterator[None]:
    """Expect nothing to be left behind."""
    before = inventory(aws)
    yield
    assert inventory(aws) - before <= {"bucket templates"}


def test_what_a_nested_update_removed_is_still_there_when_its_parent_goes_back(aws: Aws, deploy: Deploy) -> None:
    deploy(parent(upload(aws, child("one", Table=table("kept")), key="first")))
    aws("dynamodb").put_item(TableName="kept", Item={"id": {"S": "1"}})
    known = inventory(aws)
    added = child("two", Topic={"Type": "AWS::SNS::Topic"})
    failed = deploy(parent(upload(aws, added, key="second"), Broken=_AFTER_CHILD))
    assert failed.status == "UPDATE_ROLLBACK_COMPLETE"
    assert inventory(aws) == known
    assert aws("dynamodb").get_item(TableName="kept", Key={"id": {"S": "1"}})["Item"] == {"id": {"S": "1"}}
    nested = aws("cloudformation").describe_stacks(StackName=failed.physical_ids["Child"])["Stacks"][0]
    assert nested["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"


def test_a_nested_update_deletes_when_its_parent_has_updated_everything(aws: Aws, deploy: Deploy) -> None:
    first = deploy(parent(upload(aws, child("one", Table=table("dropped")), key="first")))
    after = deploy(parent(upload(aws, child("two"), key="second")))
    assert after.status == "UPDATE_COMPLETE"
    assert "dropped" not in aws("dynamodb").list_tables()["TableNames"]
    events = aws("cloudformation").describe_stack_events(StackName=after.name)["StackEvents"]
    assert "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS" in {event["ResourceStatus"] for event in events}
    of_child = aws("cloudformation").describe_stack_events(StackName=first.physical_ids["Child"])["StackEvents"]
    assert ("Table", "DELETE_COMPLETE") in {(each["LogicalResourceId"], each["ResourceStatus"]) for each in of_child}


def test_a_deletion_that_is_refused_in_the_cleanup_fails_nothing(aws: Aws, deploy: Deploy) -> None:
    group = {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupDescription": "used"}}
    made = deploy(parent(upload(aws, child("one", Used=group), key="first")))
    groups = aws("ec2").describe_security_groups(Filters=[{"Name": "description", "Values": ["used", "one"]}])
    ids = {each["Description"]: each["GroupId"] for each in groups["SecurityGroups"]}
    peer = [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": ids["used"]}]}]
    aws("ec2").authorize_security_group_ingress(GroupId=ids["one"], IpPermissions=peer)
    assert deploy(parent(upload(aws, child("one"), key="second"))).status == "UPDATE_COMPLETE"
    assert "has a dependent object" in reasons(aws, made.physical_ids["Child"])
    aws("ec2").revoke_security_group_ingress(GroupId=ids["one"], IpPermissions=peer)
    aws("ec2").delete_security_group(GroupId=ids["used"])


def test_a_nested_stack_goes_back_by_itself_when_its_own_update_fails(aws: Aws, deploy: Deploy) -> None:
    before = deploy(parent(upload(aws, child("one", **vpc_with("10.0.1.0/24")), key="first")))
    known = inventory(aws)
    failed = deploy(parent(upload(aws, child("one", **vpc_with("10.1.1.0/24")), key="second")))
    assert (failed.status, failed.outputs) == ("UPDATE_ROLLBACK_COMPLETE", before.outputs)
    assert inventory(aws) == known
    assert "The CIDR '10.1.1.0/24' is invalid." in reasons(aws, failed.name)
    assert "The following resource(s) failed to update: [Subnet]." in reasons(aws, failed.name)


def test_what_an_update_creates_is_told_as_created(aws: Aws, deploy: Deploy) -> None:
    made = deploy(parent(upload(aws, child("one"), key="first")))
    second = upload(aws, child("two", Topic={"Type": "AWS::SNS::Topic"}), key="second")
    assert deploy(parent(second)).status == "UPDATE_COMPLETE"
    nested = made.physical_ids["Child"]
    assert events(aws, nested, "Topic") == ["CREATE_IN_PROGRESS", "CREATE_COMPLETE"]
    assert events(aws, nested, "Group")[2:4] == ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"]
    kept = aws("cloudformation").describe_stack_resources(StackName=nested)["StackResources"]
    statuses = {each["LogicalResourceId"]: each["ResourceStatus"] for each in kept}
    assert (statuses["Topic"], statuses["Group"]) == ("CREATE_COMPLETE", "UPDATE_COMPLETE")

    failed = deploy(parent(upload(aws, child("two", Bad=_BROKEN), key="third")))
    assert failed.status == "UPDATE_ROLLBACK_COMPLETE"
    assert events(aws, nested, "Bad") == ["CREATE_IN_PROGRESS", "CREATE_FAILED"]
    assert "with reason: The following resource(s) failed to create: [Bad]." in reasons(aws, failed.name)
    # The next update of the same resource is a creation again, and after it an update.
    assert deploy(parent(upload(aws, child("two", Bad=_BROKEN), key="third"))).status == "UPDATE_ROLLBACK_COMPLETE"
    assert events(aws, nested, "Bad")[2:] == ["CREATE_IN_PROGRESS", "CREATE_FAILED"]


def test_a_stack_that_was_left_as_it_failed_goes_back_on_demand(aws: Aws, deploy: Deploy) -> None:
    made = deploy(parent(upload(aws, child("one"), key="first")))
    known = inventory(aws)
    second = upload(aws, child("two", Topic={"Type": "AWS::SNS::Topic"}), key="second")
    assert update(aws, made.name, parent(second, Broken=_AFTER_CHILD), DisableRollback=True) == "UPDATE_FAILED"
    assert inventory(aws) > known
    aws("cloudformation").rollback_stack(StackName=made.name)
    assert wait(aws, made.name) == "UPDATE_ROLLBACK_COMPLETE"
    assert inventory(aws) == known


def policy(target: int) -> dict[str, Any]:
    configuration = {
        "TargetValue": target,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
    }
    properties = {
        "PolicyName": "cpu",
        "PolicyType": "TargetTrackingScaling",
        **_TARGET,
        "TargetTrackingScalingPolicyConfiguration": configuration,
    }
    return {"Type": "AWS::ApplicationAutoScaling::ScalingPolicy", "Properties": properties}


def test_a_failed_rollback_is_continued_in_the_nested_stack_too(aws: Aws, deploy: Deploy) -> None:
    scaling, cloudformation = aws("application-autoscaling"), aws("cloudformation")
    scaling.register_scalable_target(**_TARGET, MinCapacity=1, MaxCapacity=2)
    made = deploy(parent(upload(aws, child("one", Policy=policy(50)), key="first")))
    second = upload(aws, child("one", Policy=policy(60)), key="second")
    assert update(aws, made.name, parent(second, Broken=_AFTER_CHILD), DisableRollback=True) == "UPDATE_FAILED"
    scaling.deregister_scalable_target(**_TARGET)
    cloudformation.rollback_stack(StackName=made.name)
    assert wait(aws, made.name) == "UPDATE_ROLLBACK_FAILED"
    assert "was not successfully rolled back" in reasons(aws, made.name)
    scaling.register_scalable_target(**_TARGET, MinCapacity=1, MaxCapacity=2)
    cloudformation.continue_update_rollback(StackName=made.name)
    assert wait(aws, made.name) == "UPDATE_ROLLBACK_COMPLETE"
    found = scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"][0]
    assert found["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] == 50
    scaling.deregister_scalable_target(**_TARGET)


def test_a_deletion_that_is_refused_does_not_keep_what_its_resource_needed(aws: Aws, deploy: Deploy) -> None:
    """AWS tries all: the VPC after its subnet has failed, https://github.com/cloudfoundry/bosh-bootloader/issues/52."""
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "needed"}}
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "in-use"}, "DependsOn": "Topic"}
    made = deploy({"Resources": {"Topic": topic, "Bucket": bucket}})
    aws("s3").put_object(Bucket="in-use", Key="one", Body=b"1")
    aws("cloudformation").delete_stack(StackName=made.name)
    assert wait(aws, made.name) == "DELETE_FAILED"
    assert "The following resource(s) failed to delete: [Bucket]." in reasons(aws, made.name)
    assert events(aws, made.name, "Topic")[2:] == ["DELETE_IN_PROGRESS", "DELETE_COMPLETE"]
    assert made.physical_ids["Topic"] not in {each["TopicArn"] for each in aws("sns").list_topics()["Topics"]}
    aws("s3").delete_object(Bucket="in-use", Key="one")
    delete(aws, made.name)
    assert not exists(aws, made.name)


@pytest.mark.usefixtures("clean")
def test_a_deletion_that_is_refused_in_a_nested_stack_fails_its_parent(aws: Aws, deploy: Deploy) -> None:
    made = deploy(parent(upload(aws, child("one", **vpc_with("10.0.1.0/24")), key="first")))
    vpc = next(each["VpcId"] for each in aws("ec2").describe_vpcs()["Vpcs"] if each["CidrBlock"] == "10.0.0.0/16")
    subnet = aws("ec2").create_subnet(VpcId=vpc, CidrBlock="10.0.9.0/24")["Subnet"]["SubnetId"]
    aws("cloudformation").delete_stack(StackName=made.name)
    assert wait(aws, made.name) == "DELETE_FAILED"
    assert f"The vpc '{vpc}' has dependencies and cannot be deleted." in reasons(aws, made.name)
    assert "The following resource(s) failed to delete: [Vpc]." in reasons(aws, made.name)
    aws("ec2").delete_subnet(SubnetId=subnet)
    delete(aws, made.name)
    assert not exists(aws, made.name)


def test_a_nested_resource_that_is_retained_outlives_its_stack(aws: Aws, deploy: Deploy) -> None:
    made = deploy(parent(upload(aws, child("one", Table=table("retained", DeletionPolicy="Retain")), key="first")))
    delete(aws, made.name)
    assert "retained" in aws("dynamodb").list_tables()["TableNames"]
    aws("dynamodb").delete_table(TableName="retained")


def test_a_template_that_is_not_there_is_said(aws: Aws, deploy: Deploy, stack_name: str) -> None:
    upload(aws, child("one"), key="first")
    missing = "https://s3.us-east-1.amazonaws.com/templates/missing"
    assert deploy(parent(missing)).status == "ROLLBACK_COMPLETE"
    assert f"S3 error: the template at {missing} cannot be read" in reasons(aws, stack_name)


def test_a_nested_stack_that_is_gone_cannot_be_updated(aws: Aws, deploy: Deploy) -> None:
    made = deploy(parent(upload(aws, child("one"), key="first")))
    delete(aws, made.physical_ids["Child"])
    failed = deploy(parent(upload(aws, child("two"), key="second")))
    assert failed.status == "UPDATE_ROLLBACK_FAILED"
    assert "is in DELETE_COMPLETE state and can not be updated." in reasons(aws, failed.name)
    aws("cloudformation").continue_update_rollback(StackName=made.name, ResourcesToSkip=["Child"])
    assert wait(aws, made.name) == "UPDATE_ROLLBACK_COMPLETE"
