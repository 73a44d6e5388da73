"""Aurora across an assembly: clusters, their instances, and the global clusters that they belong to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.lookup import Lookup
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import ABSENT, Reference
from breakwater_guards.model.views import view

CLUSTER = "AWS::RDS::DBCluster"
INSTANCE = "AWS::RDS::DBInstance"
GLOBAL_CLUSTER = "AWS::RDS::GlobalCluster"
POSTGRESQL = "aurora-postgresql"
MYSQL = "aurora-mysql"
SERVERLESS = "db.serverless"


def engine_of(resource: Resource) -> str | None:
    """Return the Aurora engine that a resource certainly has, or ``None``."""
    engine = resource.get("Engine")
    return engine if engine in (POSTGRESQL, MYSQL) else None


def clusters(app: Assembly) -> Iterator[Resource]:
    """Yield every Aurora cluster; Multi-AZ clusters of RDS have the same type and another engine."""
    return (cluster for cluster in app.of_type(CLUSTER) if engine_of(cluster))


def cluster_lookup(app: Assembly) -> Lookup:
    """Return a finder of clusters by reference, ARN or identifier."""
    return Lookup(app, CLUSTER, name="DBClusterIdentifier")


def members(app: Assembly) -> dict[Reference, list[Resource]]:
    """Return the instances of each cluster, by the cluster's reference, in the order of the templates."""
    lookup = view(app, cluster_lookup)
    found: dict[Reference, list[Resource]] = {}
    for instance in app.of_type(INSTANCE):
        cluster = lookup.find(instance.get("DBClusterIdentifier"), instance.template)
        if cluster is not None:
            found.setdefault(cluster.reference, []).append(instance)
    return found


def global_clusters(app: Assembly) -> dict[Reference, Resource | None]:
    """Return the global cluster of each cluster that is part of one: as its source, or because it says so.

    Args:
        app: where to look.

    Returns:
        By the regional cluster's reference; ``None`` where the global cluster is not part of the assembly.
    """
    found: dict[Reference, Resource | None] = {}
    lookup = Lookup(app, GLOBAL_CLUSTER, name="GlobalClusterIdentifier")
    for cluster in app.of_type(CLUSTER):
        identifier = cluster.given("GlobalClusterIdentifier")
        if identifier:
            found[cluster.reference] = lookup.find(identifier[0], cluster.template)
    regional = view(app, cluster_lookup)
    for top in app.of_type(GLOBAL_CLUSTER):
        source = regional.find(top.get("SourceDBClusterIdentifier"), top.template)
        if source is not None:
            found[source.reference] = top
    return found


def never_given(resource: Resource, *paths: str) -> bool:
    """Tell whether none of some properties is set on any path."""
    return all(option is ABSENT for path in paths for option in resource.options(path))


def is_serverless(instance: Resource) -> bool:
    """Tell whether an instance can be of the class ``db.serverless``."""
    return SERVERLESS in instance.options("DBInstanceClass")


def version_spellings(value: Any) -> tuple[str, ...]:
    """Return what a version can mean: YAML reads an unquoted 16.10 as the number 16.1.

    Args:
        value: the resolved ``EngineVersion``.

    Returns:
        One text, two for a number with one decimal, none when the version is not known.
    """
    if isinstance(value, str):
        return (value.strip(),)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ()
    text = str(value)
    return (text, f"{text}0") if "." in text and len(text.split(".")[1]) == 1 else (text,)


def version_key(version: str) -> tuple[int, ...]:
    """Return major and minor as numbers; empty when the text is no PostgreSQL version."""
    parts = version.removesuffix("-limitless").split(".")
    return tuple(map(int, parts)) if all(part.isascii() and part.isdigit() for part in parts) else ()
