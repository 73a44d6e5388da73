"""What a drill is of: a deployed stack, its objectives, and clients that never wait long or ask twice."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Final

import boto3
from botocore.config import Config

from ops import outputs
from ops.errors import OpsError
from ops.local import emulator, environment
from ops.local.workspace import Workspace
from ops.settings import settings_of
from stacks.names import STACK_PREFIX, OutputKey
from stacks.settings import Settings

# A request of a probe that needs longer has failed for the client; a retry would hide what the drill measures.
PATIENCE_SECONDS: Final = 3
_IMPATIENT: Final = Config(
    connect_timeout=PATIENCE_SECONDS,
    read_timeout=PATIENCE_SECONDS,
    retries={"total_max_attempts": 1, "mode": "standard"},
    max_pool_connections=40,
)


@dataclass(frozen=True)
class Target:
    """A deployed stack.

    Attributes:
        outputs: its outputs and physical ids.
        settings: those that it was deployed with: its settings file, and what `BREAKWATER_CONTEXT` says.
    """

    outputs: Mapping[str, str]
    settings: Settings

    @property
    def stack(self) -> str:
        """Name of the root stack."""
        return f"{STACK_PREFIX}-{self.outputs[OutputKey.SUFFIX]}"

    @property
    def environment(self) -> str:
        """The environment that it was deployed as, e.g. `prod`."""
        return self.outputs[OutputKey.ENVIRONMENT]

    @property
    def region(self) -> str:
        """Its region."""
        return self.outputs[OutputKey.REGION]

    @property
    def emulated(self) -> bool:
        """Whether it lies in the embedded AWS."""
        return "AWS_ENDPOINT_URL" in os.environ

    @cached_property
    def client(self) -> Callable[[str], Any]:
        """Gives a service's client that retries as usual, made once: making one takes time that probes would feel."""
        create: Any = self._session.client
        return cache(create)

    def probe_client(self, service: str) -> Any:
        """A client that gives up after three seconds and does not ask twice, for what is measured."""
        create: Any = self._session.client
        return create(service, config=_IMPATIENT)

    @cached_property
    def _session(self) -> boto3.session.Session:
        return boto3.session.Session(region_name=self.region)


def find(stack: str | None, region: str | None, workspace: Workspace) -> Target:
    """Find the deployed stack: by the caller's credentials; without any, in the embedded AWS if it runs here.

    Args:
        stack: name of the root stack; None for the only one.
        region: None for that of the environment.
        workspace: the checkout, for its embedded AWS.

    Returns:
        The stack.

    Raises:
        OpsError: there is no such stack, or no credentials and no embedded AWS, or its settings are not known.
    """
    if boto3.session.Session().get_credentials() is None:
        running = emulator.running(workspace)
        if running is None:
            raise OpsError("no AWS credentials, and no embedded AWS runs here: log in, or run `make local`")
        os.environ.update(environment.for_clients(workspace, running.port))
    found = outputs.deployed(stack, region)
    return Target(found, settings_of(found))
