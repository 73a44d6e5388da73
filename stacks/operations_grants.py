"""What the functions may do, action by action; `tests/stacks/test_least_privilege.py` compares it with their calls.

The root makes these grants: no stack grants on another's resources.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import IConstruct

from stacks.acknowledgements import AWS_SOLUTIONS, acknowledge, shown_arn
from stacks.names import METRIC_NAMESPACE, Names
from stacks.operations_widgets import Watched
from stacks.task_grants import KEY_ACTIONS

EVERYTHING = "IAM5[Resource::*]"
NO_RESOURCE = (
    "AWS defines no resource type for these actions (X-Ray, metrics, lists and restore jobs): only * is accepted."
)
RESTORED = "AWS Backup makes up the name of what it restores as a test, behind this prefix; nothing of ours begins so."
# https://docs.aws.amazon.com/aws-backup/latest/devguide/restore-testing.html
PREFIX = "awsbackup-restore-test-"


@dataclass(frozen=True, kw_only=True)
class OperationsGrants:
    """Grants the functions what they call.

    Args:
        watched: what they call it on.
        names: physical names.
        members: number of the cluster's instances.
        data_key: key of cluster and table.
    """

    watched: Watched
    names: Names
    members: int
    data_key: kms.IKey

    def health_monitor(self, function: lambda_.Function) -> None:
        """Let it look at everything that it judges, keep its state, publish and notify."""
        watched, allow = self.watched, _Allow(function)
        ecs_cluster = watched.service.cluster.cluster_arn
        allow("ReadCluster", ["rds:DescribeDBClusters"], [watched.cluster.cluster_arn])
        allow("ReadService", ["ecs:DescribeServices"], [watched.service.service_arn])
        allow("ReadTasks", ["ecs:DescribeTasks", "ecs:ListTasks"], ["*"], {"ArnEquals": {"ecs:cluster": ecs_cluster}})
        allow(
            "ReadTable",
            ["dynamodb:DescribeContinuousBackups", "dynamodb:DescribeTable"],
            [watched.table.table_arn],
        )
        allow("ReadVault", ["backup:ListRecoveryPointsByBackupVault"], [watched.vault.backup_vault_arn])
        plan = watched.restore_testing_plan.attr_restore_testing_plan_arn
        allow("ReadRestoreTests", ["backup:GetRestoreTestingPlan"], [plan])
        allow(
            "ReadLists",
            [
                "backup:ListRestoreJobs",
                "cloudwatch:GetMetricData",
                "elasticloadbalancing:DescribeTargetHealth",
                "rds:DescribeDBInstances",
            ],
            ["*"],
        )
        self._keep_state(allow, "operations#health", ["dynamodb:GetItem", "dynamodb:PutItem"])
        _publish_metrics(allow)
        acknowledge(_policy(function), AWS_SOLUTIONS, rule=EVERYTHING, reason=NO_RESOURCE)

    def failover(self, function: lambda_.Function) -> None:
        """Let it look at the cluster, move its writer, and keep its claim."""
        stack, allow = Stack.of(function), _Allow(function)
        cluster = self.watched.cluster.cluster_arn
        instances = [
            f"arn:{stack.partition}:rds:{stack.region}:{stack.account}:db:{self.names.aurora_instance(number + 1)}"
            for number in range(self.members)
        ]
        allow("ReadCluster", ["rds:DescribeDBClusters"], [cluster])
        allow("FailOver", ["rds:FailoverDBCluster"], [cluster, *instances])
        allow("ReadLists", ["cloudwatch:GetMetricData", "rds:DescribeDBInstances"], ["*"])
        self._keep_state(allow, "operations#failover", ["dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem"])
        _publish_metrics(allow)
        acknowledge(_policy(function), AWS_SOLUTIONS, rule=EVERYTHING, reason=NO_RESOURCE)

    def restore_validation(self, function: lambda_.Function, queue: sqs.IQueue) -> None:
        """Let it read the queue, open, read and close what restore tests made, and report."""
        stack, allow = Stack.of(function), _Allow(function)
        scope = f"{stack.region}:{stack.account}"
        instances = f"arn:{stack.partition}:rds:{scope}:db:{PREFIX}*"
        secrets = f"arn:{stack.partition}:secretsmanager:{scope}:secret:rds!cluster-*"
        tables = f"arn:{stack.partition}:dynamodb:{scope}:table/{PREFIX}*"
        clusters = f"arn:{stack.partition}:rds:{scope}:cluster:{PREFIX}*"
        allow("ReportResults", ["backup:DescribeRestoreJob", "backup:PutRestoreValidationResult"], ["*"])
        allow(
            "OpenRestoredClusters",
            ["rds-data:ExecuteStatement", "rds:DescribeDBClusters", "rds:EnableHttpEndpoint", "rds:ModifyDBCluster"],
            [clusters],
        )
        allow("CreateInstances", ["rds:CreateDBInstance"], [clusters, instances])
        allow("CloseRestoredClusters", ["rds:DeleteDBInstance", "rds:DescribeDBInstances"], [instances])
        # RDS makes the secret in the caller's name, and tags it with the ARN of its cluster.
        # https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/rds-secrets-manager.html
        allow("LetRdsMakeSecrets", ["secretsmanager:CreateSecret", "secretsmanager:TagResource"], [secrets])
        allow(
            "ReadSecretsOfRestoredClusters",
            ["secretsmanager:GetSecretValue"],
            [secrets],
            {"StringLike": {"secretsmanager:ResourceTag/aws:rds:primaryDBClusterArn": clusters}},
        )
        self._use_data_key(
            allow, "secretsmanager", ["kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"]
        )
        self._use_data_key(allow, "rds", ["kms:CreateGrant", "kms:DescribeKey"])
        allow("ReadRestoredTables", ["dynamodb:DescribeTable", "dynamodb:Scan"], [tables])
        self._keep_state(allow, "operations#restore", ["dynamodb:GetItem", "dynamodb:PutItem"])
        allow("ReadQueue", ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"], [queue.queue_arn])
        _publish_metrics(allow)
        acknowledge(_policy(function), AWS_SOLUTIONS, rule=EVERYTHING, reason=NO_RESOURCE)
        for pattern in (clusters, instances, secrets, tables):
            acknowledge(
                _policy(function), AWS_SOLUTIONS, rule=f"IAM5[Resource::{shown_arn(pattern, stack)}]", reason=RESTORED
            )

    def _keep_state(self, allow: _Allow, partition: str, actions: Sequence[str]) -> None:
        """Let a function keep one partition of the table, not the application's items."""
        # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
        only = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [partition]}}
        allow("KeepState", actions, [self.watched.table.table_arn], only)
        self._use_data_key(allow, "dynamodb", KEY_ACTIONS["dynamodb"])

    def _use_data_key(self, allow: _Allow, service: str, actions: Sequence[str]) -> None:
        via = f"{service}.{allow.stack.region}.{allow.stack.url_suffix}"
        allow(
            f"UseDataKeyThrough{service.title()}",
            actions,
            [self.data_key.key_arn],
            {"StringEquals": {"kms:ViaService": via}},
        )


class _Allow:
    """Adds statements to the role of a function."""

    def __init__(self, function: lambda_.Function) -> None:
        self._function = function
        self.stack = Stack.of(function)

    def __call__(
        self, sid: str, actions: Iterable[str], resources: Iterable[str], conditions: dict[str, Any] | None = None
    ) -> None:
        self._function.add_to_role_policy(
            iam.PolicyStatement(sid=sid, actions=list(actions), resources=list(resources), conditions=conditions)
        )


def _publish_metrics(allow: _Allow) -> None:
    only = {"StringEquals": {"cloudwatch:namespace": METRIC_NAMESPACE}}
    allow("PublishMetrics", ["cloudwatch:PutMetricData"], ["*"], only)


def _policy(function: lambda_.Function) -> IConstruct:
    role = function.role
    assert role is not None, "every function is given one"  # noqa: S101
    return role.node.find_child("DefaultPolicy")
