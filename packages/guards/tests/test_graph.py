"""The network as a graph: where a subnet leads, which endpoints it reaches, what security groups let through."""

from __future__ import annotations

from typing import Any

import pytest

from breakwater_guards.aws.endpoints import endpoints_of
from breakwater_guards.aws.network import Exit, network_of
from breakwater_guards.aws.security_groups import ANYWHERE, NetworkPeer, security_groups_of
from breakwater_guards.model.answer import Answer
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.values import Reference

VPC = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}}
GATEWAY = {"Type": "AWS::EC2::InternetGateway"}
ANY = "0.0.0.0/0"


def _subnet(cidr: str = "10.0.1.0/24") -> dict[str, Any]:
    return {"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": {"Ref": "Vpc"}, "CidrBlock": cidr}}


def _routed(name: str, **route: Any) -> dict[str, Any]:
    """Return a subnet with its route table and, unless empty, one route."""
    table = {"Ref": f"{name}Table"}
    association = {"SubnetId": {"Ref": name}, "RouteTableId": table}
    resources: dict[str, Any] = {
        name: _subnet(),
        f"{name}Table": {"Type": "AWS::EC2::RouteTable", "Properties": {"VpcId": {"Ref": "Vpc"}}},
        f"{name}Association": {"Type": "AWS::EC2::SubnetRouteTableAssociation", "Properties": association},
    }
    if route:
        resources[f"{name}Route"] = {"Type": "AWS::EC2::Route", "Properties": {"RouteTableId": table, **route}}
    return resources


def _app(**resources: Any) -> Assembly:
    return Assembly.from_document({"Resources": {"Vpc": VPC, **resources}})


def _at(app: Assembly, name: str) -> Any:
    return app.templates["template"].resources[name]


def _exit(**resources: Any) -> Exit:
    app = _app(**resources)
    return network_of(app).exit_of(_at(app, "A"))


class TestExit:
    """Where the default route of a subnet leads."""

    @pytest.mark.parametrize(
        ("route", "expected"),
        [
            ({}, Exit.NONE),
            ({"DestinationCidrBlock": ANY, "GatewayId": {"Ref": "Gateway"}}, Exit.INTERNET_GATEWAY),
            ({"DestinationCidrBlock": ANY, "NatGatewayId": "nat-1"}, Exit.NAT),
            ({"DestinationCidrBlock": ANY, "TransitGatewayId": "tgw-1"}, Exit.UNKNOWN),
            ({"DestinationCidrBlock": ANY, "VpcEndpointId": "vpce-1"}, Exit.UNKNOWN),
            ({"DestinationCidrBlock": ANY, "GatewayId": "igw-1"}, Exit.UNKNOWN),
            ({"DestinationCidrBlock": "10.1.0.0/16", "VpcPeeringConnectionId": "pcx-1"}, Exit.UNKNOWN),
            ({"DestinationIpv6CidrBlock": "::/0", "GatewayId": {"Ref": "Gateway"}}, Exit.UNKNOWN),
        ],
        ids=["none", "internet", "nat", "transit", "firewall", "somebody-elses", "peering", "ipv6"],
    )
    def test_follows_the_default_route(self, route: dict[str, Any], expected: Exit) -> None:
        assert _exit(Gateway=GATEWAY, **_routed("A", **route)) is expected

    def test_attachment_names_the_gateway_too(self) -> None:
        attachment = {"InternetGatewayId": {"Ref": "Gateway"}, "VpcId": {"Ref": "Vpc"}}
        gateway = {"Fn::GetAtt": ["Attachment", "InternetGatewayId"]}
        resources = {
            "Gateway": GATEWAY,
            "Attachment": {"Type": "AWS::EC2::VPCGatewayAttachment", "Properties": attachment},
            **_routed("A", DestinationCidrBlock=ANY, GatewayId=gateway),
        }
        assert _exit(**resources) is Exit.INTERNET_GATEWAY

    def test_main_route_table_of_a_new_vpc_leads_nowhere(self) -> None:
        assert _exit(A=_subnet()) is Exit.NONE

    def test_main_route_table_that_something_else_may_change_is_unknown(self) -> None:
        custom = {"Type": "Custom::Routes", "Properties": {"Vpc": {"Ref": "Vpc"}}}
        stray = {"SubnetId": {"Fn::ImportValue": "elsewhere"}, "RouteTableId": "rtb-1"}
        association = {"Type": "AWS::EC2::SubnetRouteTableAssociation", "Properties": stray}
        assert _exit(A=_subnet(), Custom=custom) is Exit.UNKNOWN
        assert _exit(A=_subnet(), Association=association) is Exit.UNKNOWN

    def test_route_to_an_unknown_table_may_be_anybodys(self) -> None:
        stray = {"RouteTableId": {"Fn::ImportValue": "elsewhere"}, "DestinationCidrBlock": ANY, "NatGatewayId": "nat-1"}
        assert _exit(Stray={"Type": "AWS::EC2::Route", "Properties": stray}, **_routed("A")) is Exit.UNKNOWN

    def test_nat_gateways_in_a_circle_end(self) -> None:
        nat = {"Type": "AWS::EC2::NatGateway", "Properties": {"SubnetId": {"Ref": "A"}, "AllocationId": "eipalloc-1"}}
        app = _app(Nat=nat, **_routed("A", DestinationCidrBlock=ANY, NatGatewayId={"Ref": "Nat"}))
        assert network_of(app).internet(_at(app, "A"), Answer.NO) is Answer.MAYBE

    @pytest.mark.parametrize(
        ("extra", "expected"),
        [
            ({}, Answer.YES),
            ({"ConnectivityType": "private"}, Answer.NO),
            ({"SubnetId": "subnet-1"}, Answer.MAYBE),
        ],
    )
    def test_nat_gateway_needs_the_internet_itself(self, extra: dict[str, Any], expected: Answer) -> None:
        nat = {"SubnetId": {"Ref": "B"}, "AllocationId": "eipalloc-1", **extra}
        app = _app(
            Gateway=GATEWAY,
            Nat={"Type": "AWS::EC2::NatGateway", "Properties": nat},
            **_routed("A", DestinationCidrBlock=ANY, NatGatewayId={"Ref": "Nat"}),
            **_routed("B", DestinationCidrBlock=ANY, GatewayId={"Ref": "Gateway"}),
        )
        assert network_of(app).internet(_at(app, "A"), Answer.NO) is expected


class TestEndpoints:
    """Which endpoints a subnet has a route to."""

    def _reached(self, service: str, **endpoint: Any) -> Answer:
        properties = {"VpcId": {"Ref": "Vpc"}, **endpoint}
        app = _app(Endpoint={"Type": "AWS::EC2::VPCEndpoint", "Properties": properties}, **_routed("A"), **_routed("B"))
        return endpoints_of(app).reached_from(_at(app, "A"), service)

    def test_interface_serves_every_subnet_of_the_vpc(self) -> None:
        name = {"Fn::Sub": "com.amazonaws.${AWS::Region}.ecr.api"}
        subnets = [{"Ref": "B"}]
        assert self._reached("ecr.api", ServiceName=name, VpcEndpointType="Interface", SubnetIds=subnets) is Answer.YES
        assert self._reached("ecr.dkr", ServiceName=name, VpcEndpointType="Interface", SubnetIds=subnets) is Answer.NO

    @pytest.mark.parametrize(
        ("tables", "expected"),
        [
            ([{"Ref": "ATable"}], Answer.YES),
            ([{"Ref": "BTable"}], Answer.NO),
            (["rtb-1"], Answer.NO),
            ([{"Fn::ImportValue": "table"}], Answer.MAYBE),
            ({"Ref": "Tables"}, Answer.MAYBE),
        ],
    )
    def test_gateway_serves_its_route_tables(self, tables: Any, expected: Answer) -> None:
        assert self._reached("s3", ServiceName="com.amazonaws.us-east-1.s3", RouteTableIds=tables) is expected

    @pytest.mark.parametrize("extra", [{"ServiceName": {"Ref": "Name"}}, {"VpcId": {"Ref": "Other"}}])
    def test_unknown_endpoint_may_be_any(self, extra: dict[str, Any]) -> None:
        given = {"ServiceName": "com.amazonaws.us-east-1.sqs", "VpcEndpointType": "Interface", **extra}
        assert self._reached("logs", **given) is Answer.MAYBE

    def test_endpoint_of_another_vpc_does_not_count(self) -> None:
        given = {"ServiceName": "com.amazonaws.us-east-1.logs", "VpcEndpointType": "Interface", "VpcId": "vpc-1"}
        assert self._reached("logs", **given) is Answer.NO


def _group(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::EC2::SecurityGroup", "Properties": {"VpcId": {"Ref": "Vpc"}, **properties}}


def _tcp(port: Any, **peer: Any) -> dict[str, Any]:
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **peer}


SOURCE = NetworkPeer((Reference("template", "Source"),))


class TestSecurityGroups:
    """What rules let through, and what they leave open."""

    def _in(self, rule: dict[str, Any], source: NetworkPeer = SOURCE) -> Answer:
        app = _app(Source=_group(), Target=_group(SecurityGroupIngress=[rule]))
        return security_groups_of(app).lets_in(NetworkPeer((Reference("template", "Target"),)), 5432, source)

    @pytest.mark.parametrize(
        ("rule", "expected"),
        [
            (_tcp(5432, SourceSecurityGroupId={"Ref": "Source"}), Answer.YES),
            (_tcp("5432", SourceSecurityGroupId={"Fn::GetAtt": ["Source", "GroupId"]}), Answer.YES),
            (_tcp(5432, SourceSecurityGroupId={"Ref": "Target"}), Answer.NO),
            (_tcp(5432, SourceSecurityGroupId="sg-1"), Answer.NO),
            (_tcp(5432, SourceSecurityGroupId={"Ref": "Peer"}), Answer.MAYBE),
            (_tcp(5433, CidrIp=ANY), Answer.NO),
            (_tcp({"Ref": "Port"}, CidrIp=ANY), Answer.MAYBE),
            (_tcp(5432, CidrIp=ANY), Answer.YES),
            (_tcp(5432, CidrIp="10.0.0.0/16"), Answer.MAYBE),
            (_tcp(5432, CidrIp="127.0.0.1/32"), Answer.NO),
            (_tcp(5432, CidrIp="not a range"), Answer.MAYBE),
            (_tcp(5432, SourcePrefixListId="pl-1"), Answer.MAYBE),
            ({"IpProtocol": "-1", "CidrIp": ANY}, Answer.YES),
            ({"IpProtocol": "udp", "FromPort": 0, "ToPort": 65535, "CidrIp": ANY}, Answer.NO),
            ({"Fn::If": ["Strict", _tcp(5432, CidrIp=ANY), {"Ref": "AWS::NoValue"}]}, Answer.MAYBE),
        ],
    )
    def test_lets_in_what_a_rule_permits(self, rule: dict[str, Any], expected: Answer) -> None:
        assert self._in(rule) is expected

    @pytest.mark.parametrize(
        ("cidr", "expected"),
        [("10.0.0.0/16", Answer.YES), ("10.0.1.128/25", Answer.MAYBE), ("10.1.0.0/16", Answer.NO)],
    )
    def test_compares_ranges(self, cidr: str, expected: Answer) -> None:
        app = _app(A=_subnet(), Target=_group(SecurityGroupIngress=[_tcp(5432, CidrIp=cidr)]), Source=_group())
        groups = security_groups_of(app)
        source = groups.peer([Reference("template", "Source")], [_at(app, "A")])
        assert groups.lets_in(NetworkPeer((Reference("template", "Target"),)), 5432, source) is expected

    def test_new_group_lets_everything_out_and_nothing_in(self) -> None:
        groups = security_groups_of(_app(Source=_group()))
        assert groups.lets_out(SOURCE, 443, ANYWHERE) is Answer.YES
        assert groups.lets_in(SOURCE, 443, ANYWHERE) is Answer.NO

    def test_first_separate_rule_replaces_the_open_one(self) -> None:
        rule = {"GroupId": {"Ref": "Source"}, **_tcp(5432, CidrIp="10.0.0.0/16")}
        app = _app(Source=_group(), Rule={"Type": "AWS::EC2::SecurityGroupEgress", "Properties": rule})
        assert security_groups_of(app).lets_out(SOURCE, 443, ANYWHERE) is Answer.NO

    def test_rule_of_an_unknown_group_may_be_anybodys(self) -> None:
        rule = {"GroupId": {"Ref": "Group"}, **_tcp(443, CidrIp=ANY)}
        app = _app(Source=_group(), Rule={"Type": "AWS::EC2::SecurityGroupIngress", "Properties": rule})
        assert security_groups_of(app).lets_in(SOURCE, 443, ANYWHERE) is Answer.MAYBE

    def test_default_group_admits_its_own_members(self) -> None:
        app = _app(A=_subnet(), Source=_group())
        groups = security_groups_of(app)
        members = groups.peer([], [_at(app, "A")])
        assert members.groups == (Reference("template", "Vpc", "DefaultSecurityGroup"),)
        assert groups.lets_in(members, 443, members) is Answer.YES
        assert groups.lets_in(members, 443, SOURCE) is Answer.NO

    def test_group_of_another_stack_is_unknown(self) -> None:
        groups = security_groups_of(_app(Source=_group()))
        assert groups.lets_in(NetworkPeer(("sg-1",)), 443, SOURCE) is Answer.MAYBE
        assert groups.lets_in(NetworkPeer((None,)), 443, SOURCE) is Answer.MAYBE

    def test_both_sides_have_to_permit(self) -> None:
        closed = [{"IpProtocol": "icmp", "FromPort": 252, "ToPort": 86, "CidrIp": "255.255.255.255/32"}]
        target = _group(SecurityGroupIngress=[_tcp(5432, CidrIp=ANY)])
        app = _app(Source=_group(SecurityGroupEgress=closed), Open=_group(), Target=target)
        groups, end = security_groups_of(app), NetworkPeer((Reference("template", "Target"),))
        assert groups.reaches(SOURCE, end, 5432) is Answer.NO
        assert groups.reaches(NetworkPeer((Reference("template", "Open"),)), end, 5432) is Answer.YES
