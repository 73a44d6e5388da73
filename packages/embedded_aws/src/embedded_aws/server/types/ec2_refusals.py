"""Amazon EC2: address ranges that are not free, and resources that others depend on.

Codes: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
"""

from collections.abc import Iterator
from ipaddress import IPv4Network
from typing import Any, Final

from embedded_aws.server import refusals, upstream
from embedded_aws.server.refusals import RefusedError, Request, parameter
from embedded_aws.server.registry import Properties
from embedded_aws.server.types.network_interfaces import interfaces

# https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html and …/subnet-sizing.html
_LARGEST, _SMALLEST = 16, 28
_SERVICE: Final = "AmazonEC2"


def install() -> None:
    """Refuse by the API and by CloudFormation what EC2 refuses."""
    for noun, check in (
        ("Vpc", _vpc_in_use),
        ("Subnet", _subnet_in_use),
        ("InternetGateway", _gateway_in_use),
        ("RouteTable", _route_table_in_use),
    ):
        _by_api(f"Delete{noun}", f"{noun}Id", check)
        resource_type = "AWS::EC2::VPC" if noun == "Vpc" else f"AWS::EC2::{noun}"
        refusals.by_template(resource_type, _SERVICE, delete=check)
    _by_api("DeleteSecurityGroup", "GroupId", _group_in_use)
    refusals.by_template("AWS::EC2::SecurityGroup", _SERVICE, delete=_group_in_use)
    refusals.by_api(upstream.ec2_actions, "DetachInternetGateway", _detachable_request, upstream.ec2_error)
    refusals.by_api(upstream.ec2_actions, "CreateVpc", _valid_vpc, upstream.ec2_error)
    refusals.by_api(upstream.ec2_actions, "CreateSubnet", _valid_subnet, upstream.ec2_error)
    refusals.by_template("AWS::EC2::VPC", _SERVICE, create=_valid_vpc)
    refusals.by_template("AWS::EC2::Subnet", _SERVICE, create=_valid_subnet, change=_valid_changed_subnet)
    refusals.by_template("AWS::EC2::VPCGatewayAttachment", _SERVICE, delete=_detachable)


def _by_api(action: str, name: str, check: Any) -> None:
    refusals.by_api(upstream.ec2_actions, action, lambda request: check(parameter(request, name)), upstream.ec2_error)


def _has_dependencies(kind: str, identifier: str) -> RefusedError:
    return RefusedError("DependencyViolation", f"The {kind} '{identifier}' has dependencies and cannot be deleted.")


def _vpc_in_use(vpc: str) -> None:
    if any(_in_vpc(vpc)):
        raise _has_dependencies("vpc", vpc)


def _in_vpc(vpc: str) -> Iterator[bool]:
    """Return, thing by thing that can be in a VPC and is not made with it, whether it is in this one."""
    yield from (each["VpcId"] == vpc for each in upstream.subnets.values())
    yield from (each["VpcId"] == vpc for each in upstream.vpc_endpoints.values())
    yield from (each["VpcId"] == vpc and each["GroupName"] != "default" for each in upstream.security_groups.values())
    yield from (_attached_to(each) == vpc for each in upstream.internet_gateways.values())
    yield from (each["VpcId"] == vpc and not _is_main(each) for each in upstream.route_tables.values())


def _attached_to(gateway: dict[str, Any]) -> str | None:
    attachments = gateway.get("Attachments", [])
    return attachments[0]["VpcId"] if attachments else None


def _is_main(table: dict[str, Any]) -> bool:
    return any(each.get("Main") for each in table.get("Associations", []))


def _subnet_in_use(subnet: str) -> None:
    if any(interface.subnet == subnet for interface in interfaces()):
        raise _has_dependencies("subnet", subnet)


def _gateway_in_use(gateway: str) -> None:
    if _attached_to(upstream.internet_gateways.get(gateway, {})):
        raise _has_dependencies("internetGateway", gateway)


def _route_table_in_use(table: str) -> None:
    if upstream.route_tables.get(table, {}).get("Associations"):
        raise _has_dependencies("routeTable", table)


def _group_in_use(group: str) -> None:
    referring = (
        pair.get("GroupId") == group
        for other in upstream.security_groups.values()
        if other["GroupId"] != group
        for direction in ("IpPermissions", "IpPermissionsEgress")
        for permission in other.get(direction, [])
        for pair in permission.get("UserIdGroupPairs", [])
    )
    if any(referring) or any(group in interface.groups for interface in interfaces()):
        raise RefusedError("DependencyViolation", f"resource {group} has a dependent object")


def _detachable_request(request: Request) -> None:
    _detachable(parameter(request, "VpcId"))


def _detachable(attachment: str) -> None:
    """Refuse to detach the gateway through which an internet-facing load balancer of the VPC is reached."""
    vpc = attachment.removeprefix("IGW|")
    for balancer in upstream.load_balancers.values():
        inside = any(upstream.subnets.get(each, {}).get("VpcId") == vpc for each in balancer["Subnets"])
        if inside and balancer["Scheme"] == "internet-facing":
            message = (
                f"Network {vpc} has some mapped public address(es). Please unmap those public address(es) before "
                "detaching the gateway."
            )
            raise RefusedError("DependencyViolation", message)


def _valid_vpc(request: Request) -> None:
    _network(parameter(request, "CidrBlock") or "10.0.0.0/16", "InvalidVpc.Range")


def _valid_subnet(request: Request) -> None:
    vpc = parameter(request, "VpcId")
    if vpc and vpc not in upstream.vpcs:
        raise RefusedError("InvalidVpcID.NotFound", f"The vpc ID '{vpc}' does not exist")
    _check_range(vpc, parameter(request, "CidrBlock"))
    zone = parameter(request, "AvailabilityZone")
    zones = [f"{upstream.region()}{letter}" for letter in "abcdef"]
    if zone and zone not in zones:
        raise RefusedError(
            "InvalidParameterValue",
            f"Value ({zone}) for parameter availabilityZone is invalid. Subnets can currently only be created in the "
            f"following availability zones: {', '.join(zones)}.",
        )


def _valid_changed_subnet(properties: Properties) -> None:
    """Check a subnet that an update moves; one that it leaves where it is has its own range."""
    here = (properties.get("VpcId"), properties.get("CidrBlock"))
    if here not in {(each["VpcId"], each["CidrBlock"]) for each in upstream.subnets.values()}:
        _valid_subnet(properties)


def _check_range(vpc: str, cidr: str) -> None:
    if not cidr:
        return
    network = _network(cidr, "InvalidSubnet.Range")
    if vpc and not network.subnet_of(IPv4Network(upstream.vpcs[vpc]["CidrBlock"])):
        raise RefusedError("InvalidSubnet.Range", f"The CIDR '{cidr}' is invalid.")
    for other in upstream.subnets.values():
        if other["VpcId"] == vpc and network.overlaps(IPv4Network(other["CidrBlock"], strict=False)):
            raise RefusedError("InvalidSubnet.Conflict", f"The CIDR '{cidr}' conflicts with another subnet")


def _network(cidr: str, code: str) -> IPv4Network:
    try:
        network = IPv4Network(cidr, strict=False)  # EC2 clears the bits of the host part
    except ValueError:
        message = f"Value ({cidr}) for parameter cidrBlock is invalid. This is not a valid CIDR block."
        raise RefusedError("InvalidParameterValue", message) from None
    if not _LARGEST <= network.prefixlen <= _SMALLEST:
        raise RefusedError(code, f"The CIDR '{cidr}' is invalid.")
    return network
