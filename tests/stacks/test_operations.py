"""The dashboards: they exist, they show only what is ours, and they state what was promised."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from stacks.names import METRIC_NAMESPACE, PhysicalName
from tests.assembly import Assembly

DASHBOARD = "AWS::CloudWatch::Dashboard"
GOLDEN, DATA = PhysicalName.GOLDEN_SIGNALS_DASHBOARD, PhysicalName.DATA_TIER_DASHBOARD
RECOVERY = PhysicalName.RECOVERY_DASHBOARD
SERVICE = {"ClusterName": "${Compute/Cluster}", "ServiceName": "${Compute/Service/Service.Name}"}
BALANCER = {"LoadBalancer": "${Compute/LoadBalancer.LoadBalancerFullName}"}
CLUSTER = {"DBClusterIdentifier": "${Database/Cluster}"}
TABLE = {"TableName": "${Storage/Table}"}
VAULT = {"BackupVaultName": "${Backup/Vault.BackupVaultName}"}
# The load balancer of a target group: "app/<name>/<id>", cut out of the ARN of a listener.
FROM_LISTENER = re.compile(
    r"(\$\{Compute/LoadBalancer/\w+Listener\})\.split\(/\)\[1\]/\1\.split\(/\)\[2\]/\1\.split\(/\)\[3\]"
)
# What each dashboard shows: namespace, metric, statistic, period in seconds and dimensions.
SHOWN: dict[PhysicalName, list[tuple[str, str, str, int, Any]]] = {
    GOLDEN: [
        ("AWS/ApplicationELB", "RequestCount", "Sum", 60, BALANCER),
        ("AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", "Sum", 60, "targets"),
        ("AWS/ApplicationELB", "HTTPCode_ELB_5XX_Count", "Sum", 60, BALANCER),
        ("AWS/ApplicationELB", "TargetResponseTime", "p50", 60, "targets"),
        ("AWS/ApplicationELB", "TargetResponseTime", "p99", 60, "targets"),
        ("AWS/ECS", "CPUUtilization", "Maximum", 60, SERVICE),
        ("AWS/ECS", "MemoryUtilization", "Maximum", 60, SERVICE),
        *[("Breakwater", metric, "Sum", 60, "own") for metric in ("Transfers", "Replays", "Refusals", "Unavailable")],
        *[("Breakwater", "TransferLatency", statistic, 60, "own") for statistic in ("p50", "p99")],
        *[("Breakwater", metric, "Sum", 60, "own") for metric in ("Retries", "Receipts")],
        ("AWS/ApplicationELB", "HealthyHostCount", "Minimum", 60, "targets"),
        ("AWS/ApplicationELB", "UnHealthyHostCount", "Maximum", 60, "targets"),
    ],
    DATA: [
        *[
            ("AWS/RDS", metric, "Average" if metric == "CommitLatency" else "Maximum", 60, CLUSTER)
            for metric in (
                "CPUUtilization",
                "ACUUtilization",
                "ServerlessDatabaseCapacity",
                "DatabaseConnections",
                "AuroraReplicaLagMaximum",
                "CommitLatency",
                "Deadlocks",
            )
        ],
        *[
            ("AWS/DynamoDB", metric, "Sum", 60, TABLE)
            for metric in (
                "ConsumedReadCapacityUnits",
                "ConsumedWriteCapacityUnits",
                "ReadThrottleEvents",
                "WriteThrottleEvents",
            )
        ],
    ],
    RECOVERY: [
        ("AWS/Backup", "NumberOfRestoreJobsCompleted", "Sum", 3600, VAULT),
        ("AWS/Backup", "NumberOfRestoreJobsFailed", "Sum", 3600, VAULT),
        ("AWS/Backup", "NumberOfBackupJobsCompleted", "Sum", 3600, VAULT),
        ("AWS/Backup", "NumberOfBackupJobsFailed", "Sum", 3600, VAULT),
        ("AWS/Backup", "NumberOfRecoveryPointsCompleted", "Sum", 86400, VAULT),
    ],
}
TITLES = {
    GOLDEN: [
        "Traffic: requests a minute",
        "Errors: HTTP 5xx a minute",
        "Latency: p50 and p99 in seconds",
        "Saturation: % of the task",
        "Transfers a minute",
        "Transfers: p50 and p99 in ms",
        "Transfers: repeated after a failure a minute, receipts a minute",
        "Tasks: healthy and unhealthy targets",
    ],
    DATA: [
        "Aurora: CPU and capacity in %",
        "Aurora: capacity in ACU",
        "Aurora: connections",
        "Aurora: replica lag in ms",
        "Aurora: commit latency in ms",
        "Aurora: deadlocks a second",
        "Table: capacity units a minute",
        "Table: throttled requests a minute",
    ],
    RECOVERY: [
        "Age of the last recovery point in seconds",
        "Estimated RPO in seconds",
        "Health: 0 healthy, 1 degraded, 2 unknown, 3 unhealthy",
        "Days since a restore was last proved",
        "Last restore test: seconds to restore",
        "Restore jobs an hour",
        "Backup jobs an hour",
        "Recovery points completed today",
    ],
}
# Metrics of our own functions: name, dimension beside the suffix, and what they are divided by.
OURS = [
    ("RecoveryPointAgeSeconds", "Resource", ""),
    ("EstimatedRpoSeconds", "Resource", ""),
    ("ComponentHealth", "Component", ""),
    ("RestoreValidationAgeSeconds", "Resource", " / 86400"),
    ("RestoreTestSeconds", "Resource", ""),
]


def _body(deployment: Assembly, name: PhysicalName) -> dict[str, Any]:
    dashboard = deployment.nested["Operations"].one(DASHBOARD, DashboardName=deployment.names.physical_name(name))
    body: dict[str, Any] = json.loads(deployment.text("Operations", dashboard["DashboardBody"]))
    return body


def _rows(deployment: Assembly, name: PhysicalName) -> Iterator[list[Any]]:
    for widget in _body(deployment, name)["widgets"]:
        yield from widget["properties"].get("metrics", [])


def _dimensions(row: list[Any]) -> dict[str, str]:
    return dict(zip(row[2:-1:2], row[3:-1:2], strict=True))


def _widget(deployment: Assembly, title: str) -> dict[str, Any]:
    widgets = _body(deployment, RECOVERY)["widgets"]
    (found,) = (widget for widget in widgets if widget["properties"].get("title") == title)
    return dict(found)


def test_exactly_three_dashboards_with_their_names(deployment: Assembly) -> None:
    dashboards = deployment.nested["Operations"].of_type(DASHBOARD).values()
    names = [dashboard["Properties"]["DashboardName"] for dashboard in dashboards]
    assert names == [deployment.names.physical_name(name) for name in SHOWN]
    assert len(list(deployment.all_of_type(DASHBOARD))) == 3


@pytest.mark.parametrize("name", SHOWN)
def test_dashboard_shows_exactly_these_metrics_of_our_resources(deployment: Assembly, name: PhysicalName) -> None:
    shown: list[tuple[str, str, str, int, Any]] = []
    for row in _rows(deployment, name):
        if "expression" in row[0]:
            continue
        dimensions: Any = _dimensions(row)
        if "TargetGroup" in dimensions:
            assert dimensions.pop("TargetGroup") == "${Compute/LoadBalancer/TargetGroup.TargetGroupFullName}"
            assert set(dimensions) == {"LoadBalancer"}
            assert FROM_LISTENER.fullmatch(dimensions["LoadBalancer"])
            dimensions = "targets"
        if row[0] == METRIC_NAMESPACE:
            assert dimensions == {"Suffix": deployment.settings.suffix}
            dimensions = "own"
        shown.append((row[0], row[1], row[-1].get("stat", "Average"), row[-1]["period"], dimensions))
    assert shown == SHOWN[name]


def test_our_own_metrics_are_those_of_this_deployment(deployment: Assembly) -> None:
    suffix = deployment.settings.suffix
    searches = [row[0] for name in SHOWN for row in _rows(deployment, name) if "expression" in row[0]]
    assert [search["expression"] for search in searches] == [
        f'SEARCH(\'{{{METRIC_NAMESPACE},{dimension},Suffix}} MetricName="{metric}" Suffix="{suffix}"\', '
        f"'Maximum', 3600){divisor}"
        for metric, dimension, divisor in OURS
    ]
    assert {search["period"] for search in searches} == {3600}


def test_recovery_states_the_promise_and_its_limit(deployment: Assembly) -> None:
    texts = [widget for widget in _body(deployment, RECOVERY)["widgets"] if widget["type"] == "text"]
    assert len(texts) == 1
    markdown, recovery = texts[0]["properties"]["markdown"], deployment.settings.recovery
    assert markdown.startswith(f"# {deployment.names.stack}\n")
    assert f"RTO **{recovery.rto_seconds} s**" in markdown
    assert f"RPO **{recovery.rpo_seconds} s**" in markdown
    assert "Loss of the Region is not covered" in markdown


@pytest.mark.parametrize(("environment", "rto"), [("dev", 300), ("staging", 120), ("prod", 60)])
def test_promise_by_environment(request: pytest.FixtureRequest, environment: str, rto: int) -> None:
    (text,) = (
        widget
        for widget in _body(request.getfixturevalue(environment), RECOVERY)["widgets"]
        if widget["type"] == "text"
    )
    assert f"RTO **{rto} s**, RPO **300 s**" in text["properties"]["markdown"]


def test_estimated_rpo_is_drawn_against_the_promise(deployment: Assembly) -> None:
    annotations = {
        widget["properties"]["title"]: widget["properties"]["annotations"]["horizontal"]
        for widget in _body(deployment, RECOVERY)["widgets"]
        if "annotations" in widget["properties"]
    }
    assert annotations == {
        "Estimated RPO in seconds": [
            {"value": deployment.settings.recovery.rpo_seconds, "label": "Promised RPO", "yAxis": "left"}
        ]
    }


def test_recovery_shows_the_last_recovery_point_and_the_last_restore_test(deployment: Assembly) -> None:
    age = _widget(deployment, "Age of the last recovery point in seconds")["properties"]["metrics"]
    test = _widget(deployment, "Last restore test: seconds to restore")["properties"]["metrics"]
    assert "RecoveryPointAgeSeconds" in age[0][0]["expression"]
    assert "RestoreTestSeconds" in test[0][0]["expression"]


@pytest.mark.parametrize("name", SHOWN)
def test_widgets_say_what_they_show(deployment: Assembly, name: PhysicalName) -> None:
    widgets = [widget for widget in _body(deployment, name)["widgets"] if widget["type"] == "metric"]
    assert [widget["properties"]["title"] for widget in widgets] == TITLES[name]
    views = {widget["properties"]["title"]: widget["properties"]["view"] for widget in widgets}
    numbers = {"Recovery points completed today"}
    assert views == {title: "singleValue" if title in numbers else "timeSeries" for title in TITLES[name]}


@pytest.mark.parametrize("name", SHOWN)
def test_widgets_fill_the_dashboard_without_a_gap(deployment: Assembly, name: PhysicalName) -> None:
    body = _body(deployment, name)
    assert body["start"] == "-P1D"
    assert body["periodOverride"] == "inherit"
    assert {(widget["type"], widget["height"]) for widget in body["widgets"]} <= {("metric", 6), ("text", 3)}
    cells = [
        (column, row)
        for widget in body["widgets"]
        for column in range(widget["x"], widget["x"] + widget["width"])
        for row in range(widget["y"], widget["y"] + widget["height"])
    ]
    assert len(set(cells)) == len(cells)
    rows = max(row for _, row in cells) + 1
    assert set(cells) == {(column, row) for column in range(24) for row in range(rows)}


@pytest.mark.parametrize("name", SHOWN)
def test_metrics_are_read_where_they_are_written(deployment: Assembly, name: PhysicalName) -> None:
    here = {"${AWS::Region}", deployment.settings.region}
    account = {"${AWS::AccountId}", deployment.settings.account}
    for widget in _body(deployment, name)["widgets"]:
        if widget["type"] == "metric":
            assert widget["properties"]["region"] in here
    for row in _rows(deployment, name):
        assert row[-1].get("region", deployment.settings.region) in here
        assert row[-1].get("accountId", deployment.settings.account) in account


def test_graphs_begin_at_zero(deployment: Assembly) -> None:
    for name in SHOWN:
        for widget in _body(deployment, name)["widgets"]:
            if widget["properties"].get("view") == "timeSeries":
                assert widget["properties"]["yAxis"] == {"left": {"min": 0, "showUnits": False}}
