"""Experiment templates of AWS Fault Injection Service: faults injected on purpose, stopped when they go too far.

Nothing starts by itself: an operator starts an experiment from its template.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_fis as fis
from aws_cdk import aws_kms as kms
from constructs import Construct

from stacks.common.location import Location
from stacks.common.retention import EncryptedLogGroup
from stacks.names import Names, PhysicalName
from stacks.operations.experiment import Experiment, ExperimentOptions
from stacks.operations.monitored import MonitoredResources
from stacks.settings import Settings

Target = fis.CfnExperimentTemplate.ExperimentTemplateTargetProperty
# Longest impairment of the network, in ISO 8601.
IMPAIRMENT = "PT5M"


class AuroraFailover(Experiment):
    """Aurora fails over to a reader.

    Args:
        scope: the experiments.
        construct_id: the fault.
        cluster_arn: cluster that fails over.
        options: what all experiments share.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        cluster_arn: str,
        **options: Unpack[ExperimentOptions],
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            description="Aurora fails over to a reader",
            action_id="aws:rds:failover-db-cluster",
            target_key="Clusters",
            target=Target(resource_type="aws:rds:cluster", resource_arns=[cluster_arn], selection_mode="ALL"),
            **options,
        )
        # https://docs.aws.amazon.com/fis/latest/userguide/fis-actions-reference.html#failover-db-cluster
        self.permissions.allow(["rds:DescribeDBClusters", "rds:FailoverDBCluster"], [cluster_arn])


class TaskLoss(Experiment):
    """A share of the tasks stops.

    Args:
        scope: the experiments.
        construct_id: the fault.
        service: whose tasks stop.
        percent: share of the tasks, in percent.
        options: what all experiments share.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        service: ecs.FargateService,
        percent: int,
        **options: Unpack[ExperimentOptions],
    ) -> None:
        cluster, cluster_name = service.cluster, options["names"].physical_name(PhysicalName.ECS_CLUSTER)
        super().__init__(
            scope,
            construct_id,
            description=f"{percent} % of the tasks stop",
            action_id="aws:ecs:stop-task",
            target_key="Tasks",
            target=Target(
                resource_type="aws:ecs:task",
                selection_mode=f"PERCENT({percent})",
                parameters={"cluster": cluster.cluster_name, "service": service.service_name},
            ),
            **options,
        )
        # https://docs.aws.amazon.com/fis/latest/userguide/fis-actions-reference.html#stop-task
        self.tasks_arn = self.location.arn("ecs", f"task/{cluster_name}/*")
        in_cluster = {"ArnEquals": {"ecs:cluster": cluster.cluster_arn}}
        self.permissions.allow(["ecs:DescribeTasks", "ecs:StopTask"], [self.tasks_arn])
        self.permissions.allow(["ecs:ListTasks"], ["*"], conditions=in_cluster)


class ZoneLoss(Experiment):
    """The subnet of the tasks in one zone is cut off, with whatever else is in it, as the loss of a zone would do.

    Args:
        scope: the experiments.
        construct_id: the fault.
        vpc: network of the subnet.
        subnet: what is cut off.
        options: what all experiments share.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc,
        subnet: ec2.ISubnet,
        **options: Unpack[ExperimentOptions],
    ) -> None:
        arn = options["location"].arn
        subnet_arn = arn("ec2", f"subnet/{subnet.subnet_id}")
        super().__init__(
            scope,
            construct_id,
            description="The tasks of one zone are cut off",
            action_id="aws:network:disrupt-connectivity",
            target_key="Subnets",
            target=Target(resource_type="aws:ec2:subnet", resource_arns=[subnet_arn], selection_mode="ALL"),
            parameters={"duration": IMPAIRMENT, "scope": "all"},
            **options,
        )
        self.network_acls_arn = arn("ec2", "network-acl/*")
        self._allow_network_acls(subnet_arn, arn("ec2", f"vpc/{vpc.vpc_id}"))

    def _allow_network_acls(self, subnet_arn: str, vpc_arn: str) -> None:
        # https://docs.aws.amazon.com/fis/latest/userguide/fis-actions-reference.html#disrupt-connectivity
        # https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSFaultInjectionSimulatorNetworkAccess.html
        acls, allow = self.network_acls_arn, self.permissions.allow
        requested = {"aws:RequestTag/managedByFIS": "true"}
        owned = {"StringEquals": {"ec2:ResourceTag/managedByFIS": "true"}}
        on_creation = {"StringEquals": {"ec2:CreateAction": "CreateNetworkAcl", **requested}}
        allow(["ec2:CreateTags"], [acls], conditions=on_creation)
        allow(["ec2:CreateNetworkAcl"], [acls], conditions={"StringEquals": requested})
        allow(["ec2:CreateNetworkAcl"], [vpc_arn])
        allow(["ec2:CreateNetworkAclEntry", "ec2:DeleteNetworkAcl"], [acls], conditions=owned)
        allow(["ec2:ReplaceNetworkAclAssociation"], [subnet_arn, acls])
        describe = ["ec2:DescribeManagedPrefixLists", "ec2:DescribeNetworkAcls"]
        allow([*describe, "ec2:DescribeSubnets", "ec2:DescribeVpcs"], ["*"])


class Experiments(Construct):
    """An experiment for each fault that the platform must survive, and the log group of all of them.

    Args:
        scope: the stack.
        construct_id: its id in the stack.
        settings: of the deployment.
        names: physical names.
        location: partition, Region and account.
        monitored: what the faults hit.
        vpc: network of the tasks.
        subnet: subnet of the tasks in one zone.
        key: key of the log group, a view.
        stop_on: alarms that stop an experiment at once.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        names: Names,
        location: Location,
        monitored: MonitoredResources,
        vpc: ec2.IVpc,
        subnet: ec2.ISubnet,
        key: kms.IKey,
        stop_on: Sequence[cloudwatch.IAlarm],
    ) -> None:
        super().__init__(scope, construct_id)
        days = settings.monitoring.log_retention_days
        self.log_group = EncryptedLogGroup(self, "LogGroup", key=key, retention_days=days, removal=settings.removal)
        options = ExperimentOptions(names=names, location=location, log_group=self.log_group, stop_on=stop_on)
        self.aurora_failover = AuroraFailover(
            self, "AuroraFailover", cluster_arn=monitored.cluster.cluster_arn, **options
        )
        self.task_loss = TaskLoss(
            self,
            "TaskLoss",
            service=monitored.service,
            percent=settings.operations.experiment_task_percent,
            **options,
        )
        self.zone_loss = ZoneLoss(self, "ZoneLoss", vpc=vpc, subnet=subnet, **options)

    @property
    def all(self) -> list[Experiment]:
        """Every experiment."""
        return [self.aurora_failover, self.task_loss, self.zone_loss]
