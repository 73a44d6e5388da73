"""Names that are taken: CloudFormation creates no resource under a name that another one of its type has.

ministack's CloudFormation takes what is there for what it was to create, so a left-over would not be noticed. On AWS a
create handler must fail with `AlreadyExists`:
https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-test-contract.html
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from botocore.exceptions import ClientError

from embedded_aws.server import registry, upstream
from embedded_aws.server.api import client

Names = Callable[[str], bool]


def _answered(service: str, operation: str, parameter: str) -> Names:
    """Return a question: is there what the operation of a service describes under a name?"""

    def is_there(name: str) -> bool:
        with suppress(ClientError):
            return bool(getattr(client(service), operation)(**{parameter: name}))
        return False

    return is_there


def _in_list(service: str, operation: str, key: str, field: str, **request: Any) -> Names:
    """Return a question: is a name in the list that the operation of a service answers with?"""

    def is_there(name: str) -> bool:
        asked = client(service)
        paged = asked.can_paginate(operation)
        pages = asked.get_paginator(operation).paginate(**request) if paged else [getattr(asked, operation)(**request)]
        return any(each[field] == name for page in pages for each in page[key])

    return is_there


def _is_alarm(name: str) -> bool:
    found = client("cloudwatch").describe_alarms(AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    return bool(found["MetricAlarms"] or found["CompositeAlarms"])


def _is_topic(name: str) -> bool:
    return any(arn.rpartition(":")[2] == name for arn in upstream.topics)


def _is_active_cluster(name: str) -> bool:
    return any(each["clusterName"] == name and each["status"] == "ACTIVE" for each in upstream.ecs_clusters.values())


# The property that names a resource -> whether its name is taken. RDS refuses by itself.
_NAMED: Final[Mapping[str, tuple[str, Names]]] = {
    "AWS::Backup::BackupVault": ("BackupVaultName", lambda name: name in upstream.vaults),
    "AWS::Backup::RestoreTestingPlan": (
        "RestoreTestingPlanName", _answered("backup", "get_restore_testing_plan", "RestoreTestingPlanName"),
    ),
    "AWS::CloudWatch::Alarm": ("AlarmName", _is_alarm),
    "AWS::CloudWatch::CompositeAlarm": ("AlarmName", _is_alarm),
    "AWS::CloudWatch::Dashboard": ("DashboardName", _answered("cloudwatch", "get_dashboard", "DashboardName")),
    "AWS::DynamoDB::GlobalTable": ("TableName", lambda name: name in upstream.tables),
    "AWS::ECS::Cluster": ("ClusterName", _is_active_cluster),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": (
        "Name", _in_list("elbv2", "describe_load_balancers", "LoadBalancers", "LoadBalancerName"),
    ),
    "AWS::KMS::Alias": ("AliasName", _in_list("kms", "list_aliases", "Aliases", "AliasName")),
    "AWS::Lambda::Function": ("FunctionName", lambda name: name in upstream.functions),
    "AWS::Logs::LogGroup": ("LogGroupName", _in_list("logs", "describe_log_groups", "logGroups", "logGroupName")),
    "AWS::SNS::Topic": ("TopicName", _is_topic),
    "AWS::WAFv2::WebACL": ("Name", _in_list("wafv2", "list_web_acls", "WebACLs", "Name", Scope="REGIONAL")),
}  # fmt: skip


def install() -> None:
    """Check the name before each creation."""
    for resource_type, (prop, is_taken) in _NAMED.items():
        registry.wrap(resource_type, "create", _checked(resource_type, prop, is_taken))


def _checked(resource_type: str, prop: str, is_taken: Names) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def checked(create: Callable[..., Any]) -> Callable[..., Any]:
        def create_if_free(logical_id: str, properties: Mapping[str, Any], stack: str, *more: Any) -> Any:
            name = properties.get(prop)
            if name and is_taken(str(name)):
                identifier = f'{{"/properties/{prop}":"{name}"}}'
                raise ValueError(
                    f"Resource of type '{resource_type}' with identifier '{identifier}' already exists. "
                    "(HandlerErrorCode: AlreadyExists)"
                )
            return create(logical_id, properties, stack, *more)

        return create_if_free

    return checked
