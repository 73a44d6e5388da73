"""ECS on Fargate: routes from the tasks' subnets to what a task needs before it can start."""

from __future__ import annotations

from collections.abc import Iterator

from breakwater_guards.aws.ecs import NETWORK, Purpose, Service, fargate_services, names
from breakwater_guards.aws.endpoints import endpoints_of
from breakwater_guards.model.answer import Answer
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Resource
from breakwater_guards.rule import Breach, Outcome, breach, rule, show

ECS_ENDPOINTS = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/vpc-endpoints.html"
ECR_ENDPOINTS = "https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html"
TASK_NETWORK = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-networking.html"
SUBNETS = f"{NETWORK}.Subnets"


@rule(
    "DR-ECS-01",
    title="Fargate tasks in isolated subnets can pull their image from ECR",
    outcome=Outcome.REFUSED,
    prevents="ResourceInitializationError: unable to pull secrets or registry auth: The task cannot pull registry auth "
    "from Amazon ECR: There is a connection issue between the task and Amazon ECR",
    fix="Add interface endpoints for ecr.api and ecr.dkr and the S3 gateway endpoint on the subnets' route tables, "
    "or a default route to a NAT gateway.",
    sources=(ECR_ENDPOINTS, ECS_ENDPOINTS),
)
def image_is_reachable(app: Assembly) -> Iterator[Breach]:
    """Find a task with an image in ECR whose subnets cannot reach all that a pull needs."""
    yield from _cut_off_from(app, Purpose.IMAGE, "the image cannot be pulled")


@rule(
    "DR-ECS-02",
    title="Fargate tasks without a way out use images that VPC endpoints serve",
    outcome=Outcome.REFUSED,
    prevents="CannotPullContainerError: pull image manifest has been retried … dial tcp …:443: i/o timeout",
    fix="Copy the image to ECR in the same Region (a pull-through cache needs a way out at the first pull), "
    "or route the subnets to a NAT gateway.",
    sources=(ECR_ENDPOINTS,),
    data="fargate",
)
def image_is_not_public(app: Assembly) -> Iterator[Breach]:
    """Find a task with an image of a public registry or another Region whose subnets reach nothing but endpoints."""
    for service in fargate_services(app):
        cut_off = service.cut_off
        if not (cut_off and service.foreign_images):
            continue
        for image in service.foreign_images:
            yield breach(
                service.resource,
                SUBNETS,
                f"Image {show(image)} is pulled over the internet, but subnets {names(cut_off)} have no route there; "
                "endpoints serve ECR of the same Region only.",
            )


@rule(
    "DR-ECS-03",
    title="Fargate tasks in public subnets have a public address",
    outcome=Outcome.REFUSED,
    prevents="ResourceInitializationError: unable to pull secrets or registry auth … context deadline exceeded "
    "(an internet gateway drops what comes from a private address)",
    fix="Set AssignPublicIp: ENABLED, or run the tasks in subnets with a NAT gateway or with VPC endpoints.",
    sources=(TASK_NETWORK,),
)
def public_subnets_need_public_addresses(app: Assembly) -> Iterator[Breach]:
    """Find a task without a public address behind an internet gateway, and a target that no endpoint serves."""
    for service in fargate_services(app):
        subnets = service.unaddressed
        if not subnets:
            continue
        unmet = [need.endpoint for need in service.needs if _without_endpoint(app, subnets, need.endpoint)]
        unmet += [show(image) for image in service.foreign_images]
        if unmet:
            yield breach(
                service.resource,
                f"{NETWORK}.AssignPublicIp",
                f"AssignPublicIp is not ENABLED, so tasks in the public subnets {names(subnets)} reach nothing outside "
                f"the VPC: {', '.join(dict.fromkeys(unmet))}.",
            )


@rule(
    "DR-ECS-04",
    title="Fargate tasks in isolated subnets can send their logs",
    outcome=Outcome.REFUSED,
    prevents="ResourceInitializationError: failed to validate logger args: The task cannot find the Amazon CloudWatch "
    "log group … There is a connection issue between the task and Amazon CloudWatch",
    fix="Add an interface endpoint for logs, or a default route to a NAT gateway.",
    sources=(ECS_ENDPOINTS,),
)
def logs_are_reachable(app: Assembly) -> Iterator[Breach]:
    """Find a task with the awslogs driver whose subnets cannot reach CloudWatch Logs."""
    yield from _cut_off_from(app, Purpose.LOGS, "the awslogs driver cannot start, and without it no task starts")


@rule(
    "DR-ECS-05",
    title="Fargate tasks in isolated subnets can fetch the secrets that they inject",
    outcome=Outcome.REFUSED,
    prevents="ResourceInitializationError: unable to pull secrets or registry auth: unable to retrieve secret from "
    "asm: There is a connection issue between the task and AWS Secrets Manager",
    fix="Add an interface endpoint for secretsmanager (or ssm for parameters), or a default route to a NAT gateway.",
    sources=(ECS_ENDPOINTS,),
)
def secrets_are_reachable(app: Assembly) -> Iterator[Breach]:
    """Find a task with injected secrets whose subnets cannot reach the store of the secrets."""
    yield from _cut_off_from(app, Purpose.SECRETS, "the injected secrets cannot be fetched")


@rule(
    "DR-ECS-06",
    title="ECS Exec in isolated subnets has an endpoint",
    outcome=Outcome.SILENT,
    prevents="TargetNotConnectedException: The execute command failed due to an internal error "
    "(found out at the first incident)",
    fix="Add an interface endpoint for ssmmessages, or switch EnableExecuteCommand off.",
    sources=(ECS_ENDPOINTS, "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html"),
)
def exec_is_reachable(app: Assembly) -> Iterator[Breach]:
    """Find a task with ECS Exec whose subnets cannot reach Session Manager's message channel."""
    yield from _cut_off_from(app, Purpose.EXEC, "nobody can open a session in a task")


def _cut_off_from(app: Assembly, purpose: Purpose, consequence: str) -> Iterator[Breach]:
    for service in fargate_services(app):
        subnets = _stranded(app, service, purpose)
        if not subnets:
            continue
        missing = [name for name in service.endpoints_for(purpose) if _without_endpoint(app, subnets, name)]
        yield breach(
            service.resource,
            SUBNETS,
            f"Subnets {names(subnets)} have no default route and no endpoint for {', '.join(missing)}: {consequence}.",
        )


def _stranded(app: Assembly, service: Service, purpose: Purpose) -> list[Resource]:
    """Return the subnets from which at least one needed service cannot be reached."""
    needed = service.endpoints_for(purpose)
    if not needed:
        return []
    return [subnet for subnet in service.cut_off if any(_without_endpoint(app, [subnet], name) for name in needed)]


def _without_endpoint(app: Assembly, subnets: list[Resource], endpoint: str) -> bool:
    return any(endpoints_of(app).reached_from(subnet, endpoint) is Answer.NO for subnet in subnets)
