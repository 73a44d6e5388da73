"""CloudWatch alarms: judged period by period, on the metric that they name with all its dimensions.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

import operator
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from embedded_aws.server import upstream

_BREACHES: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
_MISSING: Final[Mapping[str, bool]] = {"breaching": True, "notBreaching": False}


def install() -> None:
    """Judge alarms here: ministack takes every metric of a name for the one, and all its periods for one period."""
    upstream.evaluate_alarm.wrap(lambda _by_name_alone: evaluate)


def evaluate(alarm: dict[str, Any]) -> None:
    """Give an alarm the state that its last whole periods have.

    An alarm on metric math, on a band, or on a metric that nobody has published keeps its state.
    """
    dimensions = {each["Name"]: each["Value"] for each in alarm.get("Dimensions") or []}
    metric = (alarm.get("Namespace"), alarm.get("MetricName"), upstream.metric_dimensions(dimensions))
    points, breaches = upstream.metrics.get(metric), _BREACHES.get(alarm.get("ComparisonOperator", ""))
    if not points or breaches is None:
        return
    statistic = alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average"
    values = list(_values(list(points), statistic, int(alarm["Period"]), int(alarm["EvaluationPeriods"])))
    treatment = alarm.get("TreatMissingData") or "missing"
    judged = [
        _MISSING.get(treatment) if value is None else breaches(value, float(alarm["Threshold"])) for value in values
    ]
    if judged.count(True) >= int(alarm.get("DatapointsToAlarm") or alarm["EvaluationPeriods"]):
        state = "ALARM"
    elif any(each is not None for each in judged):
        state = "OK"
    else:
        state = alarm["StateValue"] if treatment == "ignore" else "INSUFFICIENT_DATA"
    _change(alarm, state, f"{statistic} of the last periods: {values}; threshold: {alarm['Threshold']}")


def _values(points: list[dict[str, Any]], statistic: str, period: int, count: int) -> Iterator[float | None]:
    """Return the statistic of each of the last whole periods, the newest first; None for one without data."""
    end = time.time() // period * period
    for start in (end - period * number for number in range(1, count + 1)):
        within = [point for point in points if start <= point["Timestamp"] < start + period]
        yield upstream.metric_statistic(upstream.metric_statistics(within), statistic, within) if within else None


def _change(alarm: dict[str, Any], state: str, reason: str) -> None:
    before = alarm["StateValue"]
    if state == before:
        return
    alarm.update(StateValue=state, StateReason=reason, StateUpdatedTimestamp=int(time.time()))
    upstream.record_alarm_history(alarm["AlarmName"], before, state, reason)
    upstream.dispatch_alarm_actions(alarm, before, state, reason)
    upstream.evaluate_parent_alarms(alarm)
