"""What the probes ask, read from answers of the services' real shapes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from health_monitor import probes
from health_monitor.facts import Backups, Facts, Service, Table, Targets, Unknown
from health_monitor.probes import Watched, probe
from tests.lambdas.stubs import Answer, Refusal, stubbed
from tests.lambdas.world import CLUSTER, TABLE

NOW = 1_800_000_000.0
CLUSTER_ARN = f"arn:aws:rds:us-east-1:123456789012:cluster:{CLUSTER}"
TABLE_ARN = f"arn:aws:dynamodb:us-east-1:123456789012:table/{TABLE}"
PLAN_ARN = "arn:aws:backup:us-east-1:123456789012:restore-testing-plan:dr_restore_test-0a1b"
WATCHED = Watched(
    cluster=CLUSTER,
    ecs_cluster="ecs",
    service="service",
    target_group="arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/t/0123456789abcdef",
    table=TABLE,
    vault="vault",
    protected=(CLUSTER_ARN, TABLE_ARN),
    restore_testing_plan="dr_restore_test",
    tested_types=("Aurora", "DynamoDB"),
    proof_seconds=8 * 86400,
)


def _at(seconds: float) -> datetime:
    return datetime.fromtimestamp(NOW + seconds, UTC)


def _member(number: int, *, writer: bool) -> dict[str, Any]:
    return {"DBInstanceIdentifier": f"{CLUSTER}-{number}", "IsClusterWriter": writer, "PromotionTier": number}


RDS: tuple[Answer, ...] = (
    (
        "describe_db_clusters",
        {
            "DBClusters": [
                {
                    "DBClusterIdentifier": CLUSTER,
                    "Status": "available",
                    "DBClusterMembers": [_member(1, writer=True), _member(2, writer=False)],
                    "ClusterCreateTime": _at(-1000),
                    "LatestRestorableTime": _at(-60),
                }
            ]
        },
    ),
    (
        "describe_db_instances",
        {
            "DBInstances": [
                {"DBInstanceIdentifier": f"{CLUSTER}-1", "DBInstanceStatus": "available", "AvailabilityZone": "a"}
            ],
            "Marker": "more",
        },
    ),
    (
        "describe_db_instances",
        {
            "DBInstances": [
                {"DBInstanceIdentifier": f"{CLUSTER}-2", "DBInstanceStatus": "available", "AvailabilityZone": "b"}
            ]
        },
    ),
)
CLOUDWATCH: tuple[Answer, ...] = (("get_metric_data", {"MetricDataResults": [{"Id": "lag0", "Values": [12.0, 99.0]}]}),)
ARNS = [f"arn:aws:ecs:us-east-1:123456789012:task/ecs/{number:032}" for number in range(101)]
ECS: tuple[Answer, ...] = (
    ("describe_services", {"services": [{"status": "ACTIVE", "desiredCount": 2, "runningCount": 2}]}),
    ("list_tasks", {"taskArns": ARNS[:100], "nextToken": "more"}),
    ("list_tasks", {"taskArns": ARNS[100:]}),
    (
        "describe_tasks",
        {
            "tasks": [
                {"availabilityZone": "a", "lastStatus": "RUNNING"},
                {"availabilityZone": "b", "lastStatus": "PENDING"},
                {"lastStatus": "RUNNING"},
                {"availabilityZone": "c"},
            ]
        },
    ),
    ("describe_tasks", {"tasks": [{"availabilityZone": "b", "lastStatus": "RUNNING"}]}),
)


def _target(state: str, zone: str | None = None) -> dict[str, Any]:
    target = {"Id": "10.0.0.1", **({"AvailabilityZone": zone} if zone else {})}
    return {"Target": target, "TargetHealth": {"State": state}}


ELBV2: tuple[Answer, ...] = (
    (
        "describe_target_health",
        {
            "TargetHealthDescriptions": [
                _target("healthy", "a"),
                _target("healthy"),
                _target("unhealthy", "b"),
                _target("unavailable", "b"),
                *(_target(state, "b") for state in ("initial", "draining", "unhealthy.draining", "unused")),
            ]
        },
    ),
)
DYNAMODB: tuple[Answer, ...] = (
    ("describe_table", {"Table": {"TableStatus": "ACTIVE", "CreationDateTime": _at(-5000)}}),
    (
        "describe_continuous_backups",
        {
            "ContinuousBackupsDescription": {
                "ContinuousBackupsStatus": "ENABLED",
                "PointInTimeRecoveryDescription": {
                    "PointInTimeRecoveryStatus": "ENABLED",
                    "LatestRestorableDateTime": _at(-300),
                },
            }
        },
    ),
)


def _job(kind: str, status: str | None, at: float) -> dict[str, Any]:
    job: dict[str, Any] = {"ResourceType": kind, "CompletionDate": _at(at)}
    return job if status is None else {**job, "ValidationStatus": status}


BACKUP: tuple[Answer, ...] = (
    (
        "get_restore_testing_plan",
        {
            "RestoreTestingPlan": {
                "RestoreTestingPlanName": "dr_restore_test",
                "RestoreTestingPlanArn": PLAN_ARN,
                "CreationTime": _at(-9000),
                "RecoveryPointSelection": {},
                "ScheduleExpression": "cron(0 12 ? * SUN *)",
            }
        },
    ),
    (
        "list_recovery_points_by_backup_vault",
        {"RecoveryPoints": [{"Status": "COMPLETED", "CreationDate": _at(-700)}], "NextToken": "more"},
    ),
    (
        "list_recovery_points_by_backup_vault",
        {
            "RecoveryPoints": [
                {"Status": "AVAILABLE", "CreationDate": _at(-800)},
                {"Status": "PARTIAL", "CreationDate": _at(-10)},
            ]
        },
    ),
    ("list_recovery_points_by_backup_vault", {"RecoveryPoints": []}),
    (
        "list_restore_jobs",
        {
            "RestoreJobs": [
                _job("Aurora", "SUCCESSFUL", -400),
                _job("Aurora", "SUCCESSFUL", -500),
                _job("Aurora", "FAILED", -100),
                _job("Aurora", None, -50),
                _job("DynamoDB", "TIMED_OUT", -100),
            ]
        },
    ),
)
ANSWERS: dict[str, tuple[Answer, ...]] = {
    "rds": RDS,
    "cloudwatch": CLOUDWATCH,
    "ecs": ECS,
    "elbv2": ELBV2,
    "dynamodb": DYNAMODB,
    "backup": BACKUP,
}


def _facts(changed: dict[str, tuple[Answer, ...]] | None = None, seconds: float = 30) -> Facts:
    answers = ANSWERS | (changed or {})
    clients = {service: stubbed(service, *given) for service, given in answers.items()}
    return probe(clients, WATCHED, NOW, seconds)


def test_the_cluster_with_its_members_on_two_pages() -> None:
    found = _facts().database
    assert not isinstance(found, Unknown)
    assert (found.status, found.created_at, found.restorable_until) == ("available", NOW - 1000, NOW - 60)
    assert [(each.zone, each.is_writer, each.lag_ms) for each in found.instances] == [
        ("a", True, None),
        ("b", False, 12.0),
    ]


def test_the_service_with_more_tasks_than_one_call_describes() -> None:
    assert _facts().service == Service("ACTIVE", desired=2, running=2, zones=("a", "b"))


def test_a_service_that_is_not_there_is_inactive() -> None:
    gone: Answer = ("describe_services", {"services": [], "failures": [{"reason": "MISSING"}]})
    assert _facts({"ecs": (gone,)}).service == Service("INACTIVE", desired=0, running=0, zones=())


def test_targets_that_come_or_go_do_not_fail() -> None:
    assert _facts().targets == Targets(healthy=("a", ""), failing=2)


def test_the_table() -> None:
    assert _facts().table == Table("ACTIVE", NOW - 5000, recoverable=True, restorable_until=NOW - 300)


def test_a_table_without_point_in_time_recovery() -> None:
    answers: tuple[Answer, ...] = (
        ("describe_table", {"Table": {"TableStatus": "ACTIVE"}}),
        ("describe_continuous_backups", {"ContinuousBackupsDescription": {"ContinuousBackupsStatus": "DISABLED"}}),
    )
    assert _facts({"dynamodb": answers}).table == Table("ACTIVE", None, recoverable=False, restorable_until=None)


def test_the_newest_recovery_point_and_proof_of_each() -> None:
    assert _facts().backups == Backups(
        newest={CLUSTER_ARN: NOW - 700, TABLE_ARN: None},
        validated={"Aurora": NOW - 400, "DynamoDB": None},
        tested_since=NOW - 9000,
    )


@pytest.mark.parametrize(
    ("service", "method", "member", "operation"),
    [
        ("rds", "describe_db_clusters", "database", "DescribeDBClusters"),
        ("ecs", "describe_services", "service", "DescribeServices"),
        ("elbv2", "describe_target_health", "targets", "DescribeTargetHealth"),
        ("dynamodb", "describe_table", "table", "DescribeTable"),
        ("backup", "get_restore_testing_plan", "backups", "GetRestoreTestingPlan"),
    ],
)
def test_a_probe_that_is_refused_does_not_stop_the_others(
    service: str, method: str, member: str, operation: str
) -> None:
    facts = _facts({service: ((method, Refusal("ThrottlingException")),)})
    for name in ("database", "service", "targets", "table", "backups"):
        assert isinstance(getattr(facts, name), Unknown) == (name == member)
    assert getattr(facts, member) == Unknown(f"{operation} failed: ThrottlingException")


def test_an_answer_without_what_it_must_have_is_unknown() -> None:
    found = _facts({"rds": (("describe_db_clusters", {"DBClusters": [{}]}), RDS[2])}).database
    assert isinstance(found, Unknown)
    assert "KeyError" in found.reason


@pytest.fixture
def blocked(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A load balancer that does not answer until the test is over."""
    release = threading.Event()
    monkeypatch.setattr(probes, "_targets", lambda *_: release.wait(30))
    yield release
    release.set()


def test_a_probe_that_hangs_is_unknown_in_time(blocked: threading.Event) -> None:
    facts = _facts(seconds=0.5)
    assert not blocked.is_set()
    assert facts.targets == Unknown("no answer within 0.5 s")
    assert isinstance(facts.service, Service)
