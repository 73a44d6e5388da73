"""The web ACL before the load balancer: on by setting, with its rules, association and log."""

from __future__ import annotations

import pytest

from stacks.names import PhysicalName
from tests.assembly import Assembly, Resource

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
