"""Target groups: which targets are there, which are healthy, and which takes the next request.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
"""

import asyncio
import itertools
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from embedded_aws.server.balancer import checks
from embedded_aws.server.balancer.target import DRAINING, Address, Reach, Target

Told: TypeAlias = Callable[[str, Target], None]

# AWS does not say when the first check of a new target comes; here it is checked twice a second until one succeeds.
_FIRST_CHECKS_SECONDS: Final = 0.5


class Group:
    """A target group: its members, and those that are leaving.

    Args:
        arn: its ARN.
        settings: returns the group's record, as it is now.
        attributes: returns its attributes, as they are now.
        reach: tells where a target really listens.
        on_paper: tells at which addresses tasks run that have no process.
        told: called on every change of a target's state, and on every failed check of an unhealthy one.
    """

    def __init__(
        self,
        arn: str,
        *,
        settings: Callable[[], Mapping[str, Any]],
        attributes: Callable[[], Mapping[str, str]],
        reach: Reach,
        on_paper: Callable[[str], bool],
        told: Told,
    ) -> None:
        self.arn, self.settings = arn, settings
        self.members: dict[Address, Target] = {}
        self.leaving: list[Target] = []
        self._attributes, self._reach, self._on_paper, self._told = attributes, reach, on_paper, told
        self._turns = itertools.count(1)

    def sync(self, wanted: set[Address], *, used: bool) -> None:
        """Take in who was registered, and let go who was deregistered.

        Args:
            wanted: the registered targets.
            used: whether a listener forwards to the group.
        """
        for address in [each for each in self.members if each not in wanted]:
            self._deregister(self.members.pop(address))
        for address in sorted(wanted):
            if address not in self.members:
                self.members[address] = Target(address, self._reach, on_paper=self._on_paper(address[0]))
            self._look_after(self.members[address], used=used)

    def _look_after(self, target: Target, *, used: bool) -> None:
        if not used:
            if target.watcher:
                target.watcher.cancel()
                target.watcher = None
            self.mark(target, "unused", "Target.NotInUse")
        elif target.watcher is None:
            self.mark(target, "initial", "Elb.RegistrationInProgress")
            target.watcher = asyncio.ensure_future(self._watch(target))

    def _deregister(self, target: Target) -> None:
        if target.watcher:
            target.watcher.cancel()
        if target.state == "unused":
            target.leave()
            return
        self.mark(target, DRAINING, "Target.DeregistrationInProgress")
        self.leaving.append(target)
        target.watcher = asyncio.ensure_future(self._drain(target))

    async def _drain(self, target: Target) -> None:
        try:
            await target.drain(float(self._attributes()["deregistration_delay.timeout_seconds"]))
            self.mark(target, "unused", "Target.NotRegistered")
        finally:
            self.leaving.remove(target)

    def close(self) -> None:
        """Let go of everything at once: the group is deleted."""
        for target in [*self.members.values(), *self.leaving]:
            target.leave()
        self.members.clear()

    def mark(self, target: Target, state: str, reason: str = "", code: str = "") -> None:
        """Give a target a state, and tell it when it is another one."""
        changed = state != target.state
        target.state, target.reason, target.code = state, reason, code
        if changed:
            self._told(self.arn, target)

    async def _watch(self, target: Target) -> None:
        """Check a target for as long as it is registered."""
        loop = asyncio.get_running_loop()
        good = bad = 0
        counted = -float("inf")
        while True:
            settings = self.settings()
            interval, began = float(settings["HealthCheckIntervalSeconds"]), loop.time()
            # Nobody checks what is only told: a task on paper is as healthy as it is running.
            failure = None if target.on_paper else await checks.failure(target, settings)
            good, wanted = (0 if failure else good + 1), int(settings["HealthyThresholdCount"])
            if failure is None:
                bad = 0
            elif began - counted >= interval or target.state != "initial":
                # The quick checks of a new target may only succeed: it has as long to start as on AWS.
                counted, bad = began, bad + 1
            if failure is None and (target.state == "initial" or good >= wanted):
                self.mark(target, "healthy")
            elif failure and bad >= int(settings["UnhealthyThresholdCount"]):
                again = target.state == "unhealthy"
                self.mark(target, "unhealthy", *failure)
                if again:
                    self._told(self.arn, target)
            elif failure and target.state == "initial":
                self.mark(target, "initial", "Elb.InitialHealthChecking")
            pause = _FIRST_CHECKS_SECONDS if target.state == "initial" else interval
            await asyncio.sleep(max(0.0, began + pause - loop.time()))

    def choose(self, shifted: Callable[[Target], bool] = lambda _target: False) -> Target | None:
        """Return the target of the next request, whose turn is the longest ago; None when there is none.

        With fewer healthy targets than the group's attributes ask for, all get requests (fail open).

        Args:
            shifted: tells which targets a zonal shift has taken away.
        """
        known = (each for each in self.members.values() if each.state != "unused")
        live = [each for each in known if not each.on_paper and not each.lost]
        live = [each for each in live if not shifted(each)] or live
        healthy = [each for each in live if each.state == "healthy"]
        among = healthy if len(healthy) >= self._fewest_healthy(len(live)) else live
        if not among:
            return None
        chosen = min(among, key=lambda target: target.turn)
        chosen.turn = next(self._turns)
        return chosen

    def _fewest_healthy(self, registered: int) -> float:
        name = "target_group_health.unhealthy_state_routing.minimum_healthy_targets."
        attributes = self._attributes()
        count, percentage = attributes[name + "count"], attributes[name + "percentage"]
        share = 0.0 if percentage == "off" else float(percentage) / 100 * registered
        return max(1.0 if count == "off" else float(count), share)
