"""ECS services of an assembly: where their tasks run, and what the tasks must reach before they can start."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from functools import cached_property
from typing import Any, NamedTuple

from breakwater_guards.aws.arns import arn_of
from breakwater_guards.aws.globs import pattern_of
from breakwater_guards.aws.network import SUBNET, Exit, network_of
from breakwater_guards.aws.security_groups import NetworkPeer, security_groups_of
from breakwater_guards.facts import facts
from breakwater_guards.model.answer import Answer
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.scalars import as_bool
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import ABSENT, Reference, Text
from breakwater_guards.model.views import view

SERVICE, DEFINITION = "AWS::ECS::Service", "AWS::ECS::TaskDefinition"
NETWORK = "NetworkConfiguration.AwsvpcConfiguration"
# https://github.com/distribution/reference: lower case, between slashes; the host alone may have capitals.
_IMAGE = re.compile(
    r"(?:[A-Za-z0-9.-]+(?::\d+)?/)?[a-z0-9]+(?:[._/-]+[a-z0-9]+)*(?::[\w.-]{1,128})?(?:@[\w.+-]+:[0-9a-f]+)?"
)
_ECR = re.compile(r"\.dkr\.ecr\.([a-z0-9-]+|\*)\.")
_REPOSITORY = re.compile(r"([0-9]{12}|\*)\.dkr\.ecr\.([a-z0-9-]+|\*)\.[^/]+/([^:@]+)")
_SECRET_TYPES = {
    "AWS::SecretsManager::Secret": "secretsmanager",
    "AWS::SecretsManager::SecretTargetAttachment": "secretsmanager",
    "AWS::RDS::DBCluster": "secretsmanager",
    "AWS::RDS::DBInstance": "secretsmanager",
    "AWS::SSM::Parameter": "ssm",
}


class Purpose(StrEnum):
    """Why a task calls an AWS service before or beside its own work."""

    IMAGE = "image"
    LOGS = "logs"
    SECRETS = "secrets"
    EXEC = "ECS Exec"


class Need(NamedTuple):
    """An AWS service that the tasks must reach.

    Attributes:
        purpose: what for.
        endpoint: short name of the service's VPC endpoint, e.g. ``ecr.api``.
    """

    purpose: Purpose
    endpoint: str


class Service:
    """One ECS service with its task definition and its place in the network.

    Args:
        app: the assembly.
        resource: the service.
    """

    def __init__(self, app: Assembly, resource: Resource) -> None:
        self._app, self.resource = app, resource
        found = app.target(resource.get("TaskDefinition"))
        self.definition = found if found is not None and found.type == DEFINITION else None
        self.placements = tuple(self._placements())
        self.needs = tuple(dict.fromkeys(self._needs()))

    @cached_property
    def fargate(self) -> bool:
        """Whether the tasks run on Fargate: by launch type, capacity provider, or the only kind that they allow."""
        if "FARGATE" in self.resource.options("LaunchType"):
            return True
        providers = [str(name) for name in self.resource.given("CapacityProviderStrategy[].CapacityProvider")]
        if any(name.startswith("FARGATE") for name in providers):
            return True
        return self.definition is not None and self.definition.get("RequiresCompatibilities") == ["FARGATE"]

    @property
    def subnets(self) -> list[Resource]:
        """Subnets of the tasks that are part of the assembly."""
        return [subnet for subnet, _ in self.placements if subnet is not None]

    @cached_property
    def peer(self) -> NetworkPeer:
        """Security groups and addresses of the tasks."""
        groups = self.resource.options(f"{NETWORK}.SecurityGroups[]")
        return security_groups_of(self._app).peer(groups, [subnet for subnet, _ in self.placements])

    @cached_property
    def cut_off(self) -> list[Resource]:
        """Subnets with no default route to the internet, where only endpoints help."""
        network = network_of(self._app)
        return [
            subnet
            for subnet, address in self.placements
            if subnet is not None
            and network.internet(subnet, address) is Answer.NO
            and network.exit_of(subnet) is not Exit.INTERNET_GATEWAY
        ]

    @cached_property
    def unaddressed(self) -> list[Resource]:
        """Public subnets where the tasks get no public address, so that the internet gateway drops all they send."""
        network = network_of(self._app)
        return [
            subnet
            for subnet, address in self.placements
            if subnet is not None
            and network.exit_of(subnet) is Exit.INTERNET_GATEWAY
            and network.internet(subnet, address) is Answer.NO
        ]

    @cached_property
    def images(self) -> list[Any]:
        """Every image that the tasks can have, without placeholders that no registry would take for a name."""
        given = self.definition.given("ContainerDefinitions[].Image") if self.definition else []
        return [image for image in given if not isinstance(image, str) or _IMAGE.fullmatch(image)]

    @cached_property
    def foreign_images(self) -> list[Any]:
        """Images that no VPC endpoint serves: of public registries, or of ECR in another Region."""
        return [image for image in self.images if self._is_foreign(image)]

    def endpoints_for(self, purpose: Purpose) -> list[str]:
        """Return the endpoints that the tasks need for a purpose, in order."""
        return [need.endpoint for need in self.needs if need.purpose is purpose]

    def _placements(self) -> Iterator[tuple[Resource | None, Answer]]:
        """Pair each subnet with whether tasks get a public address there.

        When both are choices they are likely the same one, so the better address counts; else the worse one does.
        """
        subnets, addresses = self.resource.options(f"{NETWORK}.Subnets"), self._addresses()
        address = max(addresses) if len(subnets) > 1 else min(addresses)
        network = network_of(self._app)
        for arm in subnets:
            for value in arm if isinstance(arm, list) else [None]:
                yield network.resource(value, SUBNET), address

    def _addresses(self) -> list[Answer]:
        known = {"ENABLED": Answer.YES, "DISABLED": Answer.NO, ABSENT: Answer.NO}
        values = self.resource.options(f"{NETWORK}.AssignPublicIp")
        return [
            known.get(value, Answer.MAYBE) if isinstance(value, str) or value is ABSENT else Answer.MAYBE
            for value in values
        ]

    def _needs(self) -> Iterator[Need]:
        definition = self.definition
        if any(_is_ecr(image, self._app) and not self._is_foreign(image) for image in self.images):
            yield from (Need(Purpose.IMAGE, name) for name in ("ecr.api", "ecr.dkr", "s3"))
        if definition is not None:
            if "awslogs" in definition.options("ContainerDefinitions[].LogConfiguration.LogDriver"):
                yield Need(Purpose.LOGS, "logs")
            for value in self.secrets:
                endpoint = _secret_store(value, self._app)
                if endpoint:
                    yield Need(Purpose.SECRETS, endpoint)
        if any(as_bool(value) for value in self.resource.options("EnableExecuteCommand")):
            yield Need(Purpose.EXEC, "ssmmessages")

    @cached_property
    def secrets(self) -> list[Any]:
        """Where the tasks' injected secrets and registry credentials come from."""
        if self.definition is None:
            return []
        containers = "ContainerDefinitions[]"
        return [
            *self.definition.given(f"{containers}.Secrets[].ValueFrom"),
            *self.definition.given(f"{containers}.LogConfiguration.SecretOptions[].ValueFrom"),
            *self.definition.given(f"{containers}.RepositoryCredentials.CredentialsParameter"),
        ]

    def _is_foreign(self, image: Any) -> bool:
        text = image.known if isinstance(image, Text) else image
        if not isinstance(text, str):
            return False
        private = _ECR.search(text)
        if private:
            region = self.resource.template.region
            return region is not None and private[1] not in ("*", region)
        first = image.parts[0] if isinstance(image, Text) else image
        host, slash, _ = first.partition("/") if isinstance(first, str) else ("", "", "")
        if isinstance(image, Text) and not slash:
            return False
        if not slash or not ("." in host or ":" in host or host == "localhost"):
            return bool(host)  # Docker Hub
        registries = facts("fargate")["public_registries"]
        return any(host == name or host.endswith(f".{name}") for name in registries)


def services_of(app: Assembly) -> list[Service]:
    """Return the ECS services of an assembly; they are read once."""
    return view(app, _read)


def fargate_services(app: Assembly) -> list[Service]:
    """Return the services whose tasks run on Fargate."""
    return [service for service in services_of(app) if service.fargate]


def names(resources: list[Resource]) -> str:
    """List resources for a message, each once."""
    return ", ".join(dict.fromkeys(resource.logical_id for resource in resources))


def repository_of(app: Assembly, image: Any) -> str | None:
    """Return the ARN, as a pattern, of the ECR repository that an image is in; ``None`` for other registries."""
    repository, named = app.target(image), _REPOSITORY.search(pattern_of(image))
    if repository is not None and repository.type == "AWS::ECR::Repository":
        return arn_of(app, repository)
    return f"arn:*:ecr:{named[2]}:{named[1]}:repository/{named[3]}" if named is not None else None


def _read(app: Assembly) -> list[Service]:
    return [Service(app, resource) for resource in app.of_type(SERVICE)]


def _is_ecr(image: Any, app: Assembly) -> bool:
    if _ECR.search(image.known if isinstance(image, Text) else str(image)):
        return True
    found = app.target(image)
    return found is not None and found.type == "AWS::ECR::Repository"


def _secret_store(value: Any, app: Assembly) -> str | None:
    """Return the endpoint of the store that a secret comes from, if the templates tell."""
    text = value.known if isinstance(value, Text) else value
    if isinstance(text, str):
        for endpoint in ("secretsmanager", "ssm"):
            if f":{endpoint}:" in text:
                return endpoint
        if isinstance(value, str):
            return None if ":" in value else "ssm"  # a plain name is a parameter of Parameter Store
    found = app.target(value) if isinstance(value, Reference | Text) else None
    return _SECRET_TYPES.get(found.type) if found is not None else None
