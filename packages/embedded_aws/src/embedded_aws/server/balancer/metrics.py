"""Metrics of load balancers and target groups, put into the emulator's CloudWatch.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

from embedded_aws.server import upstream
from embedded_aws.server.balancer.exchange import Outcome
from embedded_aws.server.balancer.groups import Group

Dimensions: TypeAlias = tuple[tuple[str, str], ...]

# AWS publishes each minute. A part of a minute more often gives the same sums and percentiles of that minute, sooner.
_SECONDS: Final = 5.0
# Of a second: few values to keep, and a fast target's is not zero.
_DIGITS: Final = 4
_NAMESPACE: Final = "AWS/ApplicationELB"
_CLIENT_ERRORS, _SERVER_ERRORS = 4, 5


class Metrics:
    """What was counted since it was published last.

    Args:
        groups: the target groups, by ARN.
    """

    def __init__(self, groups: Mapping[str, Group]) -> None:
        self._groups = groups
        self._counts: Counter[tuple[str, Dimensions]] = Counter()
        self._seconds: dict[Dimensions, Counter[float]] = {}
        self._balancer_of: dict[str, str] = {}

    def count(self, balancer: str, group: str, outcome: Outcome) -> None:
        """Count a request.

        Args:
            balancer: the ARN of the load balancer.
            group: the ARN of the target group that it went to; empty when the load balancer answered itself.
            outcome: how it ended.
        """
        kind = f"{outcome.status // 100}XX_Count"
        whole = _dimensions(balancer)
        both = [whole, _dimensions(balancer, group)] if group else [whole]
        if outcome.seconds is None:
            if outcome.status // 100 >= _CLIENT_ERRORS:
                self._counts[f"HTTPCode_ELB_{kind}", whole] += 1
            if outcome.status // 100 == _SERVER_ERRORS:
                self._counts[f"HTTPCode_ELB_{outcome.status}_Count", whole] += 1
            return
        for dimensions in both:
            self._counts["RequestCount", dimensions] += 1
            self._counts[f"HTTPCode_Target_{kind}", dimensions] += 1
            self._seconds.setdefault(dimensions, Counter())[round(outcome.seconds, _DIGITS)] += 1

    async def publish_for_ever(self) -> None:
        """Publish again and again."""
        while True:
            await asyncio.sleep(_SECONDS)
            self.publish()

    def publish(self) -> None:
        """Put what was counted, and how many targets are healthy, into CloudWatch, and judge the alarms."""
        counts, seconds = self._counts, self._seconds
        self._counts, self._seconds = Counter(), {}
        for (name, dimensions), number in counts.items():
            _put(name, dimensions, "Count", [float(number)])
        for dimensions, durations in seconds.items():
            _put("TargetResponseTime", dimensions, "Seconds", list(durations), [float(n) for n in durations.values()])
        for name, dimensions, number in self._targets():
            _put(name, dimensions, "Count", [float(number)])
        upstream.evaluate_alarms()

    def _targets(self) -> Iterator[tuple[str, Dimensions, int]]:
        for arn, group in self._groups.items():
            states = Counter(target.state for target in group.members.values())
            for balancer in balancers_of(arn):
                yield "HealthyHostCount", _dimensions(balancer, arn), states["healthy"]
                yield "UnHealthyHostCount", _dimensions(balancer, arn), states["unhealthy"]


def balancers_of(group: str) -> set[str]:
    """Return the load balancers that forward to a target group."""
    rules = [each for each in upstream.listener_rules.values() if _forwards(each["Actions"], group)]
    listeners = (upstream.listeners.get(each["ListenerArn"]) for each in rules)
    return {each["LoadBalancerArn"] for each in listeners if each}


def _forwards(actions: list[Mapping[str, str]], group: str) -> bool:
    return any(action.get("TargetGroupArn") == group for action in actions)


def _dimensions(balancer: str, group: str = "") -> Dimensions:
    whole = (("LoadBalancer", balancer.partition(":loadbalancer/")[2]),)
    return (("TargetGroup", group.rpartition(":")[2]), *whole) if group else whole


def _put(name: str, dimensions: Dimensions, unit: str, values: list[float], counts: list[float] | None = None) -> None:
    upstream.store_metric(_NAMESPACE, name, dict(dimensions), time.time(), unit, None, values, counts, None)
