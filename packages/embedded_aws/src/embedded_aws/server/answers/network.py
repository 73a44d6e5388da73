"""Answers of Amazon EC2."""

import json
from collections.abc import Callable, Mapping
from typing import Final

from embedded_aws.server import upstream
from embedded_aws.server.answers.wire import Check, Completion, Request, Xml
from embedded_aws.server.refusals import RefusedError

# https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
_FLOW_LOG_FORMAT: Final = (
    "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} "
    "${bytes} ${start} ${end} ${action} ${log-status}"
)
_OPEN_POLICY: Final = {
    "Version": "2008-10-17",
    "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}],
}
# What ministack does not keep of a flow log, by its id.
_flow_logs = upstream.scoped_table()


def _flow_log(request: Request) -> RefusedError | None:
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
    return RefusedError("InvalidParameter", message)


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


def _tags_of_nothing(request: Request) -> RefusedError | None:
    if request.listed("ResourceId"):
        return None
    return RefusedError("MissingParameter", "The request must contain the parameter resourceIdSet")


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

    def check(request: Request, answer: Xml) -> RefusedError | None:
        asked = request.listed(ids)
        return RefusedError(code, message.format(asked[0])) if asked and not answer.members(members) else None

    return check


def _both(first: Completion, then: Callable[[Request, Xml], None]) -> Completion:
    def complete(request: Request, answer: Xml) -> RefusedError | None:
        refusal = first(request, answer)
        then(request, answer)
        return refusal

    return complete


def _duplicate_rule(request: Request) -> RefusedError | None:
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
            return RefusedError("InvalidPermission.Duplicate", message)
    return None


CHECKS: Final[Mapping[str, Check]] = {
    "ec2 CreateFlowLogs": _flow_log,
    "ec2 CreateTags": _tags_of_nothing,
    "ec2 AuthorizeSecurityGroupIngress": _duplicate_rule,
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
}
