"""Templates of AWS Fault Injection Service: what breaks one day, broken on purpose, and stopped when it goes too far.

Nothing starts by itself: somebody starts an experiment from its template.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_fis as fis
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct, IConstruct

from stacks.acknowledgements import AWS_SOLUTIONS, acknowledge, acknowledge_inline_policy, shown_arn
from stacks.names import Names, PhysicalName
from stacks.operations_widgets import Watched
from stacks.policies import removal_policy, retention
from stacks.settings import Settings

Template = fis.CfnExperimentTemplate
IMPAIRMENT = "PT5M"
DELIVERY = (
    "logs:CreateLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:PutResourcePolicy",
)
NO_RESOURCE = "AWS defines no resource type for log delivery and for describing networks: only * is accepted."
NEW_ID = "A network ACL gets its id when FIS makes it: the tag that FIS puts on it narrows this instead."
ANY_TASK = "A task gets its id when it starts: these are the tasks of this cluster and of no other."


@dataclass(frozen=True, kw_only=True)
class Experiments:
    """Builds the templates.

    Args:
        scope: the stack.
        settings: of the deployment.
        names: physical names.
        watched: what is broken.
        vpc: network of the tasks.
        subnet: subnet of the tasks in one zone.
        key: key for logs, a view.
        stop_on: alarms that end an experiment at once.
    """

    scope: Construct
    settings: Settings
    names: Names
    watched: Watched
    vpc: ec2.IVpc
    subnet: ec2.ISubnet
    key: kms.IKey
    stop_on: Sequence[cloudwatch.IAlarm]

    def build(self) -> list[fis.CfnExperimentTemplate]:
        """Build one template for each fault, each with a role of its own."""
        log_group = logs.LogGroup(
            self.scope,
            "ExperimentLogGroup",
            encryption_key=self.key,
            retention=retention(self.settings.monitoring.log_retention_days),
            removal_policy=removal_policy(self.settings.removal),
        )
        return [self._aurora_failover(log_group), self._task_loss(log_group), self._zone_loss(log_group)]

    def _aurora_failover(self, log_group: logs.ILogGroup) -> fis.CfnExperimentTemplate:
        cluster = self.watched.cluster.cluster_arn
        role = self._role("AuroraFailover")
        # https://docs.aws.amazon.com/fis/latest/userguide/fis-actions-reference.html#failover-db-cluster
        _allow(role, ["rds:DescribeDBClusters", "rds:FailoverDBCluster"], [cluster])
        return self._template(
            "AuroraFailover",
            "Aurora fails over to a reader",
            role,
            log_group,
            target=Template.ExperimentTemplateTargetProperty(
                resource_type="aws:rds:cluster", resource_arns=[cluster], selection_mode="ALL"
            ),
            action_id="aws:rds:failover-db-cluster",
            target_key="Clusters",
        )

    def _task_loss(self, log_group: logs.ILogGroup) -> fis.CfnExperimentTemplate:
        service, share = self.watched.service, self.settings.operations.experiment_task_percent
        role = self._role("TaskLoss")
        # https://docs.aws.amazon.com/fis/latest/userguide/fis-actions-reference.html#stop-task
        stack = Stack.of(self.scope)
        cluster = self.names.physical_name(PhysicalName.ECS_CLUSTER)
        tasks = stack.format_arn(service="ecs", resource="task", resource_name=f"{cluster}/*")
        within = {"ArnEquals": {"ecs:cluster": service.cluster.cluster_arn}}
        _allow(role, ["ecs:DescribeTasks", "ecs:StopTask"], [tasks])
        _allow(role, ["ecs:ListTasks"], ["*"], within)
        acknowledge(_policy(role), AWS_SOLUTIONS, rule=f"IAM5[Resource::{shown_arn(tasks, stack)}]", reason=ANY_TASK)
        return self._template(
            "TaskLoss",
            f"{share} % of the tasks stop",
            role,
            log_group,
            target=Template.ExperimentTemplateTargetProperty(
                resource_type="aws:ecs:task",
                selection_mode=f"PERCENT({share})",
                parameters={"cluster": service.cluster.cluster_name, "service": service.service_name},
            ),
            action_id="aws:ecs:stop-task",
            target_key="Tasks",
        )

    def _zone_loss(self, log_group: logs.ILogGroup) -> fis.CfnExperimentTemplate:
        """Cut off one zone's subnet of the tasks, with whatever else is in it, as the loss of a zone would."""
        stack = Stack.of(self.scope)
        subnet = stack.format_arn(service="ec2", resource="subnet", resource_name=self.subnet.subnet_id)
        vpc = stack.format_arn(service="ec2", resource="vpc", resource_name=self.vpc.vpc_id)
        acls = stack.format_arn(service="ec2", resource="network-acl", resource_name="*")
        role = self._role("ZoneLoss")
        # https://docs.aws.amazon.com/fis/latest/userguide/fis-actions-reference.html#disrupt-connectivity
        # https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSFaultInjectionSimulatorNetworkAccess.html
        made_by_fis = {"StringEquals": {"aws:RequestTag/managedByFIS": "true"}}
        owned_by_fis = {"StringEquals": {"ec2:ResourceTag/managedByFIS": "true"}}
        on_creation = {"StringEquals": {"ec2:CreateAction": "CreateNetworkAcl", "aws:RequestTag/managedByFIS": "true"}}
        _allow(role, ["ec2:CreateTags"], [acls], on_creation)
        _allow(role, ["ec2:CreateNetworkAcl"], [acls], made_by_fis)
        _allow(role, ["ec2:CreateNetworkAcl"], [vpc])
        _allow(role, ["ec2:CreateNetworkAclEntry", "ec2:DeleteNetworkAcl"], [acls], owned_by_fis)
        _allow(role, ["ec2:ReplaceNetworkAclAssociation"], [subnet, acls])
        describe = ["ec2:DescribeManagedPrefixLists", "ec2:DescribeNetworkAcls"]
        _allow(role, [*describe, "ec2:DescribeSubnets", "ec2:DescribeVpcs"], ["*"])
        acknowledge(_policy(role), AWS_SOLUTIONS, rule=f"IAM5[Resource::{shown_arn(acls, stack)}]", reason=NEW_ID)
        return self._template(
            "ZoneLoss",
            "The tasks of one zone are cut off",
            role,
            log_group,
            target=Template.ExperimentTemplateTargetProperty(
                resource_type="aws:ec2:subnet", resource_arns=[subnet], selection_mode="ALL"
            ),
            action_id="aws:network:disrupt-connectivity",
            target_key="Subnets",
            parameters={"duration": IMPAIRMENT, "scope": "all"},
        )

    def _role(self, fault: str) -> iam.Role:
        """Build the role of one experiment; what every one needs is the delivery of its log."""
        stack = Stack.of(self.scope)
        templates = stack.format_arn(service="fis", resource="experiment", resource_name="*")
        role = iam.Role(
            self.scope,
            f"{fault}Role",
            description=f"AWS FIS: {fault}",
            # https://docs.aws.amazon.com/fis/latest/userguide/getting-started-iam-service-role.html
            assumed_by=iam.ServicePrincipal(
                "fis.amazonaws.com",
                conditions={
                    "StringEquals": {"aws:SourceAccount": stack.account},
                    "ArnLike": {"aws:SourceArn": templates},
                },
            ),
        )
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-and-resource-policy.html
        _allow(role, DELIVERY, ["*"])
        acknowledge_inline_policy(role)
        acknowledge(_policy(role), AWS_SOLUTIONS, rule="IAM5[Resource::*]", reason=NO_RESOURCE)
        return role

    def _template(
        self,
        fault: str,
        description: str,
        role: iam.Role,
        log_group: logs.ILogGroup,
        *,
        target: fis.CfnExperimentTemplate.ExperimentTemplateTargetProperty,
        action_id: str,
        target_key: str,
        parameters: dict[str, str] | None = None,
    ) -> fis.CfnExperimentTemplate:
        return fis.CfnExperimentTemplate(
            self.scope,
            f"{fault}Experiment",
            description=f"{self.names.stack}: {description}",
            role_arn=role.role_arn,
            targets={"Target": target},
            actions={
                fault: Template.ExperimentTemplateActionProperty(
                    action_id=action_id, targets={target_key: "Target"}, parameters=parameters
                )
            },
            stop_conditions=[
                Template.ExperimentTemplateStopConditionProperty(source="aws:cloudwatch:alarm", value=alarm.alarm_arn)
                for alarm in self.stop_on
            ],
            log_configuration=Template.ExperimentTemplateLogConfigurationProperty(
                log_schema_version=2, cloud_watch_logs_configuration={"LogGroupArn": log_group.log_group_arn}
            ),
            tags={"Name": f"{self.names.stack} {fault}"},
        )


def _allow(
    role: iam.Role, actions: Sequence[str], resources: Sequence[str], conditions: dict[str, Any] | None = None
) -> None:
    role.add_to_policy(iam.PolicyStatement(actions=list(actions), resources=list(resources), conditions=conditions))


def _policy(role: iam.Role) -> IConstruct:
    return role.node.find_child("DefaultPolicy")
