"""Write an assembly of any size: a root template and nested stacks full of cells.

A cell is ten resources that refer to each other and to the root's, as those of a platform do.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

CELL = 10
# CloudFormation's quota is 500 resources a template; a rule of the guards warns at 80 %.
CELLS_PER_STACK = 39
ROOT = "root.template.json"
_SHARED = ("KeyArn", "TopicArn", "VpcId", "SubnetGroup")


def write_assembly(folder: Path, cells: int) -> int:
    """Write the templates.

    Args:
        folder: Where to; made if need be.
        cells: Number of cells, each of ten resources.

    Returns:
        Number of resources in all templates.
    """
    folder.mkdir(parents=True, exist_ok=True)
    root = _root()
    written = 0
    for number, first in enumerate(range(0, cells, CELLS_PER_STACK), start=1):
        resources: dict[str, Any] = {}
        for cell in range(first, min(first + CELLS_PER_STACK, cells)):
            resources |= _cell(cell)
        file = f"cells-{number}.nested.template.json"
        nested = {"Parameters": {name: {"Type": "String"} for name in _SHARED}, "Resources": resources}
        (folder / file).write_text(json.dumps(nested), encoding="utf-8")
        root["Cells" + str(number)] = {
            "Type": "AWS::CloudFormation::Stack",
            "Properties": {
                "TemplateURL": file,
                "Parameters": {
                    "KeyArn": {"Fn::GetAtt": ["Key", "Arn"]},
                    "TopicArn": {"Ref": "Topic"},
                    "VpcId": {"Ref": "Vpc"},
                    "SubnetGroup": {"Ref": "Subnets"},
                },
            },
        }
        written += len(resources)
    (folder / ROOT).write_text(json.dumps({"Resources": root}), encoding="utf-8")
    return written + len(root)


def _root() -> dict[str, Any]:
    vpc = {"Ref": "Vpc"}
    subnets = {
        f"Subnet{zone.upper()}": _resource(
            "EC2::Subnet", VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"us-east-1{zone}"
        )
        for number, zone in enumerate("ab")
    }
    return {
        "Key": _resource("KMS::Key", EnableKeyRotation=True, KeyPolicy=_key_policy()),
        "Topic": _resource("SNS::Topic", KmsMasterKeyId={"Fn::GetAtt": ["Key", "Arn"]}),
        "Vpc": _resource("EC2::VPC", CidrBlock="10.0.0.0/16"),
        **subnets,
        "Subnets": _resource(
            "RDS::DBSubnetGroup", DBSubnetGroupDescription="two zones", SubnetIds=[{"Ref": name} for name in subnets]
        ),
    }


def _cell(number: int) -> dict[str, Any]:
    """Ten resources: a database, a table, and a function with what it needs and what watches it."""

    def own(name: str) -> str:
        return f"{name}{number}"

    def arn(name: str) -> dict[str, Any]:
        return {"Fn::GetAtt": [own(name), "Arn"]}

    key = {"Ref": "KeyArn"}
    return {
        own("Cluster"): _resource(
            "RDS::DBCluster",
            Engine="aurora-postgresql",
            EngineVersion="17.7",
            MasterUsername="owner",
            ManageMasterUserPassword=True,
            StorageEncrypted=True,
            KmsKeyId=key,
            Port=5433,
            DeletionProtection=True,
            DBSubnetGroupName={"Ref": "SubnetGroup"},
            VpcSecurityGroupIds=[{"Fn::GetAtt": [own("Group"), "GroupId"]}],
            ServerlessV2ScalingConfiguration={"MinCapacity": 0.5, "MaxCapacity": 4},
            DBClusterIdentifier=own("cluster-"),
            EnableCloudwatchLogsExports=["postgresql"],
            PreferredBackupWindow="03:00-04:00",
            PreferredMaintenanceWindow="sun:05:00-sun:06:00",
        ),
        **{
            own(role): _resource(
                "RDS::DBInstance",
                DBClusterIdentifier={"Ref": own("Cluster")},
                DBInstanceClass="db.serverless",
                Engine="aurora-postgresql",
                PromotionTier=tier,
                AutoMinorVersionUpgrade=False,
            )
            for tier, role in enumerate(("Writer", "Reader"))
        },
        own("Group"): _resource("EC2::SecurityGroup", GroupDescription="database", VpcId={"Ref": "VpcId"}),
        own("Table"): _resource(
            "DynamoDB::GlobalTable",
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
            SSESpecification={"SSEEnabled": True, "SSEType": "KMS"},
            Replicas=[
                {
                    "Region": "us-east-1",
                    "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
                    "SSESpecification": {"KMSMasterKeyId": key},
                }
            ],
        ),
        own("Queue"): _resource("SQS::Queue", KmsMasterKeyId=key),
        own("Logs"): _resource(
            "Logs::LogGroup", LogGroupName=f"/aws/rds/cluster/cluster-{number}/postgresql", KmsKeyId=key
        ),
        own("Role"): _resource("IAM::Role", AssumeRolePolicyDocument=_trust(), Policies=[_policy(arn("Table"), key)]),
        own("Function"): _resource(
            "Lambda::Function",
            Runtime="python3.13",
            Handler="index.handle",
            Role=arn("Role"),
            Code={"ZipFile": "def handle(event, context):\n    return event\n"},
            Environment={"Variables": {"TABLE": {"Ref": own("Table")}, "REGION": {"Fn::Sub": "${AWS::Region}"}}},
            LoggingConfig={"LogGroup": {"Ref": own("Logs")}},
        ),
        own("Alarm"): _resource(
            "CloudWatch::Alarm",
            Namespace="AWS/Lambda",
            MetricName="Errors",
            Dimensions=[{"Name": "FunctionName", "Value": {"Ref": own("Function")}}],
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=5,
            Threshold=1,
            ComparisonOperator="GreaterThanOrEqualToThreshold",
            AlarmActions=[{"Ref": "TopicArn"}],
        ),
    }


def _resource(kind: str, /, **properties: Any) -> dict[str, Any]:
    return {
        "Type": f"AWS::{kind}",
        "DeletionPolicy": "RetainExceptOnCreate",
        "UpdateReplacePolicy": "Retain",
        "Properties": properties,
    }


def _statement(**parts: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **parts}]}


def _trust() -> dict[str, Any]:
    return _statement(Action="sts:AssumeRole", Principal={"Service": "lambda.amazonaws.com"})


def _policy(table: dict[str, Any], key: dict[str, Any]) -> dict[str, Any]:
    document = _statement(Action=["dynamodb:GetItem", "kms:Decrypt"], Resource=[table, key])
    document["Statement"] += _statement(Action=["logs:CreateLogStream", "logs:PutLogEvents"], Resource="*")["Statement"]
    return {"PolicyName": "read", "PolicyDocument": document}


def _key_policy() -> dict[str, Any]:
    root = {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}}
    services = ["logs.us-east-1.amazonaws.com", "cloudwatch.amazonaws.com", "sns.amazonaws.com"]
    document = _statement(Action="kms:*", Principal=root, Resource="*")
    document["Statement"].append(
        {"Effect": "Allow", "Action": "kms:*", "Principal": {"Service": services}, "Resource": "*"}
    )
    return document
