"""ECS services: deployments that end, grace periods of health checks, subnets in more than one Availability Zone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from breakwater_guards.aws.ecs import NETWORK, Service, services_of
from breakwater_guards.aws.zones import one_zone
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.scalars import as_bool, as_int
from breakwater_guards.model.values import ABSENT
from breakwater_guards.rule import Breach, Outcome, breach, rule, show

CIRCUIT_BREAKER = "DeploymentConfiguration.DeploymentCircuitBreaker.Enable"


@rule(
    "DR-ECS-10",
    title="Rolling deployments of ECS services have a circuit breaker",
    outcome=Outcome.LATER,
    prevents="A deployment whose tasks never become healthy keeps CloudFormation waiting for about three hours, "
    "and the rollback for as long again",
    fix="Set DeploymentConfiguration.DeploymentCircuitBreaker to Enable: true and Rollback: true.",
    sources=(
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html",
        "https://github.com/aws/aws-cdk/issues/14457",
    ),
)
def deployments_give_up(app: Assembly) -> Iterator[Breach]:
    """Find a service that ECS itself deploys step by step, with no circuit breaker."""
    for service in services_of(app):
        if not _rolls(service):
            continue
        for value in service.resource.options(CIRCUIT_BREAKER):
            if value is ABSENT or as_bool(value) is False:
                yield breach(
                    service.resource,
                    CIRCUIT_BREAKER,
                    f"{show(value)}: a failing deployment is tried again and again; only true is allowed.",
                )
                break


@rule(
    "DR-ECS-11",
    title="ECS services behind a load balancer have a health-check grace period",
    outcome=Outcome.LATER,
    prevents="service … (instance …) (port …) is unhealthy in target-group … due to (reason Health checks failed): "
    "tasks that are still starting are stopped and replaced forever",
    fix="Set HealthCheckGracePeriodSeconds to a little more than the application takes to start.",
    sources=(
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/load-balancer-healthcheck.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html",
    ),
)
def health_checks_wait(app: Assembly) -> Iterator[Breach]:
    """Find a service behind a target group with a grace period of zero, which is the default."""
    for service in services_of(app):
        if not service.resource.given("LoadBalancers[].TargetGroupArn"):
            continue
        for value in service.resource.options("HealthCheckGracePeriodSeconds"):
            if value is ABSENT or as_int(value) == 0:
                yield breach(
                    service.resource,
                    "HealthCheckGracePeriodSeconds",
                    f"{show(value)}: a failed health check counts from the first second; more than 0 is allowed.",
                )
                break


@rule(
    "DR-ECS-16",
    title="Tasks of a service run in at least two Availability Zones",
    outcome=Outcome.POLICY,
    prevents="The loss of one Availability Zone stops every task, and no other zone may start a new one",
    fix="Give the service subnets in at least two Availability Zones.",
    sources=(
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-rebalancing.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-networking.html",
    ),
)
def tasks_in_two_zones(app: Assembly) -> Iterator[Breach]:
    """Find subnets that all lie in one Availability Zone."""
    for service in services_of(app):
        found = one_zone(app, service.resource, f"{NETWORK}.Subnets")
        if found:
            yield breach(service.resource, f"{NETWORK}.Subnets", f"{found}.")


def _rolls(service: Service) -> bool:
    """Tell whether a service uses rolling deployments, the default and the only ones with a circuit breaker."""
    return _only(service, "DeploymentController.Type", {ABSENT, "ECS"}) and _only(
        service, "DeploymentConfiguration.Strategy", {ABSENT, "ROLLING"}
    )


def _only(service: Service, path: str, allowed: set[Any]) -> bool:
    return all(isinstance(value, str | type(ABSENT)) and value in allowed for value in service.resource.options(path))
