"""What a deployment would change, from the deployed templates and the planned ones, nested stacks included.

The schemas of the resource types, which come with cfn-lint, say what is replaced: `createOnlyProperties` certainly,
`conditionalCreateOnlyProperties` perhaps. What refers to a replaced resource in such a property follows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, Final

from breakwater_guards.facts import facts
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import ABSENT, Reference, Text
from breakwater_guards.rule import shorten
from ops.check.changes import FATES, HOLDING, Action, Change
from ops.preflight.checks.stack import CREATE_ONLY
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
    found = [_removed(old, after) for place, old in before.items() if place not in after]
    found += [_change(Action.ADD, new) for place, new in after.items() if place not in before]
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


def _removed(old: Resource, after: Mapping[tuple[str, ...], Resource]) -> Change | None:
    """Return the removal of a resource; None for one that holds nothing and goes with its nested stack."""
    parent = old.template.parent
    if parent is not None and place_of(parent) not in after and not _holds(old):
        return None
    child = old.template.child(old.logical_id)
    why = f"with its {len(child.resources)} resources" if child else ""
    if _holds(old) and (twin := next((new for new in after.values() if _renamed(old, new)), None)):
        why = f"{twin.logical_id} is the same under another logical id than {old.logical_id}: give it the old one"
    return _change(Action.REMOVE, old, why, _fate(old, "DeletionPolicy"))


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
                yield replace(_change(action, new, why, fate), same_name=_same_name(old, new))
            else:
                yield _change(action, new, why)


def _same_name(old: Resource, new: Resource) -> str:
    """Return the property that names a resource, where both have the same name, which they cannot have at once."""
    named = [path.rpartition("/")[2] for path in _schema(new.type).get("primaryIdentifier", ())]
    if len(named) != 1 or named[0] not in create_only(new.type)[0]:
        return ""
    before, after = old.get(named[0]), new.get(named[0])
    return named[0] if isinstance(after, str | Text) and before == after else ""


def _compared(old: Resource, new: Resource) -> Iterator[tuple[Action, str]]:
    certainly, perhaps = create_only(new.type)
    replacing = list(differences(old, new, certainly))
    unsure = list(differences(old, new, perhaps))
    if told := [_told(each) for each in replacing if each.certain]:
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


@cache
def _schema(kind: str) -> Mapping[str, Any]:
    """Return the schema of a resource type; an empty one where CloudFormation's registry has none."""
    from cfnlint.schema import PROVIDER_SCHEMA_MANAGER, ResourceNotFoundError  # noqa: PLC0415 (it takes a second)

    try:
        found: Mapping[str, Any] = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    except ResourceNotFoundError:
        return {}
    return found


@cache
def create_only(kind: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the properties whose change replaces a resource, and those whose change may.

    Args:
        kind: CloudFormation type; nothing is known of a type without a schema.

    Returns:
        Both lists, sorted.
    """
    if kind.startswith("Custom::") or kind == "AWS::CloudFormation::CustomResource":
        return ("ServiceToken",), ()
    schema = _schema(kind)
    certain, perhaps = (
        {path.split("/")[2] for path in schema.get(key, ())}
        for key in ("createOnlyProperties", "conditionalCreateOnlyProperties")
    )
    # Of these types the conditions have been read: any change of such a property replaces the resource.
    certain |= set(CREATE_ONLY.get(kind, ()))
    return tuple(sorted(certain)), tuple(sorted(perhaps - certain))
