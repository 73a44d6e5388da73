"""AWS WAF in front of the load balancer: AWS's managed rule groups, a rate limit, and a log of blocked requests."""

from __future__ import annotations

from aws_cdk import aws_logs as logs
from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct

# https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-list.html
MANAGED_RULE_GROUPS = (
    "AWSManagedRulesAmazonIpReputationList",
    "AWSManagedRulesCommonRuleSet",
    "AWSManagedRulesKnownBadInputsRuleSet",
    "AWSManagedRulesSQLiRuleSet",
)
REQUESTS_PER_FIVE_MINUTES_AND_ADDRESS = 2000


class WebAcl(Construct):
    """A regional web ACL, associated with the load balancer and logging.

    Args:
        scope: the stack.
        construct_id: its id in the stack.
        name: physical name of the web ACL and of its metrics.
        load_balancer_arn: what it protects.
        log_group: receives blocked and counted requests; its name must begin with ``aws-waf-logs-``.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, name: str, load_balancer_arn: str, log_group: logs.ILogGroup
    ) -> None:
        super().__init__(scope, construct_id)
        self.web_acl = wafv2.CfnWebACL(
            self,
            "Default",
            name=name,
            scope="REGIONAL",
            default_action=wafv2.CfnWebACL.DefaultActionProperty(allow={}),
            visibility_config=_visibility(name),
            rules=[*(_managed(index, group) for index, group in enumerate(MANAGED_RULE_GROUPS)), _rate_limit()],
        )
        arn = self.web_acl.attr_arn
        wafv2.CfnWebACLAssociation(self, "Association", resource_arn=load_balancer_arn, web_acl_arn=arn)
        wafv2.CfnLoggingConfiguration(
            self,
            "Logging",
            resource_arn=arn,
            log_destination_configs=[log_group.log_group_arn],
            logging_filter={
                "DefaultBehavior": "DROP",
                "Filters": [
                    {
                        "Behavior": "KEEP",
                        "Requirement": "MEETS_ANY",
                        "Conditions": [
                            {"ActionCondition": {"Action": "BLOCK"}},
                            {"ActionCondition": {"Action": "COUNT"}},
                        ],
                    }
                ],
            },
        )


def _managed(priority: int, group: str) -> wafv2.CfnWebACL.RuleProperty:
    return wafv2.CfnWebACL.RuleProperty(
        name=group,
        priority=priority,
        override_action=wafv2.CfnWebACL.OverrideActionProperty(none={}),
        statement=wafv2.CfnWebACL.StatementProperty(
            managed_rule_group_statement=wafv2.CfnWebACL.ManagedRuleGroupStatementProperty(
                vendor_name="AWS", name=group
            )
        ),
        visibility_config=_visibility(group),
    )


def _rate_limit() -> wafv2.CfnWebACL.RuleProperty:
    return wafv2.CfnWebACL.RuleProperty(
        name="RateLimit",
        priority=len(MANAGED_RULE_GROUPS),
        action=wafv2.CfnWebACL.RuleActionProperty(block={}),
        statement=wafv2.CfnWebACL.StatementProperty(
            rate_based_statement=wafv2.CfnWebACL.RateBasedStatementProperty(
                aggregate_key_type="IP", limit=REQUESTS_PER_FIVE_MINUTES_AND_ADDRESS
            )
        ),
        visibility_config=_visibility("RateLimit"),
    )


def _visibility(metric: str) -> wafv2.CfnWebACL.VisibilityConfigProperty:
    return wafv2.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, metric_name=metric, sampled_requests_enabled=True
    )
