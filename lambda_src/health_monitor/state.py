"""What was last known, in the DynamoDB table: one item that each run replaces only if no other run has."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from botocore.exceptions import ClientError

from health_monitor.logic import Component, Health, Judgement

PARTITION, SORT = "operations#health", "state"
TAKEN = "ConditionalCheckFailedException"


@dataclass(frozen=True)
class Change:
    """A component whose health is another than before.

    Args:
        component: which.
        before: its health before.
        after: its health now.
        since: when the health before began, in seconds since 1970.
        reasons: why, in words.
    """

    component: Component
    before: Health
    after: Health
    since: float
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class State:
    """The last run's judgements.

    Args:
        version: counts the writes; 0 before the first.
        observed_at: when the facts were asked for, in seconds since 1970.
        health: by component.
        since: when that health began, by component.
        unsent: changes that no notice was sent of yet.
    """

    version: int = 0
    observed_at: float = 0.0
    health: Mapping[Component, Health] = field(default_factory=dict)
    since: Mapping[Component, float] = field(default_factory=dict)
    unsent: tuple[Change, ...] = ()

    def after(self, judgements: Mapping[Component, Judgement], now: float) -> State:
        """Return the state after another run.

        Args:
            judgements: of that run.
            now: when its facts were asked for.

        Returns:
            The state; its ``unsent`` has the changes that are still to be told.
        """
        changes = tuple(
            Change(component, before, judgement.health, self.since.get(component, now), judgement.reasons)
            for component, judgement in judgements.items()
            # What was never judged counts as healthy: the first run tells only of trouble.
            if (before := self.health.get(component, Health.HEALTHY)) is not judgement.health
        )
        changed = {change.component for change in changes}
        return State(
            version=self.version + 1,
            observed_at=now,
            health={component: judgement.health for component, judgement in judgements.items()},
            since={each: now if each in changed else self.since.get(each, now) for each in judgements},
            unsent=self.unsent + changes,
        )

    def sent(self) -> State:
        """Return the state after its notice was sent."""
        return replace(self, version=self.version + 1, unsent=())


class Store:
    """Keeps the state.

    Args:
        dynamodb: client.
        table: name of the table.
    """

    def __init__(self, dynamodb: Any, table: str) -> None:
        self._dynamodb, self._table = dynamodb, table

    def load(self) -> State:
        """Return the state, read consistently; an empty one before the first run."""
        answer = self._dynamodb.get_item(TableName=self._table, Key=_KEY, ConsistentRead=True)
        return _read(answer["Item"]) if "Item" in answer else State()

    def save(self, state: State) -> bool:
        """Replace the state by its successor; of several runs at most one is told that it did.

        Args:
            state: the new one.

        Returns:
            Whether it was kept: false when another run has written meanwhile.
        """
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item=_KEY | _item(state),
                ConditionExpression="attribute_not_exists(pk) OR version = :before",
                ExpressionAttributeValues={":before": {"N": str(state.version - 1)}},
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == TAKEN:
                return False
            raise
        return True


_KEY = {"pk": {"S": PARTITION}, "sk": {"S": SORT}}


def _item(state: State) -> dict[str, Any]:
    changes = [
        [change.component, change.before, change.after, change.since, list(change.reasons)] for change in state.unsent
    ]
    return {
        "version": {"N": str(state.version)},
        "observed_at": {"N": repr(state.observed_at)},
        "health": {"S": json.dumps(state.health)},
        "since": {"S": json.dumps(state.since)},
        "unsent": {"S": json.dumps(changes)},
    }


def _read(item: Mapping[str, Any]) -> State:
    changes = json.loads(item["unsent"]["S"])
    return State(
        version=int(item["version"]["N"]),
        observed_at=float(item["observed_at"]["N"]),
        health={Component(name): Health(value) for name, value in json.loads(item["health"]["S"]).items()},
        since={Component(name): since for name, since in json.loads(item["since"]["S"]).items()},
        unsent=tuple(
            Change(Component(name), Health(before), Health(after), since, tuple(reasons))
            for name, before, after, since, reasons in changes
        ),
    )
