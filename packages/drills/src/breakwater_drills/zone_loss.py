"""A zone is lost: every task in it, the writer of the database, and the load balancer's node, at once."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from breakwater_drills import ecs
from breakwater_drills.clock import Clock
from breakwater_drills.copies import Remove
from breakwater_drills.errors import DrillError, aws_answer
from breakwater_drills.failover import Failover, writer_of
from breakwater_drills.measure import Recovery, Sample
from breakwater_drills.target import Target


class ZoneLoss(Failover):
    """The drill that loses a zone.

    In an account an experiment of AWS FIS cuts the subnet of the tasks off, and the cluster fails over if its writer is
    there. In the embedded AWS it is the zone of the writer, whose tasks are killed. In both, a zonal shift takes the
    load balancer out of the zone.
    """

    name = "zone-loss"
    intention = (
        "cut one Availability Zone off: its tasks, the database's writer if it is there, the load balancer's node"
    )
    measured_in_aws = "ECS, load balancer, Aurora, DynamoDB"
    parts_emulated: ClassVar[Mapping[str, str]] = {
        **Failover.parts_emulated,
        "zone": "simulated: the tasks of the writer's zone are killed together with the writer, and a zonal shift "
        "takes its targets away; the load balancer of the embedded AWS has one node, so none is lost",
    }

    def __init__(self, target: Target, run: str, clock: Clock | None = None, **options: Any) -> None:
        super().__init__(target, run, clock, **options)
        self._tasks = ecs.Tasks(target)
        self._begun: list[tuple[str, Remove]] = []
        self._complete_at = 0.0
        self._fails_over = True

    def before_fault(self, _samples: Sequence[Sample], /) -> None:
        """Find the zone, and what is in it.

        Raises:
            DrillError: no experiment cuts a zone off, or all tasks are in the zone, in an account.
        """
        zone_of_writer = self._zone_of_writer()
        self.zone, self._zone_id = (
            self._zone_of_experiment()
            if not self.target.emulated
            else self._zone(Filters=[{"Name": "availability-zone", "Values": [zone_of_writer]}])
        )
        self._fails_over = zone_of_writer == self.zone
        running = self._tasks.running()
        self._lost = [task for task in running if task.get("availabilityZone") == self.zone]
        if len(self._lost) == len(running) and not self.target.emulated:
            raise DrillError(
                f"{len(running)} of {len(running)} tasks of {self.target.service.name} run in {self.zone}: run tasks "
                "in two zones at least. Nothing was broken"
            )
        here = f"{len(self._lost)} of {len(running)} tasks{' and the writer' if self._fails_over else ''}"
        self.note(f"{self.zone} has {here}")

    def inject(self) -> None:
        """Lose the zone."""
        if self.target.emulated:
            for task in self._lost:
                self._tasks.send(task, signal.SIGKILL)
        else:
            self._start_experiment()
        self._start_shift()
        if self._fails_over:
            super().inject()

    def restored(self) -> bool:
        """Return whether enough tasks are healthy without the lost ones, and the database has a writer elsewhere."""
        wanted = self._tasks.service()["desiredCount"]
        if not self._complete_at:
            lost = {task["taskArn"] for task in self._lost}
            others = [task for task in self._tasks.running() if task["taskArn"] not in lost]
            addresses = {ecs.address(task) for task in self._lost}
            unserved = self.target.emulated and not self.traffic.probes
            if len(others) >= wanted and (unserved or self._tasks.targets_are_complete(wanted, addresses)):
                self.note(f"ECS: {len(others)} of {wanted} tasks run without those of {self.zone}")
                self._complete_at = self.events[-1].at
        return bool(self._complete_at) and (not self._fails_over or super().restored())

    def recoveries(self, samples: Sequence[Sample]) -> list[Recovery]:
        """Return how each probe recovered, and when the desired number of tasks ran again."""
        seconds = self._complete_at - self.fault if self._complete_at else None
        return [*super().recoveries(samples), Recovery("desired tasks", 0, 0, None, seconds, {})]

    def created(self) -> Iterator[tuple[str, Remove]]:
        """Yield what still takes the zone away, then the rest."""
        yield from self._begun
        yield from super().created()

    @property
    def _fis(self) -> Any:
        return self.target.client("fis")

    @property
    def _shifts(self) -> Any:
        return self.target.client("arc-zonal-shift")

    def _zone_of_writer(self) -> str:
        instances = self.target.client("rds").describe_db_instances(DBInstanceIdentifier=writer_of(self.described()))
        return str(instances["DBInstances"][0]["AvailabilityZone"])

    def _zone(self, **asked: Any) -> tuple[str, str]:
        """Return the name of the zone of a subnet, and its id, which a zonal shift is asked for with."""
        subnet = self.target.client("ec2").describe_subnets(**asked)["Subnets"][0]
        return str(subnet["AvailabilityZone"]), str(subnet["AvailabilityZoneId"])

    def _zone_of_experiment(self) -> tuple[str, str]:
        """Return name and id of the zone that the experiment cuts off."""
        pages = self._fis.get_paginator("list_experiment_templates").paginate()
        templates = [each for page in pages for each in page["experimentTemplates"]]
        name = self.target.zone_experiment
        found = [each["id"] for each in templates if name and each.get("tags", {}).get("Name") == name]
        if not found:
            raise DrillError(
                f"no FIS experiment template is named {name or 'by Target.zone_experiment'}: deploy with "
                "operations.experiments=true before this drill. Nothing was broken"
            )
        self._template = found[0]
        template = self._fis.get_experiment_template(id=self._template)["experimentTemplate"]
        (arn,) = template["targets"]["Target"]["resourceArns"]
        return self._zone(SubnetIds=[arn.rpartition("/")[2]])

    def _start_experiment(self) -> None:
        try:
            begun = self._fis.start_experiment(experimentTemplateId=self._template, tags={"Drill": self.run})
        except ClientError as error:
            raise DrillError(f"FIS refuses the experiment: {aws_answer(error)}") from None
        identifier = begun["experiment"]["id"]
        self._begun.append((f"experiment {identifier}", partial(self._stop_experiment, identifier)))
        self.note(f"FIS: experiment {identifier} begun")

    def _start_shift(self) -> None:
        # https://docs.aws.amazon.com/arc-zonal-shift/latest/api/API_StartZonalShift.html
        shift = self._shifts.start_zonal_shift(
            resourceIdentifier=self._tasks.group()["LoadBalancerArns"][0],
            awayFrom=self._zone_id,
            expiresIn="1h",
            comment=f"drill {self.run}",
        )["zonalShiftId"]
        self._begun.append((f"zonal shift {shift}", partial(self._cancel_shift, shift)))
        self.note(f"ARC: zonal shift {shift} away from {self.zone} begun")

    def _stop_experiment(self, identifier: str) -> str:
        status = self._fis.get_experiment(id=identifier)["experiment"]["state"]["status"]
        if status in ("pending", "initiating", "running"):
            self._fis.stop_experiment(id=identifier)
        return f"it is {status}" if status in ("pending", "initiating", "running", "stopping") else ""

    def _cancel_shift(self, identifier: str) -> str:
        self._shifts.cancel_zonal_shift(zonalShiftId=identifier)
        return ""
