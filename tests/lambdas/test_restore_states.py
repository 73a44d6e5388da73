"""Courses of restore validation: slow services, lost answers, invocations that end at any step, copies of any content.

Hypothesis decides what becomes of the requests of each delivery of the message; the real handler takes the steps.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto
from types import SimpleNamespace
from typing import Any
from unittest import mock

from botocore import xform_name
from botocore.exceptions import ClientError, ReadTimeoutError
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from restore_validation import handler
from tests.fake_clients import ServiceError
from tests.lambdas.account import ENVIRONMENT, MemoryTable
from tests.lambdas.restore_fakes import CLUSTER_ARN, NOW, FakeBackup, FakeDataApi, FakeRds, describe_job
from tests.lambdas.restore_harness import DEADLINE_SECONDS, EVENT, REDELIVERY_SECONDS, VARIABLES

NEVER = 1000
# The restore ended 300 s ago; readings may end 600 s after the deadline, and deletions 1800 s after it.
DEADLINE = NOW - 300 + DEADLINE_SECONDS
LAST_READING, LAST_DELETION = DEADLINE + 600, DEADLINE + 1800


class Fault(Enum):
    """What becomes of one request of a delivery."""

    THROTTLED = auto()
    NOT_ANSWERED = auto()
    ANSWER_LOST = auto()
    DEAD_BEFORE = auto()
    DEAD_AFTER = auto()


class _Dead(BaseException):
    """Lambda has ended the invocation."""


@dataclass(frozen=True)
class Course:
    """What a course depends on. Times are deliveries of the message.

    Attributes:
        filled: Number of tables that hold data.
        age: Seconds by which the latest row is older than the recovery point; ``None`` if there is none.
        checked: Whether times are checked.
        restored_at: First delivery at which AWS Backup describes the restore as complete.
        readable_at: First delivery at which the Data API answers.
        creatable_at: First delivery at which RDS creates an instance.
        deletable_at: First delivery at which RDS deletes an instance.
        timed_out_at: Delivery before which AWS Backup sets a result itself.
        faults: For each delivery, its request that fails, and how; and whether the message comes again at once.
    """

    filled: int
    age: float | None
    checked: bool
    restored_at: int
    readable_at: int
    creatable_at: int
    deletable_at: int
    timed_out_at: int
    faults: tuple[tuple[int, Fault, bool], ...]

    @property
    def suffices(self) -> bool:
        """Whether the copy holds what is expected: the restore began an hour after the recovery point."""
        recent = self.age is not None and -3600 - 300 <= self.age <= 300
        return self.filled >= 1 and (recent or not self.checked)


class _World:
    """An account with one restore test, whose message is delivered until it is processed."""

    def __init__(self, course: Course) -> None:
        self.course, self.now, self.delivery, self.requests = course, NOW, 0, 0
        self.backup = FakeBackup(describe_job("Aurora", CLUSTER_ARN))
        self.rds, self.data, self.table = FakeRds(), FakeDataApi((12, course.filled), course.age), MemoryTable()
        self.metrics: dict[str, float] = {}
        self.decided_at: float | None = None
        services: dict[str, FakeBackup | FakeRds | FakeDataApi] = {
            "backup": self.backup,
            "rds": self.rds,
            "rds-data": self.data,
        }
        calls = {service: {xform_name(name): call for name, call in fake.operations().items()}
                 for service, fake in services.items()}  # fmt: skip
        calls["backup"]["put_restore_validation_result"] = self._put_result
        calls["cloudwatch"] = {"put_metric_data": self._publish}
        calls["dynamodb"] = {name: getattr(self.table, name) for name in ("get_item", "put_item")}
        self._clients = {
            service: SimpleNamespace(**{name: self._request(call) for name, call in operations.items()})
            for service, operations in calls.items()
        }

    def client(self, service: str, **_: int) -> Any:
        return self._clients[service]

    def _publish(self, MetricData: list[dict[str, Any]], **_: Any) -> Mapping[str, Any]:  # noqa: N803
        self.metrics |= {each["MetricName"]: each["Value"] for each in MetricData}
        return {}

    def _put_result(self, **result: str) -> Mapping[str, Any]:
        if self.backup.job["ValidationStatus"] != "VALIDATING":
            raise ServiceError("InvalidRequestException")
        return self.backup.operations()["PutRestoreValidationResult"](**result)

    def _request(self, serve: Callable[..., Any]) -> Callable[..., Any]:
        def request(**parameters: Any) -> Any:
            self.requests += 1
            fault = None
            if self.delivery < len(self.course.faults) and self.course.faults[self.delivery][0] == self.requests:
                fault = self.course.faults[self.delivery][1]
            if fault is Fault.DEAD_BEFORE:
                raise _Dead
            if fault is Fault.NOT_ANSWERED:
                raise ReadTimeoutError(endpoint_url="https://aws")
            try:
                if fault is Fault.THROTTLED:
                    raise ServiceError("ThrottlingException")
                answer = serve(**parameters)
            except ServiceError as error:
                raise ClientError({"Error": {"Code": error.code, "Message": ""}}, "Operation") from None
            if fault is Fault.DEAD_AFTER:
                raise _Dead
            if fault is Fault.ANSWER_LOST:
                raise ReadTimeoutError(endpoint_url="https://aws")
            return answer

        return request

    def deliver(self) -> bool:
        """Deliver the message, and return whether it is processed."""
        course, self.requests = self.course, 0
        self.backup.job["Status"] = "COMPLETED" if self.delivery >= course.restored_at else "RUNNING"
        self.data.error = "" if self.delivery >= course.readable_at else "DatabaseResumingException"
        blocked = {"CreateDBInstance": course.creatable_at, "DeleteDBInstance": course.deletable_at}
        self.rds.errors = {name: "InvalidDBInstanceState" for name, first in blocked.items() if self.delivery < first}
        if self.delivery == course.timed_out_at and self.backup.job["ValidationStatus"] == "VALIDATING":
            self.backup.job["ValidationStatus"] = "TIMED_OUT"
        known = len(self.table.items)
        try:
            failures = handler.handle({"Records": [{"messageId": "m", "body": BODY}]}, None)["batchItemFailures"]
        except _Dead:
            failures = ["m"]
        if len(self.table.items) > known:
            self.decided_at = self.now
        again = self.delivery < len(course.faults) and course.faults[self.delivery][2]
        self.delivery += 1
        self.now += 0 if again and failures else REDELIVERY_SECONDS if failures else 0
        return not failures


BODY = json.dumps(EVENT)
DELIVERIES = st.sampled_from([0, 0, 0, 1, 2, 5, 14, 18, 20, NEVER])
COURSES = st.builds(
    Course,
    filled=st.sampled_from([0, 1, 9, 9]),
    age=st.sampled_from([4.5, 300.0, 301.0, -3600.0, -3900.0, -3901.0, -9e12, None]),
    checked=st.booleans(),
    restored_at=st.sampled_from([0, 0, 1, 3]),
    readable_at=DELIVERIES,
    creatable_at=DELIVERIES,
    deletable_at=DELIVERIES,
    timed_out_at=st.sampled_from([NEVER, NEVER, NEVER, 0, 3, 7, 16]),
    faults=st.lists(st.tuples(st.integers(1, 9), st.sampled_from(Fault), st.booleans()), max_size=20).map(tuple),
)


@settings(
    max_examples=900, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
@given(COURSES)
def test_every_course_ends_with_a_true_result_and_a_closed_copy(course: Course) -> None:
    world = _World(course)
    variables = {**ENVIRONMENT, **VARIABLES}
    if course.checked:
        variables |= {"CHECK_TABLE": "entries", "CHECK_COLUMN": "created_at"}
    with (
        mock.patch.dict("os.environ", variables),
        mock.patch.object(handler, "client", world.client),
        mock.patch.object(handler, "time", SimpleNamespace(time=lambda: world.now)),
    ):
        while not world.deliver():
            # There is a result soon after the last deadline, whatever becomes of the requests after the faults.
            late = world.now > LAST_DELETION + (len(course.faults) + 3) * REDELIVERY_SECONDS
            assert not late or world.backup.job["ValidationStatus"] != "VALIDATING"
            if late and course.deletable_at == NEVER:
                break  # the message becomes a dead letter, whose alarm tells people of the copy
        else:
            assert world.rds.instance in ("", "deleting")
            world.course = replace(course, faults=())
            assert world.deliver()
    status, results = world.backup.job["ValidationStatus"], world.backup.results
    event(status)
    assert len(results) == (status != "TIMED_OUT")
    if status == "TIMED_OUT":
        return
    assert world.metrics["RestoreTestSucceeded"] == (status == "SUCCESSFUL")
    assert world.decided_at is not None
    if status == "SUCCESSFUL":
        assert course.suffices
        assert world.decided_at <= LAST_READING
    elif course.suffices:
        assert world.decided_at >= DEADLINE
    if world.now <= LAST_DELETION or course.deletable_at == NEVER:
        noted = "delete the cluster" in results[0]["ValidationStatusMessage"]
        assert noted is (course.deletable_at == NEVER and "CreateDBInstance" in world.rds.changes)
