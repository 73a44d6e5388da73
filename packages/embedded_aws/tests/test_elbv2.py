"""Load balancers stand in two zones, and neither a protected one nor a target group in use is deleted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws.clients import Aws
from embedded_testing import Deploy
from embedded_testing.refused import refused
from embedded_testing.stack import delete, reasons, wait

pytestmark = pytest.mark.emulator


def network(second_zone: str = "us-east-1b") -> dict[str, Any]:
    def subnet(number: int, zone: str) -> dict[str, Any]:
        properties = {"VpcId": {"Ref": "Vpc"}, "CidrBlock": f"10.3.{number}.0/24", "AvailabilityZone": zone}
        return {"Type": "AWS::EC2::Subnet", "Properties": properties}

    group = {"GroupDescription": "balancer", "VpcId": {"Ref": "Vpc"}}
    return {
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.3.0.0/16"}},
        "One": subnet(1, "us-east-1a"),
        "Two": subnet(2, second_zone),
        "Group": {"Type": "AWS::EC2::SecurityGroup", "Properties": group},
    }


def balancer(*subnets: str, protected: bool = False, kind: str = "application") -> dict[str, Any]:
    properties = {
        "Type": kind,
        "Subnets": [{"Ref": each} for each in subnets],
        "SecurityGroups": [{"Ref": "Group"}],
        "LoadBalancerAttributes": [{"Key": "deletion_protection.enabled", "Value": str(protected).lower()}],
    }
    return {"Balancer": {"Type": "AWS::ElasticLoadBalancingV2::LoadBalancer", "Properties": properties}}


SAME_ZONE = "A load balancer cannot be attached to multiple subnets in the same Availability Zone"
TOO_FEW = "At least two subnets in two different Availability Zones must be specified"


@pytest.mark.parametrize(
    ("zone", "subnets", "message"),
    [("us-east-1a", ("One", "Two"), SAME_ZONE), ("us-east-1b", ("One",), TOO_FEW)],
)
def test_a_balancer_in_one_zone_fails_its_stack(
    deploy: Deploy, aws: Aws, zone: str, subnets: tuple[str, ...], message: str
) -> None:
    failed = deploy({**network(zone), **balancer(*subnets)})
    assert failed.status == "ROLLBACK_COMPLETE"
    assert message in reasons(aws, failed.name)


def test_a_balancer_stays_in_two_zones(deploy: Deploy, aws: Aws) -> None:
    made = deploy({**network(), **balancer("One", "Two")})
    assert made.status == "CREATE_COMPLETE"
    failed = deploy({**network(), **balancer("One")})
    assert failed.status == "UPDATE_ROLLBACK_COMPLETE"
    assert TOO_FEW in reasons(aws, failed.name)
    assert deploy({**network(), **balancer("One", kind="network")}).status == "UPDATE_COMPLETE"


@pytest.fixture
def subnets(deploy: Deploy) -> list[str]:
    ids = deploy(network()).physical_ids
    return [ids["One"], ids["Two"]]


def test_the_api_refuses_the_same(aws: Aws, subnets: list[str]) -> None:
    elb = aws("elbv2")
    unknown = "subnet-0123456789abcdef0"
    expected = ("SubnetNotFound", f"The subnet ID '{unknown}' does not exist")
    assert refused(lambda: elb.create_load_balancer(Name="any", Subnets=[unknown, *subnets])) == expected
    assert refused(lambda: elb.create_load_balancer(Name="any", Subnets=subnets[:1])) == ("ValidationError", TOO_FEW)
    made = elb.create_load_balancer(Name="any", Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
    twice = [subnets[0], subnets[0]]
    expected = ("InvalidConfigurationRequest", SAME_ZONE)
    assert refused(lambda: elb.set_subnets(LoadBalancerArn=made, Subnets=twice)) == expected
    elb.delete_load_balancer(LoadBalancerArn=made)


@pytest.fixture
def target_group(aws: Aws) -> Iterator[str]:
    elb = aws("elbv2")
    made = elb.create_target_group(Name="targets", Protocol="HTTP", Port=80, TargetType="ip")["TargetGroups"][0]
    yield made["TargetGroupArn"]
    with suppress(elb.exceptions.TargetGroupNotFoundException):
        elb.delete_target_group(TargetGroupArn=made["TargetGroupArn"])


def test_a_target_group_in_use_is_kept(aws: Aws, subnets: list[str], target_group: str) -> None:
    elb = aws("elbv2")
    made = elb.create_load_balancer(Name="any", Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
    action = {"Type": "forward", "TargetGroupArn": target_group}
    listener = elb.create_listener(LoadBalancerArn=made, Protocol="HTTP", Port=80, DefaultActions=[action])
    expected = ("ResourceInUse", f"Target group '{target_group}' is currently in use by a listener or a rule")
    assert refused(lambda: elb.delete_target_group(TargetGroupArn=target_group)) == expected
    elb.delete_listener(ListenerArn=listener["Listeners"][0]["ListenerArn"])
    elb.delete_load_balancer(LoadBalancerArn=made)


def test_a_deleted_balancer_takes_its_listeners_along(aws: Aws, subnets: list[str], target_group: str) -> None:
    elb = aws("elbv2")
    made = elb.create_load_balancer(Name="any", Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
    action = {"Type": "forward", "TargetGroupArn": target_group}
    elb.create_listener(LoadBalancerArn=made, Protocol="HTTP", Port=80, DefaultActions=[action])
    elb.delete_load_balancer(LoadBalancerArn=made)
    assert elb.describe_rules()["Rules"] == elb.describe_listeners()["Listeners"] == []
    elb.delete_target_group(TargetGroupArn=target_group)


def test_a_protected_balancer_is_kept_with_what_it_needs(aws: Aws, deploy: Deploy) -> None:
    made = deploy({**network(), **balancer("One", "Two", protected=True)})
    arn, elb = made.physical_ids["Balancer"], aws("elbv2")
    message = f"Load balancer '{arn}' cannot be deleted because deletion protection is enabled"
    assert refused(lambda: elb.delete_load_balancer(LoadBalancerArn=arn)) == ("OperationNotPermitted", message)
    aws("cloudformation").delete_stack(StackName=made.name)
    assert wait(aws, made.name) == "DELETE_FAILED"
    said = reasons(aws, made.name)
    assert f"{message} (Service: ElasticLoadBalancingV2; Status Code: 400; Error Code: OperationNotPermitted)" in said
    assert f"The subnet '{made.physical_ids['One']}' has dependencies and cannot be deleted." in said
    assert f"resource {made.physical_ids['Group']} has a dependent object" in said
    off = [{"Key": "deletion_protection.enabled", "Value": "false"}]
    elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=off)
    delete(aws, made.name)
    with pytest.raises(ClientError):
        elb.describe_load_balancers(LoadBalancerArns=[arn])


def test_the_gateway_of_an_internet_facing_balancer_stays(aws: Aws, deploy: Deploy) -> None:
    attachment = {"VpcId": {"Ref": "Vpc"}, "InternetGatewayId": {"Ref": "Gateway"}}
    made = deploy(
        {
            **network(),
            "Gateway": {"Type": "AWS::EC2::InternetGateway"},
            "Attachment": {"Type": "AWS::EC2::VPCGatewayAttachment", "Properties": attachment},
        }
    )
    ids, elb = made.physical_ids, aws("elbv2")
    subnets = [ids["One"], ids["Two"]]
    inside = elb.create_load_balancer(Name="inside", Scheme="internal", Subnets=subnets)["LoadBalancers"][0]
    outside = elb.create_load_balancer(Name="outside", Subnets=subnets)["LoadBalancers"][0]
    gateway = {"InternetGatewayId": ids["Gateway"], "VpcId": ids["Vpc"]}
    code, message = refused(lambda: aws("ec2").detach_internet_gateway(**gateway))
    assert code == "DependencyViolation"
    assert message.startswith(f"Network {ids['Vpc']} has some mapped public address(es).")
    aws("cloudformation").delete_stack(StackName=made.name)
    assert wait(aws, made.name) == "DELETE_FAILED"
    assert message in reasons(aws, made.name)
    for each in (inside, outside):
        elb.delete_load_balancer(LoadBalancerArn=each["LoadBalancerArn"])


def record(zone: str, name: str) -> dict[str, Any]:
    target = {
        "DNSName": {"Fn::GetAtt": ["Balancer", "DNSName"]},
        "HostedZoneId": {"Fn::GetAtt": ["Balancer", "CanonicalHostedZoneID"]},
        "EvaluateTargetHealth": True,
    }
    properties = {"HostedZoneId": zone, "Name": name, "Type": "A", "AliasTarget": target}
    return {"Record": {"Type": "AWS::Route53::RecordSet", "Properties": properties}}


@pytest.fixture
def zone(aws: Aws) -> Iterator[str]:
    made = aws("route53").create_hosted_zone(Name="mycompany.com", CallerReference="elbv2")["HostedZone"]["Id"]
    yield made.rpartition("/")[2]
    aws("route53").delete_hosted_zone(Id=made)


def addresses(aws: Aws, zone: str) -> list[dict[str, Any]]:
    found = aws("route53").list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    return [each for each in found if each["Type"] == "A"]


def test_an_alias_leads_to_the_balancer_and_goes_with_its_stack(deploy: Deploy, aws: Aws, zone: str) -> None:
    template = {**network(), **balancer("One", "Two"), **record(zone, "pay.mycompany.com")}
    made = deploy(template)
    arn = made.physical_ids["Balancer"]
    host = aws("elbv2").describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"][0]["DNSName"]
    (alias,) = addresses(aws, zone)
    assert (alias["Name"], alias["AliasTarget"]["DNSName"]) == ("pay.mycompany.com.", f"{host}.")

    twice = deploy({**template, "Again": record(zone, "pay.mycompany.com")["Record"]})
    assert twice.status == "UPDATE_ROLLBACK_COMPLETE"
    assert "[name='pay.mycompany.com.', type='A'] but it already exists" in reasons(aws, twice.name)
    assert addresses(aws, zone) == [alias]
    delete(aws, made.name)
    assert addresses(aws, zone) == []


@pytest.mark.parametrize(
    ("name", "known", "message"),
    [
        (
            "pay.notmycompany.com",
            True,
            "RRSet with DNS name pay.notmycompany.com. is not permitted in zone mycompany.com.",
        ),
        ("pay.mycompany.com", False, "No hosted zone found with ID: Z0"),
    ],
)
def test_a_record_outside_of_its_zone_fails_its_stack(
    deploy: Deploy, aws: Aws, zone: str, name: str, known: bool, message: str
) -> None:
    failed = deploy({**network(), **balancer("One", "Two"), **record(zone if known else "Z0", name)})
    assert failed.status == "ROLLBACK_COMPLETE"
    assert message in reasons(aws, failed.name)
