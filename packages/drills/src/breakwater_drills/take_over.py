"""All data is declared lost; cluster and table are restored, and take the places of the lost ones in the stack."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

from breakwater_drills.clock import Clock
from breakwater_drills.copies import Remove, whole_cluster
from breakwater_drills.errors import DrillError
from breakwater_drills.measure import Sample
from breakwater_drills.pitr import PointInTime
from breakwater_drills.target import Successor, Target

_STORES: Final = ("AWS::RDS::DBCluster", "AWS::RDS::DBInstance", "AWS::DynamoDB::Table")


class TakeOver(PointInTime):
    """The drill that replaces the cluster and the table by restored ones, at the same endpoint and under the same name.

    The probes write to the lost stores until these are replaced; what they write after the declared loss is not counted
    as lost.
    """

    name = "take-over"
    intention = (
        "restore the Aurora cluster and the DynamoDB table to their latest restorable time, put the copies in their "
        "places, and delete the old ones: writes of the last minutes are lost for good"
    )
    probes_judged = True
    measured_in_aws = "Aurora and DynamoDB point-in-time recovery, update of the CloudFormation stack, service"
    parts_emulated: ClassVar[Mapping[str, str]] = {
        **PointInTime.parts_emulated,
        "stack": "this machine: CloudFormation of the embedded AWS updates the stack; AWS takes minutes",
    }

    def __init__(self, target: Target, run: str, clock: Clock | None = None, **options: Any) -> None:
        super().__init__(target, run, clock, **options)
        self._begun = self._done = False
        self._replaced_at = math.inf

    def prepare(self) -> None:
        """Refuse stores that must not be deleted, then prepare as the other drills do.

        Raises:
            DrillError: a store is protected from deletion, an earlier cluster is in the way, or nobody says how to
                replace the stores.
        """
        aside = self._successor.aside
        if self.rds.describe_db_clusters(Filters=[{"Name": "db-cluster-id", "Values": [aside]}])["DBClusters"]:
            raise DrillError(f"there is a cluster {aside} already, of an earlier take-over: delete it first")
        protected = {
            self.target.database.identifier: self.source.get("DeletionProtection"),
            self.items.table: self._table().get("DeletionProtectionEnabled"),
        }
        if names := [name for name, is_protected in protected.items() if is_protected]:
            raise DrillError(
                f"{' and '.join(names)}: protected from deletion, and this drill deletes what it replaces; "
                "run it on a stack whose stores are not protected"
            )
        super().prepare()

    def before_fault(self, samples: Sequence[Sample], /) -> None:
        """Wait as the point-in-time drill does, then note which stores differ from the stack's templates already."""
        super().before_fault(samples)
        self._differed = set(self._differing(self.target.stack))

    def inject(self) -> None:
        """Declare the loss; nothing is deleted before the copies are there."""
        self.note_restorable()
        self._lost_cluster, self._lost_table = self.source["DbClusterResourceId"], self._table()["TableId"]
        self.note("all data is declared lost")

    def await_restored(self) -> bool:
        """Restore the copies, let them take over, and wait until the new stores answer in the places of the old ones.

        Returns:
            Whether they do, and are what the stack's templates say.
        """
        self._successor.restore(self.copy.cluster, self.copy.table)
        self.note("the copies are there")
        self._begun = True
        self._successor.take_over(self.copy.cluster, self.copy.table)
        self.note("the copies have taken over, and the stack has followed")
        self._replaced_at = self.clock.now()
        if secret := self.source.get("MasterUserSecret"):
            self.rows.log_in(secret["SecretArn"])
        self._done = super().await_restored()
        differing = sorted(set(self._differing(self.target.stack)) - self._differed)
        for each in differing:
            self.note(f"CloudFormation: {each}")
        return self._done and not differing

    def loss_window(self) -> tuple[float, float]:
        """Return the time from that which is restored until the new stores answered in the places of the old ones."""
        return self.restored_to, self._replaced_at

    def state(self) -> str:
        """Return how far the take-over has come."""
        if not self._begun:
            return super().state()
        if self._done:
            return "the copies have taken over"
        return f"the take-over did not end: the old cluster may be {self._successor.aside}, {self.copy.table} is kept"

    def copied(self) -> Iterator[tuple[str, Remove]]:
        """Yield the copies, or what they have replaced; nothing of a take-over that did not end may be removed."""
        if self._begun and not self._done:
            yield f"{self.copy.cluster}, {self.copy.table} and what they replace", self._keep
            return
        yield from whole_cluster(self.rds, self._successor.aside if self._done else self.copy.cluster)
        yield from self.copy.table_parts()

    @property
    def _successor(self) -> Successor:
        if self.target.successor is None:
            raise DrillError(f"{self.target.stack}: nobody says how its stores are replaced, see Target.successor")
        return self.target.successor

    def _keep(self) -> str:
        raise DrillError("kept, since the take-over did not end: go on with it, or go back by the commands above")

    def _read_cluster(self) -> set[int] | None:
        found = self.source
        if found["Status"] != "available" or found["DbClusterResourceId"] == self._lost_cluster:
            return None
        return self._read_rows(found["DBClusterArn"])

    def _read_table(self) -> set[int] | None:
        found = self._table()
        if found["TableStatus"] != "ACTIVE" or found["TableId"] == self._lost_table:
            return None
        return self.items.found()

    def _table(self) -> Mapping[str, str]:
        found: Mapping[str, str] = self._dynamodb.describe_table(TableName=self.items.table)["Table"]
        return found

    def _differing(self, stack: str) -> Iterator[str]:
        """Yield which stores of a stack and those nested in it are not what its template says."""
        cloudformation = self.target.client("cloudformation")
        pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
        for resource in [each for page in pages for each in page["StackResourceSummaries"]]:
            if resource["ResourceType"] == "AWS::CloudFormation::Stack":
                yield from self._differing(resource["PhysicalResourceId"])
            elif resource["ResourceType"] in _STORES:
                answer = cloudformation.detect_stack_resource_drift(
                    StackName=stack, LogicalResourceId=resource["LogicalResourceId"]
                )
                status = answer["StackResourceDrift"]["StackResourceDriftStatus"]
                if status != "IN_SYNC":
                    yield f"{resource['LogicalResourceId']} ({resource['PhysicalResourceId']}) is {status}"
