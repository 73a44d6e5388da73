"""Findings of scanners that stay in the network stack, and why."""

from __future__ import annotations

from stacks.common.acknowledgements import (
    AWS_SOLUTIONS,
    HIPAA,
    INLINE_POLICY,
    NIST,
    PCI,
    accepted,
    acknowledge,
    policy_of,
    skip_checkov,
)
from stacks.network.stack import NetworkStack

ENTRANCE = "The entrance of a public service: only the load balancer is in this group, open on its listeners' ports."
PUBLIC_ROUTE = "An internet-facing load balancer needs this route; nothing here gets a public address without asking."
DEFAULT_GROUP = "Every network interface names a group of this stack; network.restrict_default_security_group is off."
CUSTOM_RESOURCE = dict.fromkeys(
    ("CKV_AWS_115", "CKV_AWS_116", "CKV_AWS_117"),
    "CDK's own function, which CloudFormation calls once in a deployment and whose failure fails the deployment.",
)


def acknowledge_findings(stack: NetworkStack) -> None:
    """Acknowledge what stays, each on the resource concerned and only under the setting that makes it true."""
    route = accepted(HIPAA, NIST, PCI, rule="VPCNoUnrestrictedRouteToIGW", reason=PUBLIC_ROUTE)
    for subnet in stack.vpc.public_subnets:
        acknowledge(subnet.node.find_child("DefaultRoute"), route)
    if not stack.settings.restrict_default_security_group:
        acknowledge(stack.vpc, accepted(HIPAA, NIST, PCI, rule="VPCDefaultSecurityGroupClosed", reason=DEFAULT_GROUP))
    for part in stack.custom_resource_parts:
        if part.cfn_resource_type == "AWS::Lambda::Function":
            skip_checkov(part, CUSTOM_RESOURCE)
    acknowledge(stack.load_balancer_security_group, accepted(AWS_SOLUTIONS, rule="EC23", reason=ENTRANCE))
    skip_checkov(stack.load_balancer_security_group, {"CKV_AWS_260": ENTRANCE})
    acknowledge(policy_of(stack.flow_log.role), INLINE_POLICY)
