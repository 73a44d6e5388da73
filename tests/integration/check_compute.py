"""The service as it runs, against the settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from stacks.names import OutputKey
from stacks.settings import Settings
from stacks.settings.rules import SERVICE_IMAGE
from tests.integration.conftest import Client


@pytest.fixture(scope="module")
def service(client: Client, outputs: Mapping[str, str]) -> dict[str, Any]:
    """Return the service."""
    cluster, name = outputs[OutputKey.ECS_CLUSTER_NAME], outputs[OutputKey.ECS_SERVICE_NAME]
    (found,) = client("ecs").describe_services(cluster=cluster, services=[name])["services"]
    return dict(found)


@pytest.fixture(scope="module")
def definition(client: Client, service: dict[str, Any]) -> dict[str, Any]:
    """Its task definition."""
    found = client("ecs").describe_task_definition(taskDefinition=service["taskDefinition"])
    return dict(found["taskDefinition"])


def test_the_cluster_is_active(client: Client, outputs: Mapping[str, str]) -> None:
    (cluster,) = client("ecs").describe_clusters(clusters=[outputs[OutputKey.ECS_CLUSTER_NAME]])["clusters"]
    assert cluster["status"] == "ACTIVE"


def test_all_wanted_tasks_run(service: dict[str, Any], settings: Settings) -> None:
    assert service["status"] == "ACTIVE"
    assert service["runningCount"] == service["desiredCount"]
    assert settings.compute.min_tasks <= service["desiredCount"] <= settings.compute.max_tasks


def test_tasks_are_in_more_than_one_zone(client: Client, outputs: Mapping[str, str]) -> None:
    ecs, cluster = client("ecs"), outputs[OutputKey.ECS_CLUSTER_NAME]
    arns = ecs.list_tasks(cluster=cluster, serviceName=outputs[OutputKey.ECS_SERVICE_NAME])["taskArns"]
    zones = {task["availabilityZone"] for task in ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"]}
    assert len(zones) > 1


def test_a_deployment_that_fails_is_rolled_back(service: dict[str, Any]) -> None:
    assert service["deploymentConfiguration"]["deploymentCircuitBreaker"] == {"enable": True, "rollback": True}


def test_tasks_have_the_configured_size_and_image(definition: dict[str, Any], settings: Settings) -> None:
    compute = settings.compute
    assert (definition["cpu"], definition["memory"]) == (str(compute.cpu), str(compute.memory))
    (container,) = definition["containerDefinitions"]
    published = "/cdk-hnb659fds-container-assets-" in container["image"]
    assert (SERVICE_IMAGE if published else container["image"]) == compute.image
    assert container["user"] == compute.user
    assert container["readonlyRootFilesystem"] is True


def test_no_password_is_among_the_variables(definition: dict[str, Any]) -> None:
    (container,) = definition["containerDefinitions"]
    assert not [each["name"] for each in container["environment"] if "PASSWORD" in each["name"].upper()]


def test_it_scales_between_the_configured_limits(
    client: Client, outputs: Mapping[str, str], settings: Settings
) -> None:
    resource = f"service/{outputs[OutputKey.ECS_CLUSTER_NAME]}/{outputs[OutputKey.ECS_SERVICE_NAME]}"
    scaling = client("application-autoscaling")
    (target,) = scaling.describe_scalable_targets(ServiceNamespace="ecs", ResourceIds=[resource])["ScalableTargets"]
    limits = (target["MinCapacity"], target["MaxCapacity"])
    assert limits == (settings.compute.min_tasks, settings.compute.max_tasks)
    policies = scaling.describe_scaling_policies(ServiceNamespace="ecs", ResourceId=resource)["ScalingPolicies"]
    assert len(policies) == 3
