"""The Application Load Balancer: attributes, target group, listeners by certificate."""

from __future__ import annotations

from typing import Any

import pytest

from stacks.names import PhysicalName
from tests.assembly import Assembly, Resource

LISTENER = "AWS::ElasticLoadBalancingV2::Listener"
POST_QUANTUM_TLS = "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"


def _balancer(deployment: Assembly) -> Resource:
    return deployment.nested["Compute"].one("AWS::ElasticLoadBalancingV2::LoadBalancer")


def _target_group(deployment: Assembly) -> Resource:
    return deployment.nested["Compute"].one("AWS::ElasticLoadBalancingV2::TargetGroup")


def _listeners(deployment: Assembly) -> dict[int, Resource]:
    found = deployment.nested["Compute"].of_type(LISTENER).values()
    return {listener["Properties"]["Port"]: listener["Properties"] for listener in found}


def _attributes(deployment: Assembly, pairs: list[dict[str, Any]]) -> dict[str, str]:
    return {pair["Key"]: deployment.text("Compute", pair["Value"]) for pair in pairs}


def test_load_balancer_faces_the_internet_from_public_subnets(deployment: Assembly) -> None:
    balancer = _balancer(deployment)
    assert (balancer["Type"], balancer["Scheme"]) == ("application", "internet-facing")
    assert balancer["Name"] == deployment.names.physical_name(PhysicalName.LOAD_BALANCER)
    assert deployment.texts("Compute", balancer["Subnets"]) == [
        f"${{Network/Vpc/PublicSubnet{number}/Subnet}}" for number in range(1, deployment.zone_count + 1)
    ]
    groups = deployment.texts("Compute", balancer["SecurityGroups"])
    assert groups == ["${Network/LoadBalancerSecurityGroup.GroupId}"]


def test_load_balancer_logs_drops_malformed_headers_and_is_protected(deployment: Assembly) -> None:
    protected = str(deployment.settings.removal.deletion_protection).lower()
    assert _attributes(deployment, _balancer(deployment)["LoadBalancerAttributes"]) == {
        "deletion_protection.enabled": protected,
        "routing.http.drop_invalid_header_fields.enabled": "true",
        "routing.http.desync_mitigation_mode": "defensive",
        "access_logs.s3.enabled": "true",
        "access_logs.s3.bucket": "${Storage/LogBucket}",
        "access_logs.s3.prefix": "load-balancer",
    }


def test_log_bucket_lets_the_load_balancer_write_where_it_does(deployment: Assembly) -> None:
    attributes = _attributes(deployment, _balancer(deployment)["LoadBalancerAttributes"])
    allowed = [
        deployment.text("Storage", statement["Resource"])
        for policy in deployment.nested["Storage"].of_type("AWS::S3::BucketPolicy").values()
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if statement["Principal"] == {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"}
    ]
    account = deployment.settings.account or "${AWS::AccountId}"
    prefix = attributes["access_logs.s3.prefix"]
    assert allowed == [f"${{Storage/LogBucket.Arn}}/{prefix}/AWSLogs/{account}/*"]


@pytest.mark.parametrize(("environment", "protected"), [("dev", "false"), ("staging", "false"), ("prod", "true")])
def test_deletion_protection_by_environment(request: pytest.FixtureRequest, environment: str, protected: str) -> None:
    deployment: Assembly = request.getfixturevalue(environment)
    attributes = _attributes(deployment, _balancer(deployment)["LoadBalancerAttributes"])
    assert attributes["deletion_protection.enabled"] == protected


def test_target_group_takes_addresses_and_asks_the_health_path(deployment: Assembly) -> None:
    group, settings = _target_group(deployment), deployment.settings.compute
    attributes = _attributes(deployment, group.pop("TargetGroupAttributes"))
    assert attributes == {"deregistration_delay.timeout_seconds": "30", "stickiness.enabled": "false"}
    assert deployment.text("Compute", group.pop("VpcId")) == "${Network/Vpc}"
    group.pop("Tags")
    assert group == {
        "TargetType": "ip",
        "Protocol": "HTTP",
        "Port": settings.port,
        "HealthCheckPath": settings.health_path,
        "Matcher": {"HttpCode": "200"},
        "HealthCheckIntervalSeconds": 15,
        "HealthCheckTimeoutSeconds": 5,
        "HealthyThresholdCount": 2,
        "UnhealthyThresholdCount": 2,
    }


def test_every_listener_belongs_to_the_load_balancer(deployment: Assembly) -> None:
    listeners = deployment.nested["Compute"].of_type(LISTENER)
    assert len(listeners) == len(_listeners(deployment)) == (2 if deployment.settings.compute.certificate_arn else 1)
    for listener in _listeners(deployment).values():
        assert deployment.text("Compute", listener["LoadBalancerArn"]) == "${Compute/LoadBalancer}"
    assert not deployment.nested["Compute"].of_type("AWS::ElasticLoadBalancingV2::ListenerRule")


def _assert_forwards(deployment: Assembly, listener: Resource) -> None:
    (action,) = listener["DefaultActions"]
    assert action["Type"] == "forward"
    assert deployment.text("Compute", action["TargetGroupArn"]) == "${Compute/LoadBalancer/TargetGroup}"


@pytest.mark.parametrize("profile", ["dev", "unusual"])
def test_without_a_certificate_http_forwards_and_nothing_else_listens(
    request: pytest.FixtureRequest, profile: str
) -> None:
    deployment: Assembly = request.getfixturevalue(profile)
    assert deployment.settings.compute.certificate_arn is None
    listeners = _listeners(deployment)
    assert set(listeners) == {80}
    assert listeners[80]["Protocol"] == "HTTP"
    assert "Certificates" not in listeners[80]
    _assert_forwards(deployment, listeners[80])


@pytest.mark.parametrize("profile", ["staging", "prod", "prod_nat", "options"])
def test_with_a_certificate_http_only_redirects(request: pytest.FixtureRequest, profile: str) -> None:
    deployment: Assembly = request.getfixturevalue(profile)
    certificate = deployment.settings.compute.certificate_arn
    assert certificate is not None
    listeners = _listeners(deployment)
    assert set(listeners) == {80, 443}
    assert listeners[80]["Protocol"] == "HTTP"
    assert listeners[80]["DefaultActions"] == [
        {"Type": "redirect", "RedirectConfig": {"Port": "443", "Protocol": "HTTPS", "StatusCode": "HTTP_301"}}
    ]
    assert listeners[443]["Protocol"] == "HTTPS"
    assert listeners[443]["Certificates"] == [{"CertificateArn": certificate}]
    assert listeners[443]["SslPolicy"] == POST_QUANTUM_TLS
    _assert_forwards(deployment, listeners[443])
