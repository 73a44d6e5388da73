"""The resources that the operations stack watches, moves, restores and draws."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import aws_backup as backup
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_rds as rds


@dataclass(frozen=True, kw_only=True)
class MonitoredResources:
    """Resources of earlier stacks.

    Attributes:
        load_balancer: entrance of the service.
        target_group: its tasks, as the load balancer sees them.
        service: ECS service of the tasks.
        cluster: Aurora cluster.
        subnet_group: its subnets, into which restore tests restore as well.
        table: DynamoDB table, which also keeps the state of the functions.
        data_key: key of cluster and table.
        vault: backup vault.
        restore_testing_plan: plan of the restore tests.
    """

    load_balancer: elbv2.ApplicationLoadBalancer
    target_group: elbv2.ApplicationTargetGroup
    service: ecs.FargateService
    cluster: rds.DatabaseCluster
    subnet_group: rds.ISubnetGroup
    table: dynamodb.TableV2
    data_key: kms.IKey
    vault: backup.BackupVault
    restore_testing_plan: backup.CfnRestoreTestingPlan
