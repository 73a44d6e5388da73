"""The monitor's state in DynamoDB: one item, which each run replaces unless another run has replaced it meanwhile."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from common.items import put_if
from health_monitor.logic import Assessment, Component, Health

PARTITION, SORT = "operations#health", "state"
# An hour of one change a minute. While SNS cannot be reached, older changes are only counted: SNS and DynamoDB limit
# the size of what they accept.
MOST_UNSENT = 60


@dataclass(frozen=True)
class HealthChange:
    """A component whose health differs from that of the previous run.

    Attributes:
        component: The component.
        before: Its health before.
        after: Its health now.
        since: Start of the previous health in seconds since 1970.
        reasons: Reasons for the health now, for people.
    """

    component: Component
    before: Health
    after: Health
    since: float
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class MonitorState:
    """What one run passes to the next.

    Attributes:
        version: Number of writes; 0 before the first.
        observed_at: Time of the last run's observations in seconds since 1970.
        health: Health by component.
        since: Start of that health by component, in seconds since 1970.
        unsent: Changes for which no notification has been sent, the latest ones.
        dropped: Number of earlier changes for which none has been sent, and none will be.
    """

    version: int = 0
    observed_at: float = 0.0
    health: Mapping[Component, Health] = field(default_factory=dict)
    since: Mapping[Component, float] = field(default_factory=dict)
    unsent: tuple[HealthChange, ...] = ()
    dropped: int = 0

    def after(self, assessments: Mapping[Component, Assessment], now: float) -> MonitorState:
        """Return the state after another run.

        Args:
            assessments: The run's assessments by component.
            now: Time of the run's observations in seconds since 1970.

        Returns:
            The new state; ``unsent`` includes the changes since this one.
        """
        changes = tuple(
            HealthChange(component, before, assessment.health, self.since.get(component, now), assessment.reasons)
            for component, assessment in assessments.items()
            # A component without a previous assessment counts as healthy: the first run reports only problems.
            if (before := self.health.get(component, Health.HEALTHY)) is not assessment.health
        )
        changed = {change.component for change in changes}
        unsent = self.unsent + changes
        return MonitorState(
            version=self.version + 1,
            observed_at=now,
            health={component: assessment.health for component, assessment in assessments.items()},
            since={each: now if each in changed else self.since.get(each, now) for each in assessments},
            unsent=unsent[-MOST_UNSENT:],
            dropped=self.dropped + max(0, len(unsent) - MOST_UNSENT),
        )

    def sent(self) -> MonitorState:
        """Return the state after a notification of its changes was sent."""
        return replace(self, version=self.version + 1, unsent=(), dropped=0)


class StateStore:
    """The monitor's state in DynamoDB.

    Args:
        dynamodb: DynamoDB client.
        table: Name of the platform's table.
    """

    def __init__(self, dynamodb: Any, table: str) -> None:
        self._dynamodb, self._table = dynamodb, table

    def load(self) -> MonitorState:
        """Return the state with a consistent read; the initial state before the first run."""
        response = self._dynamodb.get_item(TableName=self._table, Key=_KEY, ConsistentRead=True)
        return _from_item(response["Item"]) if "Item" in response else MonitorState()

    def save(self, state: MonitorState) -> bool:
        """Replace the state by its successor; of several concurrent runs, at most one succeeds.

        Args:
            state: The new state.

        Returns:
            Whether the state was saved; ``False`` if another run has saved one meanwhile.
        """
        return put_if(
            self._dynamodb,
            self._table,
            _KEY | _to_item(state),
            "attribute_not_exists(pk) OR version = :before",
            {":before": {"N": str(state.version - 1)}},
        )


_KEY = {"pk": {"S": PARTITION}, "sk": {"S": SORT}}


def _to_item(state: MonitorState) -> dict[str, Any]:
    changes = [
        [change.component, change.before, change.after, change.since, list(change.reasons)] for change in state.unsent
    ]
    return {
        "version": {"N": str(state.version)},
        "observed_at": {"N": repr(state.observed_at)},
        "health": {"S": json.dumps(state.health)},
        "since": {"S": json.dumps(state.since)},
        "unsent": {"S": json.dumps(changes)},
        "dropped": {"N": str(state.dropped)},
    }


def _knows(component: str, *healths: int) -> bool:
    return component in set(Component) and set(Health).issuperset(healths)


def _from_item(item: Mapping[str, Any]) -> MonitorState:
    """Read a state, without the components and healths that only another version of this function knows."""
    changes = json.loads(item["unsent"]["S"])
    unsent = tuple(
        HealthChange(Component(name), Health(before), Health(after), since, tuple(reasons))
        for name, before, after, since, reasons in changes
        if _knows(name, before, after)
    )
    health, since = json.loads(item["health"]["S"]), json.loads(item["since"]["S"])
    return MonitorState(
        version=int(item["version"]["N"]),
        observed_at=float(item["observed_at"]["N"]),
        health={Component(name): Health(value) for name, value in health.items() if _knows(name, value)},
        since={Component(name): since[name] for name in since if _knows(name)},
        unsent=unsent,
        dropped=int(item.get("dropped", {"N": "0"})["N"]) + len(changes) - len(unsent),
    )
