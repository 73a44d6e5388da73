"""Seeded defects of roles and policies."""

from __future__ import annotations

from typing import Any

from tests.guards.mutations import MutableApp, mutation

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
