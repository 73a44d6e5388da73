"""Ministack's door to Docker, and behind it processes of this machine.

ministack's ECS has the whole life cycle of tasks, deployments and circuit breakers, and reaches Docker through one
function and about ten methods. The names and parameters here are those of Docker's client for Python.

https://docker-py.readthedocs.io/en/stable/containers.html
"""

import logging
import os
import sys
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from types import ModuleType, SimpleNamespace
from typing import Any, Final

from embedded_aws.server import access, addresses, upstream, upstream_ecs
from embedded_aws.server.tasks import images, processes
from embedded_aws.server.tasks.images import Image
from embedded_aws.server.tasks.processes import Container, Place, Process

_log: Final = logging.getLogger("ecs")
_TASK: Final = "com.amazonaws.ecs.task-arn"
_FAMILY: Final = "com.amazonaws.ecs.task-definition-family"
_REVISION: Final = "com.amazonaws.ecs.task-definition-version"
_CONTAINER: Final = "com.amazonaws.ecs.container-name"
_METADATA: Final = "ECS_CONTAINER_METADATA_URI_V4"
# What ministack says for a network of containers, and an agent for credentials that it does not have.
_NOT_PASSED_ON: Final = ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN")
# ECS throttles tasks that fail again and again; on AWS the start of each takes a while, too.
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-throttle-logic.html
_FAILURES: Final = "_failures_in_a_row"
_FREE_FAILURES: Final = 10
_LONGEST_PAUSE: Final = 60
_lock: Final = Lock()
_places: Final[dict[str, Place]] = {}


def install() -> None:
    """Open the door."""
    docker, errors = ModuleType("docker"), ModuleType("docker.errors")
    errors.ImageNotFound = images.PullError  # type: ignore[attr-defined]  # ministack catches it by this name
    docker.errors = errors  # type: ignore[attr-defined]
    sys.modules |= {"docker": docker, "docker.errors": errors}
    client = SimpleNamespace(containers=Containers(), images=Images())
    upstream_ecs.docker_client.wrap(lambda _of_this_machine: lambda: client)


def containers_of(task_arn: str) -> list[Container]:
    """Return the containers of a task that were not ended."""
    with _lock:
        place = _places.get(task_arn)
        return list(place.containers) if place else []


def service_of(task: Mapping[str, Any]) -> tuple[str, str, dict[str, Any]] | None:
    """Return cluster, key and record of a task's service; None when it is of none."""
    kind, _, name = task["group"].partition(":")
    cluster = task["clusterArn"].rpartition("/")[2]
    key = f"{cluster}/{name}"
    service = upstream.ecs_services.get(key) if kind == "service" else None
    return (cluster, key, service) if service else None


def count_failure(task: Mapping[str, Any], *, by: int) -> None:
    """Count a task of a service that ended by itself, or never began."""
    if found := service_of(task):
        found[2][_FAILURES] = found[2].get(_FAILURES, 0) + by


def forgive_failures(task: Mapping[str, Any]) -> None:
    """Let the next task of a service start at once."""
    if found := service_of(task):
        found[2][_FAILURES] = 0


def _pause(task: Mapping[str, Any]) -> float:
    """Return how long a task waits before it starts: one second more for each failure beyond the first few."""
    found = service_of(task)
    failures = found[2].get(_FAILURES, 0) if found else 0
    return float(min(max(0, failures - _FREE_FAILURES), _LONGEST_PAUSE))


class Images:
    """The registry, and the images of this machine."""

    def get_registry_data(self, image: str, **_options: Any) -> Image:
        """Return the image that a name means now.

        Raises:
            PullError: it is not there.
            LookupError: no registry that is asked has it.
        """
        found = images.find(image)
        if found is None:
            raise LookupError(f"{image} is not in this account's registry: its task stays on paper")
        return found

    def pull(self, image: str, **_options: Any) -> Image | SimpleNamespace:
        """Return an image.

        Raises:
            PullError: it is not there.
        """
        return images.find(image) or SimpleNamespace(id="", tag=lambda *_name, **_more: True)

    get = pull


class Containers:
    """The containers of this machine."""

    def run(
        self, image: str, *, labels: Mapping[str, str], environment: Mapping[str, str], **options: Any
    ) -> Container:
        """Start a container of a task.

        Args:
            image: its name.
            labels: they say of which task it is, and which of its containers.
            environment: its variables.
            options: further options of Docker, of which `command` is heeded.

        Raises:
            PullError: its image is not there.
            OSError: it cannot be started.
            ValueError: nothing says how to start it.
        """
        found = images.find(image)
        task = upstream.ecs_tasks[labels[_TASK]]
        time.sleep(_pause(task))
        definition = upstream_ecs.task_definitions[f"{labels[_FAMILY]}:{labels[_REVISION]}"]
        container = next(each for each in definition["containerDefinitions"] if each["name"] == labels[_CONTAINER])
        container = {**container, "command": options.get("command") or container.get("command")}
        home = Path(os.environ["EMBEDDED_AWS_TASKS"]) / labels[_TASK].rpartition("/")[2] / container["name"]
        variables = processes.environment(home)
        words = processes.program(found.words(container), variables["PATH"]) if found else None
        if words is None or found is None:
            _log.warning("ECS: %s is on paper: nothing here can run the image %s", labels[_TASK], image)
            return self._keep(task, definition, Container, runs=False)
        home.mkdir(parents=True, exist_ok=True)
        given = {name: value for name, value in environment.items() if name not in _NOT_PASSED_ON}

        def start(place: Place) -> Container:
            return Process(
                place,
                words,
                folder=found.folder,
                home=home,
                environment={
                    **given,
                    **variables,
                    **_network(place, container, given),
                    **_credentials(task, definition),
                },
                stop_seconds=int(container.get("stopTimeout") or processes.STOP_SECONDS),
                serves=bool(container.get("portMappings")),
            )

        return self._keep(task, definition, start, runs=True)

    def _keep(self, task: dict[str, Any], definition: Mapping[str, Any], start: Any, *, runs: bool) -> Container:
        with _lock:  # the containers of a task share its address
            for ended in [arn for arn, place in _places.items() if not place.containers]:
                del _places[ended]
            arn = task["taskArn"]
            place = _places.get(arn) or Place(_lease(task, definition if runs else {}))
            try:
                made: Container = start(place)
            except Exception:
                place.leave()
                raise
            place.containers.append(made)
            _places[arn] = place
            return made

    def get(self, name: str) -> Any:
        """Return a container by its id; the empty name is the embedded AWS itself.

        Raises:
            LookupError: there is none.
        """
        if not name:  # ministack asks where containers reach it
            return SimpleNamespace(attrs={"NetworkSettings": {"Networks": {"task": {"IPAddress": "127.0.0.1"}}}})
        return next(each for each in self.list() if each.id == name)

    def list(self, **_options: Any) -> list[Container]:
        """Return every container that has not ended."""
        with _lock:
            return [each for place in _places.values() for each in place.containers]


def _lease(task: dict[str, Any], definition: Mapping[str, Any]) -> addresses.Lease | None:
    """Give a task an address of the subnet that has the fewest tasks of its service, and say its zone.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-rebalancing.html
    """
    used = Counter(
        each["_subnet"]
        for arn, each in upstream.ecs_tasks.items()
        if arn in _places
        and (each["clusterArn"], each["group"]) == (task["clusterArn"], task["group"])
        and each["desiredStatus"] == "RUNNING"
    )
    subnets = [name for name in _subnets(task) if name in upstream.subnets]
    if not subnets:
        return None
    task["_subnet"] = min(subnets, key=lambda name: used[name])
    subnet = upstream.subnets[task["_subnet"]]
    task["availabilityZone"] = subnet["AvailabilityZone"]
    ports = (each["containerPort"] for container in definition.get("containerDefinitions", ())
             for each in container.get("portMappings", ()))  # fmt: skip
    return addresses.lease(subnet["CidrBlock"], ports)


def _subnets(task: Mapping[str, Any]) -> list[str]:
    found = service_of(task)
    if found is None:
        return [task["_subnet"]] if task.get("_subnet") else []
    network = found[2].get("networkConfiguration", {}).get("awsvpcConfiguration", {})
    return list(network.get("subnets", []))


def _network(place: Place, container: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that say where to listen: the port only where it is another one than the task knows."""
    ports = [each["containerPort"] for each in container.get("portMappings", ())]
    if place.lease is None:
        return {"HOST": "127.0.0.1"}
    if not ports:
        return {"HOST": place.lease.host}
    real = place.lease.port(ports[0])
    return {"HOST": place.lease.host, "PORT": given.get("PORT", str(real)) if ports[0] == real else str(real)}


def _credentials(task: Mapping[str, Any], definition: Mapping[str, Any]) -> dict[str, str]:
    """Return the keys of a session of the task role, as ECS names it: after the task."""
    role = definition.get("taskRoleArn")
    return access.session(role, task["taskArn"].rpartition("/")[2]) if role else {}
