"""Aurora: instances in two Availability Zones, windows that do not overlap, protection from deletion."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from breakwater_guards.aws.aurora import CLUSTER, INSTANCE, cluster_lookup, clusters, members
from breakwater_guards.aws.network import SUBNET, network_of
from breakwater_guards.aws.zones import is_outside, zone_of
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.scalars import as_bool
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import ABSENT, UNKNOWN, Opaque, Reference
from breakwater_guards.model.views import view
from breakwater_guards.rule import Breach, Outcome, breach, rule, show

GUIDE = "https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide"
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY = 24 * 60
WEEK = 7 * DAY
SHORTEST_WINDOW = 30
_BACKUP = re.compile(r"^(\d\d):(\d\d)-(\d\d):(\d\d)$")
_MAINTENANCE = re.compile(r"^([a-z]{3}):(\d\d):(\d\d)-([a-z]{3}):(\d\d):(\d\d)$", re.IGNORECASE)


@rule(
    "DR-AURORA-11",
    title="An Aurora cluster has instances in two Availability Zones",
    outcome=Outcome.POLICY,
    prevents="Without a reader in another Availability Zone, failover means creating a new instance: up to ten "
    "minutes without a database instead of less than one",
    fix="Add a reader, and put writer and reader into different Availability Zones (or leave AvailabilityZone out).",
    sources=(f"{GUIDE}/Concepts.AuroraHighAvailability.html",),
)
def instances_span_zones(app: Assembly) -> Iterator[Breach]:
    """Find a single instance, or instances that are all in one Availability Zone."""
    if any(_may_belong_anywhere(app, instance) for instance in app.of_type(INSTANCE)) or _scales_readers(app):
        return
    instances_of = view(app, members)
    for cluster in clusters(app):
        instances = instances_of.get(cluster.reference, [])
        zones = [instance.get("AvailabilityZone") for instance in instances]
        if len(instances) == 1:
            yield breach(cluster, "", f"{instances[0].logical_id} is the only instance of the cluster.")
        elif instances and _is_zone(zones[0]) and all(zone == zones[0] for zone in zones):
            where = zones[0] if isinstance(zones[0], str) else "the same zone"
            yield breach(cluster, "", f"all {len(instances)} instances are in {where}.")


@rule(
    "DR-AURORA-24",
    title="The subnet group of a database has a subnet in each instance's Availability Zone",
    outcome=Outcome.REFUSED,
    prevents="Cannot create an instance in an Availability Zone in which the DB subnet group has no subnet "
    "(InvalidVPCNetworkStateFault)",
    fix="Add a subnet of that zone to the subnet group, or leave AvailabilityZone out.",
    sources=(
        "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html",
        f"{GUIDE}/USER_VPC.WorkingWithRDSInstanceinaVPC.html",
    ),
)
def zones_have_a_subnet(app: Assembly) -> Iterator[Breach]:
    """Find an instance in a zone that its subnet group, or that of its cluster, does not reach."""
    network = network_of(app)
    for instance in app.of_type(INSTANCE):
        zone = instance.get("AvailabilityZone")
        cluster = view(app, cluster_lookup).find(instance.get("DBClusterIdentifier"), instance.template)
        group = app.target((instance if cluster is None else cluster).get("DBSubnetGroupName"))
        if group is None or group.type != "AWS::RDS::DBSubnetGroup" or zone is ABSENT:
            continue
        subnets = [network.resource(value, SUBNET) for value in group.options("SubnetIds[]")]
        zones = [zone_of(subnet) if subnet is not None else UNKNOWN for subnet in subnets]
        if len(set(zones)) > 1 and is_outside(zone, zones):  # one zone is too few anyway: DR-AURORA-18
            shown = show(zone) if isinstance(zone, str) else "this zone"
            yield breach(instance, "AvailabilityZone", f"no subnet of {group.logical_id} is in {shown}.")


@rule(
    "DR-AURORA-13",
    title="Backup and maintenance windows are valid and do not overlap",
    outcome=Outcome.REFUSED,
    prevents="The backup window and maintenance window must not overlap. (InvalidParameterValue)",
    fix="Keep the windows apart, each at least 30 minutes, as hh:mm-hh:mm and ddd:hh:mm-ddd:hh:mm in UTC.",
    sources=(
        "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBCluster.html",
        "https://github.com/ministryofjustice/cloud-platform-environments/pull/5243",
    ),
)
def windows_are_apart(app: Assembly) -> Iterator[Breach]:
    """Find windows that overlap in some week, are too short, or are written in no form that AWS reads."""
    for cluster in app.of_type(CLUSTER, INSTANCE, "AWS::DocDB::DBCluster", "AWS::Neptune::DBCluster"):
        backup, maintenance = cluster.get("PreferredBackupWindow"), cluster.get("PreferredMaintenanceWindow")
        daily, weekly = _daily(backup), _weekly(maintenance)
        for name, value, window in (
            ("PreferredBackupWindow", backup, daily),
            ("PreferredMaintenanceWindow", maintenance, weekly),
        ):
            if isinstance(value, str) and value and (window is None or window[1] < SHORTEST_WINDOW):
                form = "hh:mm-hh:mm" if name == "PreferredBackupWindow" else "ddd:hh:mm-ddd:hh:mm"
                yield breach(cluster, name, f"{show(value)}; allowed: {form} of at least {SHORTEST_WINDOW} minutes.")
        if daily and weekly and _overlap(daily, weekly):
            message = f"{show(backup)} overlaps PreferredMaintenanceWindow {show(maintenance)}."
            yield breach(cluster, "PreferredBackupWindow", message)


@rule(
    "DR-AURORA-14",
    title="Deletion policy and deletion protection of a cluster agree",
    outcome=Outcome.LATER,
    prevents="Cannot delete protected Cluster, please disable deletion protection and try again (the stack's deletion "
    "stops half way); or data that the stack retains, which any API call can delete",
    fix="Production: DeletionPolicy Retain with DeletionProtection true; throw-away environments: Delete with false.",
    sources=(
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html",
        f"{GUIDE}/USER_DeleteCluster.html",
    ),
)
def deletion_is_consistent(app: Assembly) -> Iterator[Breach]:
    """Find a cluster that is retained but not protected, or protected although the stack is to delete it."""
    for cluster in app.of_type(CLUSTER):
        policy, options = cluster.attribute("DeletionPolicy"), cluster.options("DeletionProtection")
        protected = set(map(as_bool, options)) if UNKNOWN not in options else set()
        if policy in ("Retain", "RetainExceptOnCreate") and protected and True not in protected:
            yield breach(cluster, "DeletionProtection", f"{show(options[0])}, but DeletionPolicy is {show(policy)}.")
        elif policy in ("Delete", "Snapshot") and protected == {True}:
            yield breach(cluster, "DeletionProtection", f"true, but DeletionPolicy is {show(policy)}.")


@rule(
    "DR-AURORA-18",
    title="A DB subnet group covers two Availability Zones",
    outcome=Outcome.REFUSED,
    prevents="The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement. Current AZ coverage: "
    "us-east-1a. Add subnets to cover at least 2 AZs. (DBSubnetGroupDoesNotCoverEnoughAZs)",
    fix="Add a subnet in another Availability Zone.",
    sources=(
        f"{GUIDE}/USER_VPC.WorkingWithRDSInstanceinaVPC.html",
        "https://github.com/aws-cloudformation/aws-cloudformation-resource-providers-rds/pull/189",
    ),
)
def subnet_group_spans_zones(app: Assembly) -> Iterator[Breach]:
    """Find a single subnet, or subnets that all lie in one Availability Zone."""
    for group in app.of_type("AWS::RDS::DBSubnetGroup"):
        subnets = group.options("SubnetIds[]")
        if not subnets or UNKNOWN in subnets:
            continue
        targets = [app.target(subnet) for subnet in subnets]
        zones = [target.get("AvailabilityZone") if target else UNKNOWN for target in targets]
        one_zone = _is_zone(zones[0]) and all(zone == zones[0] for zone in zones)
        alone = len(subnets) == 1 and isinstance(subnets[0], str | Reference)
        if one_zone or alone:
            where = f"zone {zones[0]}" if isinstance(zones[0], str) else "one zone"
            yield breach(group, "SubnetIds", f"{len(subnets)} subnet(s) in {where}; two Availability Zones are needed.")


def _may_belong_anywhere(app: Assembly, instance: Resource) -> bool:
    """Tell whether only the deployment knows the cluster of an instance: it may be a reader of any."""
    value = instance.get("DBClusterIdentifier")
    target = app.target(value)
    return not (value is ABSENT or isinstance(value, str) or (target is not None and target.type == CLUSTER))


def _scales_readers(app: Assembly) -> bool:
    """Tell whether auto scaling adds readers, which no template shows."""
    targets = app.of_type("AWS::ApplicationAutoScaling::ScalableTarget")
    return any("rds" in target.options("ServiceNamespace") for target in targets)


def _is_zone(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, Opaque) and value.kind == "zone")


def _daily(window: Any) -> tuple[int, int] | None:
    """Return start and length in minutes of a daily window."""
    match = _BACKUP.match(window) if isinstance(window, str) else None
    if match is None:
        return None
    start, end = _minutes(match[1], match[2]), _minutes(match[3], match[4])
    return None if start is None or end is None else (start, (end - start) % DAY)


def _weekly(window: Any) -> tuple[int, int] | None:
    """Return start and length in minutes of a weekly window; the week begins on Monday."""
    match = _MAINTENANCE.match(window) if isinstance(window, str) else None
    if match is None or not {match[1].lower(), match[4].lower()} <= set(DAYS):
        return None
    start, end = _minutes(match[2], match[3]), _minutes(match[5], match[6])
    if start is None or end is None:
        return None
    start += DAYS.index(match[1].lower()) * DAY
    end += DAYS.index(match[4].lower()) * DAY
    return start, (end - start) % WEEK


def _minutes(hours: str, minutes: str) -> int | None:
    return int(hours) * 60 + int(minutes) if int(hours) < 24 and int(minutes) < 60 else None


def _overlap(daily: tuple[int, int], weekly: tuple[int, int]) -> bool:
    """Tell whether the daily window touches the weekly one on any day; one may end when the other begins."""
    return any(
        (day * DAY + daily[0] - weekly[0]) % WEEK < weekly[1] or (weekly[0] - day * DAY - daily[0]) % WEEK < daily[1]
        for day in range(7)
    )
