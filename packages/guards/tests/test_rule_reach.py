"""Rules about ways, names and deliveries at the edge of what a template tells: presence, and absence where unknown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from breakwater_guards import Profile
from breakwater_guards.aws.dns import records_of
from breakwater_guards.model.assembly import Assembly
from guards_testing.build import Template, resource, template
from guards_testing.judge import OPEN, allow, found, messages

FUNCTION = "AWS::Lambda::Function"


# Network


@pytest.mark.parametrize(("owner", "expected"), [("Vpc", 0), ("Other", 1), (None, 1)])
def test_a_subnet_may_lie_in_a_second_range_of_its_own_vpc(owner: str | None, expected: int) -> None:
    resources = {
        "Vpc": resource("AWS::EC2::VPC", CidrBlock="10.0.0.0/16"),
        "Other": resource("AWS::EC2::VPC", CidrBlock="10.2.0.0/16"),
        "Subnet": resource("AWS::EC2::Subnet", VpcId={"Ref": "Vpc"}, CidrBlock="10.1.0.0/24"),
        "Second": resource(
            "AWS::EC2::VPCCidrBlock", VpcId={"Ref": owner} if owner else "vpc-1", CidrBlock="10.1.0.0/16"
        ),
    }
    assert len(found("DR-NET-04", resources)) == expected


@pytest.mark.parametrize(("block", "expected"), [("10.0.1.0/24", 0), ("10.1.0.0/24", 1)])
def test_a_vpc_is_named_by_a_subnet_too(block: str, expected: int) -> None:
    resources = {
        "Vpc": resource("AWS::EC2::VPC", CidrBlock="10.0.0.0/16"),
        "First": resource("AWS::EC2::Subnet", VpcId={"Ref": "Vpc"}, CidrBlock="10.0.0.0/24"),
        "Second": resource("AWS::EC2::Subnet", VpcId={"Fn::GetAtt": ["First", "VpcId"]}, CidrBlock=block),
    }
    assert len(found("DR-NET-04", resources)) == expected


def test_groups_without_readable_records_have_none() -> None:
    resources = {
        "Good": resource("AWS::Route53::RecordSetGroup", HostedZoneId="Z1", RecordSets=[{"Name": "a.com"}, "b.com"]),
        "Open": {"Type": "AWS::Route53::RecordSetGroup"},
    }
    assert [record.path for record in records_of(Assembly.from_document(template(resources)))] == ["RecordSets.0"]


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ({"Fn::Sub": "https-${Api.ApiEndpoint}"}, "contains a URL"),
        ({"Fn::Sub": "www-${Api.RegionalDomainName}"}, None),
    ],
)
def test_a_host_that_is_made_of_a_url(name: Any, problem: str | None) -> None:
    check = resource("AWS::Route53::HealthCheck", HealthCheckConfig={"Type": "HTTPS", "FullyQualifiedDomainName": name})
    lines = found("DR-ROUTE53-03", {"Api": resource("AWS::ApiGatewayV2::Api"), "Check": check})
    assert [problem in line for line in lines if problem] == [True] * bool(problem)
    assert len(lines) == bool(problem)


@pytest.mark.parametrize(
    ("attribute", "expected"), [("PrivateIp", 1), ("PrivateDnsName", 1), ("PublicIp", 0), ("PublicDnsName", 0)]
)
def test_a_health_check_of_a_private_attribute(attribute: str, expected: int) -> None:
    name = "IPAddress" if attribute.endswith("Ip") else "FullyQualifiedDomainName"
    config = {"Type": "HTTPS", name: {"Fn::GetAtt": ["Host", attribute]}}
    resources = {
        "Host": resource("AWS::EC2::Instance"),
        "Check": resource("AWS::Route53::HealthCheck", HealthCheckConfig=config),
    }
    assert len(found("DR-ROUTE53-04", resources)) == expected


# Lambda


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"Code": {"S3Bucket": "b", "S3Key": "k"}}, 1),
        ({"Code": {"ImageUri": "app:1"}}, 0),
        ({"Code": {"S3Bucket": "b", "S3Key": "k"}, "PackageType": "Image"}, 0),
        ({"Code": {"S3Bucket": "b", "S3Key": "k"}, "PackageType": "Zip"}, 1),
    ],
)
def test_an_image_needs_no_handler(properties: Template, expected: int) -> None:
    assert len(found("DR-LAMBDA-07", {"Function": resource(FUNCTION, **properties)})) == expected


@pytest.mark.parametrize(
    ("runtime", "handler", "expected"),
    [("python3.13", "app.run", 1), (OPEN, "app.run", 0), ("python3.13", OPEN, 0), ("python3.13", "index.run", 0)],
)
def test_a_handler_that_is_not_known_may_be_in_the_asset(
    tmp_path: Path, runtime: Any, handler: Any, expected: int
) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "index.py").write_text("def run(event, context): ...")
    function = resource(FUNCTION, Code="code", Runtime=runtime, Handler=handler)
    app = Assembly.from_document(template({"Function": function}, Parameters={"Open": {"Type": "String"}}))
    app.folder = tmp_path
    lines = messages("DR-LAMBDA-07", app)
    assert len(lines) == expected
    assert all("asset code has none of app.py" in line for line in lines)


@pytest.mark.parametrize(
    ("code", "expected"),
    [({"ZipFile": OPEN}, 1), ({"ZipFile": "run"}, 1), ("./source", 0), (OPEN, 0), ({"S3Bucket": "b", "S3Key": "k"}, 0)],
)
def test_only_inline_code_has_the_name_of_inline_code(code: Any, expected: int) -> None:
    function = resource(FUNCTION, Code=code, Runtime="python3.13", Handler="app.run")
    assert len(found("DR-LAMBDA-07", {"Function": function})) == expected


@pytest.mark.parametrize(
    ("action", "properties", "expected"),
    [
        ("sqs:SendMessage", {}, 1),
        ("sqs:SendMessage", {"DeadLetterConfig": {"TargetArn": "arn:aws:sqs:us-east-1:111111111111:dead"}}, 0),
        ("secretsmanager:GetSecretValue", {"DeadLetterConfig": {"TargetArn": "arn:aws:sqs:us-east-1:1:dead"}}, 1),
    ],
)
def test_lambda_itself_sends_what_failed(action: str, properties: Template, expected: int) -> None:
    work = {"PolicyName": "work", "PolicyDocument": {"Statement": [{"Effect": "Allow", "Action": action}]}}
    vpc = {"Ref": "Vpc"}
    resources = {
        "Role": resource(
            "AWS::IAM::Role",
            AssumeRolePolicyDocument=allow({"Service": "lambda.amazonaws.com"}, "sts:AssumeRole"),
            Policies=[work],
        ),
        "Vpc": resource("AWS::EC2::VPC", CidrBlock="10.0.0.0/16"),
        "Subnet": resource("AWS::EC2::Subnet", VpcId=vpc, CidrBlock="10.0.0.0/24"),
        "Table": resource("AWS::EC2::RouteTable", VpcId=vpc),
        "Way": resource(
            "AWS::EC2::SubnetRouteTableAssociation", SubnetId={"Ref": "Subnet"}, RouteTableId={"Ref": "Table"}
        ),
        "Function": resource(
            FUNCTION,
            Role={"Fn::GetAtt": ["Role", "Arn"]},
            VpcConfig={"SubnetIds": [{"Ref": "Subnet"}], "SecurityGroupIds": ["sg-1"]},
            **properties,
        ),
    }
    assert len(found("DR-LAMBDA-04", resources)) == expected


# Deliveries

DELIVERY = {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"}
OBJECTS = {"Fn::Sub": "${Logs.Arn}/AWSLogs/*"}
BUCKET = {"Fn::GetAtt": ["Logs", "Arn"]}


@pytest.mark.parametrize(
    ("principal", "target", "expected"),
    [
        (DELIVERY, OBJECTS, 0),
        (DELIVERY, "*", 0),
        (DELIVERY, "arn:aws:s3:::*", 0),
        (DELIVERY, "arn:aws:s3:::logs", 1),
        (DELIVERY, BUCKET, 0),
        (DELIVERY, {"Fn::Sub": "${Logs.Arn}"}, 0),
        ({"AWS": "arn:aws:iam::*:root"}, OBJECTS, 0),
        ({"AWS": "arn:aws:iam::aws:role"}, OBJECTS, 1),
    ],
)
def test_what_lets_load_balancers_deliver(principal: Any, target: Any, expected: int) -> None:
    assert len(found("DR-ALB-05", delivery(allow(principal, "s3:PutObject", target)))) == expected


def test_a_bucket_of_a_template_that_a_macro_rewrites_may_get_its_policy_there() -> None:
    closed = delivery(allow({"Service": "other.amazonaws.com"}, "s3:PutObject", OBJECTS))
    assert len(found("DR-ALB-05", closed)) == 1
    assert found("DR-ALB-05", closed, Transform="OurMacro") == []


def delivery(document: Template) -> Template:
    """Return a load balancer that writes logs to a bucket with a policy."""
    attributes = {"access_logs.s3.enabled": "true", "access_logs.s3.bucket": {"Ref": "Logs"}}
    return {
        "Logs": resource("AWS::S3::Bucket"),
        "Policy": resource("AWS::S3::BucketPolicy", Bucket={"Ref": "Logs"}, PolicyDocument=document),
        "Balancer": resource(
            "AWS::ElasticLoadBalancingV2::LoadBalancer",
            LoadBalancerAttributes=[{"Key": key, "Value": value} for key, value in attributes.items()],
        ),
    }


@pytest.mark.parametrize(
    ("principal", "expected"),
    [
        ({"AWS": "arn:aws:iam::111111111111:role/other"}, 1),
        ({"AWS": OPEN}, 0),
        ({"AWS": "111111111111"}, 1),
        ({"AWS": {"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:root"}}, 1),
        ({"AWS": {"Fn::GetAtt": ["Role", "Arn"]}}, 0),
    ],
)
def test_a_principal_that_is_not_known_may_be_everybody_but_the_account_is_not(principal: Any, expected: int) -> None:
    resources = {
        "Topic": resource("AWS::SNS::Topic"),
        "Policy": resource(
            "AWS::SNS::TopicPolicy", Topics=[{"Ref": "Topic"}], PolicyDocument=allow(principal, "sns:Publish")
        ),
        "Alarm": resource("AWS::CloudWatch::Alarm", AlarmActions=[{"Ref": "Topic"}]),
    }
    assert len(found("DR-SNS-03", resources)) == expected


@pytest.mark.parametrize("not_principal", [True, False])
def test_whoever_is_not_kept_out_of_a_key_may_use_it(not_principal: bool) -> None:
    other = {"Service": "s3.amazonaws.com"}
    document = allow(other, "kms:*")
    if not_principal:
        document["Statement"][0]["NotPrincipal"] = document["Statement"][0].pop("Principal")
    resources = {
        "Key": resource("AWS::KMS::Key", KeyPolicy=document),
        "Topic": resource("AWS::SNS::Topic", KmsMasterKeyId={"Ref": "Key"}),
        "Alarm": resource("AWS::CloudWatch::Alarm", AlarmActions=[{"Ref": "Topic"}]),
    }
    assert bool(found("DR-SNS", resources)) is not not_principal


# A second Region


@pytest.mark.parametrize(("region", "expected"), [("eu-west-1", 1), (None, 0)])
def test_a_copy_to_a_vault_of_the_same_stack_stays_in_its_region(region: str | None, expected: int) -> None:
    arn = {"Fn::GetAtt": ["Vault", "BackupVaultArn"]}
    step = {"RuleName": "daily", "TargetBackupVault": "Default", "CopyActions": [{"DestinationBackupVaultArn": arn}]}
    selection = {"SelectionName": "all", "IamRoleArn": "arn:aws:iam::111111111111:role/backup", "Resources": ["*"]}
    resources = {
        "Cluster": resource("AWS::RDS::DBCluster", Engine="aurora-postgresql"),
        "Vault": resource("AWS::Backup::BackupVault", BackupVaultName="copies"),
        "Plan": resource("AWS::Backup::BackupPlan", BackupPlan={"BackupPlanRule": [step]}),
        "Chosen": resource("AWS::Backup::BackupSelection", BackupPlanId={"Ref": "Plan"}, BackupSelection=selection),
    }
    app = Assembly({"root": template(resources)}, {"root": (region, None)})
    assert len(messages("DR-REGION-02", app, Profile.MULTI_REGION)) == expected


def test_an_action_that_is_no_text_is_passed_over() -> None:
    statement = {
        "Effect": "Allow",
        "Action": [{"Wrong": "type"}, "s3:PutObject"],
        "Resource": {"Fn::GetAtt": "Bucket.Arn"},
    }
    encryption = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": {"Ref": "Key"}}}
    resources = {
        "Key": resource("AWS::KMS::Key"),
        "Bucket": resource("AWS::S3::Bucket", BucketEncryption={"ServerSideEncryptionConfiguration": [encryption]}),
        "Role": resource("AWS::IAM::Role", Policies=[{"PolicyDocument": {"Statement": [statement]}}]),
    }
    assert len(found("DR-ACCESS-05", resources)) == 1
