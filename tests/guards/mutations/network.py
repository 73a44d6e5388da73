"""Seeded defects of VPCs and subnets."""

from __future__ import annotations

from tests.guards.mutations import MutableApp, mutation

VPC, SUBNET = "AWS::EC2::VPC", "AWS::EC2::Subnet"


@mutation("DR-NET-01")
def zone_that_cdk_made_up(app: MutableApp) -> None:
    app.properties(SUBNET, "VpcIsolatedSubnet2")["AvailabilityZone"] = "dummy1b"


@mutation("DR-NET-02")
def peer_with_the_same_range(app: MutableApp) -> None:
    vpc = next(iter(app.resources(VPC)))
    app.add(VPC, "PeerVpc", {"Type": VPC, "Properties": {"CidrBlock": "10.20.128.0/17"}})
    peers = {"VpcId": {"Ref": vpc}, "PeerVpcId": {"Ref": "PeerVpc"}}
    app.add(VPC, "Peering", {"Type": "AWS::EC2::VPCPeeringConnection", "Properties": peers})


@mutation("DR-NET-03")
def vpc_without_host_names(app: MutableApp) -> None:
    app.properties(VPC)["EnableDnsHostnames"] = False
