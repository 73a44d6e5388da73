"""Seeded defects of the Application Load Balancer, its target group and its logs."""

from __future__ import annotations

from tests.guards.mutations import MutableApp, mutation

BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
TARGET_GROUP = "AWS::ElasticLoadBalancingV2::TargetGroup"


@mutation("DR-ALB-01")
def targets_are_instances(app: MutableApp) -> None:
    del app.properties(TARGET_GROUP)["TargetType"]


@mutation("DR-ALB-02")
def tasks_closed_to_the_load_balancer(app: MutableApp) -> None:
    app.remove("AWS::EC2::SecurityGroupIngress", "TaskSecurityGroupfrom")


@mutation("DR-ALB-02")
def health_checks_on_a_closed_port(app: MutableApp) -> None:
    app.properties(TARGET_GROUP)["HealthCheckPort"] = "9000"


@mutation("DR-ALB-03")
def load_balancer_in_one_zone(app: MutableApp) -> None:
    app.properties(BALANCER)["Subnets"][1:] = []


@mutation("DR-ALB-04")
def logs_to_an_encrypted_bucket(app: MutableApp) -> None:
    encryption = app.properties("AWS::S3::Bucket", "LogBucket")["BucketEncryption"]
    encryption["ServerSideEncryptionConfiguration"][0]["ServerSideEncryptionByDefault"]["SSEAlgorithm"] = "aws:kms"


@mutation("DR-ALB-05")
def logs_to_a_closed_bucket(app: MutableApp) -> None:
    statements = app.properties("AWS::S3::BucketPolicy", "LogBucket")["PolicyDocument"]["Statement"]
    statements[:] = [statement for statement in statements if statement.get("Sid") != "LoadBalancersDeliverLogs"]


@mutation("DR-ALB-05")
def logs_under_another_prefix(app: MutableApp) -> None:
    attributes = app.properties(BALANCER)["LoadBalancerAttributes"]
    next(item for item in attributes if item["Key"] == "access_logs.s3.prefix")["Value"] = "elsewhere"


@mutation("DR-ALB-06")
def service_before_its_listener(app: MutableApp) -> None:
    service = app.resource("AWS::ECS::Service")
    service["DependsOn"] = [name for name in service["DependsOn"] if "Listener" not in name]
