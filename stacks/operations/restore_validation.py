"""The restore validation: the function, the queue that starts it, and what it may do with restored copies."""

from __future__ import annotations

from typing import Unpack

from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.names import PhysicalName
from stacks.operations.function import FunctionOptions, OperationsFunction
from stacks.settings import Settings

TIMEOUT_SECONDS = 60
# Of the hours for which AWS Backup keeps a restored copy: to delete its instance and report the result, in seconds.
CLOSING_SECONDS = 2400
# Prefix of what AWS Backup restores as a test:
# https://docs.aws.amazon.com/aws-backup/latest/devguide/restore-testing.html
PREFIX = "awsbackup-restore-test-"


class RestoreValidation(OperationsFunction):
    """Reads what AWS Backup restored as a test and proves that it holds data.

    Args:
        scope: the stack.
        construct_id: its id in the stack.
        queue: events of finished restore tests.
        options: what the three functions share.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        queue: sqs.IQueue,
        **options: Unpack[FunctionOptions],
    ) -> None:
        settings, names, monitored = options["settings"], options["names"], options["monitored"]
        super().__init__(
            scope,
            construct_id,
            name=PhysicalName.RESTORE_VALIDATION,
            package="restore_validation",
            description="Opens what AWS Backup restored as a test and proves that it holds data",
            environment={
                "RESTORE_TESTING_PLAN": names.physical_name(PhysicalName.RESTORE_TESTING_PLAN),
                "RESTORE_TESTING_SCOPE": options["location"].arn("backup", "restore-testing-plan:"),
                "DATABASE_NAME": settings.database.name,
                "DATA_KEY_ARN": monitored.data_key.key_arn,
                "TTL_ATTRIBUTE": settings.storage.ttl_attribute,
                "DEADLINE_SECONDS": str(settings.backup.restore_test_keep_hours * 3600 - CLOSING_SECONDS),
                **_expectations(settings),
            },
            timeout_seconds=TIMEOUT_SECONDS,
            retries=0,
            **options,
        )
        self._queue = queue
        self.event_source = lambda_.EventSourceMapping(
            self,
            "EventSource",
            target=self.function,
            event_source_arn=queue.queue_arn,
            # One statement may take nearly all of the function's time.
            batch_size=1,
            # Two, the least that AWS accepts: a queue of one message must not take the account's concurrency.
            max_concurrency=2,
            report_batch_item_failures=True,
        )

    @property
    def restored_arns(self) -> list[str]:
        """Patterns of the ARNs of what a restore test creates: clusters, instances, their secrets, tables."""
        arn = self.location.arn
        return [
            arn("rds", f"cluster:{PREFIX}*"),
            arn("rds", f"db:{PREFIX}*"),
            arn("secretsmanager", "secret:rds!cluster-*"),
            arn("dynamodb", f"table/{PREFIX}*"),
        ]

    @property
    def default_group_arns(self) -> list[str]:
        """Patterns of the ARNs of the option and parameter groups that RDS gives an instance which names none.

        The version is open: a recovery point may be older than the last major upgrade.
        """
        arn = self.location.arn
        return [arn("rds", "og:default:aurora-postgresql-*"), arn("rds", "pg:default.aurora-postgresql*")]

    def grant_access(self) -> None:
        """Let it receive events, open, read and close what restore tests created, and report the result."""
        allow, key_through = self.permissions.allow, self.permissions.allow_key_through
        clusters, instances, secrets, tables = self.restored_arns
        data_key = self._monitored.data_key
        allow(["backup:DescribeRestoreJob", "backup:PutRestoreValidationResult"], ["*"], sid="ReportResults")
        allow(
            ["rds-data:ExecuteStatement", "rds:DescribeDBClusters", "rds:EnableHttpEndpoint", "rds:ModifyDBCluster"],
            [clusters],
            sid="OpenRestoredClusters",
        )
        # RDS authorizes the call against everything that the new instance uses:
        # https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/security_iam_id-based-policy-examples-create-and-modify-examples.html
        subnets = self.location.arn("rds", f"subgrp:{self._monitored.subnet_group.subnet_group_name}")
        allow(["rds:CreateDBInstance"], [clusters, instances, subnets, *self.default_group_arns], sid="CreateInstances")
        allow(["rds:DeleteDBInstance", "rds:DescribeDBInstances"], [instances], sid="CloseRestoredClusters")
        # RDS creates the secret on the caller's behalf, and tags it with the ARN of its cluster.
        # https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/rds-secrets-manager.html
        allow(["secretsmanager:CreateSecret", "secretsmanager:TagResource"], [secrets], sid="LetRdsMakeSecrets")
        allow(
            ["secretsmanager:GetSecretValue"],
            [secrets],
            sid="ReadSecretsOfRestoredClusters",
            conditions={"StringLike": {"secretsmanager:ResourceTag/aws:rds:primaryDBClusterArn": clusters}},
        )
        key_through(
            "secretsmanager",
            data_key,
            ["kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"],
        )
        key_through("rds", data_key, ["kms:CreateGrant", "kms:DescribeKey"])
        allow(["dynamodb:DescribeTable", "dynamodb:Scan"], [tables], sid="ReadRestoredTables")
        self._allow_state("operations#restore", ["dynamodb:GetItem", "dynamodb:PutItem"])
        allow(
            ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"],
            [self._queue.queue_arn],
            sid="ReadQueue",
        )
        self._allow_metrics()


def _expectations(settings: Settings) -> dict[str, str]:
    """Return the variables that say what a restored copy must hold."""
    operations = settings.operations
    optional = {
        "CHECK_TABLE": operations.validation_table,
        "CHECK_COLUMN": operations.validation_column,
        "CHECK_ATTRIBUTE": operations.validation_attribute,
    }
    return {
        "MINIMUM_TABLES": str(operations.validation_minimum_tables),
        "MINIMUM_ITEMS": str(operations.validation_minimum_items),
        "NEWEST_WITHIN_SECONDS": str(settings.recovery.rpo_seconds),
        **{name: value for name, value in optional.items() if value},
    }
