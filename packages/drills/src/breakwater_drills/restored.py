"""What the two restoring drills share: copies beside the stack's own data, in which the heartbeats are looked for."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar, Final

from botocore.exceptions import ClientError, HTTPClientError

from breakwater_drills import probes
from breakwater_drills.bank import TRANSFER
from breakwater_drills.clock import Clock
from breakwater_drills.copies import Copies, Remove
from breakwater_drills.drill import Drill, of_probe
from breakwater_drills.errors import aws_answer, error_code
from breakwater_drills.invariant import Check, Ledger, unread
from breakwater_drills.measure import Loss, Recovery, Sample, loss, unknown
from breakwater_drills.target import Target

# A copy that has just been restored answers so for a while; how long counts as part of its recovery.
_NOT_YET: Final = (
    "DatabaseResumingException",
    "DatabaseUnavailableException",
    "HttpEndpointNotEnabledException",
    "InternalServerErrorException",
    "InvalidResourceStateException",
    "ServiceUnavailableError",
    "StatementTimeoutException",
)
_TRANSFERS: Final = "transfers"
_COPY: Final = "the copy of the database"
# https://www.postgresql.org/docs/current/errcodes-appendix.html : undefined_table
_NO_SUCH_TABLE: Final = "42P01"


class RestoreDrill(Drill):
    """A drill whose fault, the loss of all data, is only declared: the platform itself goes on undisturbed.

    Attributes:
        probes_judged: whether the recovery of the probes counts for the objective, beside that of the copies.
        copy: what it creates in AWS.
        read_at: when each copy was first read, in seconds since 1970.
        kept: numbers of the heartbeats and of the transfers found in each copy.
        restored_to: what was acknowledged before this time, in seconds since 1970, must be in the copy.
    """

    timeout_seconds = 5400.0
    loss_allowed = True
    probes_judged: ClassVar[bool] = False

    def __init__(self, target: Target, run: str, clock: Clock | None = None, **options: Any) -> None:
        super().__init__(target, run, clock, **options)
        self.copy = Copies(target, run)
        self.restored_to = 0.0
        self._checks_of_copy = unread(_COPY, "the copy was not read")
        self._instance_requested = False
        self._data_api_requested = False
        self.read_at: dict[str, float] = {}
        self.kept: dict[str, set[int]] = {}

    def restored(self) -> bool:
        """Return whether every copy has been restored and read."""
        for name, read in self.copies().items():
            if name not in self.read_at and (found := read()) is not None:
                self.kept[name] = found
                self.read_at[name] = self.clock.now()
                self.note(f"{name}: {len(found)} heartbeats read from the copy")
        return len(self.read_at) == len(self.copies())

    def copies(self) -> dict[str, Callable[[], set[int] | None]]:
        """Return how to read each copy; a function returns None while its copy cannot be read."""
        return {"Aurora": self._read_cluster}

    def recoveries(self, samples: Sequence[Sample]) -> list[Recovery]:
        """Return the time from the declared loss to the first read of each copy; the probes may only be shown."""
        copies = [Recovery(f"{name} restored", 0, 0, None, self._seconds_to_read(name), {}) for name in self.copies()]
        return [*copies, *(replace(each, judged=self.probes_judged) for each in super().recoveries(samples))]

    def losses(self, samples: Sequence[Sample]) -> list[Loss]:
        """Return which writes, acknowledged before the declared loss, the copies lack."""
        probe_of = {"Aurora": probes.DATABASE_WRITE, "DynamoDB": probes.TABLE_WRITE, _TRANSFERS: TRANSFER}
        losses = []
        for name in [*self.copies(), *([_TRANSFERS] if self.traffic.bank else [])]:
            writes = [sample for sample in of_probe(samples, probe_of[name]) if sample.ended < self.fault]
            kept = self.kept.get(name)
            losses.append(unknown(name, writes, "its copy was not read") if kept is None else loss(name, writes, kept))
        return losses

    def checks(self) -> list[Check]:
        """Return whether the bank invariant holds in the copy, and at the end."""
        return [*self._checks_of_copy, *super().checks()] if self.traffic.bank else []

    def state(self) -> str:
        """Return that the drill does not touch the platform."""
        return "the platform itself was not touched"

    def created(self) -> Iterator[tuple[str, Remove]]:
        """Yield the copies first: they cost most."""
        yield from self.copied()
        yield from super().created()

    def copied(self) -> Iterator[tuple[str, Remove]]:
        """Yield what the drill creates beside the stack, and how to remove it."""
        yield from self.copy.cluster_parts()

    @property
    def rds(self) -> Any:
        """Client of Amazon RDS."""
        return self.target.client("rds")

    @property
    def source(self) -> dict[str, Any]:
        """The stack's own cluster, as RDS describes it."""
        identifier = self.target.database.identifier
        return dict(self.rds.describe_db_clusters(DBClusterIdentifier=identifier)["DBClusters"][0])

    def placement(self) -> dict[str, Any]:
        """Return the parameters that put the copy beside its source, as protected as that."""
        source = self.source
        scaling = source.get("ServerlessV2ScalingConfiguration", {})
        placement = {
            "DBClusterIdentifier": self.copy.cluster,
            "DBSubnetGroupName": source["DBSubnetGroup"],
            "VpcSecurityGroupIds": [each["VpcSecurityGroupId"] for each in source.get("VpcSecurityGroups", [])],
            "KmsKeyId": source.get("KmsKeyId", ""),
            "Port": source["Port"],
            "ServerlessV2ScalingConfiguration": {k: scaling[k] for k in ("MinCapacity", "MaxCapacity") if k in scaling},
            "DBClusterParameterGroupName": source["DBClusterParameterGroup"],
            "Tags": self.copy.tags,
            "DeletionProtection": False,
        }
        return {name: value for name, value in placement.items() if value not in ("", [], {})}

    def _seconds_to_read(self, name: str) -> float | None:
        return self.read_at[name] - self.fault if name in self.read_at else None

    def _read_cluster(self) -> set[int] | None:
        found = self.rds.describe_db_clusters(DBClusterIdentifier=self.copy.cluster)["DBClusters"][0]
        if found["Status"] != "available":
            return None
        # A restored cluster has no instance, and AWS creates one "only after … the DB cluster is available":
        # https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_RestoreDBClusterToPointInTime.html
        if not self._instance_requested:
            self._create_instance(found["Engine"])
            return None
        instances = self.rds.describe_db_instances(DBInstanceIdentifier=self.copy.instance)["DBInstances"]
        if instances[0]["DBInstanceStatus"] != "available":
            return None
        if not found.get("HttpEndpointEnabled") and not self._data_api_requested:
            # AWS does not take the Data API over from the source.
            self.rds.enable_http_endpoint(ResourceArn=found["DBClusterArn"])
            self._data_api_requested = True
        return self._read_rows(found["DBClusterArn"])

    def _create_instance(self, engine: str) -> None:
        self.rds.create_db_instance(
            DBInstanceIdentifier=self.copy.instance,
            DBClusterIdentifier=self.copy.cluster,
            Engine=engine,
            DBInstanceClass="db.serverless",
        )
        self._instance_requested = True
        self.note(f"RDS: {self.copy.cluster} is available, instance requested")

    def _read_rows(self, cluster: str) -> set[int] | None:
        """Return the numbers of the rows in the copy; None while it does not answer."""
        try:
            found = self.rows.found(cluster)
            if self.traffic.bank:
                ledger = Ledger(partial(self.rows.query, cluster=cluster), self.traffic.bank)
                self._checks_of_copy = ledger.checks(_COPY, lost=(self.restored_to, math.inf))
                self.kept[_TRANSFERS] = ledger.found
            return found
        except HTTPClientError:  # a time-out, while the copy loads its data
            return None
        except ClientError as error:
            if _NO_SUCH_TABLE in aws_answer(error):  # the copy is older than the first heartbeat
                return set()
            if error_code(error) in _NOT_YET or "HttpEndpoint" in aws_answer(error):
                return None
            raise
