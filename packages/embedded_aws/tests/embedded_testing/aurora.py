"""An Aurora cluster as a template declares it."""

from __future__ import annotations

from typing import Any

from embedded_aws.clients import Aws
from embedded_testing.declared import KEY


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
    if insights == "advanced":  # needs these, and 465 days
        cluster |= {"PerformanceInsightsEnabled": True, "PerformanceInsightsRetentionPeriod": 465}
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
        "Key": KEY,
        "Parameters": {"Type": "AWS::RDS::DBClusterParameterGroup", "Properties": parameters},
        "Cluster": {"Type": "AWS::RDS::DBCluster", "Properties": cluster},
        "First": {"Type": "AWS::RDS::DBInstance", "Properties": member},
        "Second": {"Type": "AWS::RDS::DBInstance", "Properties": member, "DependsOn": "First"},
    }
    return {"Resources": resources, "Outputs": outputs}


def member(aws: Aws, name: str, *, cluster: str = "record", **options: Any) -> None:
    """Create an instance in a cluster."""
    aws("rds").create_db_instance(
        DBInstanceIdentifier=name,
        DBInstanceClass="db.r6g.large",
        Engine="aurora-mysql",
        DBClusterIdentifier=cluster,
        **options,
    )


def found(aws: Aws, name: str) -> dict[str, Any]:
    """Return what RDS says about an instance."""
    instances: list[dict[str, Any]] = aws("rds").describe_db_instances(DBInstanceIdentifier=name)["DBInstances"]
    return instances[0]


def described(aws: Aws, name: str) -> dict[str, Any]:
    """Return what RDS says about a cluster."""
    clusters: list[dict[str, Any]] = aws("rds").describe_db_clusters(DBClusterIdentifier=name)["DBClusters"]
    return clusters[0]
