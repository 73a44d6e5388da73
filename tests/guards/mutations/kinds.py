"""Seeded defects between two resources: order, lifecycle, owners, metrics, events, parameters, logs."""

from __future__ import annotations

import copy
from typing import Any

from tests.guards.mutations import MutableApp, mutation

CLUSTER, SERVICE, TABLE = "AWS::RDS::DBCluster", "AWS::ECS::Service", "AWS::DynamoDB::GlobalTable"
ALARM, RULE, SUBNET = "AWS::CloudWatch::Alarm", "AWS::Events::Rule", "AWS::EC2::Subnet"
SELECTION, METADATA = "AWS::Backup::BackupSelection", "breakwater:guards"


@mutation("DR-ORDER-01")
def route_beside_the_attachment(app: MutableApp) -> None:
    for route in app.resources("AWS::EC2::Route").values():
        route.pop("DependsOn", None)


@mutation("DR-ORDER-02")
def mapping_beside_the_policy(app: MutableApp) -> None:
    for kind in ("AWS::Lambda::EventSourceMapping", "AWS::Lambda::Function"):
        for resource in app.resources(kind, "RestoreValidation").values():
            resource.pop("DependsOn", None)


@mutation("DR-HYGIENE-09")
def vault_that_a_rollback_leaves(app: MutableApp) -> None:
    app.resource("AWS::Backup::BackupVault")["DeletionPolicy"] = "Retain"


@mutation("DR-HYGIENE-10")
def group_that_goes_before_the_database(app: MutableApp) -> None:
    for attribute in ("DeletionPolicy", "UpdateReplacePolicy"):
        app.resource("AWS::EC2::SecurityGroup", "DatabaseSecurityGroup").pop(attribute)


@mutation("DR-HYGIENE-11")
def balancer_that_the_stack_cannot_delete(app: MutableApp) -> None:
    del app.resource("AWS::ElasticLoadBalancingV2::LoadBalancer")["Metadata"][METADATA]


@mutation("DR-HYGIENE-12", profile="staging")
def key_that_goes_before_the_data(app: MutableApp) -> None:
    app.resource("AWS::KMS::Key", "BackupKey")["DeletionPolicy"] = "Delete"


@mutation("DR-OWNER-01")
def continuous_backup_with_other_days(app: MutableApp) -> None:
    (plan,) = app.resources("AWS::Backup::BackupPlan").values()
    rules = plan["Properties"]["BackupPlan"]["BackupPlanRule"]
    rules.append({**copy.deepcopy(rules[0]), "RuleName": "continuous", "EnableContinuousBackup": True})
    rules[-1]["Lifecycle"] = {"DeleteAfterDays": 13}
    rules[-1].pop("CopyActions", None)


@mutation("DR-OWNER-02")
def count_without_the_reason(app: MutableApp) -> None:
    del app.resource(SERVICE)["Metadata"][METADATA]


@mutation("DR-OWNER-03")
def second_policy_of_a_queue(app: MutableApp) -> None:
    policy = copy.deepcopy(app.resource("AWS::SQS::QueuePolicy", "DeadLetterQueuePolicy"))
    app.add("AWS::SQS::QueuePolicy", "Again", policy)


@mutation("DR-OWNER-03")
def web_acl_rules_of_one_priority(app: MutableApp) -> None:
    rules = app.properties("AWS::WAFv2::WebACL")["Rules"]
    rules[1]["Priority"] = rules[0]["Priority"]


@mutation("DR-BACKUP-10")
def selection_by_conditions_alone(app: MutableApp) -> None:
    selection = app.properties(SELECTION)["BackupSelection"]
    selection.pop("Resources", None)
    selection.pop("ListOfTags", None)
    name = next(tag["Key"] for tag in app.properties(CLUSTER)["Tags"])
    selection["Conditions"] = {"StringLike": [{"ConditionKey": f"aws:ResourceTag/{name}", "ConditionValue": "*"}]}


@mutation("DR-BACKUP-11")
def restore_tests_of_nothing(app: MutableApp) -> None:
    plan = copy.deepcopy(app.resource("AWS::Backup::RestoreTestingPlan"))
    plan["Properties"]["RestoreTestingPlanName"] += "_second"
    app.add("AWS::Backup::RestoreTestingPlan", "Second", plan)


@mutation("DR-BACKUP-12")
def copies_to_an_account_that_the_key_keeps_out(app: MutableApp) -> None:
    (plan,) = app.resources("AWS::Backup::BackupPlan").values()
    for statement in app.properties("AWS::KMS::Key", "DataKey")["KeyPolicy"]["Statement"]:
        if "AWS" in statement["Principal"]:
            statement["Principal"] = {"AWS": "arn:aws:iam::111111111111:root"}
    vault = "arn:aws:backup:us-east-1:222222222222:backup-vault:central"
    for item in plan["Properties"]["BackupPlan"]["BackupPlanRule"]:
        item["CopyActions"] = [{"DestinationBackupVaultArn": vault, "Lifecycle": item["Lifecycle"]}]


@mutation("DR-AURORA-21")
def family_of_the_last_version(app: MutableApp) -> None:
    app.properties("AWS::RDS::DBClusterParameterGroup")["Family"] = "aurora-postgresql16"


@mutation("DR-AURORA-22")
def audit_without_its_library(app: MutableApp) -> None:
    parameters = app.properties("AWS::RDS::DBClusterParameterGroup")["Parameters"]
    parameters["pgaudit.log"] = "ddl"
    parameters.pop("shared_preload_libraries", None)


def replicate(app: MutableApp, name: str = "DataBucket", **more: Any) -> None:
    """Replicate the data bucket with the role of the flow logs, which stands for any role."""
    bucket = app.properties("AWS::S3::Bucket", name)
    destination = {"Bucket": "arn:aws:s3:::replica"}
    item = {
        "Id": "all",
        "Status": "Enabled",
        "Priority": 1,
        "Filter": {"Prefix": ""},
        "Destination": destination,
        **more,
    }
    bucket["ReplicationConfiguration"] = {"Role": "arn:aws:iam::111111111111:role/replicator", "Rules": [item]}


@mutation("DR-S3-01")
def replica_without_encrypted_objects(app: MutableApp) -> None:
    replicate(app)


@mutation("DR-S3-03")
def replica_of_a_bucket_without_versions(app: MutableApp) -> None:
    replicate(app, "LogBucket")
    app.properties("AWS::S3::Bucket", "LogBucket").pop("VersioningConfiguration", None)


@mutation("DR-S3-02")
def logs_that_the_bucket_refuses(app: MutableApp) -> None:
    lock = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 30}}}
    app.properties("AWS::S3::Bucket", "LogBucket")["ObjectLockConfiguration"] = lock


@mutation("DR-DYNAMODB-05")
def second_replica_without_a_stream(app: MutableApp) -> None:
    table = app.properties(TABLE)
    table.pop("StreamSpecification", None)
    second = {**copy.deepcopy(table["Replicas"][0]), "Region": "us-west-2"}
    second["SSESpecification"] = {"KMSMasterKeyId": "arn:aws:kms:us-west-2:111111111111:key/mrk-1"}
    table["Replicas"].append(second)


@mutation("DR-LOGS-04")
def web_acl_logs_under_another_name(app: MutableApp) -> None:
    group = app.properties("AWS::Logs::LogGroup", "WebAclLogGroup")
    group["LogGroupName"] = group["LogGroupName"].replace("aws-waf-logs-", "waf-")


@mutation("DR-CLOUDWATCH-06")
def two_periods_of_what_runs_now_and_then(app: MutableApp) -> None:
    alarm = app.properties(ALARM, "FailoverAlarmsErrors")
    alarm.update({"EvaluationPeriods": 2, "DatapointsToAlarm": 2, "TreatMissingData": "notBreaching"})


@mutation("DR-CLOUDWATCH-07")
def metric_with_another_spelling(app: MutableApp) -> None:
    app.properties(ALARM, "FailoverAlarmsErrors")["MetricName"] = "Error"


@mutation("DR-EVENTS-01")
def state_that_is_never_sent(app: MutableApp) -> None:
    app.properties(RULE, "EventRulesBackupFailures")["EventPattern"]["detail"]["state"] = ["FAILURE"]


@mutation("DR-NET-04")
def overlapping_subnets(app: MutableApp) -> None:
    first, second, *_ = app.resources(SUBNET, "VpcPublic").values()
    second["Properties"]["CidrBlock"] = first["Properties"]["CidrBlock"]


@mutation("DR-NET-05")
def balancer_in_isolated_subnets(app: MutableApp) -> None:
    balancer = app.properties("AWS::ElasticLoadBalancingV2::LoadBalancer")
    stack = next(iter(app.resources("AWS::CloudFormation::Stack", "Compute").values()))["Properties"]["Parameters"]
    isolated = [{"Ref": name} for name, value in stack.items() if "IsolatedSubnet" in str(value)]
    balancer["Subnets"] = isolated[:2]


@mutation("DR-CLOUDWATCH-08")
def silence_that_is_fine(app: MutableApp) -> None:
    alarm = app.properties(ALARM, "FailoverAlarmsErrors")
    alarm.update({"MetricName": "Invocations", "ComparisonOperator": "LessThanThreshold", "Threshold": 1})
    alarm["TreatMissingData"] = "notBreaching"


@mutation("DR-LAMBDA-10")
def message_that_comes_back_too_early(app: MutableApp) -> None:
    app.properties("AWS::SQS::Queue", "RestoreEventQueue")["VisibilityTimeout"] = 10


@mutation("DR-ECS-19")
def provider_of_no_cluster(app: MutableApp) -> None:
    service = app.properties(SERVICE)
    service.pop("LaunchType", None)
    service["CapacityProviderStrategy"] = [{"CapacityProvider": "FARGATE_SPOT", "Weight": 1}]


@mutation("DR-IAM-08")
def user_of_the_identifier(app: MutableApp) -> None:
    role = next(iter(app.resources("AWS::IAM::Role", "ClusterMonitoringRole").values()))["Properties"]
    (cluster,) = app.resources(CLUSTER)
    arn = {"Fn::Sub": f"arn:aws:rds-db:*:*:dbuser:${{{cluster}}}/app"}
    statement = {"Effect": "Allow", "Action": "rds-db:connect", "Resource": arn}
    role["Policies"] = [
        {"PolicyName": "connect", "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]}}
    ]


@mutation("DR-OWNER-03")
def gateways_with_one_address(app: MutableApp) -> None:
    app.add(SUBNET, "Address", {"Type": "AWS::EC2::EIP", "Properties": {"Domain": "vpc"}})
    attachments = list(app.resources("AWS::EC2::VPCGatewayAttachment"))
    for subnet in app.resources(SUBNET, "VpcPublicSubnet"):
        properties = {"SubnetId": {"Ref": subnet}, "AllocationId": {"Fn::GetAtt": ["Address", "AllocationId"]}}
        gateway = {"Type": "AWS::EC2::NatGateway", "DependsOn": attachments, "Properties": properties}
        app.add(SUBNET, f"Nat{subnet}", gateway)


@mutation("DR-OWNER-04")
def rule_of_a_group_stated_twice(app: MutableApp) -> None:
    kind = "AWS::EC2::SecurityGroupIngress"
    app.add(kind, "Again", copy.deepcopy(app.resource(kind)))


@mutation("DR-EVENTS-02")
def rule_on_a_bus_of_its_own(app: MutableApp) -> None:
    app.add(RULE, "Bus", {"Type": "AWS::Events::EventBus", "Properties": {"Name": "own-eu1"}})
    app.properties(RULE, "EventRulesBackupFailures")["EventBusName"] = "own-eu1"


@mutation("DR-EVENTS-03")
def rule_that_is_off(app: MutableApp) -> None:
    app.properties(RULE, "EventRulesBackupFailures")["State"] = "DISABLED"
