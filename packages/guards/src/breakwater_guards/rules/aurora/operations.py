"""Aurora after the deployment: log groups that stay behind, versions that RDS upgrades."""

from __future__ import annotations

import re
from collections.abc import Iterator

from breakwater_guards.aws.aurora import clusters, members
from breakwater_guards.aws.globs import may_be_equal, pattern_of
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.scalars import as_bool
from breakwater_guards.model.values import ABSENT
from breakwater_guards.model.views import view
from breakwater_guards.rule import Breach, Outcome, breach, readable, rule, show

GUIDE = "https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide"
# A function that sets the retention of a group makes the group, too.
GROUPS = ("AWS::Logs::LogGroup", "Custom::LogRetention")
_MINOR_VERSION = re.compile(r"^\d+\.\d+")


@rule(
    "DR-AURORA-19",
    title="The log groups of exported logs are part of the template",
    outcome=Outcome.POLICY,
    prevents="RDS makes the group itself: it keeps everything forever, has no key of yours, and stays behind when the "
    "stack is deleted",
    fix="Declare AWS::Logs::LogGroup /aws/rds/cluster/<identifier>/<log type> with retention and key, and let the "
    "cluster depend on it.",
    sources=(
        f"{GUIDE}/AuroraPostgreSQL.CloudWatch.html",
        "https://github.com/aws/aws-cdk/issues/11549",
    ),
)
def exported_logs_have_groups(app: Assembly) -> Iterator[Breach]:
    """Find a log type that is exported, and no log group whose name may be that of its group."""
    values = (value for group in app.of_type(*GROUPS) for value in group.options("LogGroupName"))
    names = {pattern_of(value): None for value in values if value is not ABSENT}  # a generated name is never RDS's
    for cluster in clusters(app):
        identifier = pattern_of(cluster.get("DBClusterIdentifier")).lower()
        for log in cluster.given("EnableCloudwatchLogsExports[]"):
            wanted = f"/aws/rds/cluster/{identifier}/{pattern_of(log)}"
            if not isinstance(log, str) or wanted in names:  # the second is often so, and quick
                continue
            if not any(may_be_equal(name, wanted) for name in names):
                yield breach(
                    cluster, "EnableCloudwatchLogsExports", f"{show(log)} is exported; no group is {readable(wanted)}."
                )


@rule(
    "DR-AURORA-20",
    title="RDS does not upgrade a version that the template pins",
    outcome=Outcome.LATER,
    prevents="RDS upgrades the minor version in a maintenance window; the next deployment asks for the old one: Cannot "
    "upgrade aurora-postgresql from 17.9 to 17.7 (InvalidParameterCombination), or the stack has drifted",
    fix="Set AutoMinorVersionUpgrade to false on every instance, and upgrade through the template.",
    sources=(f"{GUIDE}/AuroraPostgreSQL.Updates.LTS.html", f"{GUIDE}/USER_UpgradeDBInstance.Upgrading.html"),
)
def fixed_versions_stay(app: Assembly) -> Iterator[Breach]:
    """Find instances that upgrade themselves although the template pins a minor version; once for a cluster."""
    instances_of = view(app, members)
    for cluster in clusters(app):
        version = cluster.get("EngineVersion")
        if not isinstance(version, str) or not _MINOR_VERSION.match(version):
            continue
        upgrading = [
            (instance, value)
            for instance in instances_of.get(cluster.reference, ())
            for value in instance.options("AutoMinorVersionUpgrade")
            if value is ABSENT or as_bool(value) is True
        ]
        if upgrading:
            (first, value), *others = upgrading
            too = f", like {len(others)} more of its instances" if others else ""
            message = f"{show(value)} (the default is true){too}; {cluster.logical_id} is fixed at {version}."
            yield breach(first, "AutoMinorVersionUpgrade", message)
