"""An Aurora cluster as a template declares it."""

from __future__ import annotations

from typing import Any


def aurora(*, version: str = "17.7", insights: str = "standard", exports: tuple[str, ...] = ()) -> dict[str, Any]:
    cluster = {
        "Engine": "aurora-postgresql",
        "EngineVersion": version,
        "MasterUsername": "owner",
        "ManageMasterUserPassword": True,
        "MasterUserSecret": {"KmsKeyId": {"Fn::GetAtt": ["Key", "Arn"]}},
        "StorageEncrypted": True,
        "KmsKeyId": {"Fn::GetAtt": ["Key", "Arn"]},
        "Port": "5433",
        "DatabaseInsightsMode": insights,
        "EnableCloudwatchLogsExports": list(exports),
        "DBClusterParameterGroupName": {"Ref": "Parameters"},
    }
    parameters = {"Family": "aurora-postgresql17", "Description": "TLS", "Parameters": {"rds.force_ssl": "1"}}
    member = {
        "DBClusterIdentifier": {"Ref": "Cluster"},
        "DBInstanceClass": "db.serverless",
        "Engine": "aurora-postgresql",
    }
    outputs = {
        "Secret": {"Value": {"Fn::GetAtt": ["Cluster", "MasterUserSecret.SecretArn"]}},
        "Endpoint": {"Value": {"Fn::GetAtt": ["Cluster", "Endpoint.Address"]}},
        "Port": {"Value": {"Fn::GetAtt": ["Cluster", "Endpoint.Port"]}},
    }
    resources = {
        "Key": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": {"Statement": []}}},
        "Parameters": {"Type": "AWS::RDS::DBClusterParameterGroup", "Properties": parameters},
        "Cluster": {"Type": "AWS::RDS::DBCluster", "Properties": cluster},
        "First": {"Type": "AWS::RDS::DBInstance", "Properties": member},
        "Second": {"Type": "AWS::RDS::DBInstance", "Properties": member, "DependsOn": "First"},
    }
    return {"Resources": resources, "Outputs": outputs}
