"""EC2 refuses ranges that are not free and deletions of what others depend on, by its API and in a stack."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws.clients import Aws
from embedded_testing import Deploy
from embedded_testing.refused import refused
from embedded_testing.stack import delete, reasons, wait

pytestmark = pytest.mark.emulator
VPC = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.1.0.0/16"}}


@pytest.fixture
def vpc(aws: Aws) -> Iterator[str]:
    """Return a VPC; delete it, and its subnets, in the end."""
    ec2 = aws("ec2")
    made = str(ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"])
    yield made
    inside = [{"Name": "vpc-id", "Values": [made]}]
    for subnet in ec2.describe_subnets(Filters=inside)["Subnets"]:
        ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    for group in ec2.describe_security_groups(Filters=inside)["SecurityGroups"]:
        if group["GroupName"] != "default":
            ec2.delete_security_group(GroupId=group["GroupId"])
    ec2.delete_vpc(VpcId=made)


def subnet(aws: Aws, vpc: str, cidr: str, zone: str = "us-east-1a") -> str:
    made = aws("ec2").create_subnet(VpcId=vpc, CidrBlock=cidr, AvailabilityZone=zone)
    return str(made["Subnet"]["SubnetId"])


RANGES = [
    ("10.1.0.0/24", "InvalidSubnet.Conflict", "The CIDR '10.1.0.0/24' conflicts with another subnet"),
    ("10.1.0.128/25", "InvalidSubnet.Conflict", "The CIDR '10.1.0.128/25' conflicts with another subnet"),
    ("10.2.0.0/24", "InvalidSubnet.Range", "The CIDR '10.2.0.0/24' is invalid."),
    ("10.1.1.0/29", "InvalidSubnet.Range", "The CIDR '10.1.1.0/29' is invalid."),
    (
        "10.1.1.0",
        "InvalidSubnet.Range",
        "The CIDR '10.1.1.0' is invalid.",
    ),
    (
        "10.1.1/24",
        "InvalidParameterValue",
        "Value (10.1.1/24) for parameter cidrBlock is invalid. This is not a valid CIDR block.",
    ),
]


@pytest.mark.parametrize(("cidr", "code", "message"), RANGES)
def test_a_subnet_has_a_free_range_of_its_vpc(
    aws: Aws, deploy: Deploy, vpc: str, cidr: str, code: str, message: str
) -> None:
    subnet(aws, vpc, "10.1.0.0/24")
    assert refused(lambda: subnet(aws, vpc, cidr)) == (code, message)
    properties = {"VpcId": vpc, "CidrBlock": cidr}
    failed = deploy({"Subnet": {"Type": "AWS::EC2::Subnet", "Properties": properties}})
    assert failed.status == "ROLLBACK_COMPLETE"
    assert f"{message} (Service: AmazonEC2; Status Code: 400; Error Code: {code})" in reasons(aws, failed.name)


def test_a_subnet_beside_another_is_made_and_moved(aws: Aws, deploy: Deploy, vpc: str) -> None:
    def template(cidr: str, *, public: bool = False) -> dict[str, Any]:
        properties = {"VpcId": vpc, "CidrBlock": cidr, "MapPublicIpOnLaunch": public}
        return {"Subnet": {"Type": "AWS::EC2::Subnet", "Properties": properties}}

    subnet(aws, vpc, "10.1.0.0/24")
    subnet(aws, vpc, "10.1.9.7/24")  # EC2 clears the bits of the host part
    first = deploy(template("10.1.1.0/24"))
    changed = deploy(template("10.1.1.0/24", public=True))
    assert (changed.status, changed.physical_ids) == ("UPDATE_COMPLETE", first.physical_ids)
    moved = deploy(template("10.1.2.0/24"))
    assert moved.status == "UPDATE_COMPLETE"
    assert moved.physical_ids != first.physical_ids
    assert deploy(template("10.1.0.0/25")).status == "UPDATE_ROLLBACK_COMPLETE"


@pytest.mark.parametrize("cidr", ["10.0.0.0/8", "10.0.0.0/29"])
def test_a_vpc_has_an_allowed_size(aws: Aws, deploy: Deploy, cidr: str) -> None:
    expected = ("InvalidVpc.Range", f"The CIDR '{cidr}' is invalid.")
    assert refused(lambda: aws("ec2").create_vpc(CidrBlock=cidr)) == expected
    assert deploy({"Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": cidr}}}).status == "ROLLBACK_COMPLETE"


def test_a_subnet_is_in_a_vpc_and_a_zone_that_exist(aws: Aws, vpc: str) -> None:
    none = "vpc-0123456789abcdef0"
    expected = ("InvalidVpcID.NotFound", f"The vpc ID '{none}' does not exist")
    assert refused(lambda: subnet(aws, none, "10.1.0.0/24")) == expected
    code, message = refused(lambda: subnet(aws, vpc, "10.1.0.0/24", "us-east-1z"))
    assert code == "InvalidParameterValue"
    assert message.startswith("Value (us-east-1z) for parameter availabilityZone is invalid. Subnets can currently")


def test_a_subnet_with_an_interface_is_kept(aws: Aws, vpc: str) -> None:
    ec2, first = aws("ec2"), subnet(aws, vpc, "10.1.0.0/24")
    service = "com.amazonaws.us-east-1.kms"
    made = ec2.create_vpc_endpoint(VpcId=vpc, ServiceName=service, VpcEndpointType="Interface", SubnetIds=[first])
    expected = ("DependencyViolation", f"The subnet '{first}' has dependencies and cannot be deleted.")
    assert refused(lambda: ec2.delete_subnet(SubnetId=first)) == expected
    ec2.delete_vpc_endpoints(VpcEndpointIds=[made["VpcEndpoint"]["VpcEndpointId"]])
    address = ec2.create_nat_gateway(SubnetId=first, ConnectivityType="private")["NatGateway"]["NatGatewayId"]
    assert refused(lambda: ec2.delete_subnet(SubnetId=first)) == expected
    ec2.delete_nat_gateway(NatGatewayId=address)
    ec2.delete_subnet(SubnetId=first)


def test_a_security_group_that_is_used_is_kept(aws: Aws, vpc: str) -> None:
    ec2 = aws("ec2")
    used, user = (
        ec2.create_security_group(VpcId=vpc, GroupName=name, Description=name)["GroupId"] for name in ("used", "user")
    )
    rule = [{"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "UserIdGroupPairs": [{"GroupId": used}]}]
    ec2.authorize_security_group_ingress(GroupId=used, IpPermissions=rule)  # its own rule holds nobody
    ec2.authorize_security_group_egress(GroupId=user, IpPermissions=rule)
    expected = ("DependencyViolation", f"resource {used} has a dependent object")
    assert refused(lambda: ec2.delete_security_group(GroupId=used)) == expected
    ec2.revoke_security_group_egress(GroupId=user, IpPermissions=rule)
    ec2.delete_security_group(GroupId=used)


def attach(aws: Aws, vpc: str) -> tuple[str, Callable[[], None]]:
    ec2 = aws("ec2")
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)

    def detach() -> None:
        ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)

    return gateway, detach


def test_gateways_and_route_tables_that_are_used_are_kept(aws: Aws, vpc: str) -> None:
    ec2 = aws("ec2")
    gateway, detach = attach(aws, vpc)
    expected = ("DependencyViolation", f"The internetGateway '{gateway}' has dependencies and cannot be deleted.")
    assert refused(lambda: ec2.delete_internet_gateway(InternetGatewayId=gateway)) == expected
    kept = ("DependencyViolation", f"The vpc '{vpc}' has dependencies and cannot be deleted.")
    assert refused(lambda: ec2.delete_vpc(VpcId=vpc)) == kept
    detach()
    ec2.delete_internet_gateway(InternetGatewayId=gateway)

    routes = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    assert refused(lambda: ec2.delete_vpc(VpcId=vpc)) == kept
    first = subnet(aws, vpc, "10.1.0.0/24")
    association = ec2.associate_route_table(RouteTableId=routes, SubnetId=first)["AssociationId"]
    expected = ("DependencyViolation", f"The routeTable '{routes}' has dependencies and cannot be deleted.")
    assert refused(lambda: ec2.delete_route_table(RouteTableId=routes)) == expected
    ec2.disassociate_route_table(AssociationId=association)
    ec2.delete_route_table(RouteTableId=routes)


def test_a_stack_whose_vpc_others_use_is_deleted_when_they_are_gone(aws: Aws, deploy: Deploy) -> None:
    made = deploy({"Vpc": VPC, "Other": {"Type": "AWS::SNS::Topic"}})
    vpc = made.physical_ids["Vpc"]
    foreign = subnet(aws, vpc, "10.1.0.0/24")
    aws("cloudformation").delete_stack(StackName=made.name)
    assert wait(aws, made.name) == "DELETE_FAILED"
    details = "Service: AmazonEC2; Status Code: 400; Error Code: DependencyViolation"
    assert f"The vpc '{vpc}' has dependencies and cannot be deleted. ({details})" in reasons(aws, made.name)
    with pytest.raises(ClientError):
        aws("sns").get_topic_attributes(TopicArn=made.physical_ids["Other"])
    aws("ec2").delete_subnet(SubnetId=foreign)
    delete(aws, made.name)
