"""Answers of Amazon EC2 and Elastic Load Balancing."""

import json
from collections.abc import Callable, Mapping
from typing import Final

from embedded_aws.server import upstream
from embedded_aws.server.answers.wire import Check, Completion, Refusal, Request, Xml

# https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
_FLOW_LOG_FORMAT: Final = (
    "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} "
    "${bytes} ${start} ${end} ${action} ${log-status}"
)
_OPEN_POLICY: Final = {
    "Version": "2008-10-17",
    "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}],
}
_BALANCER_ATTRIBUTES: Final = {
    "access_logs.s3.enabled": "false",
    "access_logs.s3.bucket": "",
    "access_logs.s3.prefix": "",
    "client_keep_alive.seconds": "3600",
    "connection_logs.s3.enabled": "false",
    "connection_logs.s3.bucket": "",
    "connection_logs.s3.prefix": "",
    "deletion_protection.enabled": "false",
    "health_check_logs.s3.enabled": "false",
    "health_check_logs.s3.bucket": "",
    "health_check_logs.s3.prefix": "",
    "idle_timeout.timeout_seconds": "60",
    "load_balancing.cross_zone.enabled": "true",
    "routing.http.desync_mitigation_mode": "defensive",
    "routing.http.drop_invalid_header_fields.enabled": "false",
    "routing.http.preserve_host_header.enabled": "false",
    "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": "false",
    "routing.http.xff_client_port.enabled": "false",
    "routing.http.xff_header_processing.mode": "append",
    "routing.http2.enabled": "true",
    "waf.fail_open.enabled": "false",
    "zonal_shift.config.enabled": "false",
}
_TARGET_GROUP_ATTRIBUTES: Final = {
    "deregistration_delay.timeout_seconds": "300",
    "load_balancing.algorithm.anomaly_mitigation": "off",
    "load_balancing.algorithm.type": "round_robin",
    "load_balancing.cross_zone.enabled": "use_load_balancer_configuration",
    "slow_start.duration_seconds": "0",
    "stickiness.app_cookie.cookie_name": "",
    "stickiness.app_cookie.duration_seconds": "86400",
    "stickiness.enabled": "false",
    "stickiness.lb_cookie.duration_seconds": "86400",
    "stickiness.type": "lb_cookie",
    "target_group_health.dns_failover.minimum_healthy_targets.count": "1",
    "target_group_health.dns_failover.minimum_healthy_targets.percentage": "off",
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count": "1",
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage": "off",
}
# What ministack does not keep of a flow log, by its id.
_flow_logs = upstream.scoped_table()


def _flow_log(request: Request) -> Refusal | None:
    group, destination = request.text("LogGroupName"), request.text("LogDestination")
    kind = request.text("LogDestinationType") or "cloud-watch-logs"
    if group and destination:
        message = "Please only provide LogGroupName or only provide LogDestination."
    elif group and kind != "cloud-watch-logs":
        message = "LogDestination type must be cloud-watch-logs if LogGroupName is provided."
    elif not group and not destination:
        message = "LogDestination can't be empty if LogGroupName is not provided."
    else:
        return None
    return Refusal("InvalidParameter", message)


def _made_flow_logs(request: Request, answer: Xml) -> None:
    kept = {
        "maxAggregationInterval": request.text("MaxAggregationInterval") or "600",
        "logFormat": request.text("LogFormat") or _FLOW_LOG_FORMAT,
    }
    for each in answer.members("flowLogIdSet"):
        _flow_logs[each.node.text] = kept


def _described_flow_logs(_request: Request, answer: Xml) -> None:
    for each in answer.members("flowLogSet"):
        each.default("deliverLogsStatus", "SUCCESS")
        for name, value in (_flow_logs.get(each.text("flowLogId")) or {}).items():
            each.default(name, value)


def _tags_of_nothing(request: Request) -> Refusal | None:
    if request.listed("ResourceId"):
        return None
    return Refusal("MissingParameter", "The request must contain the parameter resourceIdSet")


def _zones(request: Request, answer: Xml) -> None:
    wanted = request.listed("ZoneName")
    for zones in answer.every("availabilityZoneInfo"):
        for zone in zones.members("availabilityZoneInfo"):
            if wanted and zone.text("zoneName") not in wanted:
                zones.node.remove(zone.node)


def _endpoints(_request: Request, answer: Xml) -> None:
    for each in answer.members("vpcEndpointSet"):
        interface = each.text("vpcEndpointType") == "Interface"
        each.default("requesterManaged", value=False)
        each.default("ipAddressType", "ipv4")
        each.default("dnsOptions", {"dnsRecordIpType": "ipv4" if interface else "service-defined"})
        each.default("policyDocument", json.dumps(_OPEN_POLICY))
        each.default("networkInterfaceIdSet", [], "item")
        each.default("dnsEntrySet", [], "item")


def _found(members: str, ids: str, code: str, message: str) -> Completion:
    """Refuse a description of what is not there, which ministack leaves out of its answer.

    Args:
        members: the list in the answer.
        ids: the list of what is asked for in the request.
        code: AWS's error code.
        message: AWS's message, with `{}` for the first id.
    """

    def check(request: Request, answer: Xml) -> Refusal | None:
        asked = request.listed(ids)
        return Refusal(code, message.format(asked[0])) if asked and not answer.members(members) else None

    return check


def _both(first: Completion, then: Callable[[Request, Xml], None]) -> Completion:
    def complete(request: Request, answer: Xml) -> Refusal | None:
        refusal = first(request, answer)
        then(request, answer)
        return refusal

    return complete


def _duplicate_rule(request: Request) -> Refusal | None:
    group = upstream.security_groups.get(request.text("GroupId"), {})
    number = "IpPermissions.1"
    cidr = request.text(f"{number}.IpRanges.1.CidrIp")
    asked = tuple(request.text(f"{number}.{part}") for part in ("IpProtocol", "FromPort", "ToPort"))
    for rule in group.get("IpPermissions", ()):
        has = tuple(str(rule.get(part, "")) for part in ("IpProtocol", "FromPort", "ToPort"))
        if cidr and has == asked and cidr in [each.get("CidrIp") for each in rule.get("IpRanges", ())]:
            message = (
                f'the specified rule "peer: {cidr}, {asked[0].upper()}, from port: {asked[1]}, to port: {asked[2]}, '
                'ALLOW" already exists'
            )
            return Refusal("InvalidPermission.Duplicate", message)
    return None


def _balancers(_request: Request, answer: Xml) -> None:
    for each in answer.members("LoadBalancers"):
        subnet = next((zone.text("SubnetId") for zone in each.members("AvailabilityZones")), "")
        if subnet in upstream.subnets:
            each.put("VpcId", upstream.subnets[subnet]["VpcId"])
        if each.text("Type") == "application":
            each.default("EnablePrefixForIpv6SourceNat", "off")


def _listeners(request: Request, answer: Xml) -> Refusal | None:
    balancer = request.text("LoadBalancerArn")
    if balancer and balancer not in upstream.load_balancers:
        return Refusal("LoadBalancerNotFound", "One or more load balancers not found")
    if request.listed("ListenerArns.member") and not answer.members("Listeners"):
        return Refusal("ListenerNotFound", "One or more listeners not found")
    for action in answer.members("DefaultActions"):
        group = action.text("TargetGroupArn")
        if group:
            weighted: object = [{"TargetGroupArn": group, "Weight": 1}]
            action.default(
                "ForwardConfig", {"TargetGroups": weighted, "TargetGroupStickinessConfig": {"Enabled": False}}
            )
    return None


def _new_listener(request: Request) -> Refusal | None:
    here = (request.text("LoadBalancerArn"), request.text("Port"))
    if any((each["LoadBalancerArn"], str(each["Port"])) == here for each in upstream.listeners.values()):
        return Refusal("DuplicateListener", "A listener already exists on this port for this load balancer")
    return None


def _target_groups(request: Request, answer: Xml) -> Refusal | None:
    asked = [*request.listed("Names.member"), *request.listed("TargetGroupArns.member")]
    if asked and not answer.members("TargetGroups"):
        return Refusal("TargetGroupNotFound", "One or more target groups not found")
    for each in answer.members("TargetGroups"):
        each.default("IpAddressType", "ipv4")
        if each.text("Protocol") in ("HTTP", "HTTPS"):
            each.default("ProtocolVersion", "HTTP1")
        if not each.members("LoadBalancerArns"):
            each.put("LoadBalancerArns", _balancers_of(each.text("TargetGroupArn")))
    return None


def _balancers_of(group: str) -> list[str]:
    forwards = (
        each["LoadBalancerArn"]
        for each in upstream.listeners.values()
        if any(action.get("TargetGroupArn") == group for action in each["DefaultActions"])
    )
    return sorted(set(forwards))


def _attributes(defaults: Mapping[str, str]) -> Completion:
    def complete(_request: Request, answer: Xml) -> None:
        for attributes in answer.every("Attributes"):
            given = {each.text("Key"): each.text("Value") for each in attributes.members("Attributes")}
            attributes.remove("member")
            for key, value in {**defaults, **given}.items():
                attributes.append("member", {"Key": key, "Value": value})

    return complete


CHECKS: Final[Mapping[str, Check]] = {
    "ec2 CreateFlowLogs": _flow_log,
    "ec2 CreateTags": _tags_of_nothing,
    "ec2 AuthorizeSecurityGroupIngress": _duplicate_rule,
    "elbv2 CreateListener": _new_listener,
}
COMPLETIONS: Final[Mapping[str, Completion]] = {
    "ec2 CreateFlowLogs": _made_flow_logs,
    "ec2 DescribeAddresses": _found(
        "addressesSet", "AllocationId", "InvalidAllocationID.NotFound", "The allocation ID '{}' does not exist"
    ),
    "ec2 DescribeAvailabilityZones": _zones,
    "ec2 DescribeFlowLogs": _described_flow_logs,
    "ec2 DescribeRouteTables": _found(
        "routeTableSet", "RouteTableId", "InvalidRouteTableID.NotFound", "The routeTable ID '{}' does not exist"
    ),
    "ec2 DescribeVpcEndpoints": _both(
        _found(
            "vpcEndpointSet",
            "VpcEndpointId",
            "InvalidVpcEndpointId.NotFound",
            "The Vpc Endpoint Id '{}' does not exist",
        ),
        _endpoints,
    ),
    "elbv2 DescribeListeners": _listeners,
    "elbv2 DescribeLoadBalancerAttributes": _attributes(_BALANCER_ATTRIBUTES),
    "elbv2 DescribeLoadBalancers": _balancers,
    "elbv2 DescribeTargetGroupAttributes": _attributes(_TARGET_GROUP_ATTRIBUTES),
    "elbv2 DescribeTargetGroups": _target_groups,
}
