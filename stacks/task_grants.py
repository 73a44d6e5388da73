"""What a task may do with the data tier. The root makes these grants: no stack grants on another's resources."""

from __future__ import annotations

from aws_cdk import Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager

from stacks.acknowledgements import acknowledge_inline_policy

TABLE_ACTIONS = (
    "dynamodb:BatchGetItem",
    "dynamodb:BatchWriteItem",
    "dynamodb:ConditionCheckItem",
    "dynamodb:DeleteItem",
    "dynamodb:DescribeTable",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:Scan",
    "dynamodb:UpdateItem",
)
# What each service does with the data key in the caller's name:
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
# https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
KEY_ACTIONS = {
    "dynamodb": [
        "kms:Decrypt",
        "kms:DescribeKey",
        "kms:Encrypt",
        "kms:GenerateDataKey",
        "kms:GenerateDataKeyWithoutPlaintext",
        "kms:ReEncryptFrom",
        "kms:ReEncryptTo",
    ],
    "secretsmanager": ["kms:Decrypt"],
}


def grant_data_tier(
    role: iam.IRole,
    *,
    table: dynamodb.TableV2,
    cluster: rds.DatabaseCluster,
    username: str,
    secret: secretsmanager.ISecret,
    key: kms.IKey,
) -> None:
    """Let tasks use the table, read the one secret, and connect as one database user: nothing else.

    ``Secret.grant_read`` would edit the key's policy in another nested stack, which makes a cycle, and
    ``Table.grant_read_write_data`` would hand out the key itself, which also opens the database and the bucket. So the
    key is granted here, and only through the two services that use it in the task's name.

    Args:
        role: the task role.
        table: table that tasks read and write.
        cluster: cluster to which tasks connect by IAM authentication.
        username: database user as whom they may connect.
        secret: secret of the master user.
        key: key of table and secret.
    """
    stack = Stack.of(role)
    table.grant(role, *TABLE_ACTIONS)
    cluster.grant_connect(role, username)
    role.add_to_principal_policy(
        iam.PolicyStatement(
            sid="ReadDatabaseSecret",
            actions=["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"],
            resources=[secret.secret_arn],
        )
    )
    for service, actions in KEY_ACTIONS.items():
        role.add_to_principal_policy(
            iam.PolicyStatement(
                sid=f"UseDataKeyThrough{service.title()}",
                actions=actions,
                resources=[key.key_arn],
                conditions={"StringEquals": {"kms:ViaService": f"{service}.{stack.region}.{stack.url_suffix}"}},
            )
        )
    acknowledge_inline_policy(role)
