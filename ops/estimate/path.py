"""The critical path of a deployment: which resources wait for which, and how long the longest wait is."""

from __future__ import annotations

from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from breakwater_guards.model.template import Resource, Template
from breakwater_guards.rules.hygiene.reference_graph import ATTRIBUTE, DEPENDENCY, REF, namings_of
from ops.errors import OpsError
from ops.estimate.data import Data
from ops.preflight.context import Plan

NESTED = "AWS::CloudFormation::Stack"


@dataclass(frozen=True)
class Step:
    """A resource on the critical path.

    Attributes:
        stack: name of the nested stack, `Root` for the root.
        logical_id: of the resource.
        kind: its CloudFormation type.
        seconds: how long it takes.
    """

    stack: str
    logical_id: str
    kind: str
    seconds: float


def stack_name(template: Template) -> str:
    """Return the name of a stack: CDK's for a nested one, `Root` for a root."""
    return template.parent.logical_id.partition("NestedStack")[0] if template.parent else "Root"


def critical_path(plan: Plan, data: Data) -> list[Step]:
    """Return the longest chain of resources that wait for one another, from first to last.

    A nested stack begins when what fills its parameters is there, and is there when all that is in it is. Updates are
    not meant: they create what is new only.

    Args:
        plan: what is deployed.
        data: durations by type.

    Raises:
        OpsError: resources wait for one another in a circle.
    """
    paths = [_longest(root, data) for root in plan.assembly.roots]
    return max(paths, key=length, default=[])


def length(path: list[Step]) -> float:
    """Return the seconds of a path."""
    return sum(step.seconds for step in path)


def _longest(template: Template, data: Data) -> list[Step]:
    waits: dict[str, set[str]] = {name: set() for name in template.resources}
    for naming in namings_of(template):
        if naming.kind in (REF, ATTRIBUTE, DEPENDENCY) and {naming.owner, naming.name} <= waits.keys():
            waits[naming.owner].add(naming.name)
    paths: dict[str, list[Step]] = {}
    try:
        for name in TopologicalSorter(waits).static_order():
            before = max((paths[each] for each in sorted(waits[name])), key=length, default=[])
            paths[name] = [*before, *_own(template.resources[name], data)]
    except CycleError as error:
        raise OpsError(f"{template.file}: resources wait for one another: {' -> '.join(error.args[1])}") from None
    return max(paths.values(), key=length, default=[])


def _own(resource: Resource, data: Data) -> list[Step]:
    inner = resource.template.child(resource.logical_id) if resource.type == NESTED else None
    duration = data.durations.get(resource.type, data.durations["default"])
    if duration.only_if not in resource.text:
        duration = data.durations["default"]
    own = Step(stack_name(resource.template), resource.logical_id, resource.type, duration.seconds)
    return [own, *(_longest(inner, data) if inner else [])]
