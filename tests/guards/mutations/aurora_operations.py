"""Seeded defects of what happens to Aurora after the deployment."""

from __future__ import annotations

from tests.guards.mutations import MutableApp, mutation


@mutation("DR-AURORA-19")
def log_group_of_another_cluster(app: MutableApp) -> None:
    group = app.properties("AWS::Logs::LogGroup", "PostgresqlLogGroup")
    group["LogGroupName"] = "/aws/rds/cluster/dr-aurora-eu1/postgresql"


@mutation("DR-AURORA-20")
def instances_that_upgrade_by_default(app: MutableApp) -> None:
    for instance in app.resources("AWS::RDS::DBInstance").values():
        del instance["Properties"]["AutoMinorVersionUpgrade"]
