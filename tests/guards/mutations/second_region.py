"""Our own app is a single-region platform: judged as a multi-region one it misses exactly what it does not promise."""

from __future__ import annotations

from tests.guards.mutations import MutableApp, mutation
from tests.guards.mutations.backup import copy_backups
from tests.guards.mutations.dynamodb import add_replica, replicas


@mutation("DR-REGION-01", judged_as="multi-region")
def replica_at_home_only(app: MutableApp) -> None:
    add_replica(app)
    replicas(app).pop()


@mutation("DR-REGION-02", judged_as="multi-region")
def copies_that_stay_in_the_region(app: MutableApp) -> None:
    add_replica(app)
    copy_backups(app, "us-east-1")
