"""Everything that the embedded AWS holds, so that a test can see what was left behind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import jmespath

from embedded_aws.clients import Aws
from embedded_aws.fidelity import Level, load

# By kind: service, call, and where the answer has the ids, as CloudFormation names them. Left out is what AWS brings,
# and what goes with its owner: the security group and the route table that every VPC has.
_LISTS: Mapping[str, tuple[str, str, str]] = {
    "alarm": ("cloudwatch", "describe_alarms", "MetricAlarms[].AlarmName"),
    "alias": ("kms", "list_aliases", "Aliases[?!starts_with(AliasName, 'alias/aws/')].AliasName"),
    "backup plan": ("backup", "list_backup_plans", "BackupPlansList[].BackupPlanId"),
    "backup vault": ("backup", "list_backup_vaults", "BackupVaultList[].BackupVaultName"),
    "bucket": ("s3", "list_buckets", "Buckets[].Name"),
    "cluster": ("rds", "describe_db_clusters", "DBClusters[].DBClusterIdentifier"),
    "cluster snapshot": (
        "rds", "describe_db_cluster_snapshots", "DBClusterSnapshots[].DBClusterSnapshotIdentifier"
    ),
    "dashboard": ("cloudwatch", "list_dashboards", "DashboardEntries[].DashboardName"),
    "ECS cluster": ("ecs", "list_clusters", "clusterArns"),
    "Elastic IP address": ("ec2", "describe_addresses", "Addresses[].AllocationId"),
    "event source": ("lambda", "list_event_source_mappings", "EventSourceMappings[].UUID"),
    "flow log": ("ec2", "describe_flow_logs", "FlowLogs[].FlowLogId"),
    "function": ("lambda", "list_functions", "Functions[].FunctionName"),
    "instance": ("rds", "describe_db_instances", "DBInstances[].DBInstanceIdentifier"),
    "internet gateway": ("ec2", "describe_internet_gateways", "InternetGateways[].InternetGatewayId"),
    "key": ("kms", "list_keys", "Keys[].KeyId"),
    "load balancer": ("elbv2", "describe_load_balancers", "LoadBalancers[].LoadBalancerArn"),
    "log group": ("logs", "describe_log_groups", "logGroups[].logGroupName"),
    "NAT gateway": ("ec2", "describe_nat_gateways", "NatGateways[?State!='deleted'].NatGatewayId"),
    "network interface": ("ec2", "describe_network_interfaces", "NetworkInterfaces[].NetworkInterfaceId"),
    "parameter": ("ssm", "describe_parameters", "Parameters[].Name"),
    "parameter group": (
        "rds", "describe_db_cluster_parameter_groups",
        "DBClusterParameterGroups[?!starts_with(DBClusterParameterGroupName, 'default.')].DBClusterParameterGroupName",
    ),
    "policy": ("iam", "list_policies", "Policies[?!starts_with(Arn, 'arn:aws:iam::aws:')].Arn"),
    "queue": ("sqs", "list_queues", "QueueUrls"),
    "restore test": ("backup", "list_restore_testing_plans", "RestoreTestingPlans[].RestoreTestingPlanName"),
    "role": ("iam", "list_roles", "Roles[].RoleName"),
    "route table": ("ec2", "describe_route_tables", "RouteTables[?!(Associations[?Main])].RouteTableId"),
    "rule": ("events", "list_rules", "Rules[].Name"),
    "secret": ("secretsmanager", "list_secrets", "SecretList[].Name"),
    "security group": ("ec2", "describe_security_groups", "SecurityGroups[?GroupName!='default'].GroupId"),
    "subnet": ("ec2", "describe_subnets", "Subnets[].SubnetId"),
    "subnet group": ("rds", "describe_db_subnet_groups", "DBSubnetGroups[].DBSubnetGroupName"),
    "table": ("dynamodb", "list_tables", "TableNames"),
    "target group": ("elbv2", "describe_target_groups", "TargetGroups[].TargetGroupArn"),
    "task definition": ("ecs", "list_task_definitions", "taskDefinitionArns"),
    "topic": ("sns", "list_topics", "Topics[].TopicArn"),
    "VPC": ("ec2", "describe_vpcs", "Vpcs[].VpcId"),
    "VPC endpoint": ("ec2", "describe_vpc_endpoints", "VpcEndpoints[?State!='deleted'].VpcEndpointId"),
}  # fmt: skip


def inventory(aws: Aws) -> set[str]:
    """Return every resource of the services that the extension touches, one readable line each."""
    return {f"{kind} {name}" for kind, name in items(aws)}


def items(aws: Aws) -> Iterator[tuple[str, str]]:
    """Yield the kind and the id of every resource of the services that the extension touches."""
    for kind, (service, call, path) in _LISTS.items():
        client = aws(service)
        pages = client.get_paginator(call).paginate() if client.can_paginate(call) else [getattr(client, call)()]
        for page in pages:
            for name in jmespath.search(path, page) or ():
                if kind != "key" or _is_kept(aws, name):
                    yield kind, str(name)
    composite = aws("cloudwatch").describe_alarms(AlarmTypes=["CompositeAlarm"])["CompositeAlarms"]
    yield from (("composite alarm", alarm["AlarmName"]) for alarm in composite)
    for acl in aws("wafv2").list_web_acls(Scope="REGIONAL")["WebACLs"]:
        yield "web ACL", acl["Name"]
    yield from _scaling(aws)
    yield from _declared(aws)


def _is_kept(aws: Aws, key: str) -> bool:
    """Return whether a key does not wait for its deletion."""
    return bool(aws("kms").describe_key(KeyId=key)["KeyMetadata"]["KeyState"] != "PendingDeletion")


def _scaling(aws: Aws) -> Iterator[tuple[str, str]]:
    scaling = aws("application-autoscaling")
    for target in scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]:
        yield "scalable target", target["ResourceId"]
    for policy in scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]:
        yield "scaling policy", policy["PolicyName"]


def _declared(aws: Aws) -> Iterator[tuple[str, str]]:
    for name, entry in load().items():
        if entry.level is Level.METADATA and name != "AWS::CDK::Metadata":  # which no service knows
            for each in aws("cloudcontrol").list_resources(TypeName=name)["ResourceDescriptions"]:
                yield name, each["Identifier"]
