"""Aurora Global Database and cross-Region replicas: keys and passwords that do not cross a Region."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from breakwater_guards.aws.aurora import cluster_lookup, clusters, global_clusters, never_given
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.lookup import Lookup
from breakwater_guards.model.scalars import as_bool
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import ABSENT, Reference, Text
from breakwater_guards.model.views import view
from breakwater_guards.rule import Breach, Outcome, breach, rule, show

GUIDE = "https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide"
_ARN_REGION = re.compile(r"^arn:[^:]+:(?:rds|kms):([a-z0-9-]+):")
PRIMARY_ONLY = (
    "MasterUsername",
    "MasterUserPassword",
    "ManageMasterUserPassword",
    "SnapshotIdentifier",
    "SourceDBClusterIdentifier",
)


@rule(
    "DR-AURORA-07",
    title="An encrypted cluster in another Region names a key of its own Region",
    outcome=Outcome.REFUSED,
    prevents="For encrypted cross-region replica, kmsKeyId should be explicitly specified "
    "(InvalidParameterCombination)",
    fix="Give the secondary or replica KmsKeyId with a key of its Region; alias/aws/rds names the default key.",
    sources=(
        "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBCluster.html",
        "https://github.com/terraform-aws-modules/terraform-aws-rds/pull/428",
    ),
)
def secondary_has_its_key(app: Assembly) -> Iterator[Breach]:
    """Find an encrypted global secondary or cross-Region replica without KmsKeyId, or with a key of another Region."""
    in_global, sources = view(app, global_clusters), view(app, cluster_lookup)
    for cluster in clusters(app):
        elsewhere = _is_secondary(cluster) or _source_is_elsewhere(cluster, sources)
        encrypted = _encrypted(cluster, in_global, sources)
        if elsewhere and encrypted and ABSENT in cluster.options("KmsKeyId"):
            yield breach(cluster, "KmsKeyId", "not set on an encrypted cluster whose source is in another Region.")
        for value in cluster.given("KmsKeyId"):
            key = app.target(value)
            region = key.template.region if key and key.type == "AWS::KMS::Key" else _region_of(value)
            home = cluster.template.region
            if region and home and region != home:
                yield breach(cluster, "KmsKeyId", f"{show(value)} is a key of {region}, the cluster is in {home}.")


@rule(
    "DR-AURORA-10",
    title="No cluster of a global database or cross-Region replica has a password managed by RDS",
    outcome=Outcome.REFUSED,
    prevents="Managing the master password in Secrets Manager is not supported for DB clusters that are part of an "
    "Aurora global database, nor for read replicas: the cluster fails to create, or cannot join",
    fix="Use a Secrets Manager secret of your own on the primary ({{resolve:secretsmanager:...}}), and no credentials "
    "on the others.",
    sources=(f"{GUIDE}/rds-secrets-manager.html#rds-secrets-manager-limitations",),
)
def no_managed_password_across_regions(app: Assembly) -> Iterator[Breach]:
    """Find ManageMasterUserPassword on a cluster that belongs to a global cluster or replicates another."""
    in_global = view(app, global_clusters)
    for cluster in clusters(app):
        replica = bool(cluster.given("ReplicationSourceIdentifier"))
        if True in map(as_bool, cluster.options("ManageMasterUserPassword")) and (
            cluster.reference in in_global or replica
        ):
            role = "replicates another cluster" if replica else "is part of a global database"
            yield breach(cluster, "ManageMasterUserPassword", f"true on a cluster that {role}.")


def _is_secondary(cluster: Resource) -> bool:
    """Tell whether a cluster joins a global cluster without credentials or data of its own: the primary has them."""
    return bool(cluster.given("GlobalClusterIdentifier")) and never_given(cluster, *PRIMARY_ONLY)


def _source_is_elsewhere(cluster: Resource, sources: Lookup) -> bool:
    home = cluster.template.region
    for value in cluster.given("ReplicationSourceIdentifier"):
        source = sources.find(value, cluster.template)
        region = source.template.region if source and not isinstance(value, str) else _region_of(value)
        if home and region and region != home:
            return True
    return False


def _encrypted(cluster: Resource, in_global: dict[Reference, Resource | None], sources: Lookup) -> bool:
    """Tell whether a cluster is encrypted: by itself, its global cluster, or the cluster that it replicates."""
    origins = [cluster, in_global.get(cluster.reference)]
    origins += [sources.find(value, cluster.template) for value in cluster.given("ReplicationSourceIdentifier")]
    return any(origin is not None and True in map(as_bool, origin.options("StorageEncrypted")) for origin in origins)


def _region_of(value: Any) -> str | None:
    match = _ARN_REGION.match(value.known if isinstance(value, Text) else value if isinstance(value, str) else "")
    return match[1] if match else None
