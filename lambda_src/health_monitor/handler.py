"""Handler of the health monitor, which EventBridge invokes once a minute; people may invoke it at any time.

The response is ``{"overall": …, "components": {name: {"health": …, "reasons": […]}}}``. A failing component does not
make the function fail, and neither does a probe: the component that it observes is then ``unknown``.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Any

from common.clients import client
from common.environment import read_integer, read_list, read_text
from health_monitor.logic import HealthLimits
from health_monitor.monitor import Monitor
from health_monitor.probes import MonitoredResources

logger = logging.getLogger(__name__)
logger.setLevel(logging.INFO)

SERVICES = ("rds", "cloudwatch", "ecs", "elbv2", "dynamodb", "backup", "sns")


def handle(_event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Handle one invocation.

    Args:
        _event: Event of the schedule; not used.
        context: Lambda's context object.

    Returns:
        The response, as the module describes it.

    Raises:
        ConfigurationError: An environment variable is missing or invalid.
        ClientError: CloudWatch, DynamoDB or SNS rejects a request.
    """
    cluster_arn, table_arn = read_text(os.environ, "CLUSTER_ARN"), read_text(os.environ, "TABLE_ARN")
    validation_age_seconds = read_integer(os.environ, "VALIDATION_AGE_SECONDS")
    monitor = Monitor(
        clients={service: client(service) for service in SERVICES},
        resources=MonitoredResources(
            cluster=read_text(os.environ, "CLUSTER_IDENTIFIER"),
            ecs_cluster=read_text(os.environ, "ECS_CLUSTER"),
            service=read_text(os.environ, "ECS_SERVICE"),
            target_group=read_text(os.environ, "TARGET_GROUP_ARN"),
            table=read_text(os.environ, "TABLE_NAME"),
            vault=read_text(os.environ, "BACKUP_VAULT"),
            protected=(cluster_arn, table_arn),
            restore_testing_plan=read_text(os.environ, "RESTORE_TESTING_PLAN"),
            tested_types=read_list(os.environ, "TESTED_TYPES"),
            validation_age_seconds=validation_age_seconds,
        ),
        limits=HealthLimits(
            cluster_arn=cluster_arn,
            table_arn=table_arn,
            lag_ms=read_integer(os.environ, "REPLICA_LAG_LIMIT_MS"),
            recovery_point_age_seconds=read_integer(os.environ, "RECOVERY_POINT_AGE_SECONDS"),
            validation_age_seconds=validation_age_seconds,
        ),
        topic=read_text(os.environ, "TOPIC_ARN"),
        stack=read_text(os.environ, "STACK_NAME"),
        namespace=read_text(os.environ, "METRIC_NAMESPACE"),
        suffix=read_text(os.environ, "SUFFIX"),
    )
    response = monitor.run(context.get_remaining_time_in_millis() / 1000)
    logger.info("platform %s", response["overall"], extra={"components": response["components"]})
    return response
