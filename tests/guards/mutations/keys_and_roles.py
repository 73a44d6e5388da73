"""Seeded defects of keys, roles and policies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.guards.mutations import MutableApp, mutation

KEY, TOPIC, POLICY = "AWS::KMS::Key", "AWS::SNS::Topic", "AWS::SNS::TopicPolicy"


@mutation("DR-KMS-01")
def rotation_off(app: MutableApp) -> None:
    app.properties(KEY, "BackupKey")["EnableKeyRotation"] = False


@mutation("DR-KMS-02")
def rotation_of_a_signing_key(app: MutableApp) -> None:
    signing = {"KeySpec": "RSA_4096", "KeyUsage": "SIGN_VERIFY", "EnableKeyRotation": True}
    lasting = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    app.add(KEY, "SigningKey", {"Type": KEY, "Properties": signing, **lasting})


@mutation("DR-KMS-03")
def nobody_can_change_the_policy(app: MutableApp) -> None:
    for statement in app.properties(KEY, "MessagingKey")["KeyPolicy"]["Statement"]:
        if "AWS" in statement["Principal"]:
            statement["Action"] = ["kms:Decrypt", "kms:GenerateDataKey*"]


@mutation("DR-LOGS-01")
def key_without_logs(app: MutableApp) -> None:
    _drop(app.properties(KEY, "MessagingKey")["KeyPolicy"], lambda item: "logs" in _service(item))


@mutation("DR-LOGS-01", profile="options")
def key_for_logs_of_another_region(app: MutableApp) -> None:
    for statement in app.properties(KEY, "MessagingKey")["KeyPolicy"]["Statement"]:
        if "logs" in _service(statement):
            statement["Principal"]["Service"] = "logs.us-east-1.amazonaws.com"


@mutation("DR-LOGS-02")
def key_by_alias_name(app: MutableApp) -> None:
    app.properties("AWS::Logs::LogGroup", "FlowLogLogGroup")["KmsKeyId"] = "alias/dr-messaging-eu1"


@mutation("DR-SNS-01")
def key_without_alarms(app: MutableApp) -> None:
    _drop(app.properties(KEY, "MessagingKey")["KeyPolicy"], lambda item: "cloudwatch" in _service(item))


@mutation("DR-SNS-02")
def managed_key(app: MutableApp) -> None:
    app.properties(TOPIC)["KmsMasterKeyId"] = "alias/aws/sns"


@mutation("DR-SNS-03")
def policy_for_the_owner_and_events(app: MutableApp) -> None:
    _drop(app.properties(POLICY)["PolicyDocument"], lambda item: "cloudwatch" in _service(item))


@mutation("DR-SNS-04")
def policy_without_events(app: MutableApp) -> None:
    _drop(app.properties(POLICY)["PolicyDocument"], lambda item: "events" in _service(item))


@mutation("DR-SNS-05")
def key_without_events(app: MutableApp) -> None:
    _drop(app.properties(KEY, "MessagingKey")["KeyPolicy"], lambda item: "events" in _service(item))


@mutation("DR-SNS-06")
def events_under_a_source_condition(app: MutableApp) -> None:
    for statement in app.properties(KEY, "MessagingKey")["KeyPolicy"]["Statement"]:
        if "events" in _service(statement):
            statement["Condition"] = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


@mutation("DR-SNS-07")
def database_events_to_the_topic(app: MutableApp) -> None:
    properties = {"SnsTopicArn": {"Ref": next(iter(app.resources(TOPIC)))}, "EventCategories": ["failover"]}
    (alarms,) = [
        item for item in app.properties(POLICY)["PolicyDocument"]["Statement"] if "cloudwatch" in _service(item)
    ]
    alarms["Principal"] = {"Service": ["cloudwatch.amazonaws.com", "events.rds.amazonaws.com"]}
    app.add(TOPIC, "DatabaseSubscription", {"Type": "AWS::RDS::EventSubscription", "Properties": properties})


def _drop(document: dict[str, Any], unwanted: Callable[[dict[str, Any]], bool]) -> None:
    document["Statement"] = [statement for statement in document["Statement"] if not unwanted(statement)]


def _service(statement: dict[str, Any]) -> str:
    principal = statement["Principal"]
    return str(principal.get("Service", "")) if isinstance(principal, dict) else ""


ROLE, KEY, CLUSTER = "AWS::IAM::Role", "AWS::KMS::Key", "AWS::RDS::DBCluster"
RESTORES = "AWSBackupServiceRolePolicyForRestores"


@mutation("DR-IAM-01")
def cluster_as_principal(app: MutableApp) -> None:
    (cluster,) = app.resources(CLUSTER)
    trust = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"AWS": {"Fn::GetAtt": [cluster, "DBClusterArn"]}},
    }
    role = {"Type": ROLE, "Properties": {"AssumeRolePolicyDocument": {"Statement": [trust]}}}
    app.add(CLUSTER, "DataRole", role)


@mutation("DR-IAM-01")
def unresolved_principal_of_a_key(app: MutableApp) -> None:
    principal = {"AWS": "Calling [toJSON] on an [Output<T>] is not supported."}
    statement = {"Effect": "Allow", "Action": "kms:DescribeKey", "Resource": "*", "Principal": principal}
    app.properties(KEY)["KeyPolicy"]["Statement"].append(statement)


@mutation("DR-IAM-02")
def policy_without_its_path(app: MutableApp) -> None:
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ecs-tasks.amazonaws.com"}}
    arn = {"Fn::Sub": "arn:${AWS::Partition}:iam::aws:policy/AmazonECSTaskExecutionRolePolicy"}
    properties = {"AssumeRolePolicyDocument": {"Statement": [trust]}, "ManagedPolicyArns": [arn]}
    app.add("AWS::ECS::Service", "LaunchRole", {"Type": ROLE, "Properties": properties})


@mutation("DR-IAM-03")
def token_in_a_variable(app: MutableApp) -> None:
    container: dict[str, Any] = app.properties("AWS::ECS::TaskDefinition")["ContainerDefinitions"][0]
    container.setdefault("Environment", []).append({"Name": "REPORT_BUCKET", "Value": "${Token[TOKEN.371]}"})


@mutation("DR-IAM-04")
def role_that_cannot_restore(app: MutableApp) -> None:
    attached = [
        item for role in app.resources(ROLE).values() for item in [role["Properties"].get("ManagedPolicyArns", [])]
    ]
    (policies,) = [item for item in attached if RESTORES in str(item)]
    policies[:] = [policy for policy in policies if RESTORES not in str(policy)]


@mutation("DR-IAM-14")
def boundary_without_failover(app: MutableApp) -> None:
    allowed = {"Effect": "Allow", "Action": ["logs:*", "cloudwatch:*", "sns:*", "xray:*", "kms:*"], "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [allowed]}
    app.add(
        "AWS::Lambda::EventSourceMapping",
        "Boundary",
        {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": document}},
    )
    app.properties(ROLE, "FailoverRole")["PermissionsBoundary"] = {"Ref": "Boundary"}
