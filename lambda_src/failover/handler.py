"""Handler of the failover function, which moves the writer of the Aurora cluster within the Region.

An operator or a drill sends ``{"cluster": "…", "reason": "…", "dry_run": false}``; an alarm sends its own event. The
response is ``{"outcome": …}``: ``succeeded``, ``timed-out``, ``refused`` (with ``code`` and ``reason``) or, for a dry
run, ``would-fail-over``. An alarm acts on a change of its state only, so a schedule invokes the function as well, which
then asks for a failover as long as the alarm does; ``not-asked`` otherwise. Requests are idempotent: another invocation
with the same ``request_id`` never starts a second failover; it resumes an interrupted one, or returns the result.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Any

from common.clients import client
from common.environment import read_integer, read_text
from failover.claims import ClaimStore
from failover.execution import Failover, FailoverRequest
from failover.logic import FailoverLimits

logger = logging.getLogger(__name__)
logger.setLevel(logging.INFO)


# Source of the events of a rule with a schedule:
# https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-scheduled.html
SCHEDULE = "aws.events"


class RequestError(Exception):
    """The event is not a valid request for a failover."""


def parse(event: Mapping[str, Any], request_id: str, cluster: str) -> FailoverRequest:
    """Read the request from an event.

    Args:
        event: Request of an operator, the event that CloudWatch sends when an alarm changes its state, or that of the
            schedule.
        request_id: Identifier of the invocation, which Lambda's retries share.
        cluster: Cluster identifier for an alarm's event, which names none.

    Returns:
        The request.

    Raises:
        RequestError: A key is missing or invalid.
    """
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-actions-Lambda.html
    if event.get("source") == "aws.cloudwatch":
        alarm = event.get("alarmData", {}).get("alarmName", "(unnamed)")
        return FailoverRequest(cluster, f"alarm {alarm}", request_id, automatic=True)
    if event.get("source") == SCHEDULE:
        return FailoverRequest(cluster, "the alarm still asks", request_id, automatic=True)
    for name, kind in (("cluster", str), ("reason", str), ("dry_run", bool), ("request_id", str)):
        if name in event and not (isinstance(event[name], kind) and event[name] != ""):
            allowed = "true or false" if kind is bool else "a string that is not empty"
            raise RequestError(f"{name} = {event[name]!r}: allowed is {allowed}")
    for name in ("cluster", "reason"):
        if name not in event:
            raise RequestError(f"{name} is missing: add it to the event")
    return FailoverRequest(
        event["cluster"], event["reason"], event.get("request_id", request_id), event.get("dry_run", False)
    )


def handle(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Handle one invocation.

    Args:
        event: The event, as the module describes it.
        context: Lambda's context object.

    Returns:
        The response, as the module describes it.

    Raises:
        ConfigurationError: An environment variable is missing or invalid.
        RequestError: The event is not a valid request.
        ClientError: An AWS service rejects a request.
    """
    if event.get("source") == SCHEDULE and not _alarm_asks(read_text(os.environ, "ALARM_NAME")):
        return {"outcome": "not-asked"}
    limits = FailoverLimits(
        cluster=read_text(os.environ, "CLUSTER_IDENTIFIER"),
        lag_ms=read_integer(os.environ, "REPLICA_LAG_LIMIT_MS"),
        cool_down_seconds=read_integer(os.environ, "COOL_DOWN_SECONDS"),
    )
    failover = Failover(
        rds=client("rds"),
        rds_once=client("rds", attempts=1),
        cloudwatch=client("cloudwatch"),
        claims=ClaimStore(
            client("dynamodb"),
            table=read_text(os.environ, "TABLE_NAME"),
            limits=limits,
            ttl_attribute=read_text(os.environ, "TTL_ATTRIBUTE"),
        ),
        limits=limits,
        timeout_seconds=read_integer(os.environ, "TIMEOUT_SECONDS"),
        namespace=read_text(os.environ, "METRIC_NAMESPACE"),
        suffix=read_text(os.environ, "SUFFIX"),
    )
    request = parse(event, context.aws_request_id, limits.cluster)
    response = failover.run(request, context.get_remaining_time_in_millis() / 1000)
    logger.info("failover %s", response["outcome"], extra={"request": request.request_id, **_log_fields(response)})
    return response


def _alarm_asks(name: str) -> bool:
    found = client("cloudwatch").describe_alarms(AlarmNames=[name], AlarmTypes=["CompositeAlarm"], StateValue="ALARM")
    return bool(found["CompositeAlarms"])


def _log_fields(response: Mapping[str, Any]) -> dict[str, Any]:
    return {f"response_{name}": value for name, value in response.items()}
