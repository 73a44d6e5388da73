"""Every alarm fires in the failure that it is for, from the fewest datapoints that this failure leaves.

Evaluated by the rules that CloudWatch documents:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from stacks.settings import Settings
from tests.assembly import Assembly

# One period each, the oldest first; None is a period in which nothing was published.
Datapoints = Sequence[float | None]
COMPARISONS = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
}
# A function that runs once, or whose next run is more than a period away.
ONCE = [None, None, 1, None, None]


def alarm_state(alarm: Mapping[str, Any], datapoints: Datapoints) -> str:
    """Return the state of a metric alarm after the last of some datapoints.

    CloudWatch looks at the latest evaluation periods. How many older datapoints it retrieves to fill gaps is not
    promised, so none are counted on here.

    Args:
        alarm: its properties in the template.
        datapoints: what was published, at least as many as the alarm has evaluation periods.

    Returns:
        ``ALARM``, ``OK``, or ``INSUFFICIENT_DATA`` where nothing was published and gaps count as missing.
    """
    breaches = COMPARISONS[alarm["ComparisonOperator"]]
    recent = datapoints[-alarm["EvaluationPeriods"] :]
    assert len(recent) == alarm["EvaluationPeriods"]
    missing = alarm["TreatMissingData"]
    if missing == "missing" and not any(point is not None for point in recent):
        return "INSUFFICIENT_DATA"
    found = [missing == "breaching" if point is None else breaches(point, alarm["Threshold"]) for point in recent]
    return "ALARM" if sum(found) >= alarm["DatapointsToAlarm"] else "OK"


def fires(alarm: Mapping[str, Any], datapoints: Datapoints) -> bool:
    """Tell whether an alarm fires at some moment while these datapoints arrive after a quiet time."""
    quiet = [0.0 if alarm["ComparisonOperator"] != "LessThanThreshold" else alarm["Threshold"]]
    series = quiet * alarm["EvaluationPeriods"] + list(datapoints)
    ends = range(alarm["EvaluationPeriods"], len(series) + 1)
    return any(alarm_state(alarm, series[:end]) == "ALARM" for end in ends)


def failures(settings: Settings) -> dict[str, Datapoints]:
    """Return for each alarm what its metric publishes in the failure that the alarm is for."""
    functions = {
        "health-monitor": 60,
        "failover": settings.operations.failover_timeout_seconds + 30,
        "restore-validation": 60,
        **({"migration": 300} if settings.database.data_api else {}),
    }
    one_run = {
        f"{function}-{kind}": [None, None, value, None, None]
        for function, seconds in functions.items()
        # Lambda ends a run at its timeout.
        for kind, value in (("errors", 1), ("throttles", 1), ("duration", seconds * 1000))
    }
    # The monitor publishes in every run, and the failure lasts until somebody acts.
    degraded = {
        f"health-{component}": [1] * 5 for component in ("database", "service", "load-balancer", "table", "backups")
    }
    operations, day = settings.operations, 86400
    ages = {
        **dict.fromkeys(("aurora-estimated-rpo", "table-estimated-rpo"), operations.estimated_rpo_alarm_seconds),
        **dict.fromkeys(
            ("aurora-recovery-point-age", "table-recovery-point-age"), operations.recovery_point_age_alarm_hours * 3600
        ),
        **dict.fromkeys(("aurora-restore-proof", "dynamodb-restore-proof"), operations.restore_proof_alarm_days * day),
    }
    return {
        **one_run,
        **degraded,
        **{subject: [limit + 1] * 5 for subject, limit in ages.items()},
        "health-monitor-silent": [None] * 3,
        "health-overall": [3] * 2,
        "database-down": [3] * 3,
        # One restore test, one failover: one datapoint each.
        "aurora-restore-test": [None, 0, None],
        "dynamodb-restore-test": [None, 0, None],
        "failover-slow": [None, settings.recovery.rto_seconds + 1, None],
        "failover-not-done": [None, 1, None],
        "notices-undelivered": [1],
        # Jobs start once a day at most.
        **dict.fromkeys(("backup-jobs-failed", "backup-jobs-expired", "copy-jobs-failed"), ONCE),
        # Published every minute while the load lasts.
        "aurora-cpu": [100] * 5,
        "aurora-acu": [100] * 5,
        "aurora-connections": [settings.database.connections_alarm + 1] * 5,
        "aurora-freeable-memory": [0] * 15,
        "aurora-commit-latency": [500] * 5,
        "aurora-replica-lag": [settings.database.replica_lag_alarm_ms + 1] * 5,
        # PostgreSQL breaks a deadlock within a second: one minute shows it.
        "aurora-deadlocks": [None, 1 / 60, None],
        # Published only in minutes in which it happens.
        "table-throttled-reads": [1] * 5,
        "table-throttled-writes": [1] * 5,
        "table-system-errors": [1] * 5,
        # A deployment that answers with errors is to end soon: two minutes of them, whatever lies between.
        "service-5xx": [10, None, 10],
        "alb-5xx": [10] * 3,
        "service-latency-p99": [settings.compute.latency_p99_alarm_ms / 1000 + 1] * 5,
        # ECS replaces a task that fails its health check; the next one fails a minute or two later.
        "service-unhealthy-targets": [1, 0, 0, 1, 0, 0, 1],
        # Container Insights publishes nothing for a service without tasks.
        "service-missing-tasks": [None] * 5,
    }


def _alarms(deployment: Assembly) -> dict[str, dict[str, Any]]:
    """Return the properties of every metric alarm by its subject."""
    end = f"-{deployment.settings.suffix}-{deployment.settings.region}"
    found = [resource["Properties"] for _, resource in deployment.all_of_type("AWS::CloudWatch::Alarm")]
    return {alarm["AlarmName"].removeprefix("dr-").removesuffix(end): alarm for alarm in found}


def test_each_alarm_fires_in_the_failure_that_it_is_for(deployment: Assembly) -> None:
    alarms, expected = _alarms(deployment), failures(deployment.settings)
    assert alarms.keys() == expected.keys()
    silent = [subject for subject, alarm in alarms.items() if not fires(alarm, expected[subject])]
    assert silent == []


def test_no_alarm_fires_while_nothing_is_wrong(deployment: Assembly) -> None:
    """Nothing to count publishes nothing: only where silence is the failure may a gap count as one."""
    for subject, alarm in _alarms(deployment).items():
        assert not fires(alarm, [] if alarm["TreatMissingData"] == "breaching" else [None] * 20), subject


def _example(
    comparison: str = "GreaterThanThreshold", missing: str = "notBreaching", needed: int = 3
) -> dict[str, Any]:
    return {
        "ComparisonOperator": comparison,
        "Threshold": 5,
        "EvaluationPeriods": 3,
        "DatapointsToAlarm": needed,
        "TreatMissingData": missing,
    }


@pytest.mark.parametrize(
    ("alarm", "datapoints", "state"),
    [
        (_example(), [6, 6, 6], "ALARM"),
        (_example(), [6, 6, 5], "OK"),
        (_example(), [6, None, 6], "OK"),
        (_example(), [9, 9, 9, 9, 0], "OK"),
        (_example(missing="breaching"), [6, None, 6], "ALARM"),
        (_example(missing="breaching"), [None, None, None], "ALARM"),
        (_example(missing="missing"), [None, None, None], "INSUFFICIENT_DATA"),
        (_example(missing="missing"), [None, None, 6], "OK"),
        (_example(needed=2), [6, None, 6], "ALARM"),
        (_example(needed=2), [None, None, 6], "OK"),
        (_example("GreaterThanOrEqualToThreshold"), [5, 5, 5], "ALARM"),
        (_example("LessThanThreshold"), [4, 4, 4], "ALARM"),
        (_example("LessThanThreshold"), [4, 4, 5], "OK"),
    ],
)
def test_the_rules_of_cloudwatch(alarm: dict[str, Any], datapoints: Datapoints, state: str) -> None:
    assert alarm_state(alarm, datapoints) == state
