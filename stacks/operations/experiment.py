"""One experiment template of AWS Fault Injection Service, with its role."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict, Unpack

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_fis as fis
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.common.location import Location
from stacks.common.permissions import Permissions
from stacks.names import Names

Template = fis.CfnExperimentTemplate
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-and-resource-policy.html
LOG_DELIVERY = (
    "logs:CreateLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:PutResourcePolicy",
)


class ExperimentOptions(TypedDict):
    """What all experiments share.

    Attributes:
        names: physical names.
        location: partition, Region and account.
        log_group: receives the log of an experiment.
        stop_on: alarms that stop it at once.
    """

    names: Names
    location: Location
    log_group: logs.ILogGroup
    stop_on: Sequence[cloudwatch.IAlarm]


class Experiment(Construct):
    """One experiment template with a role of its own.

    Args:
        scope: the experiments.
        construct_id: the fault, a PascalCase noun.
        description: what happens, for the operator who starts it.
        action_id: the action of AWS FIS.
        target_key: how the action calls its target.
        target: what the action hits.
        parameters: parameters of the action.
        options: what all experiments share.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        description: str,
        action_id: str,
        target_key: str,
        target: Template.ExperimentTemplateTargetProperty,
        parameters: dict[str, str] | None = None,
        **options: Unpack[ExperimentOptions],
    ) -> None:
        super().__init__(scope, construct_id)
        self.location, stack_name = options["location"], options["names"].stack
        self.role = self._build_role(construct_id)
        self.permissions = Permissions(self.role, self.location)
        self.permissions.allow(LOG_DELIVERY, ["*"])
        self.template = Template(
            self,
            "Default",
            description=f"{stack_name}: {description}",
            role_arn=self.role.role_arn,
            targets={"Target": target},
            actions={
                construct_id: Template.ExperimentTemplateActionProperty(
                    action_id=action_id, targets={target_key: "Target"}, parameters=parameters
                )
            },
            stop_conditions=[
                Template.ExperimentTemplateStopConditionProperty(source="aws:cloudwatch:alarm", value=alarm.alarm_arn)
                for alarm in options["stop_on"]
            ],
            log_configuration=Template.ExperimentTemplateLogConfigurationProperty(
                log_schema_version=2,
                cloud_watch_logs_configuration={"LogGroupArn": options["log_group"].log_group_arn},
            ),
            tags={"Name": f"{stack_name} {construct_id}"},
        )

    def _build_role(self, fault: str) -> iam.Role:
        # https://docs.aws.amazon.com/fis/latest/userguide/getting-started-iam-service-role.html
        conditions = {
            **self.location.this_account,
            "ArnLike": {"aws:SourceArn": self.location.arn("fis", "experiment/*")},
        }
        return iam.Role(
            self,
            "Role",
            description=f"AWS FIS: {fault}",
            assumed_by=iam.ServicePrincipal("fis.amazonaws.com", conditions=conditions),
        )
