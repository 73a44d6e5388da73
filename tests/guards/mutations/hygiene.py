"""Seeded defects of names, tags, deletion policies and the seams between the stacks."""

from __future__ import annotations

from tests.guards.mutations import MutableApp, mutation

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
def key_without_policy(app: MutableApp) -> None:
    key = app.resource(KEY, "DataKey")
    del key["DeletionPolicy"], key["UpdateReplacePolicy"]


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
    app.resource("AWS::DynamoDB::GlobalTable")["DeletionPolicy"] = "Delete"


@mutation("DR-BACKUP-09", profile="dev")
def final_lock_in_development(app: MutableApp) -> None:
    vault = app.properties("AWS::Backup::BackupVault")
    vault["LockConfiguration"] = {"MinRetentionDays": 1, "ChangeableForDays": 3}
