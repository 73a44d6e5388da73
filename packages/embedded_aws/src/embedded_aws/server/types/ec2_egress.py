"""Amazon EC2, the ways out of a VPC: Elastic IP addresses, NAT gateways, and how VPC endpoints are described."""

import json
import uuid
from collections.abc import Callable, Mapping
from typing import Any
from xml.sax.saxutils import escape

from embedded_aws.server import registry, upstream
from embedded_aws.server.api import arguments, client
from embedded_aws.server.registry import Attributes, Declared, Properties

_ADDRESS = "AWS::EC2::EIP"
_GATEWAY = "AWS::EC2::NatGateway"
_DESCRIBE = "DescribeNatGateways"
_NO_ADDRESSES = "<natGatewayAddressSet/>"


def install() -> None:
    """Register the types of this service."""
    registry.add(
        _ADDRESS,
        create=_allocate,
        update=_retag_address,
        delete=_release,
        create_only=("Address", "Domain", "IpamPoolId", "NetworkBorderGroup", "TransferAddress"),
    )
    registry.add(
        _GATEWAY,
        create=_create_gateway,
        update=_retag_gateway,
        delete=_delete_gateway,
        create_only=("AllocationId", "AvailabilityMode", "ConnectivityType", "PrivateIpAddress", "SubnetId", "VpcId"),
    )
    upstream.ec2_actions[_DESCRIBE] = _with_addresses(upstream.ec2_actions[_DESCRIBE])
    upstream.vpc_endpoint_xml.wrap(_with_names_and_groups)


def _allocate(declared: Declared) -> tuple[str, Attributes]:
    answer = client("ec2").allocate_address(Domain="vpc")
    _tag(answer["AllocationId"], declared.properties)
    return answer["PublicIp"], {"AllocationId": answer["AllocationId"], "PublicIp": answer["PublicIp"]}


def _retag_address(public_ip: str, declared: Declared, _previous: Properties) -> Attributes:
    allocation = str(_allocation(public_ip)["AllocationId"])
    _tag(allocation, declared.properties)
    return {"AllocationId": allocation, "PublicIp": public_ip}


def _release(public_ip: str, _properties: Properties) -> None:
    client("ec2").release_address(AllocationId=_allocation(public_ip)["AllocationId"])


def _allocation(public_ip: str) -> Mapping[str, Any]:
    """Return the address's record.

    Raises:
        LookupError: there is no such address.
    """
    found = [record for record in upstream.addresses.values() if record["PublicIp"] == public_ip]
    if not found:
        raise LookupError(f"Address '{public_ip}' not found.")
    record: Mapping[str, Any] = found[0]
    return record


def _create_gateway(declared: Declared) -> tuple[str, Attributes]:
    allocation = declared.properties.get("AllocationId")
    # https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
    if allocation and allocation not in upstream.addresses:
        raise ValueError(f"The allocation ID '{allocation}' does not exist (InvalidAllocationID.NotFound)")
    if allocation and upstream.addresses[allocation]["AssociationId"]:
        raise ValueError(f"Elastic IP address [{allocation}] is already associated (Resource.AlreadyAssociated)")
    request = arguments("ec2", "CreateNatGateway", declared.properties)
    request.pop("Tags", None)
    gateway = str(client("ec2").create_nat_gateway(**request)["NatGateway"]["NatGatewayId"])
    if allocation:
        upstream.addresses[allocation]["AssociationId"] = f"eipassoc-{uuid.uuid4().hex[:17]}"
    _tag(gateway, declared.properties)
    return gateway, {"NatGatewayId": gateway}


def _retag_gateway(gateway: str, declared: Declared, _previous: Properties) -> Attributes:
    _tag(gateway, declared.properties)
    return {"NatGatewayId": gateway}


def _delete_gateway(gateway: str, properties: Properties) -> None:
    client("ec2").delete_nat_gateway(NatGatewayId=gateway)
    if properties.get("AllocationId") in upstream.addresses:
        upstream.addresses[properties["AllocationId"]]["AssociationId"] = None


def _tag(resource_id: str, properties: Properties) -> None:
    tags = arguments("ec2", "CreateTags", {"Tags": properties.get("Tags", [])})["Tags"]
    if tags:
        client("ec2").create_tags(Resources=[resource_id], Tags=tags)


def _with_addresses(describe: Callable[..., Any]) -> Callable[..., Any]:
    """Return DescribeNatGateways with the addresses of each gateway, which ministack leaves out."""

    def describe_with_addresses(params: Any) -> Any:
        status, headers, body = describe(params)
        first, *rest = body.decode().split("<natGatewayId>")
        shown = [first]
        for each in rest:
            gateway = upstream.nat_gateways.get(each.partition("<")[0]) or {}
            shown.append(each.replace(_NO_ADDRESSES, _addresses(gateway)))
        return status, headers, "<natGatewayId>".join(shown).encode()

    return describe_with_addresses


def _addresses(gateway: Mapping[str, Any]) -> str:
    record = upstream.addresses.get(gateway.get("AllocationId"))
    if record is None or gateway["State"] == "deleted":
        return _NO_ADDRESSES
    fields = ("AllocationId", "PublicIp", "AssociationId")
    inner = "".join(f"<{name[0].lower()}{name[1:]}>{record[name]}</{name[0].lower()}{name[1:]}>" for name in fields)
    return f"<natGatewayAddressSet><item>{inner}</item></natGatewayAddressSet>"


def _with_names_and_groups(describe: Callable[..., str]) -> Callable[..., str]:
    """Return a VPC endpoint's description with private DNS, security groups and policy, which ministack leaves out."""

    def describe_whole(endpoint: Mapping[str, Any], tag: str = "item") -> str:
        private = str(endpoint.get("PrivateDnsEnabled", False)).lower()
        groups = "".join(f"<item><groupId>{each}</groupId></item>" for each in endpoint.get("SecurityGroupIds", []))
        more = f"<privateDnsEnabled>{private}</privateDnsEnabled><groupSet>{groups}</groupSet>"
        policy = endpoint.get("PolicyDocument")
        if policy:
            document = policy if isinstance(policy, str) else json.dumps(policy)
            more += f"<policyDocument>{escape(document)}</policyDocument>"
        return f"{describe(endpoint, tag).rstrip().removesuffix(f'</{tag}>')}{more}</{tag}>"

    return describe_whole
