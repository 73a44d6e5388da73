"""Who may talk to whom: the exact graph of security-group rules, the default group, and the flow logs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from tests.assembly import Assembly, removal_policies

INTERNET = "0.0.0.0/0"
SOURCES = {"CidrIp", "CidrIpv6", "SourceSecurityGroupId", "DestinationSecurityGroupId"}
SOURCES |= {"SourcePrefixListId", "DestinationPrefixListId", "SourceSecurityGroupName"}
RULES = {"AWS::EC2::SecurityGroupIngress": "in", "AWS::EC2::SecurityGroupEgress": "out"}


class Rule(NamedTuple):
    """One permitted connection."""

    group: str
    direction: str
    peer: str
    first: int
    last: int
    protocol: str = "tcp"


def _group(name: str) -> str:
    return f"${{Network/{name}SecurityGroup.GroupId}}"


# CloudFormation opens a group without any egress rule, so CDK closes it with one that matches no packet.
def _closed(name: str) -> Rule:
    return Rule(_group(name), "out", "255.255.255.255/32", 252, 86, "icmp")


def _both(client: str, server: str, port: int) -> set[Rule]:
    clients, servers = _group(client), _group(server)
    return {Rule(clients, "out", servers, port, port), Rule(servers, "in", clients, port, port)}


def _declared(deployment: Assembly) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Group, direction and properties of every rule in any template."""
    for stack, template in deployment.templates.items():
        for name, resource in template.of_type("AWS::EC2::SecurityGroup").items():
            group = deployment.text(stack, {"Fn::GetAtt": [name, "GroupId"]})
            properties = deployment.plain(stack, resource["Properties"])
            yield from ((group, "in", rule) for rule in properties.get("SecurityGroupIngress", []))
            yield from ((group, "out", rule) for rule in properties.get("SecurityGroupEgress", []))
        for kind, direction in RULES.items():
            for resource in template.of_type(kind).values():
                properties = deployment.plain(stack, resource["Properties"])
                yield properties.pop("GroupId"), direction, properties


def _rules(deployment: Assembly) -> list[Rule]:
    found = []
    for group, direction, properties in _declared(deployment):
        (peer,) = SOURCES & set(properties)
        assert set(properties) == {peer, "Description", "FromPort", "ToPort", "IpProtocol"}, (group, properties)
        ports = properties["FromPort"], properties["ToPort"]
        found.append(Rule(group, direction, properties[peer], *ports, properties["IpProtocol"]))
    return sorted(found)


def test_these_connections_are_permitted_and_no_others(deployment: Assembly) -> None:
    settings = deployment.settings
    expected = {
        Rule(_group("LoadBalancer"), "in", INTERNET, 80, 80),
        *_both("LoadBalancer", "Task", settings.compute.port),
        *_both("Task", "Database", settings.database.port),
        Rule(_group("Task"), "out", INTERNET, 443, 443),
        _closed("Database"),
    }
    if settings.compute.certificate_arn:
        expected.add(Rule(_group("LoadBalancer"), "in", INTERNET, 443, 443))
    if settings.network.egress == "endpoints":
        expected |= {Rule(_group("Endpoint"), "in", _group("Task"), 443, 443), _closed("Endpoint")}
    assert _rules(deployment) == sorted(expected)


@pytest.mark.parametrize(
    ("profile", "ports"), [("dev", {80}), ("staging", {80, 443}), ("prod", {80, 443}), ("options", {80, 443})]
)
def test_the_internet_reaches_the_load_balancer_only(
    request: pytest.FixtureRequest, profile: str, ports: set[int]
) -> None:
    deployment: Assembly = request.getfixturevalue(profile)
    from_anywhere = [rule for rule in _rules(deployment) if rule.direction == "in" and not rule.peer.startswith("${")]
    assert {rule.group for rule in from_anywhere} == {_group("LoadBalancer")}
    assert {rule.first for rule in from_anywhere} == ports


@pytest.mark.parametrize(("profile", "port"), [("dev", 5433), ("prod", 5433), ("unusual", 6543)])
def test_the_database_accepts_tasks_on_its_port_and_opens_nothing(
    request: pytest.FixtureRequest, profile: str, port: int
) -> None:
    deployment: Assembly = request.getfixturevalue(profile)
    rules = [rule for rule in _rules(deployment) if rule.group == _group("Database")]
    assert rules == [Rule(_group("Database"), "in", _group("Task"), port, port), _closed("Database")]


def test_the_network_stack_owns_every_group_and_each_says_what_it_is_for(deployment: Assembly) -> None:
    for kind in ("AWS::EC2::SecurityGroup", *RULES):
        for name, resource in deployment.all_of_type(kind):
            assert name.startswith("Network/"), name
            assert "GroupName" not in resource["Properties"], f"{name} could not be replaced"
    groups = deployment.nested["Network"].of_type("AWS::EC2::SecurityGroup").values()
    purposes = {group["Properties"]["GroupDescription"] for group in groups}
    endpoints = {"Interface endpoints"} if deployment.settings.network.egress == "endpoints" else set()
    assert purposes == {"Load balancer", "Fargate tasks", "Aurora"} | endpoints
    assert {deployment.text("Network", group["Properties"]["VpcId"]) for group in groups} == {"${Network/Vpc}"}


@pytest.mark.parametrize(
    ("profile", "emptied"),
    [("dev", False), ("unusual", False), ("staging", True), ("prod", True), ("prod_nat", True), ("options", True)],
)
def test_the_default_group_is_emptied_by_setting(request: pytest.FixtureRequest, profile: str, emptied: bool) -> None:
    deployment: Assembly = request.getfixturevalue(profile)
    found = [
        (stack, resource["Type"], deployment.plain(stack, resource["Properties"]))
        for stack, template in deployment.templates.items()
        for resource in template.resources.values()
        if resource["Type"].startswith(("Custom::", "AWS::CloudFormation::CustomResource"))
    ]
    handler = "${Network/Custom::VpcRestrictDefaultSGCustomResourceProvider/Handler.Arn}"
    account = deployment.settings.account or "${AWS::AccountId}"
    properties = {
        "ServiceToken": handler,
        "DefaultSecurityGroupId": "${Network/Vpc.DefaultSecurityGroup}",
        "Account": account,
    }
    assert found == ([("Network", "Custom::VpcRestrictDefaultSG", properties)] if emptied else [])


def test_no_node_function_but_the_one_that_empties_the_default_group(deployment: Assembly) -> None:
    found = [
        deployment.text(name.split("/")[0], {"Ref": name.split("/")[1]})
        for name, resource in deployment.all_of_type("AWS::Lambda::Function")
        if resource["Properties"]["Runtime"].startswith("nodejs")
    ]
    handler = "${Network/Custom::VpcRestrictDefaultSGCustomResourceProvider/Handler}"
    assert found == ([handler] if deployment.settings.network.restrict_default_security_group else [])


@pytest.mark.parametrize("profile", ["staging", "prod_nat"])
def test_the_function_that_empties_the_default_group_touches_that_group_only(
    request: pytest.FixtureRequest, profile: str
) -> None:
    deployment: Assembly = request.getfixturevalue(profile)
    settings = deployment.settings
    for function in deployment.nested["Network"].of_type("AWS::Lambda::Function").values():
        assert "DependsOn" not in function, "its reference to the role already makes the order"
    (role,) = (
        deployment.plain("Network", resource["Properties"])
        for resource in deployment.nested["Network"].of_type("AWS::IAM::Role").values()
        if "lambda.amazonaws.com" in str(resource["Properties"]["AssumeRolePolicyDocument"])
    )
    account = settings.account or "${AWS::AccountId}"
    group = f"arn:aws:ec2:{settings.region}:{account}:security-group/${{Network/Vpc.DefaultSecurityGroup}}"
    statements = [statement for policy in role["Policies"] for statement in policy["PolicyDocument"]["Statement"]]
    assert [statement["Resource"] for statement in statements] == [[group]]


@pytest.mark.parametrize(("profile", "days"), [("dev", 7), ("staging", 90), ("prod", 365), ("unusual", 14)])
def test_flow_logs_go_to_an_encrypted_group_that_expires(
    request: pytest.FixtureRequest, profile: str, days: int
) -> None:
    deployment: Assembly = request.getfixturevalue(profile)
    ((_, group),) = deployment.nested["Network"].of_type("AWS::Logs::LogGroup").items()
    assert deployment.text("Network", group["Properties"]["KmsKeyId"]) == "${Kms/MessagingKey.Arn}"
    assert group["Properties"]["RetentionInDays"] == days
    kept = removal_policies(deployment)
    assert (group["DeletionPolicy"], group["UpdateReplacePolicy"]) == kept


def test_flow_logs_cover_all_traffic_of_the_vpc(deployment: Assembly) -> None:
    flow_log = deployment.plain("Network", deployment.nested["Network"].one("AWS::EC2::FlowLog"))
    flow_log.pop("Tags")
    assert flow_log == {
        "ResourceType": "VPC",
        "ResourceId": "${Network/Vpc}",
        "TrafficType": "ALL",
        "LogDestinationType": "cloud-watch-logs",
        "LogGroupName": "${Network/FlowLog/LogGroup}",
        "DeliverLogsPermissionArn": "${Network/FlowLog/Role.Arn}",
    }


def test_the_flow_log_role_writes_to_its_group_for_this_account_only(deployment: Assembly) -> None:
    region, account = deployment.settings.region, deployment.settings.account or "${AWS::AccountId}"
    network = deployment.nested["Network"]
    policy = deployment.plain("Network", network.one("AWS::IAM::Policy"))
    assert policy["Roles"] == ["${Network/FlowLog/Role}"]
    assert policy["PolicyDocument"]["Statement"] == [
        {
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            "Resource": "${Network/FlowLog/LogGroup.Arn}",
        }
    ]
    (role,) = (
        deployment.plain("Network", resource["Properties"])
        for name, resource in network.of_type("AWS::IAM::Role").items()
        if deployment.text("Network", {"Ref": name}) == "${Network/FlowLog/Role}"
    )
    assert not {"ManagedPolicyArns", "Policies"} & set(role)
    assert role["AssumeRolePolicyDocument"]["Statement"] == [
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"Service": "vpc-flow-logs.amazonaws.com"},
            "Condition": {
                "StringEquals": {"aws:SourceAccount": account},
                "ArnLike": {"aws:SourceArn": f"arn:aws:ec2:{region}:{account}:vpc-flow-log/*"},
            },
        }
    ]


def test_endpoints_are_for_data_of_this_account_and_layers_of_images(deployment: Assembly) -> None:
    account = deployment.settings.account or "${AWS::AccountId}"
    registry = re.match(r"\d{12}", deployment.settings.compute.image or "")
    layers = {
        "Sid": "ImageLayers",
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::prod-{deployment.settings.region}-starport-layer-bucket/*",
    }
    for name, resource in deployment.nested["Network"].of_type("AWS::EC2::VPCEndpoint").items():
        statements = deployment.plain("Network", resource["Properties"]["PolicyDocument"]["Statement"])
        foreign = registry and registry[0] != account and name.startswith("VpcEcr")
        owners = [account, registry[0]] if registry and foreign else account
        own = {
            "Sid": "ThisAccount",
            "Effect": "Allow",
            "Principal": "*",
            "Action": "*",
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:PrincipalAccount": account, "aws:ResourceAccount": owners}},
        }
        assert statements == [own, *([layers] if name.startswith("VpcS3") else [])], name
