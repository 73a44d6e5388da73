"""What ECS does with tasks, and ministack does not: it waits for the load balancer, and says what happens.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/load-balancer-health-checks.html
"""

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from threading import RLock, Thread
from typing import Any, Final

from embedded_aws.server import upstream, upstream_ecs
from embedded_aws.server.balancer.service import running as load_balancers
from embedded_aws.server.tasks import door, events
from embedded_aws.server.tasks.processes import Container

_POLL_SECONDS: Final = 0.05
_ACCEPTED: Final = 200
# Statuses of a stopping task: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Task.html
_worker: Final = events.Worker("ECS health")
_ORDERED: Final = ("UserInitiated", "ServiceSchedulerInitiated")
_counting: Final = RLock()


def install() -> None:
    """Add to ministack's life cycle."""
    upstream_ecs.attach_container.wrap(_and_name)
    upstream_ecs.mark_task_stopped.wrap(_in_order)
    upstream_ecs.record_healthy_task.wrap(_once_healthy)
    upstream_ecs.make_deployment.wrap(_in_progress)
    upstream_ecs.reconcile_tasks.wrap(_one_at_a_time)
    upstream_ecs.actions["StopTask"] = _and_replace(upstream_ecs.actions["StopTask"])
    upstream_ecs.stop_task.wrap(lambda _by_a_user: _stop_by_scheduler)
    load_balancers().watch(_heard)


def _and_name(attach: Callable[..., bool]) -> Callable[..., bool]:
    """Let the runtime id of a container name its process."""

    def attach_and_name(task: dict[str, Any], container: Container, index: int, *more: Any) -> bool:
        attached = attach(task, container, index, *more)
        if attached:
            task["containers"][index]["runtimeId"] = container.id
        return attached

    return attach_and_name


def _in_progress(make: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Let the first deployment of a service begin as every other one; ministack takes it for completed."""

    def make_in_progress(*arguments: Any, **named: Any) -> dict[str, Any]:
        made = make(*arguments, **named)
        return {
            **made,
            "rolloutState": "IN_PROGRESS",
            "rolloutStateReason": f"ECS deployment {made['id']} in progress.",
        }

    return make_in_progress


def _one_at_a_time(reconcile: Callable[[str, str], None]) -> Callable[[str, str], None]:
    """Let no two threads count the tasks of a service and start what is missing: each would start it."""

    def reconcile_alone(cluster: str, key: str) -> None:
        with _counting:
            reconcile(cluster, key)

    return reconcile_alone


def _once_healthy(record: Callable[[str, dict[str, Any]], None]) -> Callable[[str, dict[str, Any]], None]:
    """Take a task for stable only when it is healthy in every target group of its service."""

    def record_once_healthy(key: str, task: dict[str, Any]) -> None:
        if all(state == "healthy" for state in _states(task)):
            door.forgive_failures(task)
            record(key, task)

    return record_once_healthy


def _states(task: Mapping[str, Any]) -> Iterator[str]:
    found, address = door.service_of(task), upstream_ecs.task_address(task)
    for each in found[2].get("loadBalancers", []) if found and address else ():
        yield load_balancers().health_of(each["targetGroupArn"], address, each["containerPort"])


def _in_order(mark: Callable[..., bool]) -> Callable[..., bool]:
    """Stop a task in ECS's order: out of the load balancer, SIGTERM, STOPPED; ministack stops it at once."""

    def mark_in_order(
        arn: str, task: dict[str, Any], reason: str, stop_code: str, exit_code: int | None = None
    ) -> bool:
        containers = door.containers_of(arn)
        running = [each for each in containers if each.is_process]
        if stop_code not in _ORDERED or not running:
            door.count_failure(task, by=0 if stop_code in _ORDERED else 1)
            stopped = mark(arn, task, reason, stop_code, exit_code)
            for each in containers:
                each.stop()
            return stopped
        with upstream_ecs.resource_lock("ecs-task", arn):
            if not upstream_ecs.task_is_active(arn, task):
                return False
            upstream_ecs.count_change(task)
            task |= {
                "desiredStatus": "STOPPED",
                "lastStatus": "DEACTIVATING",
                "stoppingAt": upstream_ecs.now(),
                "stoppedReason": reason,
                "stopCode": stop_code,
            }
        _tell(task)
        scope = upstream.account(), upstream.region()
        Thread(target=_stop, args=(task, running, scope), name=f"stop {arn[-8:]}", daemon=True).start()
        return True

    return mark_in_order


def _stop(task: dict[str, Any], running: list[Container], scope: tuple[str, str]) -> None:
    with upstream.request_scope(*scope):
        address = upstream_ecs.task_address(task)
        while address and load_balancers().in_use(address) and any(each.status == "running" for each in running):
            time.sleep(_POLL_SECONDS)
            for each in running:
                each.reload()
        task["lastStatus"] = "STOPPING"
        ending = [Thread(target=each.end, daemon=True) for each in running]
        for thread in ending:
            thread.start()
        for thread in ending:
            thread.join()
        codes = {each.id: each.wait()["StatusCode"] for each in running}
        with upstream_ecs.resource_lock("ecs-task", task["taskArn"]):
            upstream_ecs.count_change(task)
            upstream_ecs.count_change(task)
            for container in task["containers"]:
                container["lastStatus"] = "STOPPED"
                container["exitCode"] = codes.get(container["runtimeId"], container.get("exitCode"))
            task |= {"lastStatus": "STOPPED", "executionStoppedAt": upstream_ecs.now(), "stoppedAt": upstream_ecs.now()}
        _tell(task)


def _tell(task: Mapping[str, Any]) -> None:
    """Count the tasks of cluster and service anew; with it the targets and events follow."""
    cluster = task["clusterArn"].rpartition("/")[2]
    upstream_ecs.recount_cluster(cluster)
    upstream_ecs.refresh_service(cluster, task["group"])


def _and_replace(stop: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    """Start a task for one that was stopped; ministack does so only when the service itself changes."""

    def stop_and_replace(request: dict[str, Any]) -> Any:
        answer = stop(request)
        if answer[0] == _ACCEPTED:
            for key, service in list(upstream.ecs_services.items()):
                upstream_ecs.reconcile_tasks(service["clusterArn"].rpartition("/")[2], key)
        return answer

    return stop_and_replace


def _stop_by_scheduler(request: dict[str, Any]) -> Any:
    """Stop a task for its service, which ministack does as if a user had asked for it."""
    task = upstream.ecs_tasks[request["task"]]
    deployment = task.get("_deployment_id")
    reason = f"Scaling activity initiated by (deployment {deployment})" if deployment else request["reason"]
    upstream_ecs.mark_task_stopped(task["taskArn"], task, reason, "ServiceSchedulerInitiated")
    upstream_ecs.clean_up_task(task, upstream_ecs.docker_client())
    return upstream.json_response({})


def _heard(group_arn: str, address: str, port: int, state: str, _reason: str) -> None:
    """Complete a deployment when a target is healthy; replace a task whose target is not."""
    _worker.later(lambda: _act(group_arn, address, port, state))


def _act(group_arn: str, address: str, _port: int, state: str) -> None:
    for (account, region, _arn), task in upstream.ecs_tasks.all_items():
        if task["lastStatus"] == "RUNNING" and upstream_ecs.task_address(task) == address:
            with upstream.request_scope(account, region):
                _judge(group_arn, task, state, (account, region))
            return


def _judge(group_arn: str, task: dict[str, Any], state: str, scope: tuple[str, str]) -> None:
    found = door.service_of(task)
    if found is None:
        return
    cluster, key, service = found
    if state == "healthy":
        upstream_ecs.complete_deployment_later(cluster, key, *scope, healthy_task=task)
    grace = float(service.get("healthCheckGracePeriodSeconds") or 0)
    if state != "unhealthy" or time.time() - datetime.fromisoformat(task["startedAt"]).timestamp() < grace:
        return
    reason = f"Task failed ELB health checks in (target-group {group_arn})"
    if upstream_ecs.mark_task_stopped(task["taskArn"], task, reason, "ServiceSchedulerInitiated"):
        service["events"].insert(0, events.of_service(service, f"{_short(task)} {reason[5:]}"))
        upstream_ecs.clean_up_task(task, upstream_ecs.docker_client())
        upstream_ecs.record_failed_task(task)
        upstream_ecs.reconcile_tasks(cluster, key)


def _short(task: Mapping[str, Any]) -> str:
    return f"(task {task['taskArn'].rpartition('/')[2]})"
