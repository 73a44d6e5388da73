"""Seeded defects of the alarms."""

from __future__ import annotations

from tests.guards.mutations import MutableApp, mutation

ALARM = "AWS::CloudWatch::Alarm"


@mutation("DR-CLOUDWATCH-01")
def alarm_without_action(app: MutableApp) -> None:
    alarm = app.properties(ALARM, "AlarmsThrottledReads")
    del alarm["AlarmActions"], alarm["OKActions"]


@mutation("DR-CLOUDWATCH-01", profile="dev")
def actions_switched_off(app: MutableApp) -> None:
    app.properties(ALARM, "AlarmsDeadlocks")["ActionsEnabled"] = False


@mutation("DR-CLOUDWATCH-02")
def cluster_metric_of_an_instance(app: MutableApp) -> None:
    writer = next(iter(app.resources("AWS::RDS::DBInstance", "ClusterWriter")))
    alarm = app.properties(ALARM, "AlarmsReplicaLag")
    alarm["MetricName"] = "VolumeReadIOPs"
    alarm["Dimensions"] = [{"Name": "DBInstanceIdentifier", "Value": {"Ref": writer}}]


@mutation("DR-CLOUDWATCH-02")
def cluster_named_as_an_instance(app: MutableApp) -> None:
    app.properties(ALARM, "AlarmsCpu")["Dimensions"][0]["Name"] = "DBInstanceIdentifier"


@mutation("DR-CLOUDWATCH-03")
def target_group_alone(app: MutableApp) -> None:
    dimensions = app.properties(ALARM, "AlarmsUnhealthyTargets")["Dimensions"]
    dimensions[:] = [entry for entry in dimensions if entry["Name"] == "TargetGroup"]


@mutation("DR-CLOUDWATCH-03")
def load_balancer_by_arn(app: MutableApp) -> None:
    balancer = next(iter(app.resources("AWS::ElasticLoadBalancingV2::LoadBalancer")))
    app.properties(ALARM, "AlarmsLoadBalancerErrors")["Dimensions"][0]["Value"] = {"Ref": balancer}


@mutation("DR-CLOUDWATCH-04")
def more_datapoints_than_periods(app: MutableApp) -> None:
    app.properties(ALARM, "AlarmsLatency")["DatapointsToAlarm"] = 6


@mutation("DR-CLOUDWATCH-04")
def window_of_two_days(app: MutableApp) -> None:
    alarm = app.properties(ALARM, "AlarmsMissingTasks")
    alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"] = 2880, 5


@mutation("DR-CLOUDWATCH-05")
def utilization_above_100_percent(app: MutableApp) -> None:
    app.properties(ALARM, "AlarmsAcu")["Threshold"] = 900
