"""Seeded defects of alarms, backup plans, the vault and the restore tests, and of any resource."""

from __future__ import annotations

import copy
from typing import Any

from tests.guards.mutations import MutableApp, mutation

PLAN = "AWS::Backup::BackupPlan"
SELECTION = "AWS::Backup::BackupSelection"
VAULT = "AWS::Backup::BackupVault"


@mutation("DR-BACKUP-01")
def plan_of_nothing(app: MutableApp) -> None:
    app.remove(SELECTION)


@mutation("DR-BACKUP-02")
def table_left_out(app: MutableApp) -> None:
    app.properties(SELECTION)["BackupSelection"]["Resources"].pop()


@mutation("DR-BACKUP-03", profile="options")
def no_cooling_off(app: MutableApp) -> None:
    app.properties(VAULT)["LockConfiguration"]["ChangeableForDays"] = 1


@mutation("DR-BACKUP-03")
def lock_without_minimum(app: MutableApp) -> None:
    del app.properties(VAULT)["LockConfiguration"]["MinRetentionDays"]


@mutation("DR-BACKUP-04")
def retention_below_the_lock(app: MutableApp) -> None:
    rule(app, "Daily")["Lifecycle"]["DeleteAfterDays"] = 3


@mutation("DR-BACKUP-05")
def deleted_soon_after_the_move(app: MutableApp) -> None:
    rule(app, "Monthly")["Lifecycle"] = {"MoveToColdStorageAfterDays": 300, "DeleteAfterDays": 365}


@mutation("DR-BACKUP-05")
def continuous_for_too_long(app: MutableApp) -> None:
    rule(app, "Continuous")["Lifecycle"]["DeleteAfterDays"] = 60


@mutation("DR-BACKUP-06")
def cold_storage_for_aurora(app: MutableApp) -> None:
    plan_for(app, 0, Lifecycle={"MoveToColdStorageAfterDays": 30, "DeleteAfterDays": 365})


@mutation("DR-BACKUP-07")
def hyphens_in_a_restore_test(app: MutableApp) -> None:
    for kind in ("AWS::Backup::RestoreTestingPlan", "AWS::Backup::RestoreTestingSelection"):
        for resource in app.resources(kind).values():
            resource["Properties"]["RestoreTestingPlanName"] = "dr-restore-eu1-us-east-1"
    del app.properties("AWS::Events::Rule", "EventRulesRestoreTests")["EventPattern"]["detail"]["restoreTestingPlanArn"]


@mutation("DR-BACKUP-08")
def continuous_backup_of_a_table(app: MutableApp) -> None:
    plan_for(app, 1, EnableContinuousBackup=True, Lifecycle={"DeleteAfterDays": 35})


def rule(app: MutableApp, name: str) -> dict[str, Any]:
    """Return a rule of the plan by name, to be edited in place."""
    rules: list[dict[str, Any]] = app.properties(PLAN)["BackupPlan"]["BackupPlanRule"]
    return next(item for item in rules if item["RuleName"] == name)


def plan_for(app: MutableApp, index: int, **settings: Any) -> None:
    """Add a plan with one rule for one of the resources that the application backs up."""
    daily = {name: value for name, value in rule(app, "Daily").items() if name != "Lifecycle"}
    plan = copy.deepcopy(app.resource(PLAN))
    plan["Properties"]["BackupPlan"] = {
        "BackupPlanName": f"dr-extra-{index}-eu1-us-east-1",
        "BackupPlanRule": [{**daily, "RuleName": "Extra", **settings}],
    }
    selection = copy.deepcopy(app.resource(SELECTION))
    chosen = selection["Properties"]["BackupSelection"]
    chosen["Resources"] = [chosen["Resources"][index]]
    selection["Properties"]["BackupPlanId"] = {"Fn::GetAtt": ["ExtraPlan", "BackupPlanId"]}
    app.add(PLAN, "ExtraPlan", plan)
    app.add(PLAN, "ExtraSelection", selection)


def copy_backups(app: MutableApp, region: str = "us-west-2") -> None:
    """Let every rule of every plan copy its recovery points to a vault in a Region."""
    vault = {"Fn::Sub": f"arn:${{AWS::Partition}}:backup:{region}:${{AWS::AccountId}}:backup-vault:copies"}
    for plan in app.resources(PLAN).values():
        for each in plan["Properties"]["BackupPlan"]["BackupPlanRule"]:
            each["CopyActions"] = [{"DestinationBackupVaultArn": vault}]


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


NESTED, KEY, TOPIC = "AWS::CloudFormation::Stack", "AWS::KMS::Key", "AWS::SNS::Topic"


@mutation("DR-HYGIENE-01")
def dashboard_without_suffix(app: MutableApp) -> None:
    app.properties("AWS::CloudWatch::Dashboard", "DashboardsRecovery")["DashboardName"] = "dr-recovery-us-east-1"


@mutation("DR-HYGIENE-01", profile="unusual")
def topic_without_suffix(app: MutableApp) -> None:
    app.properties(TOPIC)["TopicName"] = "dr-alerts"


@mutation("DR-HYGIENE-02", profile="dev")
def one_resource_of_production(app: MutableApp) -> None:
    tags = app.properties("AWS::Logs::LogGroup")["Tags"]
    next(tag for tag in tags if tag["Key"] == "Environment")["Value"] = "prod"


@mutation("DR-HYGIENE-02")
def development_in_a_name(app: MutableApp) -> None:
    app.properties(TOPIC)["TopicName"] = "dr-dev-alerts-eu1"


@mutation("DR-HYGIENE-03")
def vault_without_policy(app: MutableApp) -> None:
    vault = app.resource("AWS::Backup::BackupVault")
    del vault["DeletionPolicy"], vault["UpdateReplacePolicy"]


@mutation("DR-HYGIENE-04")
def output_for_nobody(app: MutableApp) -> None:
    topic = next(iter(app.resources(TOPIC)))
    app.template_with(TOPIC)["Outputs"]["TopicName"] = {"Value": {"Fn::GetAtt": [topic, "TopicName"]}}


@mutation("DR-HYGIENE-05")
def dependency_on_nothing(app: MutableApp) -> None:
    app.resource("AWS::EC2::FlowLog")["DependsOn"] = "FlowLogBucket"


@mutation("DR-HYGIENE-05")
def output_gone(app: MutableApp) -> None:
    outputs = app.template_with(KEY, "BackupKey")["Outputs"]
    del outputs[next(name for name in outputs if "BackupKey" in name)]


@mutation("DR-HYGIENE-06")
def parameter_not_passed(app: MutableApp) -> None:
    parameters = app.properties(NESTED, "Backup")["Parameters"]
    del parameters[next(name for name in parameters if "BackupKey" in name)]


@mutation("DR-HYGIENE-07")
def many_outputs(app: MutableApp) -> None:
    app.documents["root.template.json"]["Outputs"].update({f"More{number}": {"Value": "0"} for number in range(130)})


@mutation("DR-HYGIENE-08")
def production_table_that_goes_with_its_stack(app: MutableApp) -> None:
    table = app.resource("AWS::DynamoDB::GlobalTable")
    table["DeletionPolicy"] = "Delete"
    for replica in table["Properties"]["Replicas"]:
        del replica["DeletionProtectionEnabled"]  # else the stack could not delete it: DR-HYGIENE-11


@mutation("DR-BACKUP-09", profile="dev")
def final_lock_in_development(app: MutableApp) -> None:
    vault = app.properties("AWS::Backup::BackupVault")
    vault["LockConfiguration"] = {"MinRetentionDays": 1, "ChangeableForDays": 3}
    for kind in ("AWS::Backup::BackupVault", "AWS::KMS::Key"):  # else the stack could not delete it: DR-HYGIENE-11
        for resource in app.resources(kind).values():
            resource["DeletionPolicy"] = "RetainExceptOnCreate"


@mutation("DR-BACKUP-13")
def restore_test_of_continuous_points_alone(app: MutableApp) -> None:
    plan = app.properties("AWS::Backup::RestoreTestingPlan")
    plan["RecoveryPointSelection"]["RecoveryPointTypes"] = ["CONTINUOUS"]


@mutation("DR-LIMIT-01")
def batch_of_twenty_without_a_window(app: MutableApp) -> None:
    app.properties("AWS::Lambda::EventSourceMapping", "RestoreValidation")["BatchSize"] = 20


@mutation("DR-LIMIT-02")
def backup_with_both_days(app: MutableApp) -> None:
    for rule in app.properties("AWS::Backup::BackupPlan")["BackupPlan"]["BackupPlanRule"]:
        if rule["RuleName"] == "Daily":
            rule["ScheduleExpression"] = "cron(0 8 * * * *)"
