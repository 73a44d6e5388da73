"""Network interfaces: which resources have one in a subnet, and with which security groups.

EC2 deletes neither a subnet nor a security group that an interface of another service is in.
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html (`DependencyViolation`)
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from embedded_aws.server import upstream
from embedded_aws.server.types.ecs import running_tasks


@dataclass(frozen=True)
class Interface:
    """A network interface.

    Attributes:
        subnet: the id of its subnet.
        groups: the ids of its security groups.
    """

    subnet: str
    groups: tuple[str, ...]


def interfaces() -> Iterator[Interface]:
    """Return the network interfaces of everything that has one."""
    for balancer in upstream.load_balancers.values():
        yield from _each(balancer.get("Subnets", []), balancer.get("SecurityGroups", []))
    for endpoint in upstream.vpc_endpoints.values():
        yield from _each(endpoint.get("SubnetIds", []), endpoint.get("SecurityGroupIds", []))
    for gateway in upstream.nat_gateways.values():
        if gateway["State"] != "deleted":
            yield Interface(gateway["SubnetId"], ())
    for function in upstream.functions.values():
        network = function["config"].get("VpcConfig") or {}
        yield from _each(network.get("SubnetIds", []), network.get("SecurityGroupIds", []))
    for service in upstream.ecs_services.values():
        network = service.get("networkConfiguration", {}).get("awsvpcConfiguration", {})
        used = network.get("subnets", [])[: len(running_tasks(service))]
        yield from _each(used, network.get("securityGroups", []))
    for cluster in upstream.db_clusters.values():
        yield from _each(_subnets_of_members(cluster), [each["VpcSecurityGroupId"] for each in _groups(cluster)])


def _each(subnets: list[str], groups: list[str]) -> Iterator[Interface]:
    return (Interface(subnet, tuple(groups)) for subnet in subnets)


def _groups(cluster: Mapping[str, Any]) -> list[dict[str, str]]:
    found: list[dict[str, str]] = cluster.get("VpcSecurityGroups", [])
    return found


def _subnets_of_members(cluster: Mapping[str, Any]) -> list[str]:
    """Return the subnets in whose Availability Zone a cluster has a member."""
    group = upstream.db_subnet_groups.get(cluster.get("DBSubnetGroup"), {})
    names = [member["DBInstanceIdentifier"] for member in cluster.get("DBClusterMembers", [])]
    zones = {upstream.db_instances[name]["AvailabilityZone"] for name in names if name in upstream.db_instances}
    subnets = [each["SubnetIdentifier"] for each in group.get("Subnets", [])]
    return [each for each in subnets if upstream.subnets.get(each, {}).get("AvailabilityZone") in zones]
