"""What comes next for a restored copy, and what its contents prove."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restore_validation.logic import (
    GRACE,
    Contents,
    Expected,
    Job,
    RestoredCluster,
    Step,
    Verdict,
    is_ours,
    judge,
    next_step,
)
from tests.lambdas.restored import CLUSTER_ARN, NOW, PLAN, PLAN_ARN, SCOPE, TABLE_ARN

JOB = Job(
    identifier="job",
    plan_arn=PLAN_ARN,
    resource_type="Aurora",
    resource_arn=CLUSTER_ARN,
    status="COMPLETED",
    validation_status="VALIDATING",
    created_at=NOW - 900,
    completed_at=NOW - 300,
    recovery_point_at=NOW - 4500,
)
OPEN = RestoredCluster("available", True, "available", True, "active")
FOUND = Verdict(True, "12 tables, 9 with data")
STATUSES = st.sampled_from(["available", "creating", "deleting", "modifying"])
CLUSTERS = st.one_of(
    st.none(),
    st.builds(
        RestoredCluster,
        status=STATUSES,
        scales=st.booleans(),
        instance_status=st.one_of(st.none(), STATUSES),
        data_api=st.booleans(),
        secret_status=st.sampled_from([None, "creating", "active"]),
    ),
)
VERDICTS = st.sampled_from([None, FOUND])
LEFT = st.floats(-100_000, 100_000)


@pytest.mark.parametrize("plan", [PLAN_ARN, SCOPE + PLAN])
@pytest.mark.parametrize("arn", [CLUSTER_ARN, TABLE_ARN])
def test_a_restore_test_of_our_plan_is_ours(plan: str, arn: str) -> None:
    assert is_ours(replace(JOB, plan_arn=plan, resource_arn=arn), PLAN, SCOPE)


@pytest.mark.parametrize(
    "job",
    [
        replace(JOB, plan_arn=""),
        replace(JOB, plan_arn=PLAN_ARN.replace(PLAN, PLAN + "_2")),
        replace(JOB, plan_arn=PLAN_ARN.replace("us-east-1", "eu-west-1")),
        replace(JOB, plan_arn=SCOPE + PLAN + "-2"),
        replace(JOB, status="RUNNING"),
        replace(JOB, validation_status="SUCCESSFUL"),
        replace(JOB, validation_status="FAILED"),
        replace(JOB, validation_status="TIMED_OUT"),
        replace(JOB, resource_arn="arn:aws:rds:us-east-1:123456789012:cluster:dr-aurora-eu1-us-east-1"),
        replace(JOB, resource_arn="arn:aws:rds:us-east-1:123456789012:cluster:x-awsbackup-restore-test-1"),
        replace(JOB, resource_arn=""),
    ],
)
def test_nothing_else_is(job: Job) -> None:
    assert not is_ours(job, PLAN, SCOPE)


@pytest.mark.parametrize(
    ("cluster", "step", "reason"),
    [
        (replace(OPEN, status="creating"), "wait", "the cluster is creating"),
        (replace(OPEN, scales=False, instance_status=None), "let-scale", "the cluster has no capacity range"),
        (replace(OPEN, instance_status=None), "create-instance", "the cluster has no instance"),
        (replace(OPEN, instance_status="creating"), "wait", "the instance is creating"),
        (replace(OPEN, data_api=False), "open", "the cluster has no Data API"),
        (replace(OPEN, secret_status=None), "open", "the cluster has no secret"),
        (replace(OPEN, secret_status="creating"), "wait", "the secret is creating"),
        (OPEN, "query", "the cluster is open"),
        (None, "fail", "the restored cluster is gone"),
    ],
)
def test_a_cluster_is_opened_step_by_step(cluster: RestoredCluster | None, step: str, reason: str) -> None:
    found = next_step(cluster, None, 1)
    assert (str(found.step), found.reason) == (step, reason)


@pytest.mark.parametrize(
    ("cluster", "left", "step"),
    [
        (OPEN, 1, Step.DELETE_INSTANCE),
        (replace(OPEN, instance_status="creating"), 1, Step.DELETE_INSTANCE),
        (replace(OPEN, instance_status="deleting"), 1, Step.WAIT),
        (replace(OPEN, instance_status="deleting"), -GRACE, Step.WAIT),
        (replace(OPEN, instance_status="deleting"), -GRACE - 1, Step.REPORT),
        (replace(OPEN, instance_status=None), 1, Step.REPORT),
        (None, 1, Step.REPORT),
    ],
)
def test_its_instance_goes_before_the_result_is_told(cluster: RestoredCluster | None, left: float, step: Step) -> None:
    assert next_step(cluster, FOUND, left).step is step


def test_an_open_cluster_is_read_even_when_it_is_late() -> None:
    assert next_step(OPEN, None, -1).step is Step.QUERY


def test_what_was_not_opened_in_time_fails_with_the_reason() -> None:
    found = next_step(replace(OPEN, instance_status="creating"), None, 0)
    assert (found.step, found.reason) == (Step.FAIL, "not opened in time: the instance is creating")


@given(CLUSTERS, VERDICTS, LEFT)
def test_a_copy_is_read_only_when_open_and_only_once(
    cluster: RestoredCluster | None, verdict: Verdict | None, left: float
) -> None:
    step = next_step(cluster, verdict, left).step
    if step is Step.QUERY:
        assert cluster == OPEN
        assert verdict is None
    if step is Step.REPORT:
        assert verdict is not None


@given(CLUSTERS, VERDICTS)
def test_after_the_deadline_and_its_grace_nothing_waits(
    cluster: RestoredCluster | None, verdict: Verdict | None
) -> None:
    assert next_step(cluster, verdict, -GRACE - 1).step in (Step.FAIL, Step.QUERY, Step.REPORT)


@given(CLUSTERS, VERDICTS, LEFT)
def test_an_instance_is_made_only_where_there_is_none_and_deleted_only_where_there_is_one(
    cluster: RestoredCluster | None, verdict: Verdict | None, left: float
) -> None:
    step = next_step(cluster, verdict, left).step
    if step is Step.CREATE_INSTANCE:
        assert cluster is not None
        assert cluster.instance_status is None
    if step is Step.DELETE_INSTANCE:
        assert cluster is not None
        assert cluster.instance_status not in (None, "deleting")


@pytest.mark.parametrize(
    ("contents", "expected", "verdict"),
    [
        (Contents("tables", 12, 9), Expected(1), Verdict(True, "12 tables, 9 with data", 3600)),
        (
            Contents("tables", 12, 0),
            Expected(1),
            Verdict(False, "12 tables, 0 with data: at least 1 must hold data", 3600),
        ),
        (Contents("items", 0, 0), Expected(0), Verdict(True, "0 items, 0 with data", 3600)),
        (
            Contents("tables", 2, 2, None),
            Expected(1, 300),
            Verdict(False, "2 tables, 2 with data: no timestamp in them", 3600),
        ),
        (
            Contents("tables", 2, 2, NOW - 4500 - 300),
            Expected(1, 300),
            Verdict(True, "2 tables, 2 with data, the newest from 300 s before the recovery point", 300),
        ),
        (
            Contents("tables", 2, 2, NOW - 4500 - 301),
            Expected(1, 300),
            Verdict(
                False,
                "2 tables, 2 with data, the newest from 301 s before the recovery point: more than 300 s",
                301,
            ),
        ),
    ],
)
def test_what_the_contents_prove(contents: Contents, expected: Expected, verdict: Verdict) -> None:
    assert judge(JOB, contents, expected) == verdict


def test_a_row_that_is_newer_than_the_recovery_point_is_no_negative_loss() -> None:
    assert judge(JOB, Contents("tables", 1, 1, NOW), Expected(1, 300)).rpo_seconds == 0


def test_where_aws_backup_does_not_tell_the_recovery_points_age_nobody_guesses_it() -> None:
    job = replace(JOB, recovery_point_at=None)
    assert judge(job, Contents("tables", 1, 1), Expected(1)).rpo_seconds is None
    assert judge(job, Contents("tables", 1, 1, NOW - 1000), Expected(1, 300)).rpo_seconds == 100
