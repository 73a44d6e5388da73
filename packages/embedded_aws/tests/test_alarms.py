"""Alarms: judged by the metric that they name, dimensions included, one period after the other."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from embedded_aws.clients import Aws

pytestmark = pytest.mark.emulator
PERIOD = 60
_names = count(1)


@pytest.fixture
def name(aws: Aws) -> Iterator[str]:
    made = f"judged-{next(_names)}"
    yield made
    aws("cloudwatch").delete_alarms(AlarmNames=[made])


def put(aws: Aws, metric: str, host: str, *values: float | None) -> None:
    """Put values into the last whole periods, the newest last, and never while one ends."""
    if time.time() % PERIOD > PERIOD - 3:
        time.sleep(3)
    newest = time.time() // PERIOD * PERIOD - PERIOD / 2
    for before, value in enumerate(reversed(values)):
        if value is not None:
            data = {"MetricName": metric, "Dimensions": [{"Name": "Host", "Value": host}], "Value": value}
            aws("cloudwatch").put_metric_data(
                Namespace="Judged", MetricData=[{**data, "Timestamp": newest - before * PERIOD}]
            )


def state(aws: Aws, name: str, **declared: Any) -> str:
    """Return the state that an alarm gets; a value for another metric makes CloudWatch look at it."""
    alarm = {
        "Namespace": "Judged", "MetricName": name, "Dimensions": [{"Name": "Host", "Value": "a"}], "Period": PERIOD,
        "EvaluationPeriods": 3, "Statistic": "Sum", "Threshold": 10, **declared,
        "ComparisonOperator": declared.get("ComparisonOperator", "GreaterThanOrEqualToThreshold"),
    }  # fmt: skip
    aws("cloudwatch").put_metric_alarm(AlarmName=name, **alarm)
    put(aws, "another", "a", 1)
    return str(aws("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["StateValue"])


@pytest.mark.parametrize(
    ("values", "declared", "expected"),
    [
        ((10, 10, 10), {}, "ALARM"),
        ((9, 10, 10), {}, "OK"),
        ((9, 10, 10), {"DatapointsToAlarm": 2}, "ALARM"),
        ((5, 5, 5), {"Threshold": 15}, "OK"),  # each period by itself, never their sum
        ((10, None, 10), {}, "OK"),
        ((10, None, 10), {"TreatMissingData": "breaching"}, "ALARM"),
        ((10, None, 10), {"TreatMissingData": "notBreaching", "DatapointsToAlarm": 2}, "ALARM"),
        ((10, None, None, None), {}, "INSUFFICIENT_DATA"),
        ((10, None, None, None), {"TreatMissingData": "notBreaching"}, "OK"),
        ((1, 1, 1), {"ComparisonOperator": "LessThanThreshold"}, "ALARM"),
        ((10, 10, 11), {"ComparisonOperator": "GreaterThanThreshold"}, "OK"),
        ((10, 10, 10), {"ComparisonOperator": "LessThanOrEqualToThreshold"}, "ALARM"),
    ],
)
def test_an_alarm_counts_the_periods_that_breach(
    aws: Aws, name: str, values: tuple[float | None, ...], declared: dict[str, Any], expected: str
) -> None:
    put(aws, name, "a", *values)
    assert state(aws, name, **declared) == expected


def test_an_alarm_looks_at_its_own_dimensions_alone(aws: Aws, name: str) -> None:
    put(aws, name, "a", 1, 1, 1)
    put(aws, name, "b", 99, 99, 99)
    assert state(aws, name) == "OK"
    assert state(aws, name, Dimensions=[{"Name": "Host", "Value": "b"}]) == "ALARM"
    assert state(aws, name, Dimensions=[]) == "ALARM"  # nobody published it without dimensions: the state is kept


def test_missing_data_that_is_to_be_ignored_keeps_the_state(aws: Aws, name: str) -> None:
    put(aws, name, "a", 10, None)
    ignoring = {"TreatMissingData": "ignore", "EvaluationPeriods": 1}
    assert state(aws, name, **ignoring) == "INSUFFICIENT_DATA"
    aws("cloudwatch").set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="test")
    assert state(aws, name, **ignoring) == "ALARM"


def test_a_percentile_is_judged_and_the_change_is_in_the_history(aws: Aws, name: str) -> None:
    put(aws, name, "a", *[20] * 3)
    cloudwatch = aws("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=name, Namespace="Judged", MetricName=name, Dimensions=[{"Name": "Host", "Value": "a"}], Period=PERIOD,
        EvaluationPeriods=2, Threshold=15, ComparisonOperator="GreaterThanThreshold", ExtendedStatistic="p99",
    )  # fmt: skip
    put(aws, "another", "a", 1)
    history = cloudwatch.describe_alarm_history(AlarmName=name, HistoryItemType="StateUpdate")["AlarmHistoryItems"]
    assert "Alarm updated from INSUFFICIENT_DATA to ALARM" in [each["HistorySummary"] for each in history]
