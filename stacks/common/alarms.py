"""How a stack declares its alarms: each notifies the alert topic, carries the suffix, and names its runbook section."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.names import Names

ABOVE = cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD
AT_LEAST = cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
BELOW = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
# Statistics by the names that CloudWatch gives them; reading one from CDK costs a call to its JavaScript.
AVERAGE, MAXIMUM, MINIMUM, P50, P99, SUM = "Average", "Maximum", "Minimum", "p50", "p99", "Sum"
MINUTE = Duration.minutes(1)
RUNBOOK = "docs/runbook.md"


class StackAlarms(Construct):
    """The alarms of one stack.

    Args:
        scope: the stack, or the part of it that is watched.
        construct_id: its id in that scope.
        names: gives every alarm its physical name.
        topic: is notified when an alarm enters ALARM, and when it returns to OK.
    """

    def __init__(self, scope: Construct, construct_id: str, *, names: Names, topic: sns.ITopic) -> None:
        super().__init__(scope, construct_id)
        self._names = names
        self._notification = actions.SnsAction(topic)

    def add(
        self,
        construct_id: str,
        *,
        subject: str,
        meaning: str,
        metric: cloudwatch.IMetric,
        threshold: float,
        comparison: cloudwatch.ComparisonOperator = ABOVE,
        periods: int = 5,
        datapoints: int | None = None,
        missing: cloudwatch.TreatMissingData = cloudwatch.TreatMissingData.NOT_BREACHING,
    ) -> cloudwatch.Alarm:
        """Add one alarm.

        Args:
            construct_id: its id among the alarms of the stack, a PascalCase noun.
            subject: lower-case words with hyphens for the alarm's name, e.g. ``aurora-cpu``.
            meaning: what the operator should understand when it fires; the runbook section is added to it.
            metric: what is watched; its period is the alarm's.
            threshold: limit in the metric's unit.
            comparison: side of the limit that raises the alarm.
            periods: latest periods that are looked at.
            datapoints: how many of them must breach the limit; by default all.
            missing: how a period without data counts.

        Returns:
            The alarm, with actions for ALARM and OK.
        """
        alarm = cloudwatch.Alarm(
            self,
            construct_id,
            alarm_name=self._names.alarm(subject),
            alarm_description=description(meaning, subject),
            metric=metric,
            threshold=threshold,
            comparison_operator=comparison,
            evaluation_periods=periods,
            datapoints_to_alarm=datapoints or periods,
            treat_missing_data=missing,
        )
        self.notify(alarm)
        return alarm

    def notify(self, alarm: cloudwatch.AlarmBase) -> None:
        """Notify the topic of an alarm's changes to ALARM and to OK."""
        alarm.add_alarm_action(self._notification)
        alarm.add_ok_action(self._notification)


def description(meaning: str, subject: str) -> str:
    """Return the description of an alarm: its meaning, and where the runbook says what to do."""
    return f"{meaning}. What to do: {RUNBOOK}#{subject}"
