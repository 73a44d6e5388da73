"""Circles: Resources, stacks and conditions that wait for each other."""

from __future__ import annotations

from collections.abc import Iterator

from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.conditions import named_in
from breakwater_guards.model.template import Template
from breakwater_guards.rule import Breach, Outcome, breach, rule
from breakwater_guards.rules.hygiene.reference_graph import CONDITION, is_written_out, namings_of

TEMPLATES = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide"


@rule(
    "DR-CIRCLE-01",
    title="Resources, nested stacks and conditions do not wait for each other in a circle",
    outcome=Outcome.REFUSED,
    prevents="Circular dependency between resources: [A, B] (ValidationError) / Circular condition dependency",
    fix="Take one reference out of the circle: state a name that both know, move the part that both need into a "
    "resource or stack of its own, or make the rule between two security groups a resource.",
    sources=(
        f"{TEMPLATES}/troubleshooting.html",
        "https://aws.amazon.com/blogs/infrastructure-and-automation/handling-circular-dependency-errors-in-aws-cloudformation/",
        f"{TEMPLATES}/conditions-section-structure.html",
    ),
)
def nothing_waits_for_itself(app: Assembly) -> Iterator[Breach]:
    """Find a circle of references and `DependsOn` in a template, nested stacks included, or of conditions."""
    for template in app.templates.values():
        if template.key != template.file or not is_written_out(template):
            continue
        for circle in _circles(_dependencies(template)):
            first = template.resources[circle[0]]
            yield breach(first, "", f"{' → '.join([*circle, circle[0]])}: each waits for the next.")
        for circle in _circles(_conditions(template)):
            message = f"condition {' → '.join([*circle, circle[0]])}: each is decided by the next."
            yield Breach(template=template, resource=None, path="", message=message)


def _dependencies(template: Template) -> dict[str, set[str]]:
    """Return the resources that each resource waits for; one that cannot be deployed waits for nothing."""
    graph: dict[str, set[str]] = {name: set() for name in template.resources}
    for naming in namings_of(template):
        if naming.kind != CONDITION and naming.owner in graph and naming.name in graph:
            both = template.resources[naming.owner], template.resources[naming.name]
            if all(resource.exists for resource in both):
                graph[naming.owner].add(naming.name)
    return graph


def _conditions(template: Template) -> dict[str, set[str]]:
    return {name: set(named_in(body, "Condition", template.conditions)) for name, body in template.conditions.items()}


def _circles(graph: dict[str, set[str]]) -> Iterator[list[str]]:
    """Yield one circle of each group of names that wait for each other, in the order of waiting."""
    done: set[str] = set()
    for start, needed in graph.items():
        trail, waiting = ([start], [iter(sorted(needed))]) if start not in done else ([], [])
        inside = set(trail)
        while waiting:
            name = next(waiting[-1], None)
            if name is None:
                waiting.pop()
                inside.discard(trail[-1])
                done.add(trail.pop())
            elif name in inside:
                yield trail[trail.index(name) :]
                done |= inside
                break
            elif name not in done:
                inside.add(name)
                trail.append(name)
                waiting.append(iter(sorted(graph[name])))
