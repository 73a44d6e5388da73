"""Retention, counts, and settings that a table names: one resource owns each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from breakwater_guards.aws.backups import PLAN, SELECTION
from breakwater_guards.aws.dns import domain
from breakwater_guards.aws.items import Item, items
from breakwater_guards.aws.tags import physical_name, root_of, unique_within
from breakwater_guards.facts import facts
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.mentions import mentioned
from breakwater_guards.model.scalars import as_int
from breakwater_guards.model.spelling import spelled
from breakwater_guards.model.template import Resource, Template
from breakwater_guards.model.values import ABSENT, UNKNOWN, Reference, Text
from breakwater_guards.rule import Breach, Outcome, breach, rule, show

RETENTION = "https://docs.aws.amazon.com/aws-backup/latest/devguide/point-in-time-recovery.html"
# Attributes that name the resource itself, as `Ref` does; others stand for something of their own.
ITSELF = frozenset(
    {
        "",
        "AllocationId",
        "Arn",
        "FunctionName",
        "GroupId",
        "Id",
        "QueueArn",
        "QueueUrl",
        "SubnetId",
        "TopicArn",
        "VpcId",
    }
)
LONGEST = 35  # days; beyond them DR-BACKUP-05 speaks


@rule(
    "DR-OWNER-01",
    title="Continuous backups of AWS Backup are kept as long as the database says",
    outcome=Outcome.REFUSED,
    prevents="You can't modify the backup retention period because this DB cluster is managed by AWS Backup: after "
    "the first continuous backup RDS refuses each update of the stack",
    fix="Set the rule's Lifecycle.DeleteAfterDays and the database's BackupRetentionPeriod to the same number of days.",
    sources=(
        RETENTION,
        "https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/2167",
        "https://github.com/aws-cloudformation/aws-cloudformation-resource-providers-rds/issues/511",
        "https://github.com/terraform-aws-modules/terraform-aws-rds-aurora/issues/411",
    ),
    data="owners",
)
def retention_has_one_value(app: Assembly) -> Iterator[Breach]:
    """Find a plan with continuous backup that keeps a database's backups for other days than the database."""
    for selection in app.of_type(SELECTION):
        plan = app.target(selection.get("BackupPlanId"))
        selected = [app.target(value) for value in selection.given("BackupSelection.Resources[]")]
        if plan is None or plan.type != PLAN:
            continue
        for item in items(plan, "BackupPlan.BackupPlanRule[]"):
            if item.options("EnableContinuousBackup") not in ([True], ["true"]):
                continue
            for database, days in product(selected, map(as_int, item.options("Lifecycle.DeleteAfterDays"))):
                row = facts("owners")["backed_up"].get(database.type) if database is not None else None
                if database is None or row is None or days is None:
                    continue
                kept = [row[1] if value is ABSENT else as_int(value) for value in database.options(row[0])]
                if None not in kept and days not in kept and days <= LONGEST:
                    yield breach(
                        plan,
                        item.place("Lifecycle.DeleteAfterDays"),
                        f"{days} days here, {kept[0]} days in {database.logical_id}; allowed: the same.",
                    )


@rule(
    "DR-OWNER-02",
    title="What scales has no fixed number beside it",
    outcome=Outcome.LATER,
    prevents="Each update, and each rollback, of the service sets it back to the number in the template, under load, "
    "too",
    fix="Leave DesiredCount (DesiredCapacity) out; the minimum of the scaling is where it begins.",
    sources=(
        "https://github.com/aws/aws-cdk/issues/13130",
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-autoscaling-concepts.html",
    ),
    data="owners",
)
def count_has_one_owner(app: Assembly) -> Iterator[Breach]:
    """Find a desired count of a service or group that a scaling policy moves."""
    scaled = facts("owners")["scaled"]
    for kind, path in facts("owners")["scaling"].items():
        for scaling in app.of_type(kind):
            properties = scaling.body.get("Properties")
            raw = properties.get(path) if isinstance(properties, dict) else None
            targets = {app.target(reference): None for reference in mentioned(scaling.template, raw)}
            for target in targets:
                name = scaled.get(target.type) if target is not None else None
                if target is not None and name and target.given(name):
                    yield breach(
                        target, name, f"{show(target.given(name)[0])} beside {scaling.logical_id}, which scales it."
                    )


@rule(
    "DR-OWNER-03",
    title="A setting that exists once is declared once",
    outcome=Outcome.SILENT,
    prevents="The last policy of a queue or topic replaces the others without an error; of a route, listener port, "
    "rule priority or bucket policy AWS refuses the second (already exists; WAFDuplicateItemException)",
    fix="Join the two resources into one.",
    sources=(
        "https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html",
        "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateRoute.html",
        "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html",
    ),
    data="owners",
)
def settings_have_one_owner(app: Assembly) -> Iterator[Breach]:
    """Find two policies of one queue, two routes to one range, two resources with one name."""
    for claims in facts("owners")["settings"]:
        seen: dict[tuple[Any, ...], Item] = {}
        for claim, item in ((row, item) for row in claims for item in _claimants(app, row)):
            for key in product(*(_values(item, name) for name in claim["keys"])):
                first = seen.setdefault(_scoped(item.resource, key), item) if None not in key else item
                if first is not item:
                    place = item.path or claim.get("when", "").partition(".")[0] or claim["keys"][0]
                    within = first.resource is item.resource and first.path
                    message = f"{within or first.resource.logical_id} sets the same already."
                    yield breach(item.resource, place.removesuffix("[]"), message)
    named: dict[tuple[Any, ...], Resource] = {}
    everywhere = facts("physical_names")["global"]
    for template in app.templates.values():
        for resource in template.resources.values():
            found = physical_name(resource) if "Condition" not in resource.body and resource.exists else None
            within = unique_within(resource)
            if found is not None and found[1] and within is not None:
                place = (template.account if resource.type in everywhere else None) or _place(template)
                other = named.setdefault((place, resource.type, found[1], within), resource)
                if other is not resource:
                    where = "" if other.template is template else f" ({other.template.file})"
                    name = show(resource.get(found[0]))
                    yield breach(resource, found[0], f"{name} is the name of {other.logical_id}{where} already.")


def _claimants(app: Assembly, claim: Mapping[str, Any]) -> Iterator[Item]:
    """Yield what claims a setting for certain: resources of a type, or entries of a list in them."""
    name, wanted = claim.get("where", ("", ""))
    for resource in app.of_type(claim["type"]):
        before = {item.type for item in _dependencies(resource)}
        if "Condition" in resource.body or claim.get("after", "") in before:
            continue
        if "when" not in claim or resource.given(claim["when"]):
            for item in items(resource, claim.get("each", "")) if not _varies(resource, claim) else ():
                if not name or identity(item.options(name)[0]) == wanted:
                    yield item


def _varies(resource: Resource, claim: Mapping[str, Any]) -> bool:
    """Tell whether a condition decides which entries the list of a claim has."""
    first = claim.get("each", "").partition(".")[0].removesuffix("[]")
    properties = resource.body.get("Properties")
    return bool(first) and isinstance(properties, dict) and "Fn::If" in repr(properties.get(first))


def _dependencies(resource: Resource) -> Iterator[Resource]:
    names = resource.body.get("DependsOn", [])
    for name in names if isinstance(names, list) else [names]:
        if isinstance(name, str) and name in resource.template.resources:
            yield resource.template.resources[name]


def _values(item: Item, name: str) -> list[Any]:
    """Return the identities of what a claim names; none where a condition decides.

    Args:
        item: what claims.
        name: a path; ``@self`` is the resource, ``/`` leads from an entry of a list to the resource's own properties,
            ``~`` marks a domain name, ``?`` a path that may be absent, with its default behind it.
    """
    if name == "@self":
        return [item.resource.reference]
    path, optional, default = name.strip("/").partition("?")
    source = next(items(item.resource)) if name.startswith("/") else item
    if "Fn::If" in repr(source.raw.get(path.partition(".")[0].strip("[]~"))):
        return []
    given = [default if value is ABSENT and optional else value for value in source.options(path.rstrip("~"))]
    if len(given) > 1 and "[]" not in path:
        return []
    if given == [UNKNOWN]:  # e.g. a parameter without a default: whatever it is, it is the same twice
        return [spelled(source.resource.template, source.raw.get(path))]
    return [identity(domain(value) if path.endswith("~") else value) for value in given]


def identity(value: Any) -> Any:
    """Return what makes two values the same for certain; ``None`` where they may differ."""
    if isinstance(value, Reference):
        return Reference(value.template, value.logical_id, "" if value.attribute in ITSELF else value.attribute)
    if isinstance(value, Text):
        return None if UNKNOWN in value.parts else value
    return str(value).lower() if isinstance(value, bool) else str(value) if isinstance(value, str | int) else None


def _scoped(resource: Resource, key: tuple[Any, ...]) -> tuple[Any, ...]:
    """Add to what holds no reference the stack in which it is meant: others may be deployed to another account."""
    known = any(isinstance(part, Reference) or (isinstance(part, Text) and part.references) for part in key)
    return key if known else (*key, _place(resource.template))


def _place(template: Template) -> Any:
    """Return where names are unique: an account and Region that the assembly states, else the tree of stacks."""
    return (template.region, template.account) if template.region and template.account else root_of(template).key
