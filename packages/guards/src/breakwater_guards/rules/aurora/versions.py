"""Aurora: versions that are offered, supported, and new enough for what the cluster uses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from breakwater_guards.aws.aurora import (
    CLUSTER,
    GLOBAL_CLUSTER,
    INSTANCE,
    POSTGRESQL,
    clusters,
    engine_of,
    global_clusters,
    is_serverless,
    members,
    version_key,
    version_spellings,
)
from breakwater_guards.facts import facts
from breakwater_guards.facts.clock import today
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.scalars import as_bool, as_number
from breakwater_guards.model.template import Resource
from breakwater_guards.model.views import view
from breakwater_guards.rule import Breach, Outcome, breach, rule, show

GUIDE = "https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide"
CALENDAR = (
    "https://docs.aws.amazon.com/AmazonRDS/latest/AuroraPostgreSQLReleaseNotes/aurorapostgresql-release-calendar.html"
)
WARN_DAYS = 90
SCALING = "ServerlessV2ScalingConfiguration"


@rule(
    "DR-AURORA-01",
    title="Aurora versions can still be created",
    outcome=Outcome.REFUSED,
    prevents="Cannot find version 15.6 for aurora-postgresql (InvalidParameterCombination); for a global cluster: "
    "The requested engine version was not found or does not support global functionality",
    fix="Use a version that AWS offers, best a long-term support release such as 17.7.",
    sources=(
        CALENDAR,
        "https://github.com/langfuse/langfuse-terraform-aws/issues/34",
        "https://github.com/hashicorp/terraform-provider-aws/issues/28189",
    ),
    data="aurora_versions",
)
def version_is_offered(app: Assembly) -> Iterator[Breach]:
    """Find a version that was retired or never existed."""
    for resource in app.of_type(CLUSTER, INSTANCE, GLOBAL_CLUSTER):
        offered = facts("aurora_versions")["versions"].get(engine_of(resource))
        for value in resource.given("EngineVersion") if offered else ():
            spellings = version_spellings(value)
            if spellings and not any(_is_offered(spelling, offered) for spelling in spellings):
                yield breach(resource, "EngineVersion", _not_offered(spellings[0], offered))


@rule(
    "DR-AURORA-02",
    title="Aurora versions have at least 90 more days of standard support",
    outcome=Outcome.LATER,
    prevents="AWS upgrades the cluster in a maintenance window of its choice, or charges Extended Support by the hour",
    fix="Upgrade to a version with a later end of support, best a long-term support release such as 17.7.",
    sources=(CALENDAR, f"{GUIDE}/Aurora.VersionPolicy.html"),
    data="aurora_support",
)
def version_stays_supported(app: Assembly) -> Iterator[Breach]:
    """Find an offered version whose standard support has ended, or ends soon."""
    offered = facts("aurora_versions")["versions"][POSTGRESQL]
    for resource in app.of_type(CLUSTER, INSTANCE, GLOBAL_CLUSTER):
        for value in resource.given("EngineVersion") if engine_of(resource) == POSTGRESQL else ():
            spellings = [text for text in version_spellings(value) if _is_offered(text, offered)]
            ends = [_end_of_support(text) for text in spellings]
            if ends and all(end is not None and (end - today()).days <= WARN_DAYS for end in ends):
                verb = "ended" if ends[0] is not None and ends[0] < today() else "ends"
                yield breach(
                    resource,
                    "EngineVersion",
                    f"standard support of Aurora PostgreSQL {spellings[0]} {verb} on {ends[0]}.",
                )


@rule(
    "DR-AURORA-03",
    title="The Aurora version supports every feature that the cluster uses",
    outcome=Outcome.REFUSED,
    prevents="The engine version does not support the feature: the cluster or its serverless instance fails to create, "
    "or the Data API stays off",
    fix="Use a version at or above the floor, or do without the feature.",
    sources=(
        f"{GUIDE}/Concepts.Aurora_Fea_Regions_DB-eng.Feature.ServerlessV2.html",
        f"{GUIDE}/Concepts.Aurora_Fea_Regions_DB-eng.Feature.GlobalDatabase.html",
        f"{GUIDE}/Concepts.Aurora_Fea_Regions_DB-eng.Feature.Data_API.html",
        f"{GUIDE}/aurora-serverless-v2-auto-pause.html",
    ),
    data="aurora_support",
)
def version_supports_features(app: Assembly) -> Iterator[Breach]:
    """Find a version below the floor of Serverless v2, Global Database, the Data API or auto-pause."""
    instances, in_global = view(app, members), view(app, global_clusters)
    for cluster in clusters(app):
        used = [
            feature
            for feature, in_use in (
                ("Serverless v2", any(map(is_serverless, instances.get(cluster.reference, ())))),
                ("Global Database", cluster.reference in in_global),
                ("Data API", _uses_data_api(cluster)),
                ("auto-pause", 0 in map(as_number, cluster.options(f"{SCALING}.MinCapacity"))),
            )
            if in_use
        ]
        yield from _below_floors(cluster, used)
    for top in app.of_type(GLOBAL_CLUSTER):
        yield from _below_floors(top, ["Global Database"])


def _below_floors(resource: Resource, features: list[str]) -> Iterator[Breach]:
    floors = facts("aurora_support")["floors"]
    for value in resource.given("EngineVersion") if engine_of(resource) == POSTGRESQL else ():
        spellings = version_spellings(value)
        for feature in features if spellings else ():
            if all(_is_below(version_key(spelling), floors[feature]) for spelling in spellings):
                yield breach(
                    resource,
                    "EngineVersion",
                    f"{show(spellings[0])} does not support {feature}; the first versions that do are "
                    f"{', '.join(floors[feature].values())}.",
                )


def _is_below(version: tuple[int, ...], floors: dict[str, str]) -> bool:
    """Tell whether a version is below its floor; a major alone, or one newer than the facts, is not."""
    if len(version) < 2:
        return False
    floor = floors.get(str(version[0]))
    return version[0] < min(map(int, floors)) if floor is None else version < version_key(floor)


def _uses_data_api(cluster: Resource) -> bool:
    """Tell whether a cluster uses the Data API; that of Serverless v1 has floors of its own."""
    return True in map(as_bool, cluster.options("EnableHttpEndpoint")) and "serverless" not in cluster.options(
        "EngineMode"
    )


def _is_offered(version: str, offered: list[str]) -> bool:
    """Tell whether AWS offers a version; a major alone is legal, and AWS takes its default minor."""
    return version in offered or any(other.startswith(f"{version}.") for other in offered)


def _not_offered(version: str, offered: list[str]) -> str:
    major = ".".join(version.split(".")[: 2 if "mysql" in version else 1])
    same = [other for other in offered if other.startswith(f"{major}.")]
    plain = [other for other in same or offered if version.partition("-")[2] == other.partition("-")[2]]
    candidates = plain or same or offered  # a suffix is another product, e.g. -limitless
    later = [other for other in candidates if _numbers(other) >= _numbers(version)]
    nearest = later[0] if later else candidates[-1]
    return f"EngineVersion {show(version)} is not offered; the nearest that is: {nearest}, the newest: {offered[-1]}."


def _numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version)]


def _end_of_support(version: str) -> date | None:
    """Return the last day of standard support: of the minor where AWS has set one, else of its major."""
    support = facts("aurora_support")
    end = support["minor_ends"].get(version) or support["major_ends"].get(version.partition(".")[0])
    return date.fromisoformat(end) if end else None
