"""What `upstream` is for the life cycle of tasks: ministack's private names of Amazon ECS and Amazon ECR."""

from collections.abc import Callable
from typing import Any

from embedded_aws.server.binding import Function, table

now = Function("core.responses", "now_iso")
resource_lock = Function("core.concurrency", "resource_lock", "scope", "key")

# The door to Docker, and what goes through it.
docker_client = Function("services.ecs", "_get_docker")
task_definitions = table("services.ecs", "_task_defs")
attach_container = Function(
    "services.ecs", "_attach_started_container", "task", "container", "index", "metadata_token", "ecs_network"
)  # fmt: skip
clean_up_task = Function("services.ecs", "_cleanup_task_resources", "task", "docker_client", "extra_container")
ecr_images = table("services.ecr", "_images")

# Tasks, and by the words in the paths of their metadata.
metadata_tokens = table("services.ecs_metadata", "_TOKEN_TO_TASK")
actions: dict[str, Callable[[dict[str, Any]], Any]] = table("services.ecs", "_ACTION_MAP")
stop_task = Function("services.ecs", "_stop_task", "data")
mark_task_stopped = Function(
    "services.ecs", "_mark_task_stopped", "task_arn", "task", "reason", "stop_code", "exit_code"
)  # fmt: skip
task_is_active = Function("services.ecs", "_task_is_active", "task_arn", "task")
task_address = Function("services.ecs", "_task_ip", "task")
task_on_the_wire = Function("services.ecs", "_sanitize", "obj")
count_change = Function("services.ecs", "_bump_task_version", "task")

# Services and their deployments.
reconcile_tasks = Function("services.ecs", "_reconcile_service_tasks", "cluster_name", "svc_key")
refresh_service = Function("services.ecs", "_refresh_service_state", "cluster_name", "group")
update_service = Function("services.ecs", "_update_service", "data")
recount_cluster = Function("services.ecs", "_recount_cluster", "cluster_name")
make_deployment = Function("services.ecs", "_make_deployment", "task_definition", "desired_count", "status")
complete_deployment_later = Function(
    "services.ecs", "_schedule_service_deployment_completion",
    "cluster_name", "svc_key", "account_id", "region", "healthy_task",
)  # fmt: skip
record_healthy_task = Function("services.ecs", "_record_service_task_healthy", "svc_key", "task")
record_failed_task = Function("services.ecs", "_record_service_task_failure", "task", "digest_resolution_failed")
