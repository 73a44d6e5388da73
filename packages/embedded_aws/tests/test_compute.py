"""ECS, load balancing and Application Auto Scaling."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws.clients import Aws
from embedded_testing import Deploy
from embedded_testing.running import eventually

pytestmark = pytest.mark.emulator


@pytest.fixture(autouse=True)
def secret(aws: Aws) -> Iterator[None]:
    """Keep the secret that the container asks for: without it no task would start."""
    aws("secretsmanager").create_secret(Name="one", SecretString="-")
    yield
    aws("secretsmanager").delete_secret(SecretId="one", ForceDeleteWithoutRecovery=True)


def service(*, image: str = "one", desired: int = 2, longest: int = 4, target: float = 60) -> dict[str, Any]:
    container = {
        "Name": "app",
        "Image": image,
        "User": "65534",
        "ReadonlyRootFilesystem": True,
        "LinuxParameters": {"Tmpfs": [{"ContainerPath": "/tmp", "Size": 64}]},  # noqa: S108 (in the container)
        "HealthCheck": {"Command": ["CMD", "true"], "Interval": 10},
        "Secrets": [{"Name": "PASSWORD", "ValueFrom": "arn:aws:secretsmanager:us-east-1:000000000000:secret:one"}],
    }
    definition = {
        "Family": "app",
        "Cpu": "256",
        "Memory": "512",
        "ExecutionRoleArn": {"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:role/execution"},
        "NetworkMode": "awsvpc",
        "RequiresCompatibilities": ["FARGATE"],
        "RuntimePlatform": {"CpuArchitecture": "ARM64", "OperatingSystemFamily": "LINUX"},
        "ContainerDefinitions": [container],
    }
    ecs_service = {
        "Cluster": {"Ref": "Cluster"},
        "TaskDefinition": {"Ref": "Definition"},
        "DesiredCount": desired,
        "LaunchType": "FARGATE",
        "EnableExecuteCommand": True,
        "PropagateTags": "SERVICE",
        "DeploymentConfiguration": {"DeploymentCircuitBreaker": {"Enable": True, "Rollback": True}},
        "NetworkConfiguration": {
            "AwsvpcConfiguration": {"Subnets": ["subnet-0123456789abcdef0"], "AssignPublicIp": "DISABLED"}
        },
    }
    scalable = {
        "ServiceNamespace": "ecs",
        "ScalableDimension": "ecs:service:DesiredCount",
        "ResourceId": {"Fn::Sub": "service/${Cluster}/${Service.Name}"},
        "MinCapacity": 2,
        "MaxCapacity": longest,
        "RoleARN": "arn:aws:iam::000000000000:role/scaling",
        "Tags": [{"Key": "Owner", "Value": "one"}],
    }
    policy = {
        "PolicyName": "cpu",
        "PolicyType": "TargetTrackingScaling",
        "ScalingTargetId": {"Ref": "Target"},
        "TargetTrackingScalingPolicyConfiguration": {
            "TargetValue": target,
            "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
        },
    }
    return {
        "Cluster": {"Type": "AWS::ECS::Cluster"},
        "Definition": {"Type": "AWS::ECS::TaskDefinition", "Properties": definition},
        "Service": {"Type": "AWS::ECS::Service", "Properties": ecs_service},
        "Target": {"Type": "AWS::ApplicationAutoScaling::ScalableTarget", "Properties": scalable},
        "Policy": {"Type": "AWS::ApplicationAutoScaling::ScalingPolicy", "Properties": policy},
    }


def test_a_task_definition_keeps_every_member_and_a_change_is_a_new_revision(aws: Aws, deploy: Deploy) -> None:
    ecs = aws("ecs")
    first = deploy(service()).physical_ids["Definition"]
    found = ecs.describe_task_definition(taskDefinition=first)["taskDefinition"]
    assert found["runtimePlatform"] == {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"}
    container = found["containerDefinitions"][0]
    assert container["linuxParameters"] == {"tmpfs": [{"containerPath": "/tmp", "size": 64}]}  # noqa: S108
    assert container["healthCheck"] == {"command": ["CMD", "true"], "interval": 10}
    assert container["secrets"][0]["name"] == "PASSWORD"

    second = deploy(service(image="two")).physical_ids
    assert second["Definition"] == first.replace(":1", ":2")
    assert ecs.list_task_definitions(familyPrefix="app")["taskDefinitionArns"] == [second["Definition"]]
    services = ecs.describe_services(cluster=second["Cluster"], services=[second["Service"]])["services"]
    assert services[0]["taskDefinition"] == second["Definition"]


def test_a_service_keeps_what_its_declaration_says(aws: Aws, deploy: Deploy) -> None:
    ids = deploy(service()).physical_ids
    found = aws("ecs").describe_services(cluster=ids["Cluster"], services=[ids["Service"]])["services"][0]
    assert found["desiredCount"] == 2
    assert (found["enableExecuteCommand"], found["propagateTags"]) == (True, "SERVICE")
    assert found["deploymentConfiguration"]["deploymentCircuitBreaker"] == {"enable": True, "rollback": True}

    assert deploy(service(desired=3)).physical_ids["Service"] == ids["Service"]
    found = aws("ecs").describe_services(cluster=ids["Cluster"], services=[ids["Service"]])["services"][0]
    assert found["desiredCount"] == 3


def test_scaling_is_registered_changed_and_deregistered(aws: Aws, deploy: Deploy) -> None:
    scaling = aws("application-autoscaling")
    ids = deploy(service()).physical_ids
    resource_id = ids["Target"].split("|")[0]
    assert resource_id == f"service/{ids['Cluster']}/{ids['Service'].rpartition('/')[2]}"
    target = scaling.describe_scalable_targets(ServiceNamespace="ecs", ResourceIds=[resource_id])["ScalableTargets"]
    assert [(each["MinCapacity"], each["MaxCapacity"]) for each in target] == [(2, 4)]
    policies = scaling.describe_scaling_policies(ServiceNamespace="ecs", ResourceId=resource_id)["ScalingPolicies"]
    assert [each["PolicyARN"] for each in policies] == [ids["Policy"]]

    assert deploy(service(longest=9, target=70)).physical_ids == ids
    target = scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    assert [each["MaxCapacity"] for each in target] == [9]
    policies = scaling.describe_scaling_policies(ServiceNamespace="ecs", PolicyNames=["cpu"])["ScalingPolicies"]
    assert policies[0]["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] == 70

    without = service()
    del without["Target"], without["Policy"]
    deploy(without)
    assert scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"] == []
    assert scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"] == []


@pytest.mark.parametrize(
    ("operation", "request_"),
    [
        ("put_scaling_policy", {"PolicyName": "p", "PolicyType": "TargetTrackingScaling"}),
        ("delete_scaling_policy", {"PolicyName": "p"}),
        ("deregister_scalable_target", {}),
    ],
)
def test_scaling_of_what_is_not_registered_is_refused(aws: Aws, operation: str, request_: dict[str, str]) -> None:
    unknown = {
        "ServiceNamespace": "ecs",
        "ResourceId": "service/no/no",
        "ScalableDimension": "ecs:service:DesiredCount",
    }
    with pytest.raises(ClientError, match="ObjectNotFoundException"):
        getattr(aws("application-autoscaling"), operation)(**unknown, **request_)


def test_an_operation_that_the_service_does_not_have_is_refused(aws: Aws) -> None:
    assert aws("application-autoscaling").describe_scaling_activities(ServiceNamespace="ecs")["ScalingActivities"] == []
    with pytest.raises(ClientError, match="DescribeScheduledActions"):
        aws("application-autoscaling").describe_scheduled_actions(ServiceNamespace="ecs")


def test_a_target_group_gives_its_full_name(deploy: Deploy) -> None:
    group = {
        "Type": "AWS::ElasticLoadBalancingV2::TargetGroup",
        "Properties": {"Port": 80, "Protocol": "HTTP", "TargetType": "ip", "VpcId": {"Ref": "Vpc"}},
    }
    vpc = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.6.0.0/16"}}
    outputs = {"Name": {"Value": {"Fn::GetAtt": ["Group", "TargetGroupFullName"]}}}
    made = deploy({"Resources": {"Vpc": vpc, "Group": group}, "Outputs": outputs})
    assert made.outputs["Name"] == made.physical_ids["Group"].rpartition(":")[2]
    assert made.outputs["Name"].startswith("targetgroup/")


def test_tasks_are_in_the_zones_of_their_subnets_and_targets_of_their_load_balancer(aws: Aws, deploy: Deploy) -> None:
    template = service(desired=3)
    network = {
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.7.0.0/16"}},
        **{
            f"Subnet{number}": {
                "Type": "AWS::EC2::Subnet",
                "Properties": {
                    "VpcId": {"Ref": "Vpc"},
                    "CidrBlock": f"10.7.{number}.0/24",
                    "AvailabilityZone": f"us-east-1{zone}",
                },
            }
            for number, zone in ((1, "a"), (2, "b"))
        },
        "Targets": {
            "Type": "AWS::ElasticLoadBalancingV2::TargetGroup",
            "Properties": {"Port": 8080, "Protocol": "HTTP", "TargetType": "ip", "VpcId": {"Ref": "Vpc"}},
        },
        "Balancer": {
            "Type": "AWS::ElasticLoadBalancingV2::LoadBalancer",
            "Properties": {"Scheme": "internal", "Subnets": [{"Ref": "Subnet1"}, {"Ref": "Subnet2"}]},
        },
        "Listener": {
            "Type": "AWS::ElasticLoadBalancingV2::Listener",
            "Properties": {
                "LoadBalancerArn": {"Ref": "Balancer"},
                "Port": 80,
                "Protocol": "HTTP",
                "DefaultActions": [{"Type": "forward", "TargetGroupArn": {"Ref": "Targets"}}],
            },
        },
    }
    template["Service"]["DependsOn"] = "Listener"
    properties = template["Service"]["Properties"]
    properties["HealthCheckGracePeriodSeconds"] = 60
    subnets = [{"Ref": "Subnet1"}, {"Ref": "Subnet2"}]
    properties["NetworkConfiguration"] = {"AwsvpcConfiguration": {"Subnets": subnets}}
    properties["LoadBalancers"] = [
        {"TargetGroupArn": {"Ref": "Targets"}, "ContainerName": "app", "ContainerPort": 8080}
    ]
    made = deploy({**network, **template})
    assert made.status == "CREATE_COMPLETE"
    cluster = made.physical_ids["Cluster"]
    tasks = aws("ecs").describe_tasks(cluster=cluster, tasks=aws("ecs").list_tasks(cluster=cluster)["taskArns"])
    zones = sorted(task["availabilityZone"] for task in tasks["tasks"])
    assert zones == ["us-east-1a", "us-east-1a", "us-east-1b"]
    stopped = tasks["tasks"][0]["taskArn"]
    aws("ecs").stop_task(cluster=cluster, task=stopped)
    running = aws("ecs").list_tasks(cluster=cluster)["taskArns"]
    assert len(running) == 3
    assert stopped not in running
    found = aws("ecs").describe_services(cluster=cluster, services=[made.physical_ids["Service"]])["services"][0]
    assert found["healthCheckGracePeriodSeconds"] == 60
    group = made.physical_ids["Targets"]

    def targets() -> list[tuple[str, int]]:
        found = aws("elbv2").describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        return sorted((each["Target"]["Id"], each["Target"]["Port"]) for each in found)

    eventually(lambda: len(targets()) == 3)
    assert {port for _, port in targets()} == {8080}
    assert sorted(address.rpartition(".")[0] for address, _ in targets()) == ["10.7.1", "10.7.1", "10.7.2"]
    assert all(int(address.rpartition(".")[2]) >= 4 for address, _ in targets())  # AWS reserves the first four
    aws("ecs").update_service(cluster=cluster, service=made.physical_ids["Service"], desiredCount=1)

    def states() -> list[str]:
        left = aws("elbv2").describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        return sorted(each["TargetHealth"]["State"] for each in left)

    eventually(
        lambda: "healthy" in states() and set(states()) <= {"draining", "healthy"} and states().count("healthy") == 1
    )


def test_fault_injection_says_that_it_is_not_there(aws: Aws) -> None:
    with pytest.raises(ClientError, match="has no Fault Injection Service: experiment templates are kept") as refused:
        aws("fis").list_experiment_templates()
    assert refused.value.response["Error"]["Code"] == "NotImplementedException"
