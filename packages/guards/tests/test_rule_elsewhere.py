"""Rules where what a value names is in another stack, account or Region than what is judged."""

from __future__ import annotations

from typing import Any

import pytest

from breakwater_guards import Profile
from breakwater_guards.model.assembly import Assembly
from guards_testing.build import Template, resource
from guards_testing.judge import OPEN, PARAMETERS, found, messages


def cluster(**properties: Any) -> Template:
    """Return an Aurora cluster."""
    return {"Cluster": resource("AWS::RDS::DBCluster", **{"Engine": "aurora-postgresql", **properties})}


def test_a_listener_of_a_target_group_elsewhere_is_no_listener_of_this_one() -> None:
    arn = "arn:aws:elasticloadbalancing:us-east-1:111111111111:targetgroup/other/0123456789abcdef"
    given = {
        "Group": resource("AWS::ElasticLoadBalancingV2::TargetGroup"),
        "Listener": resource(
            "AWS::ElasticLoadBalancingV2::Listener", DefaultActions=[{"Type": "forward", "TargetGroupArn": arn}]
        ),
        "Service": resource("AWS::ECS::Service", LoadBalancers=[{"TargetGroupArn": {"Ref": "Group"}}]),
    }
    assert len(found("DR-ALB-06", given)) == 1


def test_a_denial_of_something_that_is_not_known_is_no_certain_one() -> None:
    allowed = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage"}
    denied = {"Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": {"Fn::Sub": "arn:aws:sqs:*:*:${Open}"}}
    given = {
        "Queue": resource("AWS::SQS::Queue"),
        "Policy": resource(
            "AWS::SQS::QueuePolicy",
            Queues=[{"Ref": "Queue"}],
            PolicyDocument={"Statement": [{**allowed, "Resource": "*"}, denied]},
        ),
        "Rule": resource("AWS::Events::Rule", Targets=[{"Id": "queue", "Arn": {"Fn::GetAtt": ["Queue", "Arn"]}}]),
    }
    assert found("DR-ACCESS-01", given) == []


def test_a_copy_that_is_not_known_has_no_retention() -> None:
    rule = {"RuleName": "daily", "TargetBackupVault": {"Ref": "Vault"}, "CopyActions": [OPEN]}
    given = {
        "Vault": resource("AWS::Backup::BackupVault", LockConfiguration={"MinRetentionDays": 7}),
        "Plan": resource("AWS::Backup::BackupPlan", BackupPlan={"BackupPlanRule": [rule | short(3)]}),
    }
    assert len(found("DR-BACKUP-04", given)) == 1


def short(days: int) -> Template:
    """Return the lifecycle of a rule."""
    return {"Lifecycle": {"DeleteAfterDays": days}}


@pytest.mark.parametrize(("host", "count"), [("203.0.113.7", 0), ("https://api.mycompany.com", 1)])
def test_a_health_check_of_an_address_names_no_host(host: str, count: int) -> None:
    check = resource("AWS::Route53::HealthCheck", HealthCheckConfig={"FullyQualifiedDomainName": host})
    assert len(found("DR-ROUTE53-03", {"Check": check})) == count


def test_a_replica_of_a_cluster_elsewhere_is_replicated() -> None:
    given = cluster(ReplicationSourceIdentifier="arn:aws:rds:eu-west-1:111111111111:cluster:orders")
    app = Assembly.from_document({"Resources": given})
    assert messages("DR-REGION-02", app, Profile.MULTI_REGION) == []


@pytest.mark.parametrize("topics", [["arn:aws:sns:us-east-1:111111111111:elsewhere"], [{"Ref": "Topic"}]])
def test_a_policy_of_a_topic_elsewhere_admits_nobody_here(topics: list[Any]) -> None:
    statement = {"Effect": "Allow", "Principal": {"AWS": "111111111111"}, "Action": "sns:Publish", "Resource": "*"}
    given = {
        "Topic": resource("AWS::SNS::Topic"),
        "Policy": resource("AWS::SNS::TopicPolicy", Topics=topics, PolicyDocument={"Statement": [statement]}),
        "Rule": resource("AWS::Events::Rule", Targets=[{"Id": "topic", "Arn": {"Ref": "Topic"}}]),
    }
    assert len(found("DR-SNS-04", given)) == 1


def test_a_metric_that_code_publishes_too_may_have_other_dimensions() -> None:
    code = "import boto3\n\ndef handler(event, context):\n    boto3.client('cloudwatch').put_metric_data('Errors')\n"
    made = {"MetricNamespace": "Orders", "MetricName": "Errors", "MetricValue": "1"}
    filter_ = {**made, "Dimensions": [{"Key": "Service", "Value": "$.service"}]}
    given = {
        "Filter": resource("AWS::Logs::MetricFilter", MetricTransformations=[filter_]),
        "Alarm": resource("AWS::CloudWatch::Alarm", Namespace="Orders", MetricName="Errors"),
    }
    function = resource("AWS::Lambda::Function", Runtime="python3.13", Handler="index.handler", Code={"ZipFile": code})
    assert len(found("DR-CLOUDWATCH-10", given)) == 1
    assert found("DR-CLOUDWATCH-10", given | {"Function": function}) == []


@pytest.mark.parametrize(("key", "count"), [({"Ref": "Key"}, 1), (OPEN, 0), ("alias/orders", 0)])
def test_the_key_of_a_replica_is_of_its_region(key: Any, count: int) -> None:
    replicas = [
        {"Region": "us-east-1", "SSESpecification": {"KMSMasterKeyId": {"Ref": "Key"}}},
        {"Region": "us-west-2", "SSESpecification": {"KMSMasterKeyId": key}},
    ]
    given = {"Key": resource("AWS::KMS::Key"), "Table": resource("AWS::DynamoDB::GlobalTable", Replicas=replicas)}
    document = {"Resources": given, "Parameters": PARAMETERS}
    app = Assembly({"app.json": document}, {"app.json": ("us-east-1", None)})
    assert len(messages("DR-DYNAMODB-02", app)) == count


@pytest.mark.parametrize("parameters", [OPEN, {"rds.force_ssl": OPEN}])
def test_parameters_that_are_not_known_may_force_tls(parameters: Any) -> None:
    group = resource("AWS::RDS::DBClusterParameterGroup", Family="aurora-postgresql15", Parameters=parameters)
    given = cluster(EngineVersion="15.8", DBClusterParameterGroupName={"Ref": "Group"})
    assert found("DR-AURORA-16", given | {"Group": group}) == []


@pytest.mark.parametrize(("principal", "count"), [("somebody", 1), ("111111111111", 0), ({"Fn::Sub": "${Open}"}, 0)])
def test_a_principal_that_is_neither_account_nor_arn(principal: Any, count: int) -> None:
    trust = {"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": principal}}]}
    assert len(found("DR-IAM-01", {"Role": resource("AWS::IAM::Role", AssumeRolePolicyDocument=trust)})) == count


@pytest.mark.parametrize("group", [OPEN, "arn:aws:elasticloadbalancing:us-east-1:111111111111:targetgroup/a/0123"])
def test_a_target_group_elsewhere_is_reached_by_whom_it_may(group: Any) -> None:
    service = resource(
        "AWS::ECS::Service",
        LoadBalancers=[{"TargetGroupArn": group, "ContainerPort": 80}, OPEN],
        NetworkConfiguration={"AwsvpcConfiguration": {"Subnets": ["subnet-1"]}},
    )
    assert found("DR-ALB-02", {"Service": service}) == []


@pytest.mark.parametrize(("policy", "count"), [(None, 0), (OPEN, 0), ({"Statement": []}, 1)])
def test_a_key_without_a_policy_of_its_own_leaves_use_to_the_roles(policy: Any, count: int) -> None:
    statements = [
        {"Effect": "Allow", "Action": "sns:Publish", "Resource": {"Ref": "Topic"}},
        {"Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": "*"},
    ]
    given = {
        "Key": resource("AWS::KMS::Key", **({} if policy is None else {"KeyPolicy": policy})),
        "Topic": resource("AWS::SNS::Topic", KmsMasterKeyId={"Fn::GetAtt": ["Key", "Arn"]}),
        "Role": resource("AWS::IAM::Role", Policies=[{"PolicyName": "p", "PolicyDocument": {"Statement": statements}}]),
    }
    assert bool(found("DR-ACCESS-05", given)) == bool(count)
