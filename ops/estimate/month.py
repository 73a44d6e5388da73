"""A month of a deployment at one load: what its quantities are worked out from."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from breakwater_guards.model.template import Resource
from ops.estimate.data import Data
from ops.preflight.context import Plan

GB = 1e9
# Days of the month that `hours` has.
HOURS_OF_A_DAY = 24
# How many units of a price a month needs, one entry after the other; several of one price are added.
Units = Iterator[tuple[str, float]]


def number(resource: Resource, path: str) -> float:
    """Return a number of a template; 0 where it is absent or only the deployment decides."""
    found = [float(value) for value in resource.given(path) if isinstance(value, int | float | str)]
    return found[0] if found else 0.0


@dataclass(frozen=True)
class Month:
    """One month.

    Attributes:
        plan: what is deployed.
        data: prices and assumptions.
        rate: transfers a second, as the average of the month; 0 for what runs without any.
    """

    plan: Plan
    data: Data
    rate: float

    @property
    def hours(self) -> float:
        """Hours of the month."""
        return self.data.hours

    @property
    def days(self) -> float:
        """Days of the month."""
        return self.hours / HOURS_OF_A_DAY

    @property
    def transfers(self) -> float:
        """Transfers of the month."""
        return self.rate * self.hours * 3600

    def assume(self, key: str) -> float:
        """Return an assumption."""
        return self.data.assumptions[key].value

    def gigabytes(self, key: str) -> float:
        """Return the GB of the month, of an assumption in bytes for a transfer."""
        return self.assume(key) * self.transfers / GB

    def resource(self, owner: Resource, path: str) -> Resource:
        """Return the resource that a property refers to."""
        found = self.plan.assembly.target(owner.get(path))
        if found is None:
            raise ValueError(f"{owner}: {path} does not lead to a resource of the templates")
        return found

    @cached_property
    def database_gb(self) -> float:
        """Data in Aurora, in GB."""
        return self.assume("database_base_gb") + self.assume("stored_months") * self.gigabytes("database_bytes")

    @cached_property
    def table_gb(self) -> float:
        """Data in DynamoDB, in GB: of one day."""
        return self.gigabytes("answer_bytes") / self.days

    def logs(self, gigabytes: float) -> Units:
        """Yield what logs cost, kept as long as the log groups say: the size of a full retention."""
        days = max([0, *self.plan.numbers("AWS::Logs::LogGroup", "RetentionInDays")])
        yield "log_gb", gigabytes
        yield "log_storage_gb", gigabytes * self.assume("log_compression") * days / self.days

    def wanted_tasks(self) -> int:
        """Return the tasks that the load asks for, by the policy that counts requests."""
        path = "TargetTrackingScalingPolicyConfiguration"
        targets = [
            number(each, f"{path}.TargetValue")
            for each in self.plan.resources("AWS::ApplicationAutoScaling::ScalingPolicy")
            if each.get(f"{path}.PredefinedMetricSpecification.PredefinedMetricType") == "ALBRequestCountPerTarget"
        ]
        return max((math.ceil(self.rate * 60 / target) for target in targets), default=0)

    def tasks(self, service: Resource) -> float:
        """Return the tasks of a service at this load, within its limits."""
        most = [number(each, "MaxCapacity") for each in self._targets()]
        least = number(service, "DesiredCount")
        return max(least, min([self.wanted_tasks(), *most]))

    def capacity(self, instance: Resource) -> float:
        """Return the ACU of an instance at this load; a reader of tier 0 or 1 follows the writer.

        https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-serverless-v2.how-it-works.html
        """
        cluster = self.resource(instance, "DBClusterIdentifier")
        low, high = (number(cluster, f"ServerlessV2ScalingConfiguration.{end}Capacity") for end in ("Min", "Max"))
        return min(high, max(low, self.rate * self.assume("database_acu"))) if self._follows(instance) else low

    def limits(self) -> list[str]:
        """Return which settings the load exceeds: its price is then that of the limit, not of the load."""
        found = []
        most = [number(each, "MaxCapacity") for each in self._targets()]
        if most and self.wanted_tasks() > min(most):
            found.append(f"compute.max_tasks ({min(most):g} of {self.wanted_tasks()} tasks)")
        highest = [
            number(each, "ServerlessV2ScalingConfiguration.MaxCapacity")
            for each in self.plan.resources("AWS::RDS::DBCluster")
        ]
        wanted = self.rate * self.assume("database_acu")
        if highest and wanted > min(highest):
            found.append(f"database.max_acu ({min(highest):g} of {wanted:g} ACU)")
        return found

    def _targets(self) -> list[Resource]:
        return self.plan.resources("AWS::ApplicationAutoScaling::ScalableTarget")

    @staticmethod
    def _follows(instance: Resource) -> bool:
        return number(instance, "PromotionTier") <= 1
