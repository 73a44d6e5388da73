"""Physical names, output keys, tag keys and the metric namespace: one place, always with the suffix.

A physical name exists only where a person or a script types it; everything else keeps its generated name, so that
CloudFormation can replace it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum

METRIC_NAMESPACE = "Breakwater"
STACK_PREFIX = "Breakwater"
# Parameter of the root stack, and its value until a restored cluster takes the place of the database.
RESTORED_AT_PARAMETER = "DatabaseRestoredAt"
NEVER_RESTORED = "never"


class TagKey(StrEnum):
    """Tags that every taggable resource carries."""

    PROJECT = "Project"
    ENVIRONMENT = "Environment"
    SUFFIX = "Suffix"
    OWNER = "Owner"
    COST_CENTER = "CostCenter"


# Tag of the Aurora cluster alone: a new value makes CloudFormation update the cluster, and read its attributes again.
RESTORED_AT_TAG = "RestoredAt"


class PhysicalName(Enum):
    """A named thing: the form of its name and the longest name its service accepts, in characters."""

    # An instance adds "-1", "-2" …; https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBCluster.html
    AURORA_CLUSTER = ("dr-aurora-{suffix}-{region}", 60)
    ECS_CLUSTER = ("dr-ecs-{suffix}-{region}", 255)
    ECS_SERVICE = ("dr-service-{suffix}-{region}", 255)
    # https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html
    LOAD_BALANCER = ("dr-alb-{suffix}-{region}", 32)
    WEB_ACL = ("dr-waf-{suffix}-{region}", 128)
    # AWS WAF delivers only to log groups whose name begins like this:
    # https://docs.aws.amazon.com/waf/latest/developerguide/logging-cw-logs.html
    WAF_LOG_GROUP = ("aws-waf-logs-dr-{suffix}-{region}", 512)
    TABLE = ("dr-transactions-{suffix}-{region}", 255)
    ALERT_TOPIC = ("dr-alerts-{suffix}-{region}", 256)
    BACKUP_VAULT = ("dr-vault-{suffix}-{region}", 50)
    BACKUP_PLAN = ("dr-plan-{suffix}-{region}", 50)
    # Letters, digits and underscores only:
    # https://docs.aws.amazon.com/aws-backup/latest/devguide/API_RestoreTestingPlanForCreate.html
    RESTORE_TESTING_PLAN = ("dr_restore_{suffix_}_{region_}", 50)
    AURORA_RESTORE_TEST = ("dr_aurora_{suffix_}_{region_}", 50)
    TABLE_RESTORE_TEST = ("dr_table_{suffix_}_{region_}", 50)
    # https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
    HEALTH_MONITOR = ("dr-health-monitor-{suffix}-{region}", 64)
    FAILOVER = ("dr-failover-{suffix}-{region}", 64)
    RESTORE_VALIDATION = ("dr-restore-validation-{suffix}-{region}", 64)
    MIGRATION = ("dr-migration-{suffix}-{region}", 64)
    DATA_KEY_ALIAS = ("alias/dr-data-{suffix}", 256)
    MESSAGING_KEY_ALIAS = ("alias/dr-messaging-{suffix}", 256)
    BACKUP_KEY_ALIAS = ("alias/dr-backup-{suffix}", 256)
    GOLDEN_SIGNALS_DASHBOARD = ("dr-golden-signals-{suffix}-{region}", 255)
    DATA_TIER_DASHBOARD = ("dr-data-tier-{suffix}-{region}", 255)
    RECOVERY_DASHBOARD = ("dr-recovery-{suffix}-{region}", 255)

    def __init__(self, form: str, limit: int) -> None:
        self.form = form
        self.limit = limit


@dataclass(frozen=True)
class Names:
    """Fills the forms of :class:`PhysicalName` for one deployment.

    Args:
        suffix: distinguishes deployments in one account and Region.
        region: AWS Region, e.g. ``us-east-1``.
    """

    suffix: str
    region: str

    def physical_name(self, name: PhysicalName) -> str:
        """Return the physical name, e.g. ``dr-aurora-eu1-us-east-1``."""
        return name.form.format(
            suffix=self.suffix,
            region=self.region,
            suffix_=self.suffix.replace("-", "_"),
            region_=self.region.replace("-", "_"),
        )

    def alarm(self, subject: str) -> str:
        """Return the name of the alarm on ``subject`` (lower-case words with hyphens)."""
        return f"dr-{subject}-{self.suffix}-{self.region}"

    @property
    def stack(self) -> str:
        """Name of the root stack."""
        return f"{STACK_PREFIX}-{self.suffix}"

    def aurora_instance(self, number: int) -> str:
        """Return the identifier of the Aurora instance with this number, from 1. Roles move, so it names none."""
        return f"{self.physical_name(PhysicalName.AURORA_CLUSTER)}-{number}"

    def aurora_log_group(self, export: str) -> str:
        """Return the log group to which Aurora writes this log type."""
        return f"/aws/rds/cluster/{self.physical_name(PhysicalName.AURORA_CLUSTER)}/{export}"

    def function_log_group(self, function: PhysicalName) -> str:
        """Return the log group of a function, where people look for it."""
        return f"/aws/lambda/{self.physical_name(function)}"

    @property
    def container_insights_log_group(self) -> str:
        """Log group to which ECS writes Container Insights performance events."""
        return f"/aws/ecs/containerinsights/{self.physical_name(PhysicalName.ECS_CLUSTER)}/performance"


class OutputKey(StrEnum):
    """Keys of the root stack's outputs: a contract with operators, tests and ``ops``."""

    ENVIRONMENT = "EnvironmentName"
    SUFFIX = "Suffix"
    REGION = "Region"
    DATA_KEY_ARN = "DataKeyArn"
    MESSAGING_KEY_ARN = "MessagingKeyArn"
    BACKUP_KEY_ARN = "BackupKeyArn"
    VPC_ID = "VpcId"
    PUBLIC_SUBNET_IDS = "PublicSubnetIds"
    ISOLATED_SUBNET_IDS = "IsolatedSubnetIds"
    LOAD_BALANCER_SECURITY_GROUP_ID = "LoadBalancerSecurityGroupId"
    TASK_SECURITY_GROUP_ID = "TaskSecurityGroupId"
    DATABASE_SECURITY_GROUP_ID = "DatabaseSecurityGroupId"
    FLOW_LOG_GROUP_NAME = "FlowLogGroupName"
    ALERT_TOPIC_ARN = "AlertTopicArn"
    TABLE_NAME = "TableName"
    TABLE_ARN = "TableArn"
    DATA_BUCKET_NAME = "DataBucketName"
    LOG_BUCKET_NAME = "LogBucketName"
    CLUSTER_IDENTIFIER = "DatabaseClusterIdentifier"
    CLUSTER_ARN = "DatabaseClusterArn"
    CLUSTER_ENDPOINT = "DatabaseClusterEndpoint"
    CLUSTER_READER_ENDPOINT = "DatabaseReaderEndpoint"
    CLUSTER_PORT = "DatabasePort"
    CLUSTER_SECRET_ARN = "DatabaseSecretArn"  # noqa: S105 (the ARN of a secret is no secret)
    DATABASE_NAME = "DatabaseName"
    ECS_CLUSTER_NAME = "EcsClusterName"
    ECS_SERVICE_NAME = "EcsServiceName"
    SERVICE_LOG_GROUP_NAME = "ServiceLogGroupName"
    LOAD_BALANCER_ARN = "LoadBalancerArn"
    LOAD_BALANCER_DNS_NAME = "LoadBalancerDnsName"
    TARGET_GROUP_ARN = "TargetGroupArn"
    SERVICE_URL = "ServiceUrl"
    MIGRATION_FUNCTION = "MigrationFunctionName"
    BACKUP_VAULT_NAME = "BackupVaultName"
    BACKUP_PLAN_ID = "BackupPlanId"
    RESTORE_TESTING_PLAN_NAME = "RestoreTestingPlanName"
    HEALTH_MONITOR_FUNCTION = "HealthMonitorFunctionName"
    FAILOVER_FUNCTION = "FailoverFunctionName"
    RESTORE_VALIDATION_FUNCTION = "RestoreValidationFunctionName"
    RESTORE_EVENTS_QUEUE_URL = "RestoreEventsQueueUrl"
    GOLDEN_SIGNALS_DASHBOARD = "GoldenSignalsDashboardName"
    DATA_TIER_DASHBOARD = "DataTierDashboardName"
    RECOVERY_DASHBOARD = "RecoveryDashboardName"
