"""Settings of what runs and what is kept: database, storage, compute, backup, recovery objectives."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from stacks.settings.foundation import Section, WholeNumber

# Aurora capacity units: https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-serverless-v2.setting-capacity.html
Acu = Annotated[float, Field(ge=0.5, le=256, multiple_of=0.5)]
# "hh:mm-hh:mm" and "ddd:hh:mm-ddd:hh:mm", in UTC.
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9]"
_DAY = "(mon|tue|wed|thu|fri|sat|sun)"
DailyWindow = Annotated[str, Field(pattern=f"^{_CLOCK}-{_CLOCK}$", examples=["03:00-04:00"])]
WeeklyWindow = Annotated[str, Field(pattern=f"^{_DAY}:{_CLOCK}-{_DAY}:{_CLOCK}$", examples=["sun:05:00-sun:06:00"])]
Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$", examples=["breakwater"])]
# A part of a domain name: https://www.rfc-editor.org/rfc/rfc1123#section-2
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
DomainName = Annotated[str, Field(pattern=rf"^({_LABEL}\.)+{_LABEL}$", max_length=253, examples=["pay.mycompany.com"])]
HostedZoneId = Annotated[str, Field(pattern=r"^Z[A-Z0-9]{1,31}$", examples=["Z0123456789ABCDEFGHIJ"])]


class DatabaseSettings(Section):
    """Aurora PostgreSQL Serverless v2. Capacity is in Aurora capacity units (ACU), windows are UTC."""

    engine_version: Annotated[str, Field(pattern=r"^[0-9]{2}\.[0-9]{1,2}$", examples=["17.7"])] = "17.7"
    """Aurora PostgreSQL version; 17.7 is a long-term support release."""
    name: Identifier = "transactions"
    """Name of the first database."""
    master_username: Annotated[Identifier, Field(max_length=16)] = "breakwater_owner"
    """Owner of the database; RDS makes and rotates its password."""
    application_username: Identifier = "breakwater_app"
    """Database user as whom tasks may connect by IAM authentication."""
    task_login: Literal["iam", "secret"] = "iam"
    """How tasks log in: `iam` as `application_username`; `secret` in addition lets them read the owner's password."""
    migrations: Literal["service", "user"]
    """What a function prepares at each deployment, by the Data API: `service` creates `application_username` and the
    tables of the reference service, with 50 accounts; `user`, for any other image, that user alone."""
    port: Annotated[int, Field(ge=1150, le=65535)] = 5433
    """TCP port; not the default 5432."""
    min_acu: Acu
    """Lowest capacity of each instance, in ACU, in steps of 0.5."""
    max_acu: Acu
    """Highest capacity of each instance, in ACU, in steps of 0.5."""
    readers: Annotated[int, Field(ge=1, le=15)] = 1
    """Readers beside the writer, spread over the zones."""
    backup_retention_days: Annotated[int, Field(ge=7, le=35)]
    """Days to which the cluster can be restored to any second."""
    backup_window: DailyWindow = "03:00-04:00"
    """Daily window of Aurora's own backup."""
    maintenance_window: WeeklyWindow = "sun:05:00-sun:06:00"
    """Weekly window in which AWS may patch."""
    log_exports: tuple[Literal["postgresql", "instance", "iam-db-auth-error"], ...]
    """Logs that Aurora sends to CloudWatch Logs."""
    insights: Literal["standard", "advanced"]
    """CloudWatch Database Insights mode; `advanced` keeps 465 days."""
    enhanced_monitoring_seconds: Annotated[Literal[0, 1, 5, 10, 15, 30, 60], WholeNumber]
    """Interval of Enhanced Monitoring in seconds; 0: off."""
    data_api: bool = True
    """SQL over HTTPS by the RDS Data API."""
    connections_alarm: Annotated[int, Field(ge=1)]
    """Connections on one instance that raise an alarm."""
    replica_lag_alarm_ms: Annotated[int, Field(ge=1)] = 1000
    """Replica lag in milliseconds that raises an alarm."""


class StorageSettings(Section):
    """DynamoDB table and S3 buckets."""

    point_in_time_recovery_days: Annotated[int, Field(ge=1, le=35)] = 35
    """Days to which the table can be restored to any second."""
    ttl_attribute: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,254}$", examples=["expires_at"])] = (
        "expires_at"
    )
    """Attribute (epoch seconds) after which DynamoDB deletes an item."""
    contributor_insights: bool
    """Show the most accessed and most throttled keys."""
    noncurrent_version_days: Annotated[int, Field(ge=1, le=2147483647)] = 90
    """Days for which overwritten and deleted objects can be brought back."""
    access_log_days: Annotated[int, Field(ge=1, le=2147483647)]
    """Days for which load balancer and bucket access logs are kept."""


class ComputeSettings(Section):
    """The Fargate service behind its load balancer. CPU in units (1024 = 1 vCPU), memory in MiB."""

    image: Annotated[str, Field(min_length=1)] | None = None
    """Container image; private ECR in the same Region under `endpoints`. `service`: the CDK CLI builds `service/` for
    `architecture`, with Docker or what `CDK_DOCKER` names, and publishes it."""
    command: tuple[str, ...] = ()
    """Command that replaces the image's own; `{port}` stands for `port`."""
    user: Annotated[str, Field(pattern=r"^[1-9][0-9]*(:[1-9][0-9]*)?$", examples=["65534:65534"])] = "65534:65534"
    """Numeric user and group of the process; never root."""
    writable_paths: tuple[Annotated[str, Field(pattern=r"^/[A-Za-z0-9_./-]+$", examples=["/var/run"])], ...] = ("/tmp",)  # noqa: S108
    """Paths mounted as tmpfs on the read-only root file system."""
    writable_path_mib: Annotated[int, Field(ge=1, le=1024)] = 64
    """Size of each writable path in MiB, taken from the task's memory."""
    architecture: Literal["arm64", "x86_64"] = "arm64"
    """CPU architecture that the image is built for."""
    cpu: Annotated[Literal[256, 512, 1024, 2048, 4096, 8192, 16384], WholeNumber]
    """CPU units of a task."""
    memory: Annotated[int, Field(ge=512, le=122880)]
    """Memory of a task in MiB."""
    port: Annotated[int, Field(ge=1024, le=65535)] = 8080
    """Port on which the container listens."""
    health_path: Annotated[str, Field(pattern=r"^/[!-~]*$", max_length=1024, examples=["/health"])] = "/"
    """Path that answers 200 when a task is healthy. It must not ask the database: a failover would fail every task at
    once, and ECS would replace them all."""
    health_interval_seconds: Annotated[int, Field(ge=5, le=300)] = 5
    """Seconds between two health checks of a task."""
    health_timeout_seconds: Annotated[int, Field(ge=2, le=120)] = 2
    """Seconds after which a health check without an answer has failed."""
    healthy_threshold: Annotated[int, Field(ge=2, le=10)] = 2
    """Checks in a row that a task must pass to get requests."""
    unhealthy_threshold: Annotated[int, Field(ge=2, le=10)] = 2
    """Checks in a row that a task must fail to get no more requests; until then a hung task costs its share of them."""
    health_grace_seconds: Annotated[int, Field(ge=1, le=3600)] = 60
    """Seconds after its start during which a task is not replaced for failing health checks."""
    deregistration_delay_seconds: Annotated[int, Field(ge=0, le=3600)] = 30
    """Seconds for which a task that is taken away may finish its requests."""
    stop_timeout_seconds: Annotated[int, Field(ge=2, le=120)] = 30
    """Seconds between the signal to stop (SIGTERM) and the end of a task (SIGKILL)."""
    min_tasks: Annotated[int, Field(ge=2, le=5000)] = 2
    """Fewest tasks."""
    max_tasks: Annotated[int, Field(ge=2, le=5000)]
    """Most tasks; ECS runs no more than 5000 in a service."""
    requests_per_target: Annotated[int, Field(ge=1)] = 1000
    """Requests per minute and task that scaling aims at."""
    certificate_arn: (
        Annotated[
            str,
            Field(
                pattern=r"^arn:[a-z-]+:acm:[a-z0-9-]+:[0-9]{12}:certificate/[A-Za-z0-9-]+$",
                examples=["arn:aws:acm:us-east-1:111111111111:certificate/12345678-1234-1234-1234-123456789012"],
            ),
        ]
        | None
    ) = None
    """ACM certificate for HTTPS; without one the load balancer speaks HTTP."""
    domain_name: DomainName | None = None
    """Name by which clients reach the service; the certificate covers it. Without `hosted_zone_id` the record is yours:
    an alias or CNAME to the output `LoadBalancerDnsName`."""
    hosted_zone_id: HostedZoneId | None = None
    """Public Route 53 hosted zone of this account in which the platform makes the record for `domain_name`."""
    https_required: bool
    """Refuse to synthesize without a certificate."""
    waf: bool
    """Put an AWS WAF web ACL before the load balancer."""
    exec_enabled: bool = False
    """Allow `aws ecs execute-command` into tasks; AWS does not support it on a read-only root file system, so the
    paths that its agent writes to are mounted as volumes."""
    container_insights: Literal["enabled", "enhanced"]
    """CloudWatch Container Insights mode."""
    latency_p99_alarm_ms: Annotated[int, Field(ge=1)] = 1000
    """99th percentile of the response time, in milliseconds, that raises an alarm."""
    deployment_alarms: bool
    """Roll a deployment back while the alarm on HTTP 5xx or on latency is in ALARM, and keep watching for some minutes
    after its tasks run."""
    zonal_autoshift: bool = False
    """Let AWS take an impaired zone out of the load balancer, and practice it for 30 minutes a week: the tasks of the
    other zones must carry the whole load."""


class BackupSettings(Section):
    """AWS Backup. Retention in days, schedules in UTC."""

    daily_retention_days: Annotated[int, Field(ge=1, le=36500)]
    """Retention of daily recovery points."""
    weekly_retention_days: Annotated[int, Field(ge=1, le=36500)]
    """Retention of weekly recovery points."""
    monthly_retention_days: Annotated[int, Field(ge=1, le=36500)]
    """Retention of monthly recovery points."""
    continuous_retention_days: Annotated[int, Field(ge=7, le=35)]
    """Retention of Aurora's continuous backup in the vault; equals `database.backup_retention_days`. After the first
    backup, release the cluster before you change both: `aws backup disassociate-recovery-point`."""
    lock: Literal["off", "governance", "compliance"]
    """Vault lock. `compliance` cannot be lifted by anybody once `lock_changeable_days` are over."""
    lock_min_retention_days: Annotated[int, Field(ge=1, le=36500)] = 1
    """Shortest retention that the locked vault admits."""
    lock_max_retention_days: Annotated[int, Field(ge=1, le=36500)] = 36500
    """Longest retention that the locked vault admits."""
    lock_changeable_days: Annotated[int, Field(ge=3, le=36500)] = 3
    """Days before a compliance lock becomes final."""
    copy_vault_arn: (
        Annotated[
            str,
            Field(
                pattern=r"^arn:[a-z-]+:backup:[a-z0-9-]+:[0-9]{12}:backup-vault:[A-Za-z0-9_-]{2,50}$",
                examples=["arn:aws:backup:us-east-1:111111111111:backup-vault:isolated"],
            ),
        ]
        | None
    ) = None
    """Vault that receives a copy of every recovery point, with another key than the data. In another account:
    the keys admit it, and its vault must admit this one, in the same organization."""
    restore_test_schedule: Annotated[str, Field(pattern=r"^cron\([^()]+\)$", examples=["cron(0 12 ? * SUN *)"])] = (
        "cron(0 12 ? * SUN *)"
    )
    """When AWS Backup restores the newest recovery point as a test."""
    restore_test_keep_hours: Annotated[int, Field(ge=2, le=168)] = 4
    """Hours for which a restored test resource is kept for validation, which takes about one."""


class RecoverySettings(Section):
    """Recovery objectives: drawn on the dashboards and compared with what drills measure."""

    rto_seconds: Annotated[int, Field(ge=1)]
    """Recovery time objective in seconds."""
    rpo_seconds: Annotated[int, Field(ge=1)]
    """Recovery point objective in seconds."""
