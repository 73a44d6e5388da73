"""Which step of a validation comes next, and what the contents of a restored copy prove."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restore_validation.jobs import JobStage, RestoreJob, stage_of
from restore_validation.logic import (
    CLOCK_SECONDS,
    DELETION_GRACE_SECONDS,
    READING_GRACE_SECONDS,
    ClusterState,
    Contents,
    Expectation,
    Step,
    ValidationResult,
    next_step,
    validate,
)
from tests.lambdas.restore_fakes import CLUSTER_ARN, NOW, PLAN, PLAN_ARN, SCOPE, TABLE_ARN

JOB = RestoreJob(
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
READY = ClusterState("available", True, "available", True, "active")
FOUND = ValidationResult(True, "12 tables, 9 with data")
STATUSES = st.sampled_from(["available", "creating", "deleting", "modifying"])
CLUSTERS = st.one_of(
    st.none(),
    st.builds(
        ClusterState,
        status=STATUSES,
        has_capacity_range=st.booleans(),
        instance_status=st.one_of(st.none(), STATUSES),
        data_api_enabled=st.booleans(),
        secret_status=st.sampled_from([None, "creating", "active"]),
    ),
)
RESULTS = st.sampled_from([None, FOUND])
SECONDS_LEFT = st.floats(-100_000, 100_000)


@pytest.mark.parametrize("plan", [PLAN_ARN, SCOPE + PLAN])
@pytest.mark.parametrize("arn", [CLUSTER_ARN, TABLE_ARN])
@pytest.mark.parametrize("status", ["VALIDATING", ""])
def test_a_complete_restore_test_of_the_plan_awaits_a_result(plan: str, arn: str, status: str) -> None:
    job = replace(JOB, plan_arn=plan, resource_arn=arn, validation_status=status)
    assert stage_of(job, PLAN, SCOPE) is JobStage.AWAITS_RESULT


@pytest.mark.parametrize("status", ["SUCCESSFUL", "FAILED", "TIMED_OUT"])
def test_a_restore_test_with_a_result_awaits_none(status: str) -> None:
    assert stage_of(replace(JOB, validation_status=status), PLAN, SCOPE) is JobStage.HAS_RESULT


@pytest.mark.parametrize("status", ["PENDING", "RUNNING"])
def test_a_restore_test_that_is_not_complete_is_restoring(status: str) -> None:
    assert stage_of(replace(JOB, status=status, resource_arn=""), PLAN, SCOPE) is JobStage.RESTORING
    assert stage_of(replace(JOB, status=status, plan_arn=""), PLAN, SCOPE) is JobStage.IRRELEVANT


@pytest.mark.parametrize(
    "job",
    [
        replace(JOB, plan_arn=""),
        replace(JOB, plan_arn=PLAN_ARN.replace(PLAN, PLAN + "_2")),
        replace(JOB, plan_arn=PLAN_ARN.replace("us-east-1", "eu-west-1")),
        replace(JOB, plan_arn=SCOPE + PLAN + "-2"),
        replace(JOB, status="FAILED"),
        replace(JOB, status="ABORTED"),
        replace(JOB, resource_arn="arn:aws:rds:us-east-1:123456789012:cluster:dr-aurora-eu1-us-east-1"),
        replace(JOB, resource_arn="arn:aws:rds:us-east-1:123456789012:cluster:x-awsbackup-restore-test-1"),
        replace(JOB, resource_arn=""),
    ],
)
def test_no_other_job_is_relevant(job: RestoreJob) -> None:
    assert stage_of(job, PLAN, SCOPE) is JobStage.IRRELEVANT


@pytest.mark.parametrize(
    ("cluster", "step", "reason"),
    [
        (replace(READY, status="creating"), "wait", "the cluster is creating"),
        (
            replace(READY, has_capacity_range=False, instance_status=None),
            "set-capacity",
            "the cluster has no capacity range",
        ),
        (replace(READY, instance_status=None), "create-instance", "the cluster has no instance"),
        (replace(READY, instance_status="creating"), "wait", "the instance is creating"),
        (replace(READY, data_api_enabled=False), "enable-data-api", "the Data API is not enabled"),
        (replace(READY, secret_status=None), "enable-data-api", "the cluster has no secret"),
        (replace(READY, secret_status="creating"), "wait", "the secret is creating"),
        (READY, "query", "the cluster is ready"),
        (None, "fail", "the restored cluster does not exist"),
    ],
)
def test_a_cluster_is_made_readable_step_by_step(cluster: ClusterState | None, step: str, reason: str) -> None:
    found = next_step(cluster, None, 1)
    assert (str(found.step), found.reason) == (step, reason)


@pytest.mark.parametrize(
    ("cluster", "seconds_left", "step"),
    [
        (READY, 1, "delete-instance: the validation has a result"),
        (replace(READY, instance_status="creating"), 1, "delete-instance: the validation has a result"),
        (replace(READY, instance_status="deleting"), 1, "wait: the instance is being deleted"),
        (replace(READY, instance_status="deleting"), -DELETION_GRACE_SECONDS, "wait: the instance is being deleted"),
        (
            replace(READY, instance_status="deleting"),
            -DELETION_GRACE_SECONDS - 1,
            "report: the instance was not deleted in time",
        ),
        (replace(READY, instance_status=None), 1, "report: the cluster has no instance"),
        (None, 1, "report: the cluster has no instance"),
    ],
)
def test_the_instance_is_deleted_before_the_result_is_reported(
    cluster: ClusterState | None, seconds_left: float, step: str
) -> None:
    found = next_step(cluster, FOUND, seconds_left)
    assert f"{found.step}: {found.reason}" == step


@pytest.mark.parametrize(("seconds_left", "step"), [(-600, Step.QUERY), (-600.1, Step.FAIL)])
def test_a_ready_cluster_is_read_until_ten_minutes_after_the_deadline(seconds_left: float, step: Step) -> None:
    assert READING_GRACE_SECONDS == 600
    assert next_step(READY, None, seconds_left).step is step


def test_a_cluster_that_is_not_ready_fails_after_the_deadline() -> None:
    found = next_step(replace(READY, instance_status="creating"), None, 0)
    assert (found.step, found.reason) == (Step.FAIL, "not ready before the deadline: the instance is creating")


@given(CLUSTERS, RESULTS, SECONDS_LEFT)
def test_a_cluster_is_read_only_when_ready_and_only_once(
    cluster: ClusterState | None, result: ValidationResult | None, seconds_left: float
) -> None:
    step = next_step(cluster, result, seconds_left).step
    if step is Step.QUERY:
        assert cluster == READY
        assert result is None
    if step is Step.REPORT:
        assert result is not None


@given(CLUSTERS, RESULTS)
def test_nothing_waits_after_the_grace_period(cluster: ClusterState | None, result: ValidationResult | None) -> None:
    assert next_step(cluster, result, -DELETION_GRACE_SECONDS - 1).step in (Step.FAIL, Step.REPORT)


@given(CLUSTERS, RESULTS, SECONDS_LEFT)
def test_an_instance_is_created_only_if_there_is_none_and_deleted_only_if_there_is_one(
    cluster: ClusterState | None, result: ValidationResult | None, seconds_left: float
) -> None:
    step = next_step(cluster, result, seconds_left).step
    if step is Step.CREATE_INSTANCE:
        assert cluster is not None
        assert cluster.instance_status is None
    if step is Step.DELETE_INSTANCE:
        assert cluster is not None
        assert cluster.instance_status not in (None, "deleting")


@pytest.mark.parametrize(
    ("contents", "expected", "result"),
    [
        (Contents("tables", 12, 9), Expectation(1), ValidationResult(True, "12 tables, 9 with data", 3600)),
        (
            Contents("tables", 12, 0),
            Expectation(1),
            ValidationResult(False, "12 tables, 0 with data: at least 1 must hold data", 3600),
        ),
        (Contents("items", 0, 0), Expectation(0), ValidationResult(True, "0 items, 0 with data", 3600)),
        (
            Contents("tables", 2, 2, None),
            Expectation(1, 300),
            ValidationResult(False, "2 tables, 2 with data: no time since 1970 found in them", 3600),
        ),
        (
            Contents("tables", 2, 2, NOW - 4500 - 300),
            Expectation(1, 300),
            ValidationResult(True, "2 tables, 2 with data, the latest 300 s older than the recovery point", 300),
        ),
        (
            Contents("tables", 2, 2, NOW - 4500 - 301),
            Expectation(1, 300),
            ValidationResult(
                False,
                "2 tables, 2 with data, the latest 301 s older than the recovery point: at most 300 s are allowed",
                301,
            ),
        ),
    ],
)
def test_what_the_contents_prove(contents: Contents, expected: Expectation, result: ValidationResult) -> None:
    assert validate(JOB, contents, expected) == result


def test_a_row_between_the_recovery_point_and_the_restore_means_no_loss() -> None:
    for newest in (JOB.recovery_point_at, JOB.created_at, JOB.created_at + CLOCK_SECONDS):
        found = validate(JOB, Contents("tables", 1, 1, newest), Expectation(1, 300))
        assert (found.successful, found.rpo_seconds) == (True, 0)


@pytest.mark.parametrize("complete", [True, False])
@pytest.mark.parametrize("newest", [JOB.created_at + 300.1, (NOW - 10 * 365 * 86400) * 1000, float("inf")])
def test_a_time_in_the_future_proves_nothing(newest: float, complete: bool) -> None:
    found = validate(JOB, Contents("items", 5, 5, newest, complete), Expectation(1, 300))
    assert (found.successful, found.rpo_seconds) == (False, None)
    later = f"the latest {newest - JOB.created_at:.0f} s after the restore began"
    assert found.message == (
        f"5 items, 5 with data{'' if complete else ' in the part that was read'}, {later}: "
        "times must be seconds since 1970, and none in the future"
    )


@pytest.mark.parametrize("newest", [float("-inf"), -1.0])
def test_a_time_before_1970_is_none(newest: float) -> None:
    found = validate(JOB, Contents("tables", 2, 2, newest), Expectation(1, 300))
    assert found == ValidationResult(False, "2 tables, 2 with data: no time since 1970 found in them", 3600)
    assert validate(JOB, Contents("tables", 2, 2, 0.0), Expectation(1, 300)).rpo_seconds == JOB.recovery_point_at


@given(st.one_of(st.none(), st.floats(allow_nan=False)), st.booleans(), st.integers(0, 10_000))
def test_cloudwatch_accepts_every_rpo(newest: float | None, complete: bool, max_age: int) -> None:
    found = validate(JOB, Contents("items", 2, 2, newest, complete), Expectation(1, max_age))
    assert found.rpo_seconds is None or 0 <= found.rpo_seconds <= NOW


def test_without_times_the_rpo_is_the_age_of_the_recovery_point_if_it_is_known() -> None:
    job = replace(JOB, recovery_point_at=None)
    assert validate(job, Contents("tables", 1, 1), Expectation(1)).rpo_seconds is None
    for age in (0, 0.5):
        job = replace(JOB, recovery_point_at=JOB.created_at - age)
        assert validate(job, Contents("tables", 1, 1), Expectation(1)).rpo_seconds == age
    job = replace(JOB, recovery_point_at=None)
    assert validate(job, Contents("tables", 1, 1, NOW - 1000), Expectation(1, 300)).rpo_seconds == 100
