"""What a drill acts on: a deployed service with its stores, its objectives, and clients for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Final, Protocol

from botocore.config import Config

from breakwater_drills.sampler import LIMIT_SECONDS

# A retry would hide what the drill measures.
_PROBE_CONFIG: Final = Config(
    connect_timeout=LIMIT_SECONDS,
    read_timeout=LIMIT_SECONDS,
    retries={"total_max_attempts": 1, "mode": "standard"},
    max_pool_connections=40,
)


@dataclass(frozen=True)
class Database:
    """An Aurora PostgreSQL cluster with the RDS Data API.

    Attributes:
        identifier: of the cluster.
        arn: of the cluster.
        secret_arn: of the secret with the user and the password that heartbeats are written with.
        name: of the database in the cluster.
    """

    identifier: str
    arn: str
    secret_arn: str
    name: str


@dataclass(frozen=True)
class Table:
    """A DynamoDB table whose two keys are strings.

    Attributes:
        name: of the table.
        partition_key: name of the attribute.
        sort_key: name of the attribute.
        expiry: name of the attribute by which items expire (time to live).
    """

    name: str
    partition_key: str
    sort_key: str
    expiry: str


@dataclass(frozen=True)
class Service:
    """An ECS service behind a load balancer.

    Attributes:
        cluster: name of the ECS cluster.
        name: of the service.
        target_group_arn: of the target group that its tasks register in.
        url: that answers below 400 as long as the service works.
        transfers: whether it must be the reference service, which transfers money between accounts; otherwise the drill
            finds out whether it is.
        connect_to: host and port that lead to the URL where its name does not, e.g. `127.0.0.1:4568`; empty otherwise.
        authority: file with the certificate of the authority that signed that of the URL; empty for the usual ones.
    """

    cluster: str
    name: str
    target_group_arn: str
    url: str
    transfers: bool = False
    connect_to: str = ""
    authority: str = ""


@dataclass(frozen=True)
class Objectives:
    """How long a recovery may take, and how much it may lose.

    Attributes:
        rto_seconds: recovery time objective.
        rpo_seconds: recovery point objective.
    """

    rto_seconds: float
    rpo_seconds: float


class Successor(Protocol):
    """Replaces both stores of a service by copies of them; the drill `take-over` measures it.

    A method returns when it is done, and raises an exception when it cannot be done.
    """

    @property
    def aside(self) -> str:
        """Identifier that the replaced cluster gets."""

    def restore(self, cluster: str, table: str, /) -> None:
        """Restore cluster and table to their latest restorable time, as copies of these names."""

    def take_over(self, cluster: str, table: str, /) -> None:
        """Put the copies of these names in the places of the cluster and the table."""


@dataclass(frozen=True)
class Target:
    """A deployed service and its stores.

    Attributes:
        stack: its name, which stands in the evidence and in the tags of what a drill creates.
        environment: what it is for, e.g. `prod`.
        region: the Region that it is deployed to.
        database: its cluster.
        table: its table.
        service: its tasks.
        objectives: what it has promised.
        new_client: makes a client of a service, as `boto3.session.Session.client` does.
        emulated: whether an embedded AWS stands in for AWS; the figures then say nothing about AWS.
        successor: how its stores are replaced; None where the drill `take-over` is not used.
        zone_experiment: name (the tag `Name`) of the FIS experiment template that cuts a zone off, for `zone-loss`.
    """

    stack: str
    environment: str
    region: str
    database: Database
    table: Table
    service: Service
    objectives: Objectives
    new_client: Callable[..., Any]
    emulated: bool = False
    successor: Successor | None = None
    zone_experiment: str = ""

    @property
    def where(self) -> str:
        """Where it is deployed, in words: the account is that of the cluster's ARN."""
        account = self.database.arn.split(":")[4]
        return "the embedded AWS" if self.emulated else f"AWS account {account}, {self.region}"

    @cached_property
    def client(self) -> Callable[[str], Any]:
        """Returns a service's client that retries as usual; made once, since making one disturbs the probes."""
        return cache(self.new_client)

    def probe_client(self, service: str) -> Any:
        """Return a client for what is measured: it gives up after three seconds and does not retry."""
        return self.new_client(service, config=_PROBE_CONFIG)
