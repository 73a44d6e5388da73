"""Everything that the embedded AWS holds, so that a test can see what was left behind."""

from __future__ import annotations

from collections.abc import Iterator

from embedded_aws.clients import Aws
from embedded_aws.fidelity import Level, load


def inventory(aws: Aws) -> set[str]:
    """Return every resource of the services that the extension touches, one readable line each."""
    return {f"{kind} {name}" for kind, name in _everything(aws)}


def _everything(aws: Aws) -> Iterator[tuple[str, str]]:
    lists = (
        ("alarm", "cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
        ("backup plan", "backup", "list_backup_plans", "BackupPlansList", "BackupPlanId"),
        ("backup vault", "backup", "list_backup_vaults", "BackupVaultList", "BackupVaultName"),
        ("bucket", "s3", "list_buckets", "Buckets", "Name"),
        ("cluster", "rds", "describe_db_clusters", "DBClusters", "DBClusterIdentifier"),
        ("dashboard", "cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"),
        ("Elastic IP address", "ec2", "describe_addresses", "Addresses", "AllocationId"),
        ("flow log", "ec2", "describe_flow_logs", "FlowLogs", "FlowLogId"),
        ("instance", "rds", "describe_db_instances", "DBInstances", "DBInstanceIdentifier"),
        ("load balancer", "elbv2", "describe_load_balancers", "LoadBalancers", "LoadBalancerArn"),
        ("log group", "logs", "describe_log_groups", "logGroups", "logGroupName"),
        ("restore test", "backup", "list_restore_testing_plans", "RestoreTestingPlans", "RestoreTestingPlanName"),
        ("role", "iam", "list_roles", "Roles", "RoleName"),
        ("route table", "ec2", "describe_route_tables", "RouteTables", "RouteTableId"),
        ("rule", "events", "list_rules", "Rules", "Name"),
        ("secret", "secretsmanager", "list_secrets", "SecretList", "Name"),
        ("security group", "ec2", "describe_security_groups", "SecurityGroups", "GroupId"),
        ("subnet", "ec2", "describe_subnets", "Subnets", "SubnetId"),
        ("subnet group", "rds", "describe_db_subnet_groups", "DBSubnetGroups", "DBSubnetGroupName"),
        ("target group", "elbv2", "describe_target_groups", "TargetGroups", "TargetGroupArn"),
        ("topic", "sns", "list_topics", "Topics", "TopicArn"),
        ("VPC", "ec2", "describe_vpcs", "Vpcs", "VpcId"),
        ("VPC endpoint", "ec2", "describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId"),
    )
    for kind, service, operation, members, name in lists:
        for each in getattr(aws(service), operation)()[members]:
            yield kind, each[name]
    yield from (("table", name) for name in aws("dynamodb").list_tables()["TableNames"])
    yield from (("ECS cluster", arn) for arn in aws("ecs").list_clusters()["clusterArns"])
    yield from (("task definition", arn) for arn in aws("ecs").list_task_definitions()["taskDefinitionArns"])
    composite = aws("cloudwatch").describe_alarms(AlarmTypes=["CompositeAlarm"])["CompositeAlarms"]
    yield from (("composite alarm", alarm["AlarmName"]) for alarm in composite)
    for gateway in aws("ec2").describe_nat_gateways()["NatGateways"]:
        if gateway["State"] != "deleted":
            yield "NAT gateway", gateway["NatGatewayId"]
    for acl in aws("wafv2").list_web_acls(Scope="REGIONAL")["WebACLs"]:
        yield "web ACL", acl["Name"]
    yield from _scaling(aws)
    yield from _keys(aws)
    yield from _declared(aws)


def _scaling(aws: Aws) -> Iterator[tuple[str, str]]:
    scaling = aws("application-autoscaling")
    for target in scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]:
        yield "scalable target", target["ResourceId"]
    for policy in scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]:
        yield "scaling policy", policy["PolicyName"]


def _keys(aws: Aws) -> Iterator[tuple[str, str]]:
    kms = aws("kms")
    yield from (("alias", alias["AliasName"]) for alias in kms.list_aliases()["Aliases"])
    for key in kms.list_keys()["Keys"]:
        if kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"] != "PendingDeletion":
            yield "key", key["KeyId"]


def _declared(aws: Aws) -> Iterator[tuple[str, str]]:
    for name, entry in load().items():
        if entry.level is Level.METADATA:
            for each in aws("cloudcontrol").list_resources(TypeName=name)["ResourceDescriptions"]:
                yield name, each["Identifier"]
