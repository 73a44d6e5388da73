"""The monthly bill of a deployment, by stack and by price, at several loads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from breakwater_guards.model.template import Resource
from ops.estimate.data import Data
from ops.estimate.month import Month
from ops.estimate.path import stack_name
from ops.estimate.quantities import QUANTITIES
from ops.preflight.context import Plan


@dataclass(frozen=True)
class Bill:
    """What a deployment costs a month.

    Attributes:
        rates: transfers a second of each column; 0 is the fixed part, which the others contain.
        stacks: US dollars of each column by stack.
        prices: US dollars of each column by price.
        limits: settings that a load exceeds, by rate.
        unknown: CloudFormation types that have neither a price nor a reason to cost nothing, with their number.
    """

    rates: tuple[float, ...]
    stacks: Mapping[str, list[float]]
    prices: Mapping[str, list[float]]
    limits: Mapping[float, list[str]]
    unknown: Mapping[str, int]

    @property
    def total(self) -> list[float]:
        """US dollars of each column."""
        return [sum(column) for column in zip(*self.stacks.values(), strict=True)]


def make_bill(plan: Plan, data: Data) -> Bill:
    """Return the bill of a deployment.

    Args:
        plan: what is deployed.
        data: prices and assumptions.
    """
    rates = (0.0, *data.loads)
    months = [Month(plan, data, rate) for rate in rates]
    stacks: dict[str, list[float]] = {}
    prices: dict[str, list[float]] = {}
    unknown: Counter[str] = Counter()
    for template in plan.assembly.templates.values():
        found: dict[str, list[Resource]] = {}
        for resource in template.resources.values():
            found.setdefault(resource.type, []).append(resource)
        sums = stacks.setdefault(stack_name(template), [0.0] * len(rates))
        for kind, resources in sorted(found.items()):
            if kind not in QUANTITIES:
                unknown.update({kind: len(resources)} if kind not in data.free else {})
                continue
            for column, month in enumerate(months):
                for key, units in QUANTITIES[kind](resources, month):
                    dollars = units * data.prices[key].usd
                    sums[column] += dollars
                    prices.setdefault(key, [0.0] * len(rates))[column] += dollars
    limits = {month.rate: month.limits() for month in months}
    return Bill(rates, stacks, prices, limits, dict(unknown))
