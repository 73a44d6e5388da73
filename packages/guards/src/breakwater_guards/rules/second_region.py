"""A second Region: what a platform keeps there to survive the loss of the first (`--profile multi-region`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from breakwater_guards.aws.aurora import cluster_lookup, clusters, global_clusters
from breakwater_guards.aws.backups import GLOBAL_TABLE, TABLE, Coverage
from breakwater_guards.aws.globs import pattern_of
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import ABSENT, Reference
from breakwater_guards.model.views import view
from breakwater_guards.rule import Breach, Outcome, Profile, breach, rule, show

MULTI_REGION = frozenset({Profile.MULTI_REGION})
WHITE_PAPER = "https://docs.aws.amazon.com/whitepapers/latest/disaster-recovery-workloads-on-aws"
DESTINATION = "BackupPlan.BackupPlanRule[].CopyActions[].DestinationBackupVaultArn"
ARN_REGION = 3


@rule(
    "DR-REGION-01",
    title="Every table has a replica in a second Region",
    outcome=Outcome.SILENT,
    prevents="When the Region is lost its tables are lost with it: the second Region starts empty",
    fix="Use AWS::DynamoDB::GlobalTable with replicas in two Regions or more.",
    sources=(
        "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GlobalTables.html",
        f"{WHITE_PAPER}/disaster-recovery-options-in-the-cloud.html",
    ),
    profiles=MULTI_REGION,
)
def tables_have_two_regions(app: Assembly) -> Iterator[Breach]:
    """Find a table in one Region, or a global table whose only replica is in the Region of the stack."""
    for table in app.of_type(TABLE):
        yield breach(table, "", f"{TABLE} has no replicas; allowed: {GLOBAL_TABLE} with two or more.")
    for table in app.of_type(GLOBAL_TABLE):
        replicas = table.options("Replicas")
        if all(isinstance(each, list) and len(each) == 1 for each in replicas):
            region = table.options("Replicas[].Region")
            yield breach(table, "Replicas", f"one replica, in {show(region[0])}; allowed: two or more.")


@rule(
    "DR-REGION-02",
    title="Every Aurora cluster is replicated or copied to a second Region",
    outcome=Outcome.SILENT,
    prevents="When the Region is lost its clusters and their snapshots are lost with it: there is nothing to restore",
    fix="Make the cluster part of a global database, or add a copy action to a rule of its backup plan whose "
    "destination is a vault in another Region.",
    sources=(
        "https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-global-database.html",
        "https://docs.aws.amazon.com/aws-backup/latest/devguide/cross-region-backup.html",
    ),
    profiles=MULTI_REGION,
)
def clusters_reach_two_regions(app: Assembly) -> Iterator[Breach]:
    """Find a cluster outside any global database, none of whose backup plans copies to another Region."""
    coverage = view(app, Coverage)
    replicated = {*view(app, global_clusters), *_sources_and_replicas(app)}
    for cluster in clusters(app):
        if cluster.reference in replicated:
            continue
        plans = [
            app.target(selection.resource.get("BackupPlanId"))
            for selection in coverage.selections
            if selection.may_cover(cluster)
        ]
        if not any(plan is None or _may_leave(app, plan, cluster.template.region) for plan in plans):
            yield breach(cluster, "", "in no global database, and no backup plan copies it to another Region.")


def _sources_and_replicas(app: Assembly) -> Iterator[Reference]:
    lookup = view(app, cluster_lookup)
    for replica in clusters(app):
        for value in replica.given("ReplicationSourceIdentifier"):
            yield replica.reference
            source = lookup.find(value, replica.template)
            if source is not None:
                yield source.reference


def _may_leave(app: Assembly, plan: Resource, home: str | None) -> bool:
    """Tell whether a copy of a plan's recovery points may end in another Region."""
    return any(value is not ABSENT and _region(app, value) != home for value in plan.options(DESTINATION))


def _region(app: Assembly, value: Any) -> str | None:
    """Return the Region of a vault; ``*`` when only the deployment decides it."""
    vault = app.target(value)
    if vault is not None:
        return vault.template.region or "*"
    fields = pattern_of(value).split(":")
    return fields[ARN_REGION] if len(fields) > ARN_REGION else "*"
