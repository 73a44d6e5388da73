"""One way to declare an alarm: always with an action, a name that carries the suffix, and a reason to exist."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.names import Names

ABOVE = cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD
AT_LEAST = cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
RUNBOOK = "docs/runbook.md"
BELOW = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD


@dataclass(frozen=True)
class Alarms:
    """Declares alarms of one stack against the alert topic.

    Args:
        scope: the stack that owns what is watched.
        names: gives every alarm its name.
        topic: hears of each change to ALARM and back to OK.
    """

    scope: Construct
    names: Names
    topic: sns.ITopic

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
        missing: cloudwatch.TreatMissingData = cloudwatch.TreatMissingData.NOT_BREACHING,
    ) -> cloudwatch.Alarm:
        """Add one alarm.

        Args:
            construct_id: logical id, a PascalCase noun ending in ``Alarm``.
            subject: lower-case words with hyphens for the alarm's name, e.g. ``aurora-cpu``.
            meaning: what an operator should understand when it fires; the section of the runbook is added to it.
            metric: what is watched; its period is the alarm's.
            threshold: limit in the metric's unit.
            comparison: side of the limit that is bad.
            periods: periods in a row that must be bad.
            missing: what a period without data means.

        Returns:
            The alarm, with actions for ALARM and OK.
        """
        alarm = cloudwatch.Alarm(
            self.scope,
            construct_id,
            alarm_name=self.names.alarm(subject),
            alarm_description=f"{meaning}. What to do: {RUNBOOK}#{subject}",
            metric=metric,
            threshold=threshold,
            comparison_operator=comparison,
            evaluation_periods=periods,
            datapoints_to_alarm=periods,
            treat_missing_data=missing,
        )
        notify = actions.SnsAction(self.topic)
        alarm.add_alarm_action(notify)
        alarm.add_ok_action(notify)
        return alarm


MINUTE = Duration.minutes(1)
