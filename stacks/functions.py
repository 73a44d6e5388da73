"""One way to build a function: own role and log group, encrypted, traced, and with somebody who hears of failures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aws_cdk import CfnResource, Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.acknowledgements import HIPAA, NIST, PCI, SERVERLESS, acknowledge, acknowledge_inline_policy, skip_checkov
from stacks.alarms import AT_LEAST, MINUTE, Alarms
from stacks.names import Names, PhysicalName
from stacks.policies import removal_policy, retention
from stacks.settings import RemovalSettings

SOURCE = Path(__file__).resolve().parents[1] / "lambda_src"
# Share of its time-out from which a function is too slow for comfort.
SLOW = 0.8

NO_VPC = "It calls AWS APIs only; inside the VPC it would need an endpoint for each and would stop with the network."
NO_RESERVATION = "Reserved concurrency is taken from the account's other functions; conditional writes keep order here."
NO_KEYS = "Names, ARNs and numbers; checkov takes the long names of CloudFormation parameters in them for keys."
TOLD_ONCE = "The dead-letter topic hears of it; with a destination beside it everybody would be told twice."


@dataclass(frozen=True)
class Functions:
    """Builds the functions of one stack.

    Args:
        scope: the stack.
        names: physical names.
        removal: what happens to logs when the stack goes.
        log_retention_days: how long logs are kept.
        key: key for environment variables and logs, a view.
        topic: hears of alarms, and of invocations that failed for good.
    """

    scope: Construct
    names: Names
    removal: RemovalSettings
    log_retention_days: int
    key: kms.IKey
    topic: sns.ITopic

    def build(
        self,
        construct_id: str,
        *,
        name: PhysicalName,
        package: str,
        description: str,
        environment: Mapping[str, str],
        timeout: Duration,
        retries: int,
    ) -> lambda_.Function:
        """Build one function with its alarms.

        Args:
            construct_id: logical id, a PascalCase noun.
            name: physical name.
            package: its package in ``lambda_src``.
            description: what it does.
            environment: its variables.
            timeout: longest run.
            retries: how often Lambda tries again what failed.

        Returns:
            The function; its role may write its logs and use its key, and nothing else yet.
        """
        function = lambda_.Function(
            self.scope,
            construct_id,
            function_name=self.names.physical_name(name),
            description=description,
            runtime=lambda_.Runtime.PYTHON_3_14,
            architecture=lambda_.Architecture.ARM_64,
            handler=f"{package}.handler.handle",
            code=lambda_.Code.from_asset(str(SOURCE), exclude=["**/__pycache__"]),
            role=self._build_role(construct_id, description),
            environment=dict(environment),
            environment_encryption=self.key,
            timeout=timeout,
            memory_size=256,
            tracing=lambda_.Tracing.ACTIVE,
            log_group=self._build_log_group(construct_id, name),
            logging_format=lambda_.LoggingFormat.JSON,
            application_log_level_v2=lambda_.ApplicationLogLevel.INFO,
            system_log_level_v2=lambda_.SystemLogLevel.WARN,
            dead_letter_topic=self.topic,
            # What waited longer than this is of the past: a failover that starts an hour later does harm.
            max_event_age=Duration.minutes(5),
            retry_attempts=retries,
        )
        self._grant_what_lambda_needs(function)
        _depend_on_rights_alone(function)
        self._build_alarms(construct_id, name, function, timeout)
        self._acknowledge(function)
        return function

    def _build_role(self, construct_id: str, description: str) -> iam.Role:
        return iam.Role(
            self.scope,
            f"{construct_id}Role",
            description=description,
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
        )

    def _build_log_group(self, construct_id: str, name: PhysicalName) -> logs.LogGroup:
        return logs.LogGroup(
            self.scope,
            f"{construct_id}LogGroup",
            log_group_name=self.names.function_log_group(name),
            encryption_key=self.key,
            retention=retention(self.log_retention_days),
            removal_policy=removal_policy(self.removal),
        )

    def _grant_what_lambda_needs(self, function: lambda_.Function) -> None:
        """Grant what Lambda itself does in the role's name: logs, its own variables, the notice of a failure."""
        # https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html
        function.add_to_role_policy(
            iam.PolicyStatement(
                sid="WriteLogs",
                actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                resources=[function.log_group.log_group_arn],
            )
        )
        # https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars-encryption.html
        function.add_to_role_policy(
            iam.PolicyStatement(
                sid="UseMessagingKey", actions=["kms:Decrypt", "kms:GenerateDataKey"], resources=[self.key.key_arn]
            )
        )

    def _build_alarms(
        self, construct_id: str, name: PhysicalName, function: lambda_.Function, timeout: Duration
    ) -> None:
        alarms = Alarms(self.scope, self.names, self.topic)
        subject = name.name.lower().replace("_", "-")
        total = cloudwatch.Stats.SUM
        alarms.add(
            f"{construct_id}ErrorsAlarm",
            subject=f"{subject}-errors",
            meaning=f"The function {subject} failed: its log says why",
            metric=function.metric_errors(statistic=total, period=MINUTE),
            threshold=1,
            comparison=AT_LEAST,
            periods=2,
        )
        alarms.add(
            f"{construct_id}ThrottlesAlarm",
            subject=f"{subject}-throttles",
            meaning=f"The function {subject} did not run: the account's concurrency is used up",
            metric=function.metric_throttles(statistic=total, period=MINUTE),
            threshold=1,
            comparison=AT_LEAST,
            periods=2,
        )
        alarms.add(
            f"{construct_id}DurationAlarm",
            subject=f"{subject}-duration",
            meaning=f"The function {subject} takes {SLOW:.0%} of its time-out and more",
            metric=function.metric_duration(statistic=cloudwatch.Stats.MAXIMUM, period=MINUTE),
            threshold=timeout.to_milliseconds() * SLOW,
            comparison=AT_LEAST,
            periods=2,
        )

    def _acknowledge(self, function: lambda_.Function) -> None:
        acknowledge(function, HIPAA, NIST, rule="LambdaConcurrency", reason=NO_RESERVATION)
        acknowledge(function, HIPAA, NIST, PCI, rule="LambdaInsideVPC", reason=NO_VPC)
        skip_checkov(function, {"CKV_AWS_45": NO_KEYS, "CKV_AWS_115": NO_RESERVATION, "CKV_AWS_117": NO_VPC})
        config = function.node.find_child("EventInvokeConfig")
        acknowledge(config, SERVERLESS, rule="LambdaAsyncFailureDestination", reason=TOLD_ONCE)
        role = function.role
        assert role is not None, "every function is given one"  # noqa: S101
        acknowledge_inline_policy(role)


def _depend_on_rights_alone(function: lambda_.Function) -> None:
    """Take the role out of the DependsOn that CDK adds: the function refers to it anyway, to its policy it does not."""
    role, resource = function.role, function.node.default_child
    assert role is not None  # noqa: S101 (every function is given one)
    assert isinstance(resource, CfnResource)  # noqa: S101 (narrows the type)
    policy = role.node.find_child("DefaultPolicy").node.default_child
    assert isinstance(policy, CfnResource)  # noqa: S101
    resource.add_override("DependsOn", [Stack.of(function).get_logical_id(policy)])
