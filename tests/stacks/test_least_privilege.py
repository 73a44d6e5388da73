"""Each function may do what it calls and nothing else: its calls under test are compared with its policy."""

from __future__ import annotations

import pytest

from tests.assembly import Assembly
from tests.stacks.permissions import as_list, called_actions, granted_actions, policy_statements, source_files

# What Lambda and other services do in the role's name, beside the calls of our code:
LAMBDA = {
    "kms:Decrypt",  # environment, dead-letter topic, queue
    "kms:GenerateDataKey",  # dead-letter topic
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "sns:Publish",  # dead-letter topic
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}
# DynamoDB uses the key of an encrypted table in the caller's name.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
TABLE_KEY = {
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
}
BY_SERVICES = {
    "HealthMonitor": LAMBDA | TABLE_KEY,
    "Failover": LAMBDA | TABLE_KEY,
    # Lambda polls the queue, the Data API reads the secret, and RDS makes it.
    "RestoreValidation": LAMBDA
    | TABLE_KEY
    | {
        "kms:CreateGrant",
        "secretsmanager:CreateSecret",
        "secretsmanager:GetSecretValue",
        "secretsmanager:TagResource",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:ReceiveMessage",
    },
    # The Data API reads the secret.
    "Migration": LAMBDA | {"secretsmanager:GetSecretValue"},
}
PACKAGES = {"HealthMonitor": "health_monitor", "Failover": "failover", "RestoreValidation": "restore_validation"}
EVERY_FUNCTION = pytest.mark.parametrize("construct", PACKAGES)
WITH_MIGRATION = pytest.mark.parametrize("construct", [*PACKAGES, "Migration"])


@WITH_MIGRATION
def test_a_function_may_call_what_it_calls_and_nothing_else(dev: Assembly, construct: str) -> None:
    called = called_actions(PACKAGES.get(construct, "migration"))
    assert len(called) > 3
    assert granted_actions(dev, construct) - BY_SERVICES[construct] == called - BY_SERVICES[construct]


@WITH_MIGRATION
def test_what_services_do_in_its_name_is_granted(dev: Assembly, construct: str) -> None:
    assert BY_SERVICES[construct] <= granted_actions(dev, construct)


@EVERY_FUNCTION
def test_every_deployment_grants_the_same(dev: Assembly, deployment: Assembly, construct: str) -> None:
    retries = construct == "Failover" and deployment.settings.operations.automatic_failover
    more = {"cloudwatch:DescribeAlarms"} if retries else set()
    assert granted_actions(deployment, construct) == granted_actions(dev, construct) | more


@EVERY_FUNCTION
def test_no_action_and_no_service_is_granted_as_a_whole(deployment: Assembly, construct: str) -> None:
    assert not [action for action in granted_actions(deployment, construct) if "*" in action]


@EVERY_FUNCTION
def test_only_what_has_no_resource_is_granted_on_everything(deployment: Assembly, construct: str) -> None:
    """AWS's service authorization reference lists no resource type, or only a condition, for these."""
    unbound = {
        "backup:DescribeRestoreJob",
        "backup:ListRestoreJobs",
        "backup:PutRestoreValidationResult",
        # It has a resource type, under which no composite alarm is returned.
        "cloudwatch:DescribeAlarms",
        "cloudwatch:GetMetricData",
        "cloudwatch:PutMetricData",
        "ecs:DescribeTasks",
        "ecs:ListTasks",
        "elasticloadbalancing:DescribeTargetHealth",
        "rds:DescribeDBInstances",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    }
    conditions = {
        "cloudwatch:PutMetricData": {"StringEquals": {"cloudwatch:namespace": "Breakwater"}},
        "ecs:DescribeTasks": {"ArnEquals": {"ecs:cluster": "${Compute/Cluster.Arn}"}},
        "ecs:ListTasks": {"ArnEquals": {"ecs:cluster": "${Compute/Cluster.Arn}"}},
    }
    for statement in policy_statements(deployment, construct):
        if "*" in as_list(statement["Resource"]):
            for action in as_list(statement["Action"]):
                assert action in unbound
                assert statement.get("Condition") == conditions.get(action), action


@EVERY_FUNCTION
def test_its_state_is_its_own_partition_of_the_table(deployment: Assembly, construct: str) -> None:
    partitions = {"HealthMonitor": "health", "Failover": "failover", "RestoreValidation": "restore"}
    (statement,) = (
        each for each in policy_statements(deployment, construct) if "dynamodb:PutItem" in as_list(each["Action"])
    )
    assert statement["Resource"] == "${Storage/Table.Arn}"
    only = [f"operations#{partitions[construct]}"]
    assert statement["Condition"] == {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": only}}
    text = "\n".join(file.read_text() for file in source_files(PACKAGES[construct]))
    assert f'"{only[0]}"' in text


def test_restore_validation_changes_nothing_but_restored_copies(deployment: Assembly) -> None:
    changing = ("rds:Create", "rds:Delete", "rds:Modify", "rds:Enable", "rds-data:", "dynamodb:Scan")
    for statement in policy_statements(deployment, "RestoreValidation"):
        if any(action.startswith(changing) for action in as_list(statement["Action"])):
            # A new instance uses groups and subnets, and changes none of them.
            used = (":og:", ":pg:", ":subgrp:") if statement["Action"] == "rds:CreateDBInstance" else ()
            changed = [each for each in as_list(statement["Resource"]) if not any(kind in each for kind in used)]
            assert changed
            assert all("awsbackup-restore-test-*" in each for each in changed)


def test_it_reads_no_secret_but_those_of_restored_clusters(deployment: Assembly) -> None:
    (statement,) = (
        each
        for each in policy_statements(deployment, "RestoreValidation")
        if "secretsmanager:GetSecretValue" in as_list(each["Action"])
    )
    ((key, pattern),) = statement["Condition"]["StringLike"].items()
    assert key == "secretsmanager:ResourceTag/aws:rds:primaryDBClusterArn"
    assert pattern.endswith(":cluster:awsbackup-restore-test-*")


def test_the_failover_moves_the_writer_of_our_cluster_alone(deployment: Assembly) -> None:
    (statement,) = (
        each for each in policy_statements(deployment, "Failover") if "rds:FailoverDBCluster" in as_list(each["Action"])
    )
    instances = [
        deployment.names.aurora_instance(number + 1) for number in range(deployment.settings.database.readers + 1)
    ]
    settings = deployment.settings
    scope = f"arn:aws:rds:{settings.region}:{settings.account or '${AWS::AccountId}'}"
    assert set(statement["Resource"]) == {
        f"{scope}:cluster:${{Database/Cluster}}",
        *(f"{scope}:db:{instance}" for instance in instances),
    }


@EVERY_FUNCTION
def test_its_role_is_its_own(deployment: Assembly, construct: str) -> None:
    roles = deployment.nested["Operations"].of_type("AWS::IAM::Role")
    (role,) = (
        resource["Properties"]
        for name, resource in roles.items()
        if deployment.text("Operations", {"Ref": name}) == f"${{Operations/{construct}/Role}}"
    )
    assert "ManagedPolicyArns" not in role
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "lambda.amazonaws.com"}
