"""The load balancer, its target group and listeners, and the web ACL before it."""

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
        "zonal_shift.config.enabled": "true",
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
    delay = str(settings.deregistration_delay_seconds)
    assert attributes == {"deregistration_delay.timeout_seconds": delay, "stickiness.enabled": "false"}
    assert deployment.text("Compute", group.pop("VpcId")) == "${Network/Vpc}"
    group.pop("Tags")
    assert group == {
        "TargetType": "ip",
        "Protocol": "HTTP",
        "Port": settings.port,
        "HealthCheckPath": settings.health_path,
        "Matcher": {"HttpCode": "200"},
        "HealthCheckIntervalSeconds": settings.health_interval_seconds,
        "HealthCheckTimeoutSeconds": settings.health_timeout_seconds,
        "HealthyThresholdCount": settings.healthy_threshold,
        "UnhealthyThresholdCount": settings.unhealthy_threshold,
    }


def test_a_hung_task_is_found_well_within_the_recovery_time(deployment: Assembly) -> None:
    """Until then the load balancer sends it requests that nobody answers."""
    check, rto = _target_group(deployment), deployment.settings.recovery.rto_seconds
    found = check["HealthCheckIntervalSeconds"] * check["UnhealthyThresholdCount"] + check["HealthCheckTimeoutSeconds"]
    assert found <= (rto if deployment.profile == "unusual" else rto / 5)


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


def test_the_record_of_the_domain_name_is_made_where_a_hosted_zone_is_given(deployment: Assembly) -> None:
    compute = deployment.settings.compute
    records = deployment.nested["Compute"].of_type("AWS::Route53::RecordSet")
    assert len(records) == (1 if compute.hosted_zone_id else 0)
    assert not records or deployment.profile in ("options", "unusual")
    for record in records.values():
        target = record["Properties"].pop("AliasTarget")
        assert record["Properties"] == {
            "HostedZoneId": compute.hosted_zone_id,
            "Name": compute.domain_name,
            "Type": "A",
        }
        assert deployment.text("Compute", target["DNSName"]) == "${Compute/LoadBalancer.DNSName}"
        assert deployment.text("Compute", target["HostedZoneId"]) == "${Compute/LoadBalancer.CanonicalHostedZoneID}"
        assert target["EvaluateTargetHealth"] is True


TYPES = ("AWS::WAFv2::WebACL", "AWS::WAFv2::WebACLAssociation", "AWS::WAFv2::LoggingConfiguration")
MANAGED = (
    "AWSManagedRulesAmazonIpReputationList",
    "AWSManagedRulesCommonRuleSet",
    "AWSManagedRulesKnownBadInputsRuleSet",
    "AWSManagedRulesSQLiRuleSet",
)
BLOCKED_OR_COUNTED = [{"ActionCondition": {"Action": "BLOCK"}}, {"ActionCondition": {"Action": "COUNT"}}]


@pytest.fixture(params=["prod", "unusual"])
def protected(request: pytest.FixtureRequest) -> Assembly:
    """Return a deployment with a web ACL."""
    deployment: Assembly = request.getfixturevalue(request.param)
    return deployment


def _acl(deployment: Assembly) -> Resource:
    return deployment.nested["Compute"].one("AWS::WAFv2::WebACL")


def _visibility(metric: str) -> Resource:
    return {"CloudWatchMetricsEnabled": True, "MetricName": metric, "SampledRequestsEnabled": True}


def test_web_acl_by_setting(deployment: Assembly) -> None:
    expected = 1 if deployment.settings.compute.waf else 0
    assert [len(list(deployment.all_of_type(kind))) for kind in TYPES] == [expected] * 3
    groups = deployment.nested["Compute"].of_type("AWS::Logs::LogGroup").values()
    logs = [group for group in groups if "waf" in str(group["Properties"].get("LogGroupName"))]
    assert len(logs) == expected


@pytest.mark.parametrize(("environment", "expected"), [("dev", 0), ("staging", 0), ("prod", 1)])
def test_web_acl_by_environment(request: pytest.FixtureRequest, environment: str, expected: int) -> None:
    deployment: Assembly = request.getfixturevalue(environment)
    assert len(deployment.nested["Compute"].of_type("AWS::WAFv2::WebACL")) == expected


def test_web_acl_is_regional_and_lets_through_what_no_rule_blocks(protected: Assembly) -> None:
    acl, name = _acl(protected), protected.names.physical_name(PhysicalName.WEB_ACL)
    assert acl["Name"] == name
    assert acl["Scope"] == "REGIONAL"
    assert acl["DefaultAction"] == {"Allow": {}}
    assert acl["VisibilityConfig"] == _visibility(name)


def test_managed_rule_groups_keep_their_own_actions(protected: Assembly) -> None:
    managed = [rule for rule in _acl(protected)["Rules"] if "ManagedRuleGroupStatement" in rule["Statement"]]
    assert managed == [
        {
            "Name": group,
            "Priority": priority,
            # "Count" here would turn every block of the group into a log line.
            "OverrideAction": {"None": {}},
            "Statement": {"ManagedRuleGroupStatement": {"VendorName": "AWS", "Name": group}},
            "VisibilityConfig": _visibility(group),
        }
        for priority, group in enumerate(MANAGED)
    ]


def test_one_address_may_not_flood_the_service(protected: Assembly) -> None:
    (limit,) = (rule for rule in _acl(protected)["Rules"] if "RateBasedStatement" in rule["Statement"])
    assert limit["Name"] == "RateLimit"
    assert limit["Action"] == {"Block": {}}
    assert limit["Statement"] == {"RateBasedStatement": {"AggregateKeyType": "IP", "Limit": 2000}}
    assert limit["VisibilityConfig"] == _visibility("RateLimit")
    assert len(_acl(protected)["Rules"]) == len(MANAGED) + 1
    priorities = [rule["Priority"] for rule in _acl(protected)["Rules"]]
    assert priorities == list(range(len(priorities)))


def test_web_acl_stands_before_the_load_balancer(protected: Assembly) -> None:
    association = protected.nested["Compute"].one("AWS::WAFv2::WebACLAssociation")
    assert protected.text("Compute", association["ResourceArn"]) == "${Compute/LoadBalancer}"
    assert protected.text("Compute", association["WebACLArn"]) == "${Compute/WebAcl.Arn}"


def test_blocked_and_counted_requests_are_logged_and_nothing_else(protected: Assembly) -> None:
    log = protected.nested["Compute"].one("AWS::WAFv2::LoggingConfiguration")
    assert protected.text("Compute", log["ResourceArn"]) == "${Compute/WebAcl.Arn}"
    assert protected.texts("Compute", log["LogDestinationConfigs"]) == ["${Compute/WebAclLogGroup.Arn}"]
    assert log["LoggingFilter"] == {
        "DefaultBehavior": "DROP",
        "Filters": [{"Behavior": "KEEP", "Requirement": "MEETS_ANY", "Conditions": BLOCKED_OR_COUNTED}],
    }


def test_log_group_has_the_name_that_waf_demands(protected: Assembly) -> None:
    name = protected.names.physical_name(PhysicalName.WAF_LOG_GROUP)
    assert name.startswith("aws-waf-logs-")
    protected.nested["Compute"].one("AWS::Logs::LogGroup", LogGroupName=name)
