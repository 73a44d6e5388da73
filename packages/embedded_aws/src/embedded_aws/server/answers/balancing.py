"""Answers of Elastic Load Balancing."""

from collections.abc import Mapping
from typing import Final

from embedded_aws.server import upstream
from embedded_aws.server.answers.wire import Check, Completion, Request, Xml
from embedded_aws.server.refusals import RefusedError

BALANCER_ATTRIBUTES: Final = {
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
TARGET_GROUP_ATTRIBUTES: Final = {
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


def _balancers(_request: Request, answer: Xml) -> None:
    for each in answer.members("LoadBalancers"):
        subnet = next((zone.text("SubnetId") for zone in each.members("AvailabilityZones")), "")
        if subnet in upstream.subnets:
            each.put("VpcId", upstream.subnets[subnet]["VpcId"])
        for zone in each.members("AvailabilityZones"):  # ministack says the first zone of every subnet
            if known := upstream.subnets.get(zone.text("SubnetId")):
                zone.put("ZoneName", known["AvailabilityZone"])
        if each.text("Type") == "application":
            each.default("EnablePrefixForIpv6SourceNat", "off")


def _listeners(request: Request, answer: Xml) -> RefusedError | None:
    balancer = request.text("LoadBalancerArn")
    if balancer and balancer not in upstream.load_balancers:
        return RefusedError("LoadBalancerNotFound", "One or more load balancers not found")
    if request.listed("ListenerArns.member") and not answer.members("Listeners"):
        return RefusedError("ListenerNotFound", "One or more listeners not found")
    for action in answer.members("DefaultActions"):
        group = action.text("TargetGroupArn")
        if group:
            weighted: object = [{"TargetGroupArn": group, "Weight": 1}]
            action.default(
                "ForwardConfig", {"TargetGroups": weighted, "TargetGroupStickinessConfig": {"Enabled": False}}
            )
    return None


def _new_listener(request: Request) -> RefusedError | None:
    here = (request.text("LoadBalancerArn"), request.text("Port"))
    if any((each["LoadBalancerArn"], str(each["Port"])) == here for each in upstream.listeners.values()):
        return RefusedError("DuplicateListener", "A listener already exists on this port for this load balancer")
    return None


def _target_groups(request: Request, answer: Xml) -> RefusedError | None:
    asked = [*request.listed("Names.member"), *request.listed("TargetGroupArns.member")]
    if asked and not answer.members("TargetGroups"):
        return RefusedError("TargetGroupNotFound", "One or more target groups not found")
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
    "elbv2 CreateListener": _new_listener,
}
COMPLETIONS: Final[Mapping[str, Completion]] = {
    "elbv2 DescribeListeners": _listeners,
    "elbv2 DescribeLoadBalancerAttributes": _attributes(BALANCER_ATTRIBUTES),
    "elbv2 DescribeLoadBalancers": _balancers,
    "elbv2 DescribeTargetGroupAttributes": _attributes(TARGET_GROUP_ATTRIBUTES),
    "elbv2 DescribeTargetGroups": _target_groups,
}
