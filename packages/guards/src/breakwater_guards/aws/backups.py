"""AWS Backup across an assembly: which resources the plans select, by ARN, wildcard or tag."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from breakwater_guards.aws.aurora import CLUSTER, engine_of
from breakwater_guards.aws.globs import arns_may_be_equal, may_be_equal, pattern_of
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import ABSENT, UNKNOWN, Reference

PLAN = "AWS::Backup::BackupPlan"
SELECTION = "AWS::Backup::BackupSelection"
TABLE, GLOBAL_TABLE = "AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable"
# Resources that hold data: service and beginning of the resource part of their ARN, property with the name.
ARNS = {
    CLUSTER: ("rds", "cluster:", "DBClusterIdentifier"),
    TABLE: ("dynamodb", "table/", "TableName"),
    GLOBAL_TABLE: ("dynamodb", "table/", "TableName"),
}
TAG_CONDITION = "aws:ResourceTag/"
Pair = tuple[Any, Any]


def data_resources(app: Assembly) -> Iterator[Resource]:
    """Yield Aurora clusters and DynamoDB tables."""
    return (item for item in app.of_type(*ARNS) if item.type != CLUSTER or engine_of(item))


def service_of(app: Assembly, value: Any) -> str | None:
    """Return ``aurora`` or ``dynamodb`` when a listed ARN certainly is such a resource, else ``None``."""
    target = app.target(value)
    if target is not None:
        if target.type == CLUSTER:
            return "aurora" if engine_of(target) else None
        return "dynamodb" if target.type in ARNS else None
    return "dynamodb" if pattern_of(value).split(":", 3)[2:3] == ["dynamodb"] else None


def services_of_plans(app: Assembly) -> dict[Reference, set[str | None]]:
    """Return what each plan selects: ``aurora``, ``dynamodb``, and ``None`` for anything else or not known."""
    found: dict[Reference, set[str | None]] = {}
    for selection in app.of_type(SELECTION):
        plan = app.target(selection.get("BackupPlanId"))
        if plan is not None:
            found.setdefault(plan.reference, set()).update(_services(app, selection))
    return found


class Selection(NamedTuple):
    """What one backup selection assigns to its plan.

    Attributes:
        resource: the selection.
        listed: references to the resources that it lists and that are part of the assembly.
        patterns: its other ARNs, ``*`` for what is not known.
        excluded: references to the resources that it leaves out.
        any_tag: tags of which a resource needs one.
        all_tags: tags that a resource needs without exception.
    """

    resource: Resource
    listed: frozenset[Reference]
    patterns: tuple[str, ...]
    excluded: frozenset[Reference]
    any_tag: tuple[Pair, ...]
    all_tags: tuple[Pair, ...]

    @classmethod
    def read(cls, app: Assembly, resource: Resource) -> Selection:
        """Read a resource of the type ``AWS::Backup::BackupSelection``."""
        inside = "BackupSelection"
        values = [value for value in resource.options(f"{inside}.Resources[]") if value is not ABSENT]
        listed = frozenset(target.reference for target in map(app.target, values) if target and target.type in ARNS)
        excluded = map(app.target, resource.given(f"{inside}.NotResources[]"))
        conditions = resource.options(f"{inside}.Conditions.StringEquals[]")
        return cls(
            resource=resource,
            listed=listed,
            patterns=tuple(pattern_of(value) for value in values if not _is_listed(app, value)),
            excluded=frozenset(target.reference for target in excluded if target),
            any_tag=_pairs(resource.options(f"{inside}.ListOfTags[]"), "ConditionKey", "ConditionValue"),
            all_tags=_pairs(conditions, "ConditionKey", "ConditionValue"),
        )

    @property
    def is_narrow(self) -> bool:
        """Whether only what it lists can be selected: no wildcard, no unknown ARN, no tag."""
        return not (self.patterns or self.any_tag) and bool(self.listed)

    def may_cover(self, resource: Resource) -> bool:
        """Tell whether the selection assigns a resource; what is not known counts as yes."""
        if resource.reference in self.excluded:
            return False
        by_arn = resource.reference in self.listed or any(
            arns_may_be_equal(pattern, _arn_of(resource)) for pattern in self.patterns
        )
        tags = _tags(resource) if self.any_tag or self.all_tags else ()
        by_tag = any(_may_have(tags, pair) for pair in self.any_tag)
        everything = not (self.listed or self.patterns or self.any_tag)
        return (by_arn or by_tag or everything) and all(_may_have(tags, pair) for pair in self.all_tags)


class Coverage:
    """What the backup selections of an assembly cover.

    Args:
        app: the assembly.
    """

    def __init__(self, app: Assembly) -> None:
        self.selections = [Selection.read(app, resource) for resource in app.of_type(SELECTION)]
        self._wide = [selection for selection in self.selections if not selection.is_narrow]
        self._narrow: dict[Reference, list[Selection]] = {}
        for selection in self.selections:
            for reference in selection.listed if selection.is_narrow else ():
                self._narrow.setdefault(reference, []).append(selection)

    def may_include(self, resource: Resource) -> bool:
        """Tell whether any selection covers a resource, or might."""
        return any(item.may_cover(resource) for item in (*self._narrow.get(resource.reference, ()), *self._wide))


def _services(app: Assembly, selection: Resource) -> set[str | None]:
    inside = "BackupSelection"
    by_tag = selection.given(f"{inside}.ListOfTags") or selection.given(f"{inside}.Conditions")
    listed = selection.options(f"{inside}.Resources[]")
    return {None} if by_tag else {service_of(app, value) for value in listed}


def _is_listed(app: Assembly, value: Any) -> bool:
    target = app.target(value)
    return target is not None and target.type in ARNS


def _arn_of(resource: Resource) -> str:
    """Return a resource's ARN with ``*`` for what is not known."""
    service, beginning, identifier = ARNS[resource.type]
    name = pattern_of(resource.get(identifier))
    region, account = resource.template.region or "*", resource.template.account or "*"
    return f"arn:*:{service}:{region}:{account}:{beginning}{name.lower() if resource.type == CLUSTER else name}"


def _tags(resource: Resource) -> tuple[Pair, ...]:
    """Return a resource's tags and those of the nested stacks around it, which CloudFormation hands on."""
    found = _pairs(resource.options("Replicas[].Tags[]" if resource.type == GLOBAL_TABLE else "Tags[]"), "Key", "Value")
    parent = resource.template.parent
    while parent is not None:
        found += _pairs(parent.options("Tags[]"), "Key", "Value")
        parent = parent.template.parent
    return found


def _pairs(items: list[Any], key: str, value: str) -> tuple[Pair, ...]:
    return tuple(
        (item.get(key, UNKNOWN), item.get(value, UNKNOWN)) if isinstance(item, dict) else (UNKNOWN, UNKNOWN)
        for item in items
        if item is not ABSENT
    )


def _may_have(tags: tuple[Pair, ...], wanted: Pair) -> bool:
    key = pattern_of(wanted[0]).removeprefix(TAG_CONDITION)
    value = pattern_of(wanted[1])
    return any(may_be_equal(key, pattern_of(tag)) and may_be_equal(value, pattern_of(text)) for tag, text in tags)
