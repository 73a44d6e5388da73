"""Actions of AWS FIS with the targets that they are given."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import UNKNOWN
from breakwater_guards.reading.files import mapping


class Action(NamedTuple):
    """One action of an experiment on one of its targets.

    Attributes:
        template: the `AWS::FIS::ExperimentTemplate`.
        name: of the action.
        action: its id, e.g. ``aws:ecs:stop-task``.
        target: name of the target.
        kind: the target's resource type, e.g. ``aws:ecs:task``.
        arns: resources that the target names; none where tags or parameters choose them.
        cluster: of tasks, where the target's parameters name one, else ``UNKNOWN``.
    """

    template: Resource
    name: str
    action: str
    target: str
    kind: str
    arns: list[Any]
    cluster: Any


def experiments(app: Assembly) -> Iterator[Action]:
    """Yield every action of the experiment templates of an assembly with each of its targets."""
    for template in app.of_type("AWS::FIS::ExperimentTemplate"):
        actions, targets = template.get("Actions"), template.get("Targets")
        if not isinstance(actions, dict) or not isinstance(targets, dict):
            continue
        for name, action in actions.items():
            for target in mapping(mapping(action).get("Targets")).values():
                given = mapping(targets.get(target)) if isinstance(target, str) else {}
                arns = given.get("ResourceArns")
                if isinstance(given.get("ResourceType"), str) and isinstance(action.get("ActionId"), str):
                    yield Action(
                        template=template,
                        name=name,
                        action=action["ActionId"],
                        target=target,
                        kind=given["ResourceType"],
                        arns=arns if isinstance(arns, list) else [],
                        cluster=mapping(given.get("Parameters")).get("cluster", UNKNOWN),
                    )
