"""Code that all functions share: environment variables, metrics, clients, and what a database's status means."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from common import clients
from common.aurora import CHANGING, DOWN, SERVING, Cluster, Instance, read_cluster
from common.environment import ConfigurationError, read_integer, read_list, read_text
from common.metrics import MAX_METRICS_PER_CALL, Metric, publish
from common.responses import error_code
from health_monitor.logic import Assessment, Component, Health, assess
from tests.fake_clients import fake_client
from tests.lambdas.conftest import CLUSTER, LIMITS, NOW, OBSERVATIONS


@pytest.mark.parametrize(("environ", "name"), [({}, "TABLE_NAME"), ({"TABLE_NAME": ""}, "TABLE_NAME")])
def test_a_missing_variable_is_named(environ: dict[str, str], name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"variable {name} is not set"):
        read_text(environ, name)


@pytest.mark.parametrize("value", ["-1", "1.5", "ten", "\u0661", "1e3"])
def test_a_number_is_an_integer_of_0_or_more(value: str) -> None:
    with pytest.raises(ConfigurationError, match=r"SECONDS = .*integer of 0 or more"):
        read_integer({"SECONDS": value}, "SECONDS")
    assert read_integer({"SECONDS": "0"}, "SECONDS") == 0


def test_a_list_is_separated_by_commas() -> None:
    assert read_list({"ARNS": "a,b,"}, "ARNS") == ("a", "b")


class _CloudWatch:
    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []

    def put_metric_data(self, **call: Any) -> None:
        self.calls.append(call)


def test_every_metric_carries_the_suffix() -> None:
    cloudwatch = _CloudWatch()
    publish(cloudwatch, [Metric("Age", 5, "Seconds", {"Resource": "r"})], namespace="Breakwater", suffix="eu1")
    dimensions = [{"Name": "Resource", "Value": "r"}, {"Name": "Suffix", "Value": "eu1"}]
    data = [{"MetricName": "Age", "Value": 5, "Unit": "Seconds", "Dimensions": dimensions}]
    assert cloudwatch.calls == [{"Namespace": "Breakwater", "MetricData": data}]


def test_calls_stay_within_the_limit_of_cloudwatch() -> None:
    cloudwatch = _CloudWatch()
    publish(cloudwatch, [Metric("Age", 1)] * (MAX_METRICS_PER_CALL + 1), namespace="n", suffix="s")
    assert [len(call["MetricData"]) for call in cloudwatch.calls] == [MAX_METRICS_PER_CALL, 1]
    publish(cloudwatch, [], namespace="n", suffix="s")
    assert len(cloudwatch.calls) == 2


@pytest.mark.usefixtures("account")
def test_clients_have_short_timeouts_and_are_created_once() -> None:
    rds = clients.client("rds")
    assert rds is clients.client("rds")
    config = rds.meta.config
    assert (config.connect_timeout, config.read_timeout, config.retries["total_max_attempts"]) == (2, 5, 3)


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


def test_what_is_asked_of_rds_and_cloudwatch_and_made_of_their_answers() -> None:
    asked: list[dict[str, Any]] = []
    members = [
        {"DBInstanceIdentifier": "a", "IsClusterWriter": True, "PromotionTier": 3},
        *({"DBInstanceIdentifier": name, "IsClusterWriter": False} for name in ("b", "c")),
    ]
    found = {"DBClusterIdentifier": "x", "Status": "available", "DBClusterMembers": members}
    instance = {"DBInstanceIdentifier": "a", "AvailabilityZone": "z1", "DBInstanceStatus": "available"}
    rds = fake_client(
        "rds",
        DescribeDBClusters=lambda **_: {"DBClusters": [found]},
        DescribeDBInstances=lambda **_: {"DBInstances": [instance]},
    )

    def lags(**given: Any) -> dict[str, Any]:
        asked.append(given)
        return {"MetricDataResults": [{"Id": "lag0", "Values": [7.0, 9.0]}]}

    assert read_cluster(rds, fake_client("cloudwatch", GetMetricData=lags), "x", NOW).instances == (
        Instance("a", "z1", "available", is_writer=True, tier=3),
        Instance("b", "", "unknown", is_writer=False, tier=1, lag_ms=7.0),
        Instance("c", "", "unknown", is_writer=False, tier=1),
    )
    ((request),) = asked
    assert [query["MetricStat"] for query in request["MetricDataQueries"]] == [
        {
            "Metric": {
                "Namespace": "AWS/RDS",
                "MetricName": "AuroraReplicaLag",
                "Dimensions": [{"Name": "DBInstanceIdentifier", "Value": reader}],
            },
            "Period": 60,
            "Stat": "Maximum",
        }
        for reader in ("b", "c")
    ]
    assert request["ScanBy"] == "TimestampDescending"
    assert request["EndTime"] == datetime.fromtimestamp(NOW, UTC)


def test_an_error_without_a_code_says_so() -> None:
    assert error_code(ClientError({"Error": {}}, "Ask")) == "no code"
