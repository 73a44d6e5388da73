"""Amazon EC2: flow logs, security group rules that are resources, and an attribute of VPCs."""

from typing import Any

from embedded_aws.server import registry
from embedded_aws.server.api import arguments, client
from embedded_aws.server.registry import Attributes, Declared, Properties

# Where a rule points, by the property that says so: the permission list it belongs to, and its key there.
_PEERS = {
    "CidrIp": ("IpRanges", "CidrIp"),
    "CidrIpv6": ("Ipv6Ranges", "CidrIpv6"),
    "SourcePrefixListId": ("PrefixListIds", "PrefixListId"),
    "DestinationPrefixListId": ("PrefixListIds", "PrefixListId"),
    "SourceSecurityGroupId": ("UserIdGroupPairs", "GroupId"),
    "DestinationSecurityGroupId": ("UserIdGroupPairs", "GroupId"),
}


def install() -> None:
    """Register the types of this service."""
    registry.add(
        "AWS::EC2::FlowLog",
        create=_create_flow_log,
        update=_retag_flow_log,
        delete=_delete_flow_log,
        create_only=(
            "DeliverCrossAccountRole", "DeliverLogsPermissionArn", "DestinationOptions", "LogDestination",
            "LogDestinationType", "LogFormat", "LogGroupName", "MaxAggregationInterval", "ResourceId",
            "ResourceType", "TrafficType",
        ),
    )  # fmt: skip
    for direction in ("Ingress", "Egress"):
        rule = _Rule(direction.lower())
        registry.add(
            f"AWS::EC2::SecurityGroup{direction}",
            create=rule.create,
            update=rule.update,
            delete=rule.delete,
            create_only=("FromPort", "GroupId", "IpProtocol", "SourceSecurityGroupOwnerId", "ToPort", *_PEERS),
        )
    registry.complete("AWS::EC2::VPC", _vpc_attributes)


def _create_flow_log(declared: Declared) -> tuple[str, Attributes]:
    request = {**declared.properties, "ResourceIds": [declared.properties["ResourceId"]]}
    answer = client("ec2").create_flow_logs(**arguments("ec2", "CreateFlowLogs", request))
    flow_log_id = str(answer["FlowLogIds"][0])
    _tag(flow_log_id, declared.properties)
    return flow_log_id, {"Id": flow_log_id}


def _retag_flow_log(physical_id: str, declared: Declared, _previous: Properties) -> Attributes:
    _tag(physical_id, declared.properties)
    return {"Id": physical_id}


def _tag(resource_id: str, properties: Properties) -> None:
    tags = arguments("ec2", "CreateTags", {"Tags": properties.get("Tags", [])})["Tags"]
    if tags:
        client("ec2").create_tags(Resources=[resource_id], Tags=tags)


def _delete_flow_log(physical_id: str, _properties: Properties) -> None:
    client("ec2").delete_flow_logs(FlowLogIds=[physical_id])


class _Rule:
    """The rule type of one direction; a rule is kept in its group, where `DescribeSecurityGroupRules` finds it."""

    def __init__(self, direction: str) -> None:
        self._direction = direction

    def create(self, declared: Declared) -> tuple[str, Attributes]:
        answer = self._call("authorize", declared.properties, IpPermissions=[_permission(declared.properties)])
        rule_id = str(answer["SecurityGroupRules"][0]["SecurityGroupRuleId"])
        return rule_id, {"Id": rule_id}

    def update(self, physical_id: str, declared: Declared, previous: Properties) -> Attributes:
        """Change the description, the only property that does not replace the rule; the id stays the same."""
        self.delete(physical_id, previous)
        return self.create(declared)[1]

    def delete(self, physical_id: str, properties: Properties) -> None:
        group = [{"Name": "group-id", "Values": [properties["GroupId"]]}]
        # A rollback may have removed the group with its rules.
        if client("ec2").describe_security_groups(Filters=group)["SecurityGroups"]:
            self._call("revoke", properties, SecurityGroupRuleIds=[physical_id])

    def _call(self, verb: str, properties: Properties, **request: Any) -> dict[str, Any]:
        operation = getattr(client("ec2"), f"{verb}_security_group_{self._direction}")
        answer: dict[str, Any] = operation(GroupId=properties["GroupId"], **request)
        return answer


def _permission(properties: Properties) -> dict[str, Any]:
    permission: dict[str, Any] = {"IpProtocol": str(properties["IpProtocol"])}
    permission |= {port: int(properties[port]) for port in ("FromPort", "ToPort") if port in properties}
    described = {"Description": properties["Description"]} if properties.get("Description") else {}
    for prop, (peers, key) in _PEERS.items():
        if properties.get(prop):
            permission[peers] = [{key: str(properties[prop]), **described}]
    return permission


def _vpc_attributes(physical_id: str, _properties: Properties) -> Attributes:
    vpc = client("ec2").describe_vpcs(VpcIds=[physical_id])["Vpcs"][0]
    return {"CidrBlock": vpc["CidrBlock"]}
