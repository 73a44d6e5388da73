"""A zone is lost: by an experiment and a zonal shift, or in the embedded AWS by the processes in it."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from typing import Any
from unittest.mock import call

import pytest

from breakwater_drills import ecs
from breakwater_drills.errors import DrillError
from breakwater_drills.measure import Recovery
from breakwater_drills.target import Target
from breakwater_drills.zone_loss import ZoneLoss
from drills_testing.clock import SimulatedClock
from drills_testing.fakes import cluster, pages, refused

BALANCER = "arn:balancer"


def placed(on: Target, writer: str = "a", **zones: str) -> None:
    """Let the writer and each task be in a zone; tasks `t…`, instances `a` in zone 1 and `b` in zone 2."""
    rds, client = on.client("rds"), on.client("ecs")
    rds.describe_db_clusters.return_value = cluster(writer)
    rds.describe_db_instances.side_effect = lambda DBInstanceIdentifier: {  # noqa: N803 (the API's name)
        "DBInstances": [{"AvailabilityZone": {"a": "zone-1", "b": "zone-2"}[DBInstanceIdentifier]}]
    }
    pages(rds, {"DBInstances": [{"DBInstanceStatus": "available"}]})
    pages(client, {"taskArns": [f"x/{name}" for name in zones], "taskDefinitionArns": []})
    client.describe_tasks.side_effect = lambda tasks, **_: {
        "tasks": [
            {
                "taskArn": arn,
                "lastStatus": "RUNNING",
                "availabilityZone": zones[arn[2:]],
                "containers": [{"runtimeId": f"process-{ord(arn[-1])}"}],
                "attachments": [{"details": [{"name": "privateIPv4Address", "value": arn}]}],
            }
            for arn in tasks
        ]
    }
    healthy = [{"Target": {"Id": f"x/{name}"}, "TargetHealth": {"State": "healthy"}} for name in zones]
    elbv2 = on.client("elbv2")
    elbv2.describe_target_health.return_value = {"TargetHealthDescriptions": healthy}
    elbv2.describe_target_groups.return_value = {"TargetGroups": [{"LoadBalancerArns": [BALANCER]}]}


def experiment(on: Target, name: str = "Breakwater-x1 ZoneLoss", zone: str = "zone-1") -> None:
    """Let FIS have a template that cuts a zone off."""
    fis = on.client("fis")
    pages(fis, {"experimentTemplates": [{"id": "other"}, {"id": "EXT1", "tags": {"Name": name}}]})
    found = {"targets": {"Target": {"resourceArns": ["arn:aws:ec2:eu-central-1:1:subnet/subnet-1"]}}}
    fis.get_experiment_template.return_value = {"experimentTemplate": found}
    fis.start_experiment.return_value = {"experiment": {"id": "EXP1"}}
    subnet = {"AvailabilityZone": zone, "AvailabilityZoneId": "euc1-az2"}
    on.client("ec2").describe_subnets.return_value = {"Subnets": [subnet]}
    on.client("arc-zonal-shift").start_zonal_shift.return_value = {"zonalShiftId": "shift-1"}


@pytest.fixture
def in_account(on: Target) -> Target:
    experiment(on)
    return replace(on, zone_experiment="Breakwater-x1 ZoneLoss")


def drill(on: Target) -> ZoneLoss:
    made = ZoneLoss(on, "0123abcd", SimulatedClock())
    made.before_fault([])
    return made


def test_in_an_account_the_experiment_the_shift_and_the_failover_begin_together(in_account: Target) -> None:
    placed(in_account, t="zone-1", u="zone-2")
    made = drill(in_account)
    made.break_now()
    begun = in_account.client("fis").start_experiment.call_args.kwargs
    assert begun == {"experimentTemplateId": "EXT1", "tags": {"Drill": "0123abcd"}}
    in_account.client("arc-zonal-shift").start_zonal_shift.assert_called_once_with(
        resourceIdentifier=BALANCER, awayFrom="euc1-az2", expiresIn="1h", comment="drill 0123abcd"
    )
    in_account.client("fis").get_experiment_template.assert_called_once_with(id="EXT1")
    in_account.client("ec2").describe_subnets.assert_called_once_with(SubnetIds=["subnet-1"])
    in_account.client("rds").failover_db_cluster.assert_called_once_with(DBClusterIdentifier="dr-aurora-x1")
    assert [event.what for event in made.events] == [
        "fault: zone-loss",
        "zone-1 has 1 of 2 tasks and the writer",
        "FIS: experiment EXP1 begun",
        "ARC: zonal shift shift-1 away from zone-1 begun",
    ]


def test_a_writer_in_another_zone_stays(in_account: Target) -> None:
    placed(in_account, "b", t="zone-1", u="zone-2")
    made = drill(in_account)
    made.inject()
    in_account.client("rds").failover_db_cluster.assert_not_called()
    placed(in_account, "b", u="zone-2", v="zone-2")
    assert made.restored()
    assert made.events[0].what == "zone-1 has 1 of 2 tasks"


def test_it_is_over_when_enough_others_are_healthy_and_the_writer_is_elsewhere(in_account: Target) -> None:
    placed(in_account, t="zone-1", u="zone-2")
    made = drill(in_account)
    made.break_now()
    assert not made.restored()
    assert made.recoveries([])[-1].rto_seconds is None
    placed(in_account, t="zone-1", u="zone-2", v="zone-2")
    assert not made.restored(), "the lost task is a healthy target still"
    placed(in_account, u="zone-2", v="zone-2")
    made.clock.sleep(7.0)
    assert not made.restored()
    assert made.recoveries([])[-1] == Recovery("desired tasks", 0, 0, None, 7.0, {})
    placed(in_account, "b", u="zone-2", v="zone-2")
    assert made.restored()
    assert "ECS: 2 of 2 tasks run without those of zone-1" in [event.what for event in made.events]


def test_what_takes_the_zone_away_is_ended_first(in_account: Target) -> None:
    placed(in_account, t="zone-1", u="zone-2")
    made = drill(in_account)
    fis = in_account.client("fis")
    made.inject()
    (stop, cancel), rest = list(made.created())[:2], list(made.created())[2:]
    assert [what for what, _ in (stop, cancel)] == ["experiment EXP1", "zonal shift shift-1"]
    assert len(rest) == 2
    ended = [("stopping", "it is stopping"), *((status, "") for status in ("completed", "stopped", "failed"))]
    for status, told in [*((each, f"it is {each}") for each in ("pending", "initiating", "running")), *ended]:
        fis.reset_mock()
        fis.get_experiment.return_value = {"experiment": {"state": {"status": status}}}
        assert stop[1]() == told
        fis.get_experiment.assert_called_once_with(id="EXP1")
        asked = [] if (status, told) in ended else [call(id="EXP1")]
        assert fis.stop_experiment.call_args_list == asked
    assert cancel[1]() == ""
    in_account.client("arc-zonal-shift").cancel_zonal_shift.assert_called_once_with(zonalShiftId="shift-1")


def test_in_the_embedded_aws_the_tasks_of_the_writers_zone_are_killed_and_its_targets_shifted_away(
    on: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    local, sent = replace(on, emulated=True), list[tuple[int, int]]()
    experiment(local, zone="zone-2")
    monkeypatch.setattr(os, "kill", lambda *what: sent.append(what))
    placed(local, "b", t="zone-2", u="zone-1", v="zone-2")
    made = drill(local)
    made.inject()
    assert sent == [(ord("t"), signal.SIGKILL), (ord("v"), signal.SIGKILL)]
    local.client("rds").failover_db_cluster.assert_called_once()
    local.client("fis").start_experiment.assert_not_called()
    local.client("ec2").describe_subnets.assert_called_once_with(
        Filters=[{"Name": "availability-zone", "Values": ["zone-2"]}]
    )
    local.client("arc-zonal-shift").start_zonal_shift.assert_called_once_with(
        resourceIdentifier=BALANCER, awayFrom="euc1-az2", expiresIn="1h", comment="drill 0123abcd"
    )
    others = [what for what, _ in ZoneLoss(local, "0123abcd").created()]
    assert [what for what, _ in made.created()] == ["zonal shift shift-1", *others]
    placed(local, "a", u="zone-1", w="zone-1")
    local.client("elbv2").describe_target_health.return_value = {"TargetHealthDescriptions": []}
    assert made.restored(), "a service on paper has no targets that are checked"


@pytest.mark.parametrize(
    ("name", "told"), [("", "by Target.zone_experiment"), ("Breakwater-x1 ZoneLoss", "Breakwater-x1 ZoneLoss")]
)
def test_without_the_experiment_nothing_is_broken(on: Target, name: str, told: str) -> None:
    experiment(on, "Breakwater-x2 ZoneLoss")
    placed(on, t="zone-1", u="zone-2")
    with pytest.raises(DrillError) as refusal:
        drill(replace(on, zone_experiment=name))
    assert str(refusal.value) == (
        f"no FIS experiment template is named {told}: deploy with operations.experiments=true before this drill. "
        "Nothing was broken"
    )


def test_a_zone_with_all_tasks_is_not_lost_in_an_account(in_account: Target) -> None:
    placed(in_account, t="zone-1", u="zone-1")
    assert drill(replace(in_account, emulated=True)).events[0].what == "zone-1 has 2 of 2 tasks and the writer"
    told = "2 of 2 tasks of service run in zone-1: run tasks in two zones at least. Nothing was broken"
    with pytest.raises(DrillError, match=f"^{told}$"):
        drill(in_account)


def test_an_experiment_that_fis_refuses_is_one_line(in_account: Target) -> None:
    placed(in_account, t="zone-1", u="zone-2")
    made = drill(in_account)
    in_account.client("fis").start_experiment.side_effect = refused("ConflictException")
    with pytest.raises(DrillError, match=r"^FIS refuses the experiment: ConflictException: because$"):
        made.inject()


def test_a_task_that_is_no_process_of_this_machine_gets_no_signal(on: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "kill", lambda *_: pytest.fail("a signal was sent"))
    task: dict[str, Any] = {"taskArn": "x/t", "containers": [{"runtimeId": "process-12"}]}
    paper = {**task, "containers": [{"runtimeId": "paper-12"}]}
    local, unplaced = replace(on, emulated=True), {**task, "containers": [{}]}
    for target, each in ((on, task), (local, paper), (local, unplaced)):
        with pytest.raises(DrillError) as refusal:
            ecs.Tasks(target).send(each, signal.SIGKILL)
        assert str(refusal.value) == (
            "task t is no process of this machine, so it cannot get SIGKILL: run this drill in the embedded AWS, with "
            "an image that runs there; in an account use --how stop"
        )
