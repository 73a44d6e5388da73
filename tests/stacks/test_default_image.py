"""The container of the dev environment starts and answers its health path under the task's own restrictions."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.assembly import Assembly

SECONDS_TO_START = 30


def _container(deployment: Assembly) -> dict[str, Any]:
    task = deployment.nested["Compute"].one("AWS::ECS::TaskDefinition")
    return dict(task["ContainerDefinitions"][0])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _python(user: dict[str, Any]) -> str:
    """Return an interpreter that the container's user may run: the tests' own may lie in root's home."""
    for candidate in (
        sys.executable,
        str(Path(sys.executable).resolve()),
        "/usr/bin/python3",
        "/usr/local/bin/python3",
    ):
        try:
            subprocess.run([candidate, "-c", "import http.server"], check=True, capture_output=True, cwd="/", **user)
        except (OSError, subprocess.CalledProcessError):
            continue
        return candidate
    raise AssertionError(f"no Python interpreter that {user or 'this user'} may run")


def _directory() -> str:
    """Return the image's own directory, which Debian's base-files makes, or what every machine has like it."""
    return next(path for path in ("/srv", "/mnt", "/opt", "/usr") if Path(path).is_dir())


def _user(container: dict[str, Any]) -> dict[str, Any]:
    """Arguments that make a process run as the container's user, where this process may choose (as root)."""
    if os.geteuid() != 0:
        return {}
    user, _, group = container["User"].partition(":")
    return {"user": int(user), "group": int(group or user), "extra_groups": []}


@pytest.fixture
def served(dev: Assembly) -> Iterator[str]:
    """Address of the running container command: unprivileged, unable to write a single byte to any file."""
    container, port = _container(dev), _free_port()
    user, declared = _user(container), str(container["PortMappings"][0]["ContainerPort"])
    command = list(container["Command"])
    assert command[0] == "python3"
    assert command.count(declared) == 1
    command[0], command[command.index(declared)] = _python(user), str(port)
    command[command.index("/srv")] = _directory()
    variables = {entry["Name"]: dev.text("Compute", entry["Value"]) for entry in container["Environment"]}
    # A file size limit of nothing stands in for the read-only root file system.
    process = subprocess.Popen(
        ["/bin/sh", "-c", 'ulimit -f 0 && exec "$@"', "sh", *command],
        cwd="/",
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        **user,
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.communicate(timeout=10)


def _status(url: str) -> int:
    deadline = time.monotonic() + SECONDS_TO_START
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 (http to this machine)
                return int(answer.status)
        except urllib.error.HTTPError as refused:
            return refused.code
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def test_default_container_answers_its_health_path(dev: Assembly, served: str) -> None:
    group = dev.nested["Compute"].one("AWS::ElasticLoadBalancingV2::TargetGroup")
    assert str(_status(served + group["HealthCheckPath"])) == group["Matcher"]["HttpCode"]


def test_default_image_is_public_and_has_what_the_command_runs(dev: Assembly) -> None:
    container = _container(dev)
    assert container["Image"].startswith("public.ecr.aws/docker/library/python:3.")
    assert container["Image"].endswith("-slim")
    # Every address, for the load balancer comes from outside; a directory that Debian images have.
    assert container["Command"][-4:] == ["--bind", "0.0.0.0", "--directory", "/srv"]  # noqa: S104
