"""Deployment alarms: a deployment during which one goes into ALARM fails, and is rolled back if that is asked for.

Once the new tasks are steady and the old ones stop, the deployment stays in progress for the bake time. AWS computes it
from the alarms and does not say how; here it is as long as the longest of them looks back, and there is none where
nothing could be rolled back to, or nothing runs.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html
"""

import time
from collections.abc import Mapping
from threading import Thread
from typing import Any, Final

from embedded_aws.server import upstream, upstream_ecs
from embedded_aws.server.tasks import door

_POLL_SECONDS: Final = 0.5
# What was told last of a deployment or a task. ministack hides names that begin so.
TOLD: Final = "_told"
# Of a service: the task definition of its last completed deployment, and whether its next one rolls back.
ROLLBACK_TO: Final = "_rollback_to"
ROLLS_BACK: Final = "_rolls_back"
_WATCHED, _BAKED = "_watched_alarms", "_baked_at"


def hold_back(service: Mapping[str, Any], deployment: dict[str, Any]) -> None:
    """Keep a deployment in progress that ministack takes for completed, until its bake time is over."""
    if deployment["rolloutState"] != "COMPLETED" or _WATCHED not in deployment:
        return
    if _BAKED not in deployment:
        deployment[_BAKED] = time.monotonic() + _bake_seconds(service, deployment)
    if time.monotonic() < deployment[_BAKED]:
        deployment["rolloutState"] = "IN_PROGRESS"


def _bake_seconds(service: Mapping[str, Any], deployment: Mapping[str, Any]) -> float:
    runs = any(
        container.is_process
        for arn, task in upstream.ecs_tasks.items()
        if task.get("_deployment_id") == deployment["id"]
        for container in door.containers_of(arn)
    )
    if not runs or ROLLBACK_TO not in service:
        return 0
    known = (upstream.alarms.get(name, {}) for name in deployment[_WATCHED])
    return max((int(each.get("Period", 0)) * int(each.get("EvaluationPeriods", 0)) for each in known), default=0)


def watch(cluster: str, service: dict[str, Any], deployment: dict[str, Any]) -> None:
    """Watch the alarms of a deployment that begins; not if one is in ALARM already, which says nothing of it."""
    asked = (service.get("deploymentConfiguration") or {}).get("alarms") or {}
    names = list(asked.get("alarmNames", ()))
    if asked.get("enable") and not _in_alarm(names):
        deployment[_WATCHED] = names
        scope = upstream.account(), upstream.region()
        arguments = (scope, cluster, service, deployment, bool(asked.get("rollback")))
        Thread(target=_watch, args=arguments, name=f"alarms of {deployment['id']}", daemon=True).start()


def _in_alarm(names: list[str]) -> list[str]:
    tables = (upstream.alarms, upstream.composite_alarms)
    return [name for name in names if any(each.get(name, {}).get("StateValue") == "ALARM" for each in tables)]


def _watch(
    scope: tuple[str, str], cluster: str, service: dict[str, Any], deployment: dict[str, Any], rollback: bool
) -> None:
    with upstream.request_scope(*scope):
        # Not the state itself, which ministack sets to COMPLETED for a moment.
        while deployment[TOLD] == "IN_PROGRESS" and deployment["status"] == "PRIMARY" and service["status"] == "ACTIVE":
            if alarmed := _in_alarm(deployment[_WATCHED]):
                _fail(cluster, service, deployment, alarmed, rollback=rollback)
                return
            if time.monotonic() >= deployment.get(_BAKED, float("inf")):
                deployment |= {
                    "rolloutState": "COMPLETED",
                    "rolloutStateReason": f"ECS deployment {deployment['id']} completed.",
                    "updatedAt": upstream_ecs.now(),
                }
                upstream_ecs.refresh_service(cluster, f"service:{service['serviceName']}")
                return
            time.sleep(_POLL_SECONDS)


def _fail(
    cluster: str, service: dict[str, Any], deployment: dict[str, Any], alarmed: list[str], *, rollback: bool
) -> None:
    name = service["serviceName"]
    key, now = f"{cluster}/{name}", upstream_ecs.now()
    with upstream_ecs.resource_lock("ecs-service", key):
        deployment |= {
            "rolloutState": "FAILED",
            "rolloutStateReason": f"ECS deployment failed: alarm detected: {', '.join(alarmed)}.",
            "updatedAt": now,
        }
        others = (each for each in service["deployments"] if each is not deployment)
        earlier = next((each for each in others if each["rolloutState"] == "COMPLETED"), None)
        if rollback and earlier:
            deployment |= {"status": "ACTIVE", "desiredCount": 0}
            earlier |= {
                "status": "PRIMARY",
                "desiredCount": service["desiredCount"],
                "rolloutState": "IN_PROGRESS",
                "rolloutStateReason": "ECS deployment rollback in progress.",
                "updatedAt": now,
            }
            service["taskDefinition"] = earlier["taskDefinition"]
    if rollback and not earlier and ROLLBACK_TO in service:  # its old tasks have stopped: they are started again
        service[ROLLS_BACK] = True
        upstream_ecs.update_service({"cluster": cluster, "service": name, "taskDefinition": service[ROLLBACK_TO]})
    upstream_ecs.reconcile_tasks(cluster, key)
    upstream_ecs.refresh_service(cluster, f"service:{name}")
    upstream_ecs.complete_deployment_later(cluster, key, upstream.account(), upstream.region())
