"""ECS task definitions: sizes that Fargate offers, containers that load balancers name, writable file systems."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from breakwater_guards.aws.ecs import DEFINITION, fargate_services, services_of
from breakwater_guards.facts import facts
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.scalars import as_bool, as_int
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import ABSENT
from breakwater_guards.rule import Breach, Outcome, breach, rule, show

TASK_PARAMETERS = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html"
AGENT_PATHS = ("/managed-agents", "/var/lib/amazon/ssm", "/var/log/amazon/ssm")
_UNITS = re.compile(r"^\s*(\d*\.?\d+)\s*(vcpu|gb)?\s*$", re.IGNORECASE)


@rule(
    "DR-ECS-12",
    title="Load balancers name a container and a port of the task definition",
    outcome=Outcome.REFUSED,
    prevents="InvalidParameterException: The container app does not exist in the task definition. / "
    "The container app did not have a container port 80 defined.",
    fix="Use the Name of a container of the task definition and a ContainerPort of its PortMappings.",
    sources=("https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LoadBalancer.html",),
)
def load_balancers_name_a_container(app: Assembly) -> Iterator[Breach]:
    """Find a container or port that the task definition does not have."""
    for service in services_of(app):
        containers = containers_of(service.definition)
        for balancer in service.resource.given("LoadBalancers[]") if containers else ():
            if not isinstance(balancer, dict):
                continue
            name, port = balancer.get("ContainerName"), as_int(balancer.get("ContainerPort"))
            if isinstance(name, str) and name not in containers:
                yield breach(
                    service.resource,
                    "LoadBalancers.ContainerName",
                    f"The task definition has no container {show(name)}; it has {', '.join(containers)}.",
                )
            elif isinstance(name, str) and port is not None:
                ports = ports_of(containers[name])
                if ports is not None and port not in ports:
                    yield breach(
                        service.resource,
                        "LoadBalancers.ContainerPort",
                        f"Container {show(name)} maps no port {port}; it maps {ports or 'none'}.",
                    )


@rule(
    "DR-ECS-13",
    title="Fargate offers the task's CPU and memory together",
    outcome=Outcome.REFUSED,
    prevents="No Fargate configuration exists for given values: 512 CPU, 512 memory. / "
    "Fargate requires that 'cpu' be defined at the task level.",
    fix="Use a pair of CPU and memory that Fargate offers.",
    sources=("https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html",),
    data="fargate",
)
def fargate_offers_the_size(app: Assembly) -> Iterator[Breach]:
    """Find CPU units that Fargate does not have, or memory that does not go with them."""
    offered = facts("fargate")["memory_by_cpu"]
    for definition in _fargate_definitions(app):
        for name in ("Cpu", "Memory"):
            if ABSENT in definition.options(name):
                yield breach(definition, name, f"{show(ABSENT)}; Fargate wants it for the whole task.")
        cpus = {_units(value, 1024) for value in definition.options("Cpu")}
        memories = {_units(value, 1024) for value in definition.options("Memory")}
        if None in cpus or None in memories or (len(cpus) > 1 and len(memories) > 1):
            continue  # two choices are likely one: which values go together is not known
        for cpu, memory in ((cpu, memory) for cpu in cpus for memory in memories):
            allowed = offered.get(str(cpu))
            if allowed is None:
                yield breach(definition, "Cpu", f"Fargate has no {cpu} CPU units; it has {', '.join(offered)}.")
            elif memory not in allowed:
                yield breach(
                    definition,
                    "Memory",
                    f"{memory} MiB does not go with {cpu} CPU units; {', '.join(map(str, allowed))} do.",
                )


@rule(
    "DR-ECS-14",
    title="ECS Exec has a file system that it can write to",
    outcome=Outcome.LATER,
    prevents="TargetNotConnectedException: The execute command failed due to an internal error: the agent cannot start "
    "on a read-only root file system (found out at the first incident)",
    fix=f"Mount writable volumes at {', '.join(AGENT_PATHS)}, or switch ReadonlyRootFilesystem or "
    "EnableExecuteCommand off.",
    sources=(
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html",
        "https://github.com/aws/containers-roadmap/issues/1359",
    ),
)
def exec_can_write(app: Assembly) -> Iterator[Breach]:
    """Find a task with ECS Exec and a read-only root file system, without a writable mount for the agent."""
    for service in services_of(app):
        if service.definition is None or True not in map(as_bool, service.resource.options("EnableExecuteCommand")):
            continue
        for name, container in containers_of(service.definition).items():
            if as_bool(container.get("ReadonlyRootFilesystem")) is not True:
                continue
            writable = _writable_paths(container)
            missing = [] if writable is None else [path for path in AGENT_PATHS if not _covered(path, writable)]
            if missing:
                yield breach(
                    service.definition,
                    "ContainerDefinitions.ReadonlyRootFilesystem",
                    f"Container {show(name)} is read-only, and the agent of ECS Exec cannot write to "
                    f"{', '.join(missing)}.",
                )


@rule(
    "DR-ECS-15",
    title="A container that runs as another user than root can write to its scratch volumes",
    outcome=Outcome.LATER,
    prevents="Permission denied: Fargate gives an empty volume to root with mode 0755, unless the image declares the "
    "path as a VOLUME that the user owns",
    fix="Use LinuxParameters.Tmpfs, which everybody may write to, or declare VOLUME in the image after the chown.",
    sources=(
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/bind-mounts.html",
        "https://github.com/aws/containers-roadmap/issues/938",
    ),
)
def users_can_write(app: Assembly) -> Iterator[Breach]:
    """Find a read-only container whose user is not root and whose writable part is an empty volume."""
    for definition in _fargate_definitions(app):
        scratch = _empty_volumes(definition)
        containers = containers_of(definition)
        for name, container in containers.items():
            user = container.get("User")
            if not _other_than_root(user) or as_bool(container.get("ReadonlyRootFilesystem")) is not True:
                continue
            for mount in _mounts(container):
                volume, path = mount.get("SourceVolume"), mount.get("ContainerPath")
                if not isinstance(volume, str) or volume not in scratch:
                    continue
                if as_bool(mount.get("ReadOnly")) or path in AGENT_PATHS:
                    continue
                if any(_prepares(other, volume) for other in containers.values()):
                    continue
                yield breach(
                    definition,
                    "ContainerDefinitions.MountPoints",
                    f"Container {show(name)} runs as user {show(user)}, and the volume at {show(path)} is root's.",
                )


def containers_of(definition: Resource | None) -> dict[str, dict[str, Any]]:
    """Return the containers by name; nothing when one of them is not known."""
    found = definition.get("ContainerDefinitions") if definition else None
    if not isinstance(found, list):
        return {}
    if not all(isinstance(item, dict) and isinstance(item.get("Name"), str) for item in found):
        return {}
    return {item["Name"]: item for item in found}


def ports_of(container: dict[str, Any]) -> list[int] | None:
    """Return the mapped ports, or ``None`` when one is a range or not known."""
    mappings = container.get("PortMappings", [])
    if not isinstance(mappings, list):
        return None
    ports = [as_int(item.get("ContainerPort")) if isinstance(item, dict) else None for item in mappings]
    return None if None in ports else [port for port in ports if port is not None]


def _fargate_definitions(app: Assembly) -> Iterator[Resource]:
    run = {service.definition.reference for service in fargate_services(app) if service.definition is not None}
    for definition in app.of_type(DEFINITION):
        if "FARGATE" in definition.options("RequiresCompatibilities[]") or definition.reference in run:
            yield definition


def _units(value: Any, factor: int) -> int | None:
    """Read CPU units or MiB, also from the spellings `.5 vCPU` and `2 GB`."""
    match = _UNITS.match(str(value)) if isinstance(value, str | int | float) else None
    if match is None:
        return None
    return round(float(match[1]) * (factor if match[2] else 1))


def _mounts(container: dict[str, Any]) -> list[dict[str, Any]]:
    mounts = container.get("MountPoints", [])
    return [mount for mount in mounts if isinstance(mount, dict)] if isinstance(mounts, list) else []


def _writable_paths(container: dict[str, Any]) -> list[str] | None:
    """Return where the container may write beside its root file system, or ``None`` when that is not known."""
    linux = container.get("LinuxParameters", {})
    tmpfs = linux.get("Tmpfs", []) if isinstance(linux, dict) else None
    mounts = container.get("MountPoints", [])
    if not isinstance(tmpfs, list) or not isinstance(mounts, list):
        return None
    paths = [
        entry.get("ContainerPath") if isinstance(entry, dict) else None
        for entry in [*tmpfs, *mounts]
        if not (isinstance(entry, dict) and as_bool(entry.get("ReadOnly")))
    ]
    return None if not all(isinstance(path, str) for path in paths) else [str(path) for path in paths]


def _covered(path: str, writable: list[str]) -> bool:
    return any(path == item or path.startswith(item.rstrip("/") + "/") for item in writable)


def _empty_volumes(definition: Resource) -> set[str]:
    """Return the volumes that Fargate makes for the task: with a name and nothing else."""
    volumes = definition.given("Volumes[]")
    return {
        item["Name"] for item in volumes if isinstance(item, dict) and set(item) == {"Name"} and _text(item["Name"])
    }


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _other_than_root(user: Any) -> bool:
    return _text(user) and user.split(":")[0] not in ("", "0", "root")


def _prepares(container: dict[str, Any], volume: Any) -> bool:
    """Tell whether a container may change the owner of a volume: it runs as root, or as the user of its image."""
    mounted = any(mount.get("SourceVolume") == volume for mount in _mounts(container))
    return mounted and not _other_than_root(container.get("User", ABSENT))
