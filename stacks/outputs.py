"""Outputs of the root stack: nested outputs do not reach it by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Fn
from aws_cdk import aws_ec2 as ec2

from stacks.names import OutputKey, PhysicalName

if TYPE_CHECKING:
    from stacks.platform import Platform


def root_outputs(platform: Platform) -> dict[OutputKey, str]:
    """Return whatever an operator or an integration test needs, under the pinned keys.

    Args:
        platform: the root stack with all its nested stacks built.

    Returns:
        One value per :class:`OutputKey`.
    """
    kms, network, monitoring = platform.kms, platform.network, platform.monitoring
    storage, database, compute = platform.storage, platform.database, platform.compute
    settings, names = platform.settings, platform.names
    balancer_host = compute.load_balancer.load_balancer_dns_name
    scheme = "https" if settings.compute.certificate_arn else "http"
    return {
        OutputKey.ENVIRONMENT: settings.environment,
        OutputKey.SUFFIX: settings.suffix,
        OutputKey.REGION: settings.region,
        OutputKey.DATA_KEY_ARN: kms.data_key.key_arn,
        OutputKey.MESSAGING_KEY_ARN: kms.messaging_key.key_arn,
        OutputKey.BACKUP_KEY_ARN: kms.backup_key.key_arn,
        OutputKey.VPC_ID: network.vpc.vpc_id,
        OutputKey.PUBLIC_SUBNET_IDS: _ids(network.vpc, ec2.SubnetType.PUBLIC),
        OutputKey.ISOLATED_SUBNET_IDS: _ids(network.vpc, ec2.SubnetType.PRIVATE_ISOLATED),
        OutputKey.LOAD_BALANCER_SECURITY_GROUP_ID: network.load_balancer_security_group.security_group_id,
        OutputKey.TASK_SECURITY_GROUP_ID: network.task_security_group.security_group_id,
        OutputKey.DATABASE_SECURITY_GROUP_ID: network.database_security_group.security_group_id,
        OutputKey.FUNCTION_SECURITY_GROUP_ID: network.function_security_group.security_group_id,
        OutputKey.FLOW_LOG_GROUP_NAME: network.flow_log_group.log_group_name,
        OutputKey.ALERT_TOPIC_ARN: monitoring.topic.topic_arn,
        OutputKey.TABLE_NAME: storage.table.table_name,
        OutputKey.TABLE_ARN: storage.table.table_arn,
        OutputKey.DATA_BUCKET_NAME: storage.data_bucket.bucket_name,
        OutputKey.LOG_BUCKET_NAME: storage.log_bucket.bucket_name,
        OutputKey.CLUSTER_IDENTIFIER: database.cluster.cluster_identifier,
        OutputKey.CLUSTER_ARN: database.cluster.cluster_arn,
        OutputKey.CLUSTER_ENDPOINT: database.cluster.cluster_endpoint.hostname,
        OutputKey.CLUSTER_READER_ENDPOINT: database.cluster.cluster_read_endpoint.hostname,
        OutputKey.CLUSTER_PORT: str(settings.database.port),
        OutputKey.CLUSTER_SECRET_ARN: database.secret.secret_arn,
        OutputKey.DATABASE_NAME: settings.database.name,
        OutputKey.ECS_CLUSTER_NAME: compute.cluster.cluster_name,
        OutputKey.ECS_SERVICE_NAME: compute.service.service_name,
        OutputKey.SERVICE_LOG_GROUP_NAME: compute.log_group.log_group_name,
        OutputKey.LOAD_BALANCER_ARN: compute.load_balancer.load_balancer_arn,
        OutputKey.LOAD_BALANCER_DNS_NAME: balancer_host,
        OutputKey.TARGET_GROUP_ARN: compute.target_group.target_group_arn,
        OutputKey.SERVICE_URL: f"{scheme}://{balancer_host}",
        OutputKey.BACKUP_VAULT_NAME: platform.backup.vault.backup_vault_name,
        OutputKey.BACKUP_PLAN_ID: platform.backup.plan.backup_plan_id,
        OutputKey.RESTORE_TESTING_PLAN_NAME: platform.backup.restore_testing_plan.ref,
        OutputKey.HEALTH_MONITOR_FUNCTION: names.physical_name(PhysicalName.HEALTH_MONITOR),
        OutputKey.FAILOVER_FUNCTION: names.physical_name(PhysicalName.FAILOVER),
        OutputKey.RESTORE_VALIDATION_FUNCTION: names.physical_name(PhysicalName.RESTORE_VALIDATION),
        OutputKey.RESTORE_EVENTS_QUEUE_URL: monitoring.restore_events.queue_url,
        OutputKey.GOLDEN_SIGNALS_DASHBOARD: names.physical_name(PhysicalName.GOLDEN_SIGNALS_DASHBOARD),
        OutputKey.DATA_TIER_DASHBOARD: names.physical_name(PhysicalName.DATA_TIER_DASHBOARD),
        OutputKey.RECOVERY_DASHBOARD: names.physical_name(PhysicalName.RECOVERY_DASHBOARD),
    }


def _ids(vpc: ec2.IVpc, kind: ec2.SubnetType) -> str:
    return Fn.join(",", vpc.select_subnets(subnet_type=kind).subnet_ids)
