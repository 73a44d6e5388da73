"""What is connected reaches the other end: security groups both ways, gateways that routes lead to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from breakwater_guards.aws.arns import resource_named
from breakwater_guards.aws.balancers import BALANCER, LISTENER
from breakwater_guards.aws.items import items
from breakwater_guards.aws.listeners import listener_of, mentioned_listeners
from breakwater_guards.aws.network import network_of
from breakwater_guards.aws.security_groups import NetworkPeer, security_groups_of
from breakwater_guards.model.answer import Answer
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.scalars import as_int
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import ABSENT
from breakwater_guards.rule import Breach, Outcome, breach, rule, show

FUNCTION, INSTANCE = "AWS::Lambda::Function", "AWS::EC2::Instance"
MOUNT_TARGET = "AWS::EFS::MountTarget"


@rule(
    "DR-NET-07",
    title="Security groups let functions, proxies and subnets reach what they are given",
    outcome=Outcome.SILENT,
    prevents="Task timed out, or Connection timed out, at the first connection; a proxy's target stays UNAVAILABLE",
    fix="Allow the port from the caller's security group in the other end's group, and out of the caller's group.",
    sources=(
        "https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html",
        "https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/rds-proxy-network-prereqs.html",
        "https://docs.aws.amazon.com/vpc/latest/userguide/work-with-nat-instances.html",
        "https://docs.aws.amazon.com/efs/latest/ug/network-access.html",
    ),
    data="service_endpoints",
)
def callers_reach_what_they_are_given(app: Assembly) -> Iterator[Breach]:
    """Find a closed port: of a database, cache, proxy or file system that something is given, or of a NAT instance."""
    groups = security_groups_of(app)
    yield from _unmounted(app)
    for caller, path, peer, target in _connections(app):
        listener = listener_of(app, target)
        if listener is None or listener.port is None:
            continue
        name, port = target.logical_id, listener.port
        if groups.lets_out(peer, port, listener.peer) is Answer.NO:
            yield breach(caller, path, f"its security groups let nothing out to port {port} of {name}.")
        elif groups.lets_in(listener.peer, port, peer) is Answer.NO:
            yield breach(caller, path, f"the security groups of {name} do not admit it on port {port}.")
    for route in app.of_type("AWS::EC2::Route"):
        instance = app.target(route.get("InstanceId"))
        if instance is None or instance.type != INSTANCE or route.get("DestinationCidrBlock") != "0.0.0.0/0":
            continue
        for path in ("NetworkInterfaces[].GroupSet[]", "SecurityGroupIds[]"):
            own = groups.peer(instance.options(path), [])
            if instance.given(path) and all(groups.opens(own, port) is Answer.NO for port in WELL_KNOWN):
                message = f"no rule is for 80 or 443, and {route.logical_id} leads the packets of subnets here."
                yield breach(instance, path.replace("[]", ""), message)


@rule(
    "DR-NET-09",
    title="An internet gateway that routes lead to is attached to the VPC",
    outcome=Outcome.REFUSED,
    prevents="route table rtb-… and network gateway igw-… belong to different networks (InvalidParameterValue)",
    fix="Add AWS::EC2::VPCGatewayAttachment with the gateway and the VPC, and let the routes wait for it.",
    sources=("https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateRoute.html",),
)
def gateways_are_attached(app: Assembly) -> Iterator[Breach]:
    """Find a route to an internet gateway of the assembly that nothing attaches, or to another VPC."""
    network = network_of(app)
    attached: dict[Resource | None, list[Any]] = {}
    for item in app.of_type("AWS::EC2::VPCGatewayAttachment"):
        for value in item.options("InternetGatewayId"):
            attached.setdefault(app.target(value), []).extend(map(network.vpc, item.options("VpcId")))
    for route in app.of_type("AWS::EC2::Route"):
        gateway = app.target(route.get("GatewayId"))
        table = network.resource(route.get("RouteTableId"), "AWS::EC2::RouteTable")
        vpc = network.vpc_of(table) if table is not None else None
        if gateway is None or vpc is None or gateway.type != "AWS::EC2::InternetGateway" or None in attached:
            continue
        vpcs = attached.get(gateway, [])
        if None not in vpcs and vpc not in vpcs:
            yield breach(route, "GatewayId", f"{gateway.logical_id} is not attached to {vpc.logical_id}.")


@rule(
    "DR-NET-10",
    title="A load balancer's security groups admit somebody on the ports of its listeners",
    outcome=Outcome.SILENT,
    prevents="No error is reported: every client times out",
    fix="Allow the listener's port in a security group of the load balancer.",
    sources=(
        "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-update-security-groups.html",
    ),
)
def listeners_are_open(app: Assembly) -> Iterator[Breach]:
    """Find a closed listener on a port that clients take by default, or a balancer of which each listener is closed."""
    groups = security_groups_of(app)
    closed: dict[Resource, list[Resource]] = {}
    opened = set()
    for listener in app.of_type(LISTENER):
        balancer, port = app.target(listener.get("LoadBalancerArn")), as_int(listener.get("Port"))
        if balancer is None or balancer.type != BALANCER or port is None or not balancer.given("SecurityGroups[]"):
            continue
        peer = groups.peer(balancer.options("SecurityGroups[]"), [])
        if listener.get("Protocol") not in TCP or balancer.options(PRIVATE_LINK) != [ABSENT]:
            opened.add(balancer)
        elif groups.opens(peer, port) is Answer.NO:
            closed.setdefault(balancer, []).append(listener)
        else:
            opened.add(balancer)
    for balancer, listeners in closed.items():
        for listener in listeners:
            if balancer not in opened or as_int(listener.get("Port")) in WELL_KNOWN:
                message = (
                    f"no rule of the security groups of {balancer.logical_id} is for {show(listener.get('Port'))}."
                )
                yield breach(listener, "Port", message)


def _unmounted(app: Assembly) -> Iterator[Breach]:
    """Find a file system of whose mount targets none is reached by the function or service that mounts it."""
    groups = security_groups_of(app)
    for kind, volume, own, subnets in MOUNTS:
        for caller in app.of_type(kind):
            systems = [app.target(value) for item in items(caller) for _, value in item.follow(app, volume)]
            peer = groups.peer_of(caller, own, subnets)
            for system in dict.fromkeys(item for item in systems if item is not None):
                mounts = [item for item in app.of_type(MOUNT_TARGET) if app.target(item.get("FileSystemId")) is system]
                ends = [listener for item in mounts if (listener := listener_of(app, item)) is not None]
                known = bool(ends) and len(ends) == len(mounts)
                if known and all(groups.reaches(peer, end.peer, NFS) is Answer.NO for end in ends):
                    message = f"no mount target of {system.logical_id} is reached on port {NFS}."
                    yield breach(caller, own.removesuffix("[]"), message)


NFS = 2049
_AWSVPC = "NetworkConfiguration.AwsvpcConfiguration"
MOUNTS = (
    (FUNCTION, "FileSystemConfigs[].Arn>FileSystemId", "VpcConfig.SecurityGroupIds[]", "VpcConfig.SubnetIds[]"),
    (
        "AWS::ECS::Service",
        "TaskDefinition>Volumes[].EFSVolumeConfiguration.FilesystemId",
        f"{_AWSVPC}.SecurityGroups[]",
        f"{_AWSVPC}.Subnets[]",
    ),
)
TCP, WELL_KNOWN = ("HTTP", "HTTPS", "TCP", "TLS"), (80, 443)
PRIVATE_LINK = "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic"


def _connections(app: Assembly) -> Iterator[tuple[Resource, str, NetworkPeer, Resource]]:
    """Yield who connects to what: the caller, the property with its groups, its end of the connection, the target."""
    groups = security_groups_of(app)
    for function in app.of_type(FUNCTION):
        if function.given("VpcConfig.SubnetIds[]"):
            peer = groups.peer_of(function, "VpcConfig.SecurityGroupIds[]", "VpcConfig.SubnetIds[]")
            for target in mentioned_listeners(app, function, "Environment.Variables"):
                yield function, "VpcConfig.SecurityGroupIds", peer, target
    for group in app.of_type("AWS::RDS::DBProxyTargetGroup"):
        proxy = resource_named(app, group.get("DBProxyName"), group.template, "AWS::RDS::DBProxy")
        for value in [*group.given("DBClusterIdentifiers[]"), *group.given("DBInstanceIdentifiers[]")]:
            database = app.target(value)
            if proxy is not None and database is not None:
                peer = groups.peer_of(proxy, "VpcSecurityGroupIds[]", "VpcSubnetIds[]")
                yield proxy, "VpcSecurityGroupIds", peer, database
