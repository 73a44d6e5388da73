"""A template of a load balancer."""

from __future__ import annotations

from typing import Any


def template(protocol: str = "HTTP", **listener: Any) -> dict[str, Any]:
    """Return a load balancer with a listener and a target group in two subnets; `Address` is an output."""

    def subnet(number: int) -> dict[str, Any]:
        zone = f"us-east-1{'ab'[number]}"
        properties = {"VpcId": {"Ref": "Vpc"}, "CidrBlock": f"10.9.{number}.0/24", "AvailabilityZone": zone}
        return {"Type": "AWS::EC2::Subnet", "Properties": properties}

    def elb(kind: str, properties: dict[str, Any]) -> dict[str, Any]:
        return {"Type": f"AWS::ElasticLoadBalancingV2::{kind}", "Properties": properties}

    forward = [{"Type": "forward", "TargetGroupArn": {"Ref": "Targets"}}]
    group = {
        "TargetType": "ip", "Protocol": "HTTP", "Port": 80, "VpcId": {"Ref": "Vpc"}, "HealthCheckIntervalSeconds": 5,
        "HealthCheckTimeoutSeconds": 2, "UnhealthyThresholdCount": 2, "HealthyThresholdCount": 2,
        "TargetGroupAttributes": [{"Key": "deregistration_delay.timeout_seconds", "Value": "1"}],
    }  # fmt: skip
    properties = {"LoadBalancerArn": {"Ref": "Balancer"}, "Port": 80, "Protocol": protocol, "DefaultActions": forward}
    return {
        "Resources": {
            "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.9.0.0/16"}},
            "One": subnet(0),
            "Two": subnet(1),
            "Balancer": elb("LoadBalancer", {"Subnets": [{"Ref": "One"}, {"Ref": "Two"}], "Scheme": "internal"}),
            "Targets": elb("TargetGroup", group),
            "Listener": elb("Listener", {**properties, **listener}),
        },
        "Outputs": {"Address": {"Value": {"Fn::GetAtt": ["Balancer", "DNSName"]}}},
    }
