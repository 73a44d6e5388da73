"""A Lambda function as this platform has them: own role and log group, encrypted, traced, failures notified."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from aws_cdk import CfnResource, Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.common.acknowledgements import policy_of
from stacks.common.alarms import AT_LEAST, MAXIMUM, MINUTE, SUM, StackAlarms
from stacks.common.location import Location
from stacks.common.permissions import Permissions
from stacks.common.retention import EncryptedLogGroup
from stacks.names import Names, PhysicalName
from stacks.settings import MonitoringSettings, RemovalSettings

SOURCE = Path(__file__).resolve().parents[2] / "lambda_src"
# Share of its timeout from which the duration of a run raises an alarm.
SLOW = 0.8


class PlatformFunction(Construct):
    """A function with its role, its log group and its alarms.

    Its role may write the log and use the key of the variables; the subclass, or the root, grants the rest.

    Args:
        scope: the stack that owns it.
        construct_id: its id in that scope.
        name: physical name.
        package: its package in ``lambda_src``.
        description: what it does.
        environment: its variables.
        timeout_seconds: longest run, in seconds.
        retries: how often Lambda repeats an invocation that failed.
        monitoring: how long the log is kept.
        removal: what becomes of the log group.
        names: physical names.
        location: partition, Region and account.
        key: key of variables and log, a view.
        topic: notified by its alarms, and of invocations that failed for good.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: PhysicalName,
        package: str,
        description: str,
        environment: Mapping[str, str],
        timeout_seconds: int,
        retries: int,
        monitoring: MonitoringSettings,
        removal: RemovalSettings,
        names: Names,
        location: Location,
        key: kms.IKey,
        topic: sns.ITopic,
    ) -> None:
        super().__init__(scope, construct_id)
        # No aws:SourceAccount: AWS Lambda documents no source keys for assuming a function's role, and where a service
        # sends none such a condition denies every invocation.
        # https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html
        self.role = iam.Role(
            self, "Role", description=description, assumed_by=iam.ServicePrincipal("lambda.amazonaws.com")
        )
        self.log_group = EncryptedLogGroup(
            self,
            "LogGroup",
            name=names.function_log_group(name),
            key=key,
            retention_days=monitoring.log_retention_days,
            removal=removal,
        )
        self.function = lambda_.Function(
            self,
            "Default",
            function_name=names.physical_name(name),
            description=description,
            runtime=lambda_.Runtime.PYTHON_3_14,
            architecture=lambda_.Architecture.ARM_64,
            handler=f"{package}.handler.handle",
            code=lambda_.Code.from_asset(str(SOURCE), exclude=["**/__pycache__"]),
            role=self.role,
            environment=dict(environment),
            environment_encryption=key,
            timeout=Duration.seconds(timeout_seconds),
            memory_size=256,
            tracing=lambda_.Tracing.ACTIVE,
            log_group=self.log_group,
            logging_format=lambda_.LoggingFormat.JSON,
            application_log_level_v2=lambda_.ApplicationLogLevel.INFO,
            system_log_level_v2=lambda_.SystemLogLevel.WARN,
            dead_letter_topic=topic,
            # An event that waited longer is dropped: a failover that starts an hour late does harm.
            max_event_age=Duration.minutes(5),
            retry_attempts=retries,
        )
        self.permissions = Permissions(self.role, location)
        self._grant_what_lambda_needs(key)
        self._depend_on_policy_only()
        self.alarms = FunctionAlarms(
            self, "Alarms", function=self.function, name=name, timeout_seconds=timeout_seconds, names=names, topic=topic
        )

    def _grant_what_lambda_needs(self, key: kms.IKey) -> None:
        """Grant what Lambda itself does with the role: write the log, read the variables."""
        # https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html
        self.permissions.allow(
            ["logs:CreateLogStream", "logs:PutLogEvents"], [self.log_group.log_group_arn], sid="WriteLogs"
        )
        # https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars-encryption.html
        self.permissions.allow(["kms:Decrypt", "kms:GenerateDataKey"], [key.key_arn], sid="UseMessagingKey")

    def _depend_on_policy_only(self) -> None:
        """Drop the role from the DependsOn that CDK adds: the function refers to its role, but not to the policy."""
        policy, resource = policy_of(self.role).node.default_child, self.function.node.default_child
        assert isinstance(policy, CfnResource)  # noqa: S101 (narrows the type)
        assert isinstance(resource, CfnResource)  # noqa: S101
        resource.add_override("DependsOn", [Stack.of(self).get_logical_id(policy)])


class FunctionAlarms(StackAlarms):
    """Errors, throttles and slow runs of one function.

    One minute is enough: a function that runs every six minutes, or once, never fills two in a row.

    Args:
        scope: the function's construct.
        construct_id: its id in that scope.
        function: what is watched.
        name: its physical name, which gives the alarms theirs.
        timeout_seconds: its timeout, in seconds.
        names: physical names.
        topic: is notified.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        function: lambda_.IFunction,
        name: PhysicalName,
        timeout_seconds: int,
        names: Names,
        topic: sns.ITopic,
    ) -> None:
        super().__init__(scope, construct_id, names=names, topic=topic)
        subject = name.name.lower().replace("_", "-")
        self.errors = self.add(
            "Errors",
            subject=f"{subject}-errors",
            meaning=f"The function {subject} failed: its log says why",
            metric=function.metric_errors(statistic=SUM, period=MINUTE),
            threshold=1,
            comparison=AT_LEAST,
            periods=1,
        )
        self.throttles = self.add(
            "Throttles",
            subject=f"{subject}-throttles",
            meaning=f"The function {subject} did not run: the account's concurrency is used up",
            metric=function.metric_throttles(statistic=SUM, period=MINUTE),
            threshold=1,
            comparison=AT_LEAST,
            periods=1,
        )
        self.duration = self.add(
            "Duration",
            subject=f"{subject}-duration",
            meaning=f"The function {subject} takes {SLOW:.0%} of its timeout or more",
            metric=function.metric_duration(statistic=MAXIMUM, period=MINUTE),
            threshold=timeout_seconds * 1000 * SLOW,
            comparison=AT_LEAST,
            periods=1,
        )
