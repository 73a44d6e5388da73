"""Seeded defects of permissions: who may call whom, who may use which role, what a statement can grant."""

from __future__ import annotations

from typing import Any

from tests.guards.mutations import MutableApp, mutation

POLICY, FUNCTION, RULE = "AWS::IAM::Policy", "AWS::Lambda::Function", "AWS::Events::Rule"
MAPPING = "AWS::Lambda::EventSourceMapping"


def statements(app: MutableApp, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = app.properties(POLICY, name)["PolicyDocument"]["Statement"]
    return found


def allow(app: MutableApp, resource: str, *actions: str) -> None:
    statements(app, "FailoverRole").append({"Effect": "Allow", "Action": list(actions), "Resource": resource})


@mutation("DR-ACCESS-01")
def schedule_without_permission(app: MutableApp) -> None:
    app.remove("AWS::Lambda::Permission", "HealthMonitor")


@mutation("DR-ACCESS-02")
def queue_that_the_function_may_not_read(app: MutableApp) -> None:
    policy = app.properties(POLICY, "RestoreValidationRole")["PolicyDocument"]
    policy["Statement"] = [item for item in policy["Statement"] if "sqs:" not in str(item["Action"])]


@mutation("DR-ACCESS-03")
def monitoring_role_of_the_wrong_service(app: MutableApp) -> None:
    trust = app.properties("AWS::IAM::Role", "ClusterMonitoringRole")["AssumeRolePolicyDocument"]
    trust["Statement"][0]["Principal"]["Service"] = "rds.amazonaws.com"


@mutation("DR-ACCESS-06")
def role_for_those_who_signed_in_elsewhere(app: MutableApp) -> None:
    trust = app.properties("AWS::IAM::Role", "ClusterMonitoringRole")["AssumeRolePolicyDocument"]
    provider = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
    deployer = {"Effect": "Allow", "Principal": {"Federated": provider}, "Action": "sts:AssumeRole"}
    trust["Statement"].append(deployer)


@mutation("DR-ACCESS-04")
def function_in_the_vpc_without_interfaces(app: MutableApp) -> None:
    function = app.properties(FUNCTION, "CustomVpcRestrictDefaultSG")
    (subnet, *_) = app.resources("AWS::EC2::Subnet", "VpcIsolatedSubnet1")
    function["VpcConfig"] = {"SubnetIds": [{"Ref": subnet}], "SecurityGroupIds": ["sg-0123456789abcdef0"]}


@mutation("DR-IAM-05")
def list_of_objects(app: MutableApp) -> None:
    allow(app, "arn:aws:s3:::orders/*", "s3:ListBucket")


@mutation("DR-IAM-06")
def list_among_objects(app: MutableApp) -> None:
    allow(app, "arn:aws:s3:::orders/*", "s3:GetObject", "s3:ListBucket")


@mutation("DR-IAM-07")
def instance_without_its_groups(app: MutableApp) -> None:
    allow(app, "arn:aws:rds:*:*:db:*", "rds:CreateDBInstance")


@mutation("DR-IAM-09")
def name_in_the_place_of_an_arn(app: MutableApp) -> None:
    allow(app, "orders", "sqs:SendMessage")


@mutation("DR-IAM-10")
def policy_of_another_bucket(app: MutableApp) -> None:
    policy = app.properties("AWS::S3::BucketPolicy", "DataBucket")["PolicyDocument"]
    policy["Statement"][0]["Resource"] = "arn:aws:s3:::another-bucket/*"


@mutation("DR-IAM-11")
def task_that_gets_no_role(app: MutableApp) -> None:
    (task,) = app.resources("AWS::ECS::TaskDefinition")
    run = {"Effect": "Allow", "Action": "ecs:RunTask", "Resource": {"Ref": task}}
    statements(app, "TaskDefinitionTaskRole").append(run)


@mutation("DR-IAM-12")
def key_through_another_region(app: MutableApp) -> None:
    for statement in statements(app, "TaskDefinitionTaskRole"):
        if statement.get("Sid") == "UseDataKeyThroughDynamodb":
            statement["Condition"] = {"StringEquals": {"kms:ViaService": "dynamodb.eu-central-1.amazonaws.com"}}


@mutation("DR-ACCESS-05")
def bucket_without_its_key(app: MutableApp) -> None:
    policy = app.properties(POLICY, "TaskDefinitionTaskRole")["PolicyDocument"]
    policy["Statement"] = [item for item in policy["Statement"] if item.get("Sid") != "UseDataKeyThroughS3"]


@mutation("DR-ORDER-03")
def rule_that_its_permission_waits_for(app: MutableApp) -> None:
    (function,) = app.resources(FUNCTION, "RestoreValidation")
    source = {"Owner": "CUSTOM_LAMBDA", "SourceIdentifier": {"Fn::GetAtt": [function, "Arn"]}}
    app.add(MAPPING, "Judge", {"Type": "AWS::Config::ConfigRule", "Properties": {"Source": source}})
    caller = {"Principal": "config.amazonaws.com", "SourceArn": {"Fn::GetAtt": ["Judge", "Arn"]}}
    permission = {"Action": "lambda:InvokeFunction", "FunctionName": {"Ref": function}, **caller}
    app.add(MAPPING, "MayJudge", {"Type": "AWS::Lambda::Permission", "Properties": permission})


@mutation("DR-LOGS-05")
def events_into_a_group_that_is_closed(app: MutableApp) -> None:
    target = {"Fn::Sub": "arn:aws:logs:${AWS::Region}:${AWS::AccountId}:log-group:${EventLog}"}
    app.add(RULE, "EventLog", {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 30}})
    rule = app.properties(RULE, "EventRulesBackupFailures")
    rule["Targets"].append({"Id": "log", "Arn": target})


@mutation("DR-ACCESS-02")
def execution_role_for_another_repository(app: MutableApp) -> None:
    policy = app.properties("AWS::IAM::Policy", "TaskDefinitionExecutionRole")["PolicyDocument"]
    (statement,) = [item for item in policy["Statement"] if "ecr:BatchGetImage" in item["Action"]]
    statement["Resource"] = "arn:aws:ecr:us-east-1:111111111111:repository/another"
