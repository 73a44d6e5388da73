"""Seeded defects of one value: a spelling, a parameter, a setting that something else relies on."""

from __future__ import annotations

import json

from tests.guards.mutations import MutableApp, mutation

SERVICE, TABLE = "AWS::ECS::Service", "AWS::DynamoDB::GlobalTable"
ALARM, RULE = "AWS::CloudWatch::Alarm", "AWS::Events::Rule"


@mutation("DR-ORDER-01")
def service_beside_its_listener(app: MutableApp) -> None:
    service = app.resource(SERVICE)
    others = [name for name in service["DependsOn"] if "Listener" not in name]
    service["DependsOn"] = [*others, *app.resources("AWS::ElasticLoadBalancingV2::LoadBalancer")]
    # The alarms that end a deployment read the load balancer's name from the listener.
    del service["Properties"]["DeploymentConfiguration"]["Alarms"]


@mutation("DR-HYGIENE-14")
def snapshot_of_a_table(app: MutableApp) -> None:
    app.resource(TABLE)["UpdateReplacePolicy"] = "Snapshot"


@mutation("DR-AURORA-21")
def parameter_of_another_engine(app: MutableApp) -> None:
    app.properties("AWS::RDS::DBClusterParameterGroup")["Parameters"]["innodb_print_all_deadlocks"] = "1"


@mutation("DR-EVENTS-01")
def category_of_another_case(app: MutableApp) -> None:
    app.properties(RULE, "EventRulesDatabaseEvents")["EventPattern"]["detail"]["EventCategories"] = ["Failover"]


@mutation("DR-CLOUDWATCH-07")
def alarm_on_insights_that_are_off(app: MutableApp) -> None:
    settings = app.properties("AWS::ECS::Cluster")["ClusterSettings"]
    next(item for item in settings if item["Name"] == "containerInsights")["Value"] = "disabled"


@mutation("DR-CLOUDWATCH-07")
def role_that_no_instance_has(app: MutableApp) -> None:
    alarm = next(
        item
        for item in app.resources(ALARM).values()
        if item["Properties"].get("Namespace") == "AWS/RDS" and item["Properties"].get("Dimensions")
    )
    alarm["Properties"]["Dimensions"] = [*alarm["Properties"]["Dimensions"][:1], {"Name": "Role", "Value": "PRIMARY"}]


@mutation("DR-IAM-02")
def policy_that_is_gone(app: MutableApp) -> None:
    role = app.properties("AWS::IAM::Role", "RestoreValidation")
    role.setdefault("ManagedPolicyArns", []).append("arn:aws:iam::aws:policy/AWSLambdaFullAccess")


@mutation("DR-AGREE-01")
def dead_letter_queue_that_admits_none(app: MutableApp) -> None:
    queue = app.resource("AWS::SQS::Queue", "RestoreEventQueue")
    target = queue["Properties"]["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]
    app.properties("AWS::SQS::Queue", target)["RedriveAllowPolicy"] = {"redrivePermission": "denyAll"}


@mutation("DR-EVENTS-03")
def function_that_never_runs(app: MutableApp) -> None:
    app.properties("AWS::Lambda::Function", "Failover")["ReservedConcurrentExecutions"] = 0


@mutation("DR-ACCESS-05")
def data_key_for_administrators_only(app: MutableApp) -> None:
    statement = app.properties("AWS::KMS::Key", "DataKey")["KeyPolicy"]["Statement"][0]
    statement["Action"] = ["kms:Create*", "kms:Describe*", "kms:Put*", "kms:ScheduleKeyDeletion"]


@mutation("DR-BACKUP-13")
def vault_without_its_region(app: MutableApp) -> None:
    plan = app.properties("AWS::Backup::RestoreTestingPlan")
    plan["RecoveryPointSelection"]["IncludeVaults"] = [
        "arn:aws:backup:us-east-1:111111111111:backup-vault:dr-vault-eu1"
    ]


@mutation("DR-LIMIT-03")
def dashboard_with_a_blank_in_its_name(app: MutableApp) -> None:
    dashboard = app.properties("AWS::CloudWatch::Dashboard")
    dashboard["DashboardName"] = {"Fn::Join": ["", [dashboard["DashboardName"], " of all"]]}


@mutation("DR-CLOUDWATCH-12")
def expression_of_a_metric_that_is_gone(app: MutableApp) -> None:
    alarm = next(item["Properties"] for item in app.resources(ALARM).values() if "Metrics" in item["Properties"])
    calculated = next(item for item in alarm["Metrics"] if "Expression" in item)
    calculated["Expression"] += " + others"


@mutation("DR-HYGIENE-15")
def stack_that_a_condition_leaves_out(app: MutableApp) -> None:
    root = app.documents["root.template.json"]
    root.setdefault("Parameters", {})["Operated"] = {"Type": "String", "Default": "yes", "AllowedValues": ["yes", "no"]}
    root.setdefault("Conditions", {})["IsOperated"] = {"Fn::Equals": [{"Ref": "Operated"}, "yes"]}
    needed = next(name for name, item in root["Resources"].items() if f'"{name}", "Outputs.' in json.dumps(root))
    root["Resources"][needed]["Condition"] = "IsOperated"


@mutation("DR-HYGIENE-16")
def launch_configuration_with_a_name(app: MutableApp) -> None:
    properties = {"LaunchConfigurationName": "dr-web", "ImageId": "ami-12345678", "InstanceType": "m7g.large"}
    app.template_with(TABLE)["Resources"]["Launch"] = {
        "Type": "AWS::AutoScaling::LaunchConfiguration",
        "Properties": properties,
    }


@mutation("DR-STEPS-01")
def state_machine_that_leads_nowhere(app: MutableApp) -> None:
    states = {"Restore": {"Type": "Pass", "Next": "Verify"}, "Check": {"Type": "Succeed"}}
    role = "arn:aws:iam::111111111111:role/machine"
    app.template_with(TABLE)["Resources"]["Machine"] = {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {"RoleArn": role, "Definition": {"StartAt": "Restore", "States": states}},
    }


@mutation("DR-AURORA-25")
def user_beside_a_snapshot(app: MutableApp) -> None:
    cluster = app.properties("AWS::RDS::DBCluster")
    cluster["SnapshotIdentifier"] = "orders-final"


@mutation("DR-DYNAMODB-06")
def scaling_of_what_is_billed_by_request(app: MutableApp) -> None:
    template = app.template_with(TABLE)
    table = next(name for name, item in template["Resources"].items() if item["Type"] == TABLE)
    properties = {
        "ServiceNamespace": "dynamodb",
        "ScalableDimension": "dynamodb:table:ReadCapacityUnits",
        "ResourceId": {"Fn::Join": ["/", ["table", {"Ref": table}]]},
        "MinCapacity": 1,
        "MaxCapacity": 9,
    }
    template["Resources"]["Reads"] = {
        "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
        "Properties": properties,
    }
