"""Aurora: engine versions."""

from __future__ import annotations

from collections.abc import Iterator

from guards.facts import facts
from guards.rule import Breach, breach, rule, show
from guards.template import Assembly

CALENDAR = (
    "https://docs.aws.amazon.com/AmazonRDS/latest/AuroraPostgreSQLReleaseNotes/aurorapostgresql-release-calendar.html"
)
ENGINE_RESOURCES = ("AWS::RDS::DBCluster", "AWS::RDS::DBInstance", "AWS::RDS::GlobalCluster")


@rule(
    "DR-AURORA-01",
    title="Aurora PostgreSQL versions can be created today",
    prevents="Cannot find version 15.6 for aurora-postgresql (the cluster fails to create)",
    fix="Use a version that AWS offers, best a long-term support release such as 17.7.",
    sources=(CALENDAR,),
    data="aurora_postgresql",
)
def version_is_offered(app: Assembly) -> Iterator[Breach]:
    """A version that was retired or never existed."""
    offered = facts("aurora_postgresql")["versions"]
    for resource in app.of_type(*ENGINE_RESOURCES):
        if "aurora-postgresql" not in resource.options("Engine"):
            continue
        for version in resource.options("EngineVersion"):
            if isinstance(version, str) and version not in offered:
                yield breach(
                    resource, "EngineVersion", f"{show(version)} is not offered; offered are {', '.join(offered)}."
                )
