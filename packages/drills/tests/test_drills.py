"""What each drill asks of AWS, and what it makes of the answers, against clients of a test."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from typing import Any
from unittest.mock import MagicMock

import pytest

from breakwater_drills import DRILLS, ecs, probes
from breakwater_drills.drill import Drill
from breakwater_drills.ecs import address, name
from breakwater_drills.errors import DrillError
from breakwater_drills.failover import Failover
from breakwater_drills.measure import Recovery, Sample
from breakwater_drills.pitr import PointInTime
from breakwater_drills.restore import Restore
from breakwater_drills.take_over import TakeOver
from breakwater_drills.target import Target
from breakwater_drills.task_loss import TaskLoss
from drills_testing.clock import SimulatedClock
from drills_testing.fakes import cluster, pages, refused

CHECKED = {"HealthCheckIntervalSeconds": 10, "UnhealthyThresholdCount": 3, "HealthCheckTimeoutSeconds": 5}


def test_a_failover_is_over_when_the_writer_moved_and_every_member_is_available(on: Target) -> None:
    drill = Failover(on, "r")
    rds = on.client("rds")
    rds.describe_db_clusters.return_value = cluster("a")
    drill.inject()
    rds.failover_db_cluster.assert_called_once_with(DBClusterIdentifier="dr-aurora-x1")
    assert not drill.restored()  # nothing has moved yet
    rds.describe_db_clusters.return_value = cluster("b", "failing-over")
    assert not drill.restored()
    rds.describe_db_clusters.return_value = cluster("b")
    pages(
        rds, {"DBInstances": [{"DBInstanceStatus": "available"}]}, {"DBInstances": [{"DBInstanceStatus": "rebooting"}]}
    )
    assert not drill.restored()
    members = [{"Name": "db-cluster-id", "Values": ["dr-aurora-x1"]}]
    rds.get_paginator.return_value.paginate.assert_called_once_with(Filters=members)
    pages(rds, {"DBInstances": [{"DBInstanceStatus": "available"}]})
    assert drill.restored()
    told = [event.what for event in drill.events]
    assert told == ["RDS: writer is b", "RDS: cluster is failing-over", "RDS: cluster is available"]
    assert drill.state() == "dr-aurora-x1 is available, its writer is b"
    rds.describe_db_clusters.return_value = cluster("neither")
    assert drill.state() == "dr-aurora-x1 is available, its writer is none"


def test_a_failover_that_rds_refuses_is_one_line(on: Target) -> None:
    rds = on.client("rds")
    rds.describe_db_clusters.return_value = cluster("a")
    rds.failover_db_cluster.side_effect = refused("InvalidDBClusterStateFault")
    with pytest.raises(DrillError, match=r"^RDS refuses the failover: InvalidDBClusterStateFault: because$"):
        Failover(on, "r").inject()


def tasks(ecs: MagicMock, *listed: str, desired: int = 2, **statuses: str) -> None:
    """Let ECS list tasks as desired, and describe them: RUNNING, with an address, unless a status is given."""
    pages(ecs, {"taskArns": [f"t/{name}" for name in listed]})
    # A task that is being stopped still counts.
    ecs.describe_services.return_value = {"services": [{"runningCount": 2, "desiredCount": desired}]}

    def describe(tasks: list[str], **asked: Any) -> dict[str, Any]:
        assert len(tasks) <= 100
        assert asked == {"cluster": "ecs"}
        return {
            "tasks": [
                {
                    "taskArn": arn,
                    "containers": [{"runtimeId": "process-4711"}],
                    "lastStatus": statuses.get(arn[2:], "RUNNING"),
                    "attachments": [
                        {"details": [{"name": "subnetId", "value": "s"}, {"name": "privateIPv4Address", "value": arn}]}
                    ],
                }
                for arn in tasks
            ]
        }

    ecs.describe_tasks.side_effect = describe


def targets(elbv2: MagicMock, **states: str) -> None:
    found = [{"Target": {"Id": f"t/{name}"}, "TargetHealth": {"State": state}} for name, state in states.items()]
    elbv2.describe_target_health.return_value = {"TargetHealthDescriptions": found}


def test_a_task_is_replaced_when_it_has_stopped_and_as_many_others_run_and_are_healthy_as_are_wanted(
    on: Target,
) -> None:
    drill, ecs, elbv2 = TaskLoss(on, "r", SimulatedClock()), on.client("ecs"), on.client("elbv2")
    tasks(ecs, "z", "a", "b", z="PROVISIONING")
    targets(elbv2, a="healthy", b="healthy")
    drill.break_now()
    ecs.stop_task.assert_called_once_with(cluster="ecs", task="t/a", reason="drill r")  # the first that runs
    listed = ecs.get_paginator.return_value.paginate
    listed.assert_called_once_with(cluster="ecs", serviceName="service", desiredStatus="RUNNING")
    tasks(ecs, "b", a="DEACTIVATING")  # the desired status changes at once, and `runningCount` does not
    assert not drill.restored()
    tasks(ecs, "b", "c", a="STOPPING")
    targets(elbv2, a="draining", b="healthy", c="healthy")
    assert not drill.restored()
    tasks(ecs, "b", "c", a="STOPPED", c="PENDING")
    assert not drill.restored()
    tasks(ecs, "b", "c", a="STOPPED")
    targets(elbv2, a="healthy", b="healthy", c="healthy")
    assert not drill.restored()
    targets(elbv2, a="draining", b="healthy", c="initial")
    assert not drill.restored()
    assert drill.recoveries([])[-1].rto_seconds is None
    targets(elbv2, a="draining", b="healthy", c="healthy")
    elbv2.describe_target_health.assert_called_with(TargetGroupArn="arn:targets")
    drill.clock.sleep(7.0)
    assert drill.restored()
    assert drill.recoveries([])[-1] == Recovery("desired tasks", 0, 0, None, 7.0, {})
    assert [event.what for event in drill.events] == [
        "fault: task-loss-stop",
        "ECS: asked to stop a",
        "ECS: the task runs yet, 1 of 2 others run",
        "ECS: the task runs yet, 2 of 2 others run",
        "ECS: the task has stopped, 1 of 2 others run",
        "ECS: the task has stopped, 2 of 2 others run",
        "ECS: 2 of 2 tasks run without the lost one",
    ]


def test_a_task_without_an_address_is_no_target_and_many_are_described_by_the_hundred(on: Target) -> None:
    drill, ecs, elbv2 = TaskLoss(on, "r"), on.client("ecs"), on.client("elbv2")
    tasks(ecs, *(str(number) for number in range(150)), desired=149)
    targets(elbv2, **{str(number): "healthy" for number in range(1, 150)})
    drill.inject()
    tasks(ecs, *(str(number) for number in range(1, 150)), desired=149, **{"0": "STOPPED"})
    assert drill.restored()
    bare = {"taskArn": "t/1", "lastStatus": "RUNNING", "attachments": [{"id": "1", "type": "sdi"}]}
    assert address(bare) == address({}) == ""
    ecs.describe_tasks.side_effect = lambda **_: {"tasks": [bare]}
    drill.inject()
    assert ecs.stop_task.call_args.kwargs["task"] == "t/1"


def test_in_the_embedded_aws_nobody_asks_for_targets(on: Target) -> None:
    drill, ecs = TaskLoss(replace(on, emulated=True), "r"), on.client("ecs")
    tasks(ecs, "a", "b")
    drill.inject()
    tasks(ecs, "b", "c", a="STOPPED")
    assert drill.restored()
    on.client("elbv2").describe_target_health.assert_not_called()


def test_a_task_that_hangs_fails_requests_until_the_checks_of_its_target_group_must_have_found_it(on: Target) -> None:
    drill = TaskLoss(on, "r", how="hang")
    drill.fault = 1000.0
    on.client("elbv2").describe_target_groups.return_value = {"TargetGroups": [CHECKED]}
    begun = [
        ("transfer", 1001.0),
        ("balance", 1035.0),
        (probes.SERVICE, 1035.0),
        ("transfer", 1035.1),
        ("table read", 1001.0),
    ]
    failed = [Sample(probe, number, at, 3.0, "503") for number, (probe, at) in enumerate(begun)]
    assert drill.failures_allowed([*failed, Sample("transfer", 9, 1002.0, 0.1)]) == 3


@pytest.mark.parametrize(
    ("how", "number", "allowed"), [("kill", signal.SIGKILL, 3), ("hang", signal.SIGSTOP, 0), ("stop", None, 0)]
)
def test_a_task_is_lost_in_the_way_that_is_asked_for(
    on: Target, monkeypatch: pytest.MonkeyPatch, how: str, number: int | None, allowed: int
) -> None:
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda *what: sent.append(what))
    drill = TaskLoss(replace(on, emulated=True), "r", how=how)
    tasks(on.client("ecs"), "a", "b")
    on.client("elbv2").describe_target_groups.return_value = {"TargetGroups": [CHECKED]}
    drill.break_now()
    assert sent == ([] if number is None else [(4711, number)])
    assert on.client("ecs").stop_task.called is (number is None)
    assert drill.failures_allowed([]) == allowed
    assert [event.what for event in drill.events] == [
        f"fault: task-loss-{how}",
        "ECS: asked to stop a" if number is None else f"{signal.Signals(number).name} sent to a",
    ]


def test_a_task_without_a_network_interface_has_no_address() -> None:
    incomplete: list[dict[str, Any]] = [{}, {"attachments": []}, {"attachments": [{}]}]
    other = {"attachments": [{"details": [{"name": "subnetId", "value": "subnet-1"}]}]}
    assert [ecs.address(task) for task in (*incomplete, other)] == [""] * 4
    both = {"attachments": [{}, {"details": [{"name": "privateIPv4Address", "value": "10.0.0.4"}]}]}
    found = (ecs.address(both), ecs.name({"taskArn": "arn:aws:ecs:eu-central-1:1:task/cluster/0a/1b"}))
    assert found == ("10.0.0.4", "1b")


def test_a_way_that_a_drill_does_not_have_is_refused(on: Target) -> None:
    assert (TaskLoss(on, "r").how, Failover(on, "r").how, Failover(on, "r").label) == ("stop", "", "failover")
    with pytest.raises(
        DrillError, match=r"^--how melt is nothing that the drill task-loss can do: use one of stop, kill, "
    ):
        TaskLoss(on, "r", how="melt")
    with pytest.raises(DrillError, match=r"^--how kill is nothing that .* failover can do: it has only one way$"):
        Failover(on, "r", how="kill")


def test_while_a_task_is_missing_the_number_says_so(on: Target) -> None:
    tasks(on.client("ecs"), "a", "b", b="PENDING")
    assert TaskLoss(on, "r").state() == "service runs 1 tasks; ECS starts the missing ones by itself"


def test_a_task_is_called_by_the_last_part_of_its_arn() -> None:
    assert name({"taskArn": "arn:aws:ecs:eu-central-1:1:task/cluster/0a1b"}) == "0a1b"


def test_a_service_without_a_running_task_has_none_to_lose(on: Target) -> None:
    tasks(on.client("ecs"), "a", a="PENDING")
    with pytest.raises(DrillError, match=r"^the service runs no task, so none can be lost$"):
        TaskLoss(on, "r").inject()
    on.client("ecs").stop_task.assert_not_called()


@pytest.mark.parametrize("kind", [*DRILLS.values()])
def test_each_drill_says_what_was_of_aws_and_what_was_not(on: Target, kind: type[Drill]) -> None:
    unmeasured = {"transfers": "not measured: the service is not the reference service"}
    assert kind(on, "r").parts() == {kind.measured_in_aws: "AWS", **unmeasured}
    local = kind(replace(on, emulated=True), "r").parts()
    assert "AWS" not in local.values()
    assert any("this machine" in where or "simulated" in where for where in local.values())
    assert local["service"].startswith("not measured: ")


@pytest.mark.parametrize(
    ("kind", "allowed"),
    [(Failover, False), (TaskLoss, False), (Restore, True), (PointInTime, True), (TakeOver, True)],
)
def test_only_a_restore_may_lose_writes(kind: type[Drill], allowed: bool) -> None:
    assert kind.loss_allowed is allowed


def test_a_store_that_cannot_be_read_does_not_hide_the_loss_of_the_other(on: Target) -> None:
    on.client("rds-data").execute_statement.side_effect = refused("AccessDeniedException")
    pages(on.client("dynamodb"), {"Items": [{"sk": {"S": "0000000000"}}]})
    writes = [Sample(name, n, 10.0 + n, 0.1) for n in range(3) for name in (probes.DATABASE_WRITE, probes.TABLE_WRITE)]
    aurora, dynamodb = Failover(on, "r").losses(writes)
    assert (aurora.name, dynamodb.name) == ("Aurora", "DynamoDB")
    assert (aurora.lost, dynamodb.lost) == (None, 2)
    assert "AccessDeniedException" in aurora.unread
