"""What Amazon RDS offers in the Region."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from ops.preflight.check import Check, Outcome, fail, ok, warn
from ops.preflight.checks.account import planned_zones
from ops.preflight.checks.quotas import RAISE
from ops.preflight.context import CheckContext, listed

ENGINE, CLASS = "aurora-postgresql", "db.serverless"
NOTICE = timedelta(days=180)
VERSIONS = "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBEngineVersions.html"
CHANGE = "Choose an offered version in `database.engine_version`."


def offered(context: CheckContext) -> dict[str, Any] | None:
    """Return RDS's description of the configured engine version; ``None`` where it is not offered."""
    found = context.ask.every(
        "rds:DescribeDBEngineVersions",
        "DBEngineVersions",
        Engine=ENGINE,
        EngineVersion=context.settings.database.engine_version,
    )
    return next((each for each in found if each.get("Status", "available") == "available"), None)


class EngineVersion(Check):
    """Checks that RDS offers the engine version."""

    id = "PF-RDS-01"
    title = "Aurora PostgreSQL is offered in the configured version"
    why = "Creating the cluster fails: Cannot find version … for aurora-postgresql, twenty minutes into the deployment."
    fix = CHANGE
    source = VERSIONS
    calls = ("rds:DescribeDBEngineVersions",)

    def run(self, context: CheckContext) -> Iterator[Outcome]:
        """Ask for the version, and for all others where it is not offered."""
        version = context.settings.database.engine_version
        if offered(context):
            yield ok(f"{version} is offered")
            return
        others = context.ask.every("rds:DescribeDBEngineVersions", "DBEngineVersions", Engine=ENGINE)
        names = sorted({each["EngineVersion"] for each in others if each.get("Status", "available") == "available"})
        yield fail(f"{version} is not offered in {context.ask.region}; offered are {listed(names[-12:])}")


class EndOfSupport(Check):
    """Checks that standard support of the major version does not end soon."""

    id = "PF-RDS-02"
    title = "Standard support of the major version does not end within 180 days"
    why = "After that date RDS charges for Extended Support, or upgrades the cluster by itself."
    fix = "Plan the upgrade of the major version."
    source = "https://docs.aws.amazon.com/AmazonRDS/latest/AuroraPostgreSQLReleaseNotes/aurorapostgresql-release-calendar.html"
    calls = ("rds:DescribeDBMajorEngineVersions",)

    def run(self, context: CheckContext) -> Iterator[Outcome]:
        """Ask for the support dates of the major version."""
        major = context.settings.database.engine_version.split(".")[0]
        found = context.ask.every(
            "rds:DescribeDBMajorEngineVersions", "DBMajorEngineVersions", Engine=ENGINE, MajorEngineVersion=major
        )
        ends = [
            life["LifecycleSupportEndDate"]
            for each in found
            for life in each.get("SupportedEngineLifecycles", [])
            if life["LifecycleSupportName"] == "open-source-rds-standard-support"
        ]
        if not ends:
            yield warn(f"RDS gives no end of support for {ENGINE} {major}")
            return
        end = max(ends)
        soon = end - datetime.now(UTC) < NOTICE
        yield (warn if soon else ok)(f"standard support of {major} ends on {end:%Y-%m-%d}")


class Orderable(Check):
    """Checks that two zones offer Aurora Serverless v2."""

    id = "PF-RDS-03"
    title = "Aurora Serverless v2 can be ordered in two of the zones"
    why = "Creating an instance fails where the zone does not offer the class; with one zone there is no failover."
    fix = "Choose other zones in `network.zones`, or another version."
    source = "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeOrderableDBInstanceOptions.html"
    calls = ("ec2:DescribeAvailabilityZones", "rds:DescribeOrderableDBInstanceOptions")

    def run(self, context: CheckContext) -> Iterator[Outcome]:
        """Compare the zones that offer the class with those of the deployment."""
        options = context.ask.every(
            "rds:DescribeOrderableDBInstanceOptions",
            "OrderableDBInstanceOptions",
            Engine=ENGINE,
            EngineVersion=context.settings.database.engine_version,
            DBInstanceClass=CLASS,
            Vpc=True,
        )
        offering = {zone["Name"] for option in options for zone in option.get("AvailabilityZones", [])}
        planned = planned_zones(context)
        usable = [zone for zone in planned if zone in offering]
        yield (ok if len(usable) >= 2 else fail)(f"{CLASS} in {len(usable)} of {listed(planned)}")


class Features(Check):
    """Checks that the version supports what the settings ask of it."""

    id = "PF-RDS-04"
    title = "The version exports the configured logs and supports the configured capacity"
    why = "Creating the cluster fails: log type or capacity is not supported by the version."
    fix = "Change `database.log_exports`, `database.min_acu` or `database.max_acu`, or choose another version."
    source = VERSIONS
    calls = ("rds:DescribeDBEngineVersions",)

    def run(self, context: CheckContext) -> Iterator[Outcome]:
        """Compare what the version supports with the settings."""
        found, database = offered(context), context.settings.database
        if found is None:
            yield warn(f"{database.engine_version} is not offered: see {EngineVersion.id}")
            return
        logs = set(database.log_exports) - set(found.get("ExportableLogTypes", database.log_exports))
        if logs:
            yield fail(f"log types {listed(sorted(logs))} are not among {listed(found['ExportableLogTypes'])}")
        range_ = found.get("ServerlessV2FeaturesSupport", {})
        low, high = range_.get("MinCapacity", database.min_acu), range_.get("MaxCapacity", database.max_acu)
        if not low <= database.min_acu <= database.max_acu <= high:
            yield fail(f"{database.min_acu} to {database.max_acu} ACU, and the version supports {low} to {high}")
        elif not logs:
            yield ok(f"{len(database.log_exports)} log types, {database.min_acu} to {database.max_acu} ACU")


class InstanceQuota(Check):
    """Checks the quotas of clusters and instances."""

    id = "PF-RDS-05"
    title = "The quotas of clusters and instances leave room for the planned ones"
    why = "Creating them fails: DBClusterQuotaExceeded, InstanceQuotaExceeded."
    fix = RAISE
    source = "https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/CHAP_Limits.html"
    calls = ("rds:DescribeAccountAttributes",)

    def run(self, context: CheckContext) -> Iterator[Outcome]:
        """Compare use, quota and what the plan adds; what is deployed already counts as used."""
        quotas = {
            each["AccountQuotaName"]: each for each in context.ask("rds:DescribeAccountAttributes")["AccountQuotas"]
        }
        for name, kind in (("DBClusters", "AWS::RDS::DBCluster"), ("DBInstances", "AWS::RDS::DBInstance")):
            planned = context.more(kind)
            quota = quotas.get(name)
            if quota is None:
                yield warn(f"RDS gives no quota of {name}")
                continue
            free = quota["Max"] - quota["Used"]
            yield (ok if planned <= free else fail)(f"{planned} more {name}, {free} of {quota['Max']} are free")


class EngineChange(Check):
    """Checks that RDS can bring the deployed cluster to the engine version."""

    id = "PF-RDS-07"
    title = "The deployed cluster can be upgraded to the configured version in one step"
    why = "The update fails: RDS upgrades along certain paths only, and never downgrades."
    fix = CHANGE
    source = "https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/USER_UpgradeDBInstance.PostgreSQL.html"
    calls = ("rds:DescribeDBClusters", "rds:DescribeDBEngineVersions")

    def run(self, context: CheckContext) -> Iterator[Outcome]:
        """Compare the cluster's version with the settings, and ask for the versions that it can be upgraded to."""
        wanted, cluster = context.settings.database.engine_version, deployed_cluster(context)
        if cluster is None:
            yield ok("no cluster is deployed")
            return
        found = cluster["EngineVersion"]
        if _parts(wanted) < _parts(found):
            yield fail(f"the cluster runs {found}, and RDS does not go back to {wanted}")
        elif found == wanted:
            yield ok(f"{found} stays")
        else:
            yield self._upgrade(context, found, wanted)

    def _upgrade(self, context: CheckContext, found: str, wanted: str) -> Outcome:
        versions = context.ask.every(
            "rds:DescribeDBEngineVersions", "DBEngineVersions", Engine=ENGINE, EngineVersion=found
        )
        targets = {
            each["EngineVersion"]: each for version in versions for each in version.get("ValidUpgradeTarget", [])
        }
        if wanted not in targets:
            return fail(f"RDS upgrades {found} to {listed(targets) or 'nothing'}, not to {wanted}")
        if targets[wanted].get("IsMajorVersionUpgrade"):
            return warn(f"{found} to {wanted} is a major upgrade: the database is away meanwhile; test it on a clone")
        return ok(f"{found} can be upgraded to {wanted}")


def deployed_cluster(context: CheckContext) -> dict[str, Any] | None:
    """Return RDS's description of the cluster that the stack owns; None before the first deployment."""
    for name in context.plan.texts("AWS::RDS::DBCluster", "DBClusterIdentifier"):
        found = context.ask.find("rds:DescribeDBClusters", "DBClusterNotFoundFault", DBClusterIdentifier=name)
        if found is not None:
            return dict(found["DBClusters"][0])
    return None


def _parts(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
