"""What the probes ask, read from answers of the services' real shapes."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from health_monitor import probes
from health_monitor.facts import Backups, Facts, Service, Table, Targets, Unknown
from health_monitor.probes import probe
from tests.lambdas.probe_answers import ANSWERS, CLUSTER_ARN, NOW, RDS, TABLE_ARN, WATCHED
from tests.lambdas.stubs import Answer, Refusal, stubbed


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
