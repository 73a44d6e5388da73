"""Settings profiles that tests, documents and scripts synthesize, and how they do it.

Every environment, every egress mode, one deployment with every option on, and one without any default.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from aws_cdk import App

from stacks.platform import Platform, create_app
from stacks.settings import Settings

CONFIGURATION = Path(__file__).resolve().parents[1] / "cdk.json"

CERTIFICATE = "arn:aws:acm:us-east-1:111111111111:certificate/12345678-1234-1234-1234-123456789012"
IMAGE = "111111111111.dkr.ecr.us-east-1.amazonaws.com/app:1"
DOMAIN = "pay.mycompany.com"
NEEDED = {"compute.certificate_arn": CERTIFICATE, "compute.domain_name": DOMAIN, "compute.image": IMAGE}
# What the reference service needs beside its image.
REFERENCE = {"database.migrations": "service", "compute.health_path": "/health"}
ZONE = "Z0123456789ABCDEFGHIJ"
COPY_VAULT = "arn:aws:backup:us-east-1:222222222222:backup-vault:isolated"

PROFILES: Mapping[str, Mapping[str, str]] = {
    "dev": {},
    "staging": {"environment": "staging", "suffix": "st", **NEEDED},
    "prod": {"environment": "prod", "suffix": "eu1", **NEEDED, **REFERENCE},
    "prod-nat": {"environment": "prod", "suffix": "nat", "network.egress": "nat", "account": "111111111111", **NEEDED},
    "options": {
        "environment": "staging",
        "suffix": "opt",
        "region": "eu-central-1",
        "permissions_boundary": "arn:aws:iam::aws:policy/PowerUserAccess",
        "network.egress": "nat",
        "network.nat_gateways": "one",
        "network.zones": "eu-central-1a,eu-central-1b,eu-central-1c",
        "monitoring.emails": "dr@mycompany.com,oncall@mycompany.com",
        "database.readers": "2",
        "database.log_exports": "postgresql,iam-db-auth-error",
        "compute.certificate_arn": CERTIFICATE.replace("us-east-1", "eu-central-1"),
        "compute.domain_name": DOMAIN,
        "compute.hosted_zone_id": ZONE,
        "compute.image": "ghcr.io/mycompany/app:1",
        "compute.exec_enabled": "true",
        "database.task_login": "secret",
        "compute.architecture": "x86_64",
        "compute.command": "serve,--port,{port}",
        "compute.zonal_autoshift": "true",
        "backup.lock": "compliance",
        "backup.lock_changeable_days": "10",
        "backup.copy_vault_arn": COPY_VAULT,
    },
    # No setting has its default, so that a property that ignores its setting shows.
    "unusual": {
        "suffix": "u-1",
        "region": "ap-southeast-2",
        "permissions_boundary": "team/boundary",
        "project.name": "Ledger",
        "project.owner": "payments",
        "project.cost_center": "cc-42",
        "kms.pending_window_days": "11",
        "network.cidr": "10.99.0.0/16",
        "network.subnet_prefix": "24",
        "network.zone_count": "3",
        "network.flow_log_retention_days": "14",
        "monitoring.log_retention_days": "30",
        "database.engine_version": "16.8",
        "database.name": "ledger",
        "database.master_username": "ledger_owner",
        "database.application_username": "ledger_app",
        "database.task_login": "secret",
        "database.port": "6543",
        "database.min_acu": "2.5",
        "database.max_acu": "64",
        "database.readers": "4",
        "database.backup_retention_days": "21",
        "database.backup_window": "01:30-02:30",
        "database.maintenance_window": "tue:13:00-tue:14:00",
        "database.log_exports": "instance",
        "database.enhanced_monitoring_seconds": "15",
        "database.data_api": "false",
        "database.migrations": "user",
        "database.connections_alarm": "77",
        "database.replica_lag_alarm_ms": "250",
        "storage.point_in_time_recovery_days": "14",
        "storage.ttl_attribute": "gone_at",
        "storage.contributor_insights": "true",
        "storage.noncurrent_version_days": "45",
        "storage.access_log_days": "21",
        "compute.image": f"111111111111.dkr.ecr.eu-west-1.amazonaws.com/team/app@sha256:{'a' * 64}",
        "compute.user": "1000:1000",
        "compute.writable_paths": "/tmp,/var/cache",  # noqa: S108 (a path inside a container)
        "compute.writable_path_mib": "32",
        "compute.cpu": "2048",
        "compute.memory": "5120",
        "compute.port": "9090",
        "compute.health_path": "/health",
        "compute.health_grace_seconds": "120",
        "compute.health_interval_seconds": "12",
        "compute.health_timeout_seconds": "6",
        "compute.healthy_threshold": "4",
        "compute.unhealthy_threshold": "3",
        "compute.deregistration_delay_seconds": "45",
        "compute.stop_timeout_seconds": "50",
        "compute.min_tasks": "3",
        "compute.max_tasks": "7",
        "compute.requests_per_target": "250",
        "compute.domain_name": "ledger.mycompany.com",
        "compute.hosted_zone_id": "Z9",
        "compute.waf": "true",
        "compute.container_insights": "enhanced",
        "compute.latency_p99_alarm_ms": "400",
        "compute.deployment_alarms": "true",
        "backup.daily_retention_days": "8",
        "backup.weekly_retention_days": "16",
        "backup.monthly_retention_days": "64",
        "backup.continuous_retention_days": "21",
        "backup.lock": "governance",
        "backup.lock_min_retention_days": "3",
        "backup.lock_max_retention_days": "99",
        "backup.restore_test_schedule": "cron(30 11 ? * WED *)",
        "backup.restore_test_keep_hours": "8",
        "recovery.rto_seconds": "45",
        "recovery.rpo_seconds": "15",
        "operations.monitor_interval_minutes": "2",
        "operations.estimated_rpo_alarm_seconds": "1200",
        "operations.recovery_point_age_alarm_hours": "50",
        "operations.restore_proof_alarm_days": "15",
        "operations.automatic_failover": "true",
        "operations.failover_cool_down_seconds": "1800",
        "operations.failover_timeout_seconds": "240",
        "operations.failover_lag_limit_ms": "500",
        "operations.validation_minimum_tables": "7",
        "operations.validation_minimum_items": "9",
        "operations.validation_table": "ledger.entries",
        "operations.validation_column": "created_at",
        "operations.validation_attribute": "written_at",
        "operations.experiments": "true",
        "operations.experiment_task_percent": "34",
    },
}


def cdk_context() -> dict[str, Any]:
    """Return the feature flags of ``cdk.json`` and what the CDK CLI adds to them."""
    flags = json.loads(CONFIGURATION.read_text(encoding="utf-8"))["context"]
    return {**flags, "aws:cdk:enable-path-metadata": True, "aws:cdk:enable-asset-metadata": True}


def synthesize(
    settings: Settings,
    folder: Path,
    *,
    context: Mapping[str, Any] | None = None,
    configure: Callable[[App], None] | None = None,
) -> Platform:
    """Synthesize one deployment outside the CDK CLI.

    Args:
        settings: of the deployment.
        folder: receives the cloud assembly.
        context: entries on top of :func:`cdk_context`.
        configure: called with the app before it is synthesized, e.g. to register validation plugins.

    Returns:
        The root stack; the files of its templates are in ``folder``.
    """
    app, platform = create_app(settings, context={**cdk_context(), **(context or {})}, outdir=str(folder))
    if configure is not None:
        configure(app)
    app.synth()
    return platform
