"""The flow log of the VPC with its log group and its role."""

from __future__ import annotations

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from stacks.common.location import Location
from stacks.common.retention import EncryptedLogGroup
from stacks.common.views import view_of_key
from stacks.settings import RemovalSettings


class FlowLog(Construct):
    """Flow log of the VPC, its log group, and the role that may write to that group only.

    Args:
        scope: the stack.
        construct_id: its id in the stack.
        vpc: whose traffic is logged.
        location: partition, Region and account.
        key: key of the log group.
        retention_days: days for which records are kept.
        removal: whether the log group goes with the stack.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.Vpc,
        location: Location,
        key: kms.IKey,
        retention_days: int,
        removal: RemovalSettings,
    ) -> None:
        super().__init__(scope, construct_id)
        self.log_group = EncryptedLogGroup(
            self, "LogGroup", key=view_of_key(self, "Key", key), retention_days=retention_days, removal=removal
        )
        # CDK's own role lets the service act for the flow log of any account; AWS recommends naming ours:
        # https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
        self.role = iam.Role(
            self,
            "Role",
            description="VPC flow logs: write to one log group",
            assumed_by=iam.ServicePrincipal(
                "vpc-flow-logs.amazonaws.com",
                conditions={
                    **location.this_account,
                    "ArnLike": {"aws:SourceArn": location.arn("ec2", "vpc-flow-log/*")},
                },
            ),
        )
        vpc.add_flow_log("FlowLog", destination=ec2.FlowLogDestination.to_cloud_watch_logs(self.log_group, self.role))
