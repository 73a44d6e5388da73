"""Owners: Settings that two resources claim, so that one undoes the other, or AWS refuses the second."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

from breakwater_guards.aws.backups import PLAN, SELECTION
from breakwater_guards.aws.items import items
from breakwater_guards.aws.tags import physical_name, root_of
from breakwater_guards.facts import facts
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.mentions import mentioned
from breakwater_guards.model.scalars import as_int
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import ABSENT, Reference, Text
from breakwater_guards.rule import Breach, Outcome, breach, rule, show

RETENTION = "https://docs.aws.amazon.com/aws-backup/latest/devguide/point-in-time-recovery.html"
DEFAULT_RETENTION, LONGEST = 1, 35  # days; beyond them DR-BACKUP-05 speaks


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
                path = facts("owners")["backed_up"].get(database.type) if database is not None else None
                if database is None or path is None or days is None:
                    continue
                kept = [DEFAULT_RETENTION if value is ABSENT else as_int(value) for value in database.options(path)]
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
            raw = scaling.body.get("Properties", {}).get(path)
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
    "rule priority or bucket policy AWS refuses the second (already exists)",
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
    for kind, paths in facts("owners")["single"].items():
        seen: dict[tuple[Any, ...], Resource] = {}
        for resource in app.of_type(kind):
            for key in product(*(map(_identity, resource.options(path)) for path in paths)):
                if None in key or "Condition" in resource.body:
                    continue
                first = seen.setdefault(key, resource)
                if first is not resource:
                    yield breach(resource, paths[0].removesuffix("[]"), f"{first.logical_id} sets the same already.")
    named: dict[tuple[str, ...], Resource] = {}
    for template in app.templates.values():
        for resource in template.resources.values():
            found = physical_name(resource) if "Condition" not in resource.body and resource.exists else None
            if found is not None and found[1]:
                first = named.setdefault((root_of(template).key, resource.type, found[1]), resource)
                if first is not resource:
                    yield breach(resource, found[0], f"{found[1]!r} is the name of {first.logical_id} already.")


def _identity(value: Any) -> Any:
    """Return what makes two values the same for certain; ``None`` where they may differ."""
    if isinstance(value, Reference):
        return Reference(value.template, value.logical_id)
    if value is ABSENT or isinstance(value, str | int):
        return str(value)
    return None if not isinstance(value, Text) or not value.references else value
