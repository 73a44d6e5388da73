"""What a drill acts on: a deployed stack, its objectives, and clients that give up soon and never retry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Final

from botocore.config import Config

from embedded_aws import clients
from ops import outputs
from ops.connection import Connection
from ops.drill.sampler import LIMIT_SECONDS
from ops.errors import OpsError
from ops.local.workspace import Workspace
from ops.settings import deployed_settings
from stacks.names import STACK_PREFIX, OutputKey
from stacks.settings import Settings

# A retry would hide what the drill measures.
_PROBE_CONFIG: Final = Config(
    connect_timeout=LIMIT_SECONDS,
    read_timeout=LIMIT_SECONDS,
    retries={"total_max_attempts": 1, "mode": "standard"},
    max_pool_connections=40,
)


@dataclass(frozen=True)
class Target:
    """A deployed stack.

    Attributes:
        outputs: its outputs and physical ids.
        settings: those that it was deployed with.
        connection: to its account and Region, or to the embedded AWS.
    """

    outputs: Mapping[str, str]
    settings: Settings
    connection: Connection

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
        """The Region that it was deployed to."""
        return self.outputs[OutputKey.REGION]

    @property
    def emulated(self) -> bool:
        """Whether it was deployed into the embedded AWS."""
        return self.connection.endpoint is not None

    @property
    def where(self) -> str:
        """Where that is, in words."""
        return "the embedded AWS" if self.emulated else "AWS"

    @cached_property
    def client(self) -> Callable[[str], Any]:
        """Returns a service's client that retries as usual; made once, since making one disturbs the probes."""
        return cache(self.connection.client)

    def probe_client(self, service: str) -> Any:
        """Return a client for what is measured: it gives up after three seconds and does not retry."""
        return self.connection.client(service, config=_PROBE_CONFIG)


def find(stack: str | None, region: str | None, workspace: Workspace) -> Target:
    """Find the deployed stack, in the account of the credentials, or without any in the embedded AWS of this checkout.

    Args:
        stack: name of the root stack; None for the only one.
        region: None for the Region of the environment.
        workspace: the checkout.

    Returns:
        The stack.

    Raises:
        OpsError: there is no such stack, no credentials and no embedded AWS, or a setting of the stack is unknown.
    """
    connection = Connection.from_environment(region)
    if connection.session.get_credentials() is None:
        running = workspace.emulator.running()
        if running is None:
            raise OpsError("no AWS credentials, and no embedded AWS runs here: log in, or run `make local`")
        connection = Connection(clients.session(running.key, region), running.endpoint)
    found = outputs.deployed(stack, connection)
    return Target(found, deployed_settings(found), connection)
