"""What a deployment would change, from the deployed templates and the planned ones, nested stacks included.

What refers to a replaced resource in a property whose change replaces follows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from breakwater_guards.facts import facts
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import ABSENT, Reference, Text
from breakwater_guards.rule import shorten
from ops.check import protections
from ops.check.changes import FATES, HOLDING, POLICIES, Action, Change, loosened
from ops.check.schemas import create_only, named_by, same_name
from ops.preflight.deployed import NESTED, Difference, differences, name_of, place_of, shown

# Characters of a value in a report of one page.
MAX_WORDS: Final = 100


def of_templates(deployed: Assembly, planned: Assembly) -> list[Change]:
    """Compare the templates of a stack and of the stacks nested in it.

    Args:
        deployed: as `ops.preflight.deployed.deployed_templates` reads them.
        planned: what a deployment would bring.

    Returns:
        The changes, the gravest first.
    """
    before, after = _by_place(deployed), _by_place(planned)
    added = {place: new for place, new in after.items() if place not in before}
    found = [_removed(old, after, added) for place, old in before.items() if place not in after]
    found += [_added(new, before.values()) for new in added.values()]
    pairs = [(old, after[place]) for place, old in before.items() if place in after and old.type != NESTED]
    return sorted([*(each for each in found if each), *_updated(pairs)], key=lambda change: change.order)


def _holds(resource: Resource) -> bool:
    """Tell whether a resource holds data that no other one has, or is a part of the network, or a nested stack."""
    copies = facts("stateful_types")["copies"].get(resource.type, ())
    return resource.type == NESTED or (
        resource.type in HOLDING and all(resource.get(path) is ABSENT for path in copies)
    )


def _change(action: Action, resource: Resource, why: str = "", old: str = "") -> Change:
    child = resource.template.child(resource.logical_id)
    where = (child.construct_path if child else None) or name_of(resource)
    holds = _holds(resource)
    return Change(action, resource.type, where, why, old if holds else "", holds)


def _by_place(assembly: Assembly) -> dict[tuple[str, ...], Resource]:
    every = [each for template in assembly.templates.values() for each in template.resources.values()]
    return {place_of(each): each for each in every if each.exists}


def _added(new: Resource, deployed: Iterable[Resource]) -> Change:
    """Return the addition of a resource; CloudFormation creates it before it removes one that has its name."""
    named = named_by(new)
    for old in deployed:
        if named and old.type == new.type and named_by(old) == named:
            why = f"{name_of(old)} ({old.logical_id}) is deployed with this name"
            return replace(_change(Action.ADD, new, why), same_name=named[0])
    return _change(Action.ADD, new)


def _removed(
    old: Resource, after: Mapping[tuple[str, ...], Resource], added: Mapping[tuple[str, ...], Resource]
) -> Change | None:
    """Return the removal of a resource; None for one that holds nothing and goes with its nested stack."""
    parent = old.template.parent
    if parent is not None and place_of(parent) not in after and not _holds(old):
        return None
    child = old.template.child(old.logical_id)
    why, action = f"with its {len(child.resources)} resources" if child else "", Action.REMOVE
    for place, new in added.items():
        if (*place[:-2], place[-1]) == (*place_of(old)[:-2], old.logical_id):
            # "Update of resource type is not permitted".
            return replace(_change(action, old, f"it is planned as {new.type}"), same_name="its logical id")
        if _holds(old) and _renamed(old, new):
            why = f"{new.logical_id} is the same under another logical id than {old.logical_id}: give it the old one"
            action = Action.REPLACE
    gone = _change(action, old, why, _fate(old, "DeletionPolicy"))
    # What comes in its place under another name protects as well.
    return (
        gone
        if any(new.type == old.type for new in added.values())
        else gone.weakening(protections.of_removal(old.type))
    )


def _renamed(old: Resource, new: Resource) -> bool:
    same_body = old.body.get("Properties") == new.body.get("Properties")
    return old.type == new.type != NESTED and same_body and old.logical_id != new.logical_id


def _fate(old: Resource, attribute: str) -> str:
    """Return what becomes of a resource that goes; a nested stack that is kept keeps everything in it."""
    parent = old.template.parent
    if attribute == "DeletionPolicy" and parent and _fate(parent, attribute) == "kept":
        return "kept"
    policy = str(old.attribute(attribute))
    # Without a policy a cluster leaves a snapshot, and everything else goes.
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html
    if policy.startswith("Retain"):
        return "kept"
    unnamed = "snapshot" if old.type == "AWS::RDS::DBCluster" and attribute not in old.body else "deleted"
    return FATES.get(policy, unnamed)


def _updated(pairs: Sequence[tuple[Resource, Resource]]) -> Iterator[Change]:
    """Yield what stays with other properties, or is replaced; what refers to a replaced resource follows it."""
    actions: dict[Reference, tuple[Action, str]] = {}
    for old, new in pairs:
        if made := next(_compared(old, new), None):
            actions[new.reference] = made
    while followers := dict(_followers((new for _, new in pairs), actions)):
        actions |= followers
    for old, new in pairs:
        if new.reference in actions:
            action, why = actions[new.reference]
            fates = {_fate(each, "UpdateReplacePolicy") for each in (old, new)}
            fate = "deleted" if "deleted" in fates else min(fates)
            if action is Action.REPLACE:
                yield replace(_change(action, new, why, fate), same_name=same_name(old, new))
            else:
                yield _weakened(old, new, _change(action, new, why))
        elif (found := _weakened(old, new, _change(Action.CHANGE, new))).weakened:
            yield found


def _weakened(old: Resource, new: Resource, change: Change) -> Change:
    """Return a change with the protections that it weakens."""
    names = protections.properties(new.type)
    before, after = ({name: each.get(name) for name in names} for each in (old, new))
    policies = (loosened(each, _fate(old, each), _fate(new, each)) for each in POLICIES if change.holds)
    return change.weakening(protections.weakened(new.type, before, after), *policies)


def _compared(old: Resource, new: Resource) -> Iterator[tuple[Action, str]]:
    certainly, perhaps = create_only(new.type)
    replacing = list(differences(old, new, certainly))
    unsure = list(differences(old, new, perhaps))
    # CloudFormation compares templates and knows no default: a property that appears or goes is a change of it.
    holds = _holds(new)
    if told := [_told(each) for each in replacing if each.certain or (holds and ABSENT in (each.before, each.after))]:
        yield Action.REPLACE, "; ".join(told)
    elif told := [_told(each) for each in (*replacing, *unsure)]:
        yield Action.MAY_REPLACE, "; ".join(told)
    elif names := _differing(old, new):
        yield Action.CHANGE, ", ".join(names)


def _told(found: Difference) -> str:
    """Return a difference in words, narrowed to the member in which two large values differ."""
    name, before, after = found.name, found.before, found.after
    while type(before) is type(after) and isinstance(before, dict | list) and len(before) == len(after):
        keys = list(before) if isinstance(before, dict) else list(range(len(before)))
        differing = [key for key in keys if before[key] != _member(after, key)]
        if len(differing) != 1:
            break
        name, before, after = f"{name}.{differing[0]}", before[differing[0]], _member(after, differing[0])
    words = [shorten(shown(value), MAX_WORDS) for value in (before, after)]
    return f"{name} is {words[0]}, planned is {words[1]}"


def _member(value: Any, key: Any) -> Any:
    return value.get(key, ABSENT) if isinstance(value, dict) else value[key]


def _differing(old: Resource, new: Resource) -> list[str]:
    before, after = (each.body.get("Properties", {}) for each in (old, new))
    return sorted(name for name in {*before, *after} if before.get(name) != after.get(name))


def _followers(
    resources: Iterable[Resource], actions: Mapping[Reference, tuple[Action, str]]
) -> Iterator[tuple[Reference, tuple[Action, str]]]:
    """Yield the resources that are replaced because one that they cannot leave is."""
    for resource in resources:
        if actions.get(resource.reference, (Action.CHANGE, ""))[0] is not Action.CHANGE:
            continue
        for name in create_only(resource.type)[0]:
            for reference in _references(resource.get(name)):
                origin = Reference(reference.template, reference.logical_id)
                if actions.get(origin, (Action.CHANGE, ""))[0] in (Action.REPLACE, Action.MAY_REPLACE):
                    action = Action.MAY_REPLACE if reference.attribute else actions[origin][0]
                    yield resource.reference, (action, f"{name} is {origin.logical_id}, which is replaced")


def _references(value: Any) -> Iterator[Reference]:
    if isinstance(value, Reference):
        yield value
    elif isinstance(value, Text):
        yield from value.references
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _references(item)
