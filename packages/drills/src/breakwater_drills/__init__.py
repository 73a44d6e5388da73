"""Drills: break a part of a deployed service on purpose, and measure what a client sees of it (RTO and RPO)."""

from typing import Final

from breakwater_drills.bad_deployment import BadDeployment
from breakwater_drills.drill import Drill
from breakwater_drills.errors import DrillError
from breakwater_drills.failover import Failover
from breakwater_drills.pitr import PointInTime
from breakwater_drills.restore import Restore
from breakwater_drills.result import Result
from breakwater_drills.rotation import Rotation
from breakwater_drills.runner import Timing, run
from breakwater_drills.take_over import TakeOver
from breakwater_drills.target import Database, Objectives, Service, Successor, Table, Target
from breakwater_drills.task_loss import TaskLoss
from breakwater_drills.zone_loss import ZoneLoss

# Every drill, by its name.
DRILLS: Final[dict[str, type[Drill]]] = {
    each.name: each for each in (Failover, TaskLoss, BadDeployment, Rotation, ZoneLoss, Restore, PointInTime, TakeOver)
}

__all__ = [
    "DRILLS", "Database", "Drill", "DrillError", "Objectives", "Result", "Service", "Successor", "Table", "Target",
    "Timing", "run",
]  # fmt: skip
