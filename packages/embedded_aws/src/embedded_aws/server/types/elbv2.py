"""Elastic Load Balancing: the full name of a target group, which alarms and scaling policies refer to."""

from embedded_aws.server import registry
from embedded_aws.server.registry import Attributes, Properties


def install() -> None:
    """Register the types of this service."""
    registry.complete("AWS::ElasticLoadBalancingV2::TargetGroup", _full_name)


def _full_name(arn: str, _properties: Properties) -> Attributes:
    # `targetgroup/name/id`; ministack leaves the first part out.
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-elasticloadbalancingv2-targetgroup.html
    return {"TargetGroupFullName": arn.rpartition(":")[2]}
