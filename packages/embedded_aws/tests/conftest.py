"""One stack for each test, deleted after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import Any

import pytest

from embedded_aws.clients import Aws
from embedded_aws.emulator import Emulator
from embedded_testing import Deploy, stack
from embedded_testing.running import clients_of
from embedded_testing.service import REPOSITORY, Registry, Service, new_service
from embedded_testing.stack import Stack

_numbers = count(1)


def pytest_configure(config: pytest.Config) -> None:
    """Start the embedded AWS once for all tests."""
    config.pluginmanager.import_plugin("embedded_testing.fixtures")


@pytest.fixture
def stack_name() -> str:
    return f"test-{next(_numbers)}"


@pytest.fixture
def deploy(aws: Aws, stack_name: str) -> Iterator[Deploy]:
    """Return a function that deploys a template, or updates to it; delete what is left at the end."""

    def deploy_resources(template: Mapping[str, Any]) -> Stack:
        document = template if "Resources" in template else {"Resources": template}
        return stack.deploy(aws, stack_name, document)

    yield deploy_resources
    if stack.exists(aws, stack_name):
        stack.delete(aws, stack_name)


@pytest.fixture
def delete(aws: Aws, stack_name: str) -> Callable[[], None]:
    """Return a function that deletes the stack."""
    return lambda: stack.delete(aws, stack_name)


@pytest.fixture(scope="session")
def registry(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Registry:
    """Return the registry, with an image that answers and one that ends at once."""
    clients_of(emulator)("ecr").create_repository(repositoryName=REPOSITORY)
    made = Registry(emulator, tmp_path_factory.mktemp("registry"))
    made.publish("good")
    made.publish("exits", "import sys\nprint('no schema')\nsys.exit(3)\n")
    return made


@pytest.fixture
def service(aws: Aws, registry: Registry) -> Iterator[Service]:
    """Return a service that is not created yet; delete it at the end and wait for its tasks."""
    assert registry.emulator.running()
    made = new_service(aws, f"tasks-{next(_numbers)}")
    yield made
    made.delete()
