"""What each status of a cluster and of an instance that RDS documents means for the platform's health."""

from __future__ import annotations

from dataclasses import replace

import pytest

from common.aurora import CHANGING, DOWN, SERVING, Cluster
from health_monitor.logic import Assessment, Component, Health, assess
from tests.lambdas.healthy_platform import CLUSTER, LIMITS, NOW, OBSERVATIONS

# https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/accessing-monitoring.html
DOCUMENTED = """
available backing-up backtracking cloning-failed configuring-enhanced-monitoring configuring-iam-database-auth
configuring-log-exports converting-to-vpc creating delete-precheck deleting failed failing-over
inaccessible-encryption-credentials inaccessible-encryption-credentials-recoverable incompatible-create
incompatible-network incompatible-option-group incompatible-parameters incompatible-restore insufficient-capacity
maintenance migrating migration-failed modifying moving-to-vpc promoting rebooting renaming
resetting-master-credentials restore-error starting stopped stopping storage-config-upgrade storage-full
storage-initialization storage-optimization update-iam-db-auth upgrading
"""


def _database(cluster: Cluster) -> Assessment:
    return assess(replace(OBSERVATIONS, database=cluster), LIMITS, NOW)[Component.DATABASE]


@pytest.mark.parametrize(
    ("statuses", "health"),
    [(DOWN, Health.UNHEALTHY), (CHANGING, Health.DEGRADED), ({"new-in-rds", "unknown"}, Health.UNKNOWN)],
)
def test_a_status_that_does_not_serve_is_a_symptom_and_only_an_outage_is_unhealthy(
    statuses: frozenset[str], health: Health
) -> None:
    writer, *others = CLUSTER.instances
    for status in statuses:
        found = _database(replace(CLUSTER, status=status))
        assert (found.health, found.reasons) == (health, (f"the cluster is {status}",))
        found = _database(replace(CLUSTER, instances=(replace(writer, status=status), *others)))
        assert (found.health, found.reasons) == (health, (f"the writer {writer.identifier} is {status}",))


@pytest.mark.parametrize("status", ["resetting-master-credentials", "update-iam-db-auth", "backing-up"])
def test_a_status_in_which_the_database_serves_is_healthy(status: str) -> None:
    instances = tuple(replace(each, status=status) for each in CLUSTER.instances)
    assert _database(replace(CLUSTER, status=status, instances=instances)).health is Health.HEALTHY


def test_each_documented_status_has_one_meaning() -> None:
    assert sorted([*SERVING, *CHANGING, *DOWN]) == DOCUMENTED.split()
