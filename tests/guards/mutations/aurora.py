"""Seeded defects of the Aurora cluster."""

from __future__ import annotations

from tests.guards.mutations import MutableApp, mutation


@mutation("DR-AURORA-01")
def retired_version(app: MutableApp) -> None:
    app.properties("AWS::RDS::DBCluster")["EngineVersion"] = "15.6"
