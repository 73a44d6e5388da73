"""Statements in the identity policy of a role, and what the services do with the data key on its behalf."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms

from stacks.common.location import Location

# What DynamoDB does with a table's key on the caller's behalf:
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
TABLE_KEY_ACTIONS = (
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)


class Permissions:
    """Adds statements to the policy of one role. The policies of the resources stay as they are.

    Args:
        role: whose policy it is.
        location: partition, Region and account of the deployment.
    """

    def __init__(self, role: iam.Role, location: Location) -> None:
        self._role, self._location = role, location

    def allow(
        self,
        actions: Sequence[str],
        resources: Sequence[str],
        *,
        sid: str | None = None,
        conditions: Mapping[str, Any] | None = None,
    ) -> None:
        """Allow actions on resources.

        Args:
            actions: IAM actions, e.g. ``rds:DescribeDBClusters``.
            resources: ARNs, or ``*`` where AWS defines no resource type.
            sid: id of the statement.
            conditions: conditions of the statement, by operator.
        """
        self._role.add_to_policy(
            iam.PolicyStatement(sid=sid, actions=list(actions), resources=list(resources), conditions=conditions)
        )

    def allow_key_through(self, service: str, key: kms.IKey, actions: Sequence[str]) -> None:
        """Allow the use of a key through one service only: the key itself would open whatever it encrypts.

        Args:
            service: the service as in its endpoint, e.g. ``dynamodb``.
            key: key of the service's resource.
            actions: what the service does with it.
        """
        via = f"{service}.{self._location.region}.{self._location.url_suffix}"
        self.allow(
            actions,
            [key.key_arn],
            sid=f"UseDataKeyThrough{service.title()}",
            conditions={"StringEquals": {"kms:ViaService": via}},
        )
