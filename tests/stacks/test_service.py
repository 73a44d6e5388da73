"""The Fargate service: deployments, placement, network and scaling."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from stacks.names import PhysicalName
from tests.assembly import Assembly, Resource, assembly

SUBNETS = {"public-ip": "Public", "nat": "Private", "endpoints": "Isolated"}
# "app/<name>/<id>" is cut out of the ARN of a listener; the full name of the target group follows.
RESOURCE_LABEL = re.compile(
    r"(\$\{Compute/LoadBalancer/\w+Listener\})\.split\(/\)\[1\]/\1\.split\(/\)\[2\]/\1\.split\(/\)\[3\]"
    r"/\$\{Compute/LoadBalancer/TargetGroup\.TargetGroupFullName\}"
)
TRACKED = {
    "ECSServiceAverageCPUUtilization": 60,
    "ECSServiceAverageMemoryUtilization": 70,
}


def _service(deployment: Assembly) -> Resource:
    return deployment.nested["Compute"].one("AWS::ECS::Service")


def _configuration(deployment: Assembly) -> dict[str, Any]:
    return dict(_service(deployment)["NetworkConfiguration"]["AwsvpcConfiguration"])


def test_service_runs_the_task_on_the_cluster(deployment: Assembly) -> None:
    service = _service(deployment)
    assert service["LaunchType"] == "FARGATE"
    assert service["PlatformVersion"] == "1.4.0"
    assert deployment.text("Compute", service["Cluster"]) == "${Compute/Cluster}"
    assert deployment.text("Compute", service["TaskDefinition"]) == "${Compute/TaskDefinition}"
    assert service["ServiceName"] == deployment.names.physical_name(PhysicalName.ECS_SERVICE)
    cluster = deployment.nested["Compute"].one("AWS::ECS::Cluster")
    assert cluster["ClusterName"] == deployment.names.physical_name(PhysicalName.ECS_CLUSTER)


def test_two_tasks_or_more_balanced_over_the_zones(deployment: Assembly) -> None:
    service = _service(deployment)
    assert service["DesiredCount"] == deployment.settings.compute.min_tasks >= 2
    assert service["AvailabilityZoneRebalancing"] == "ENABLED"
    assert len(_configuration(deployment)["Subnets"]) == deployment.zone_count >= 2


def test_a_deployment_keeps_capacity_and_rolls_back_by_itself(deployment: Assembly) -> None:
    service = _service(deployment)
    configuration = dict(service["DeploymentConfiguration"])
    alarms = configuration.pop("Alarms", None)
    assert configuration == {
        "DeploymentCircuitBreaker": {"Enable": True, "Rollback": True},
        "MinimumHealthyPercent": 100,
        "MaximumPercent": 200,
    }
    assert (alarms is not None) is deployment.settings.compute.deployment_alarms
    if alarms is not None:
        assert (alarms["Enable"], alarms["Rollback"]) == (True, True)
        # References, so that the alarms are there first: ECS refuses the name of an alarm that is not.
        assert deployment.texts("Compute", alarms["AlarmNames"]) == [
            "${Compute/Alarms/TargetErrors}",
            "${Compute/Alarms/Latency}",
        ]
    assert service["HealthCheckGracePeriodSeconds"] == deployment.settings.compute.health_grace_seconds


def test_service_waits_for_its_listeners_and_permissions(deployment: Assembly) -> None:
    compute = deployment.nested["Compute"]
    (service,) = compute.of_type("AWS::ECS::Service").values()
    # A target group that no listener uses yet rejects the service.
    assert set(compute.of_type("AWS::ElasticLoadBalancingV2::Listener")) <= set(service["DependsOn"])
    # A role's policy is a resource of its own, which nothing else makes the service wait for.
    policies = compute.of_type("AWS::IAM::Policy")
    roles = [deployment.texts("Compute", policy["Properties"]["Roles"])[0] for policy in policies.values()]
    own = {name for name, role in zip(policies, roles, strict=True) if role != "${Compute/Migration/Role}"}
    assert len(own) == 2
    assert own <= set(service["DependsOn"])


def test_a_deployment_begins_when_its_schema_can_be_made(deployment: Assembly) -> None:
    """The first event of the service starts the function: the rules and what lets them invoke it are there before."""
    compute = deployment.nested["Compute"]
    (service,) = compute.of_type("AWS::ECS::Service").values()
    needed = {*compute.of_type("AWS::Events::Rule"), *compute.of_type("AWS::Lambda::Permission")}
    assert len(needed) == (4 if deployment.settings.database.data_api else 0)
    assert needed <= set(service["DependsOn"])


@pytest.mark.parametrize(("environment", "on"), [("dev", False), ("staging", True), ("prod", True)])
def test_alarms_end_a_deployment_by_environment(request: pytest.FixtureRequest, environment: str, *, on: bool) -> None:
    service = _service(request.getfixturevalue(environment))
    assert ("Alarms" in service["DeploymentConfiguration"]) is on


def test_no_alarm_that_ends_a_deployment_watches_the_service(prod: Assembly) -> None:
    """It would wait for the service, which waits for it."""
    compute = prod.nested["Compute"]
    names = prod.texts("Compute", _service(prod)["DeploymentConfiguration"]["Alarms"]["AlarmNames"])
    watched = {
        name: json.dumps(prod.plain("Compute", alarm["Properties"]))
        for name, alarm in compute.of_type("AWS::CloudWatch::Alarm").items()
        if prod.text("Compute", {"Ref": name}) in names
    }
    assert len(watched) == 2
    assert all("Compute/Service" not in text and "Compute/LoadBalancer" in text for text in watched.values())


def test_aws_takes_an_impaired_zone_out_where_the_setting_says_so(deployment: Assembly) -> None:
    found = deployment.properties("Compute", "AWS::ARCZonalShift::ZonalAutoshiftConfiguration")
    assert bool(found) is deployment.settings.compute.zonal_autoshift
    for configuration in found.values():
        assert configuration == {
            "ResourceIdentifier": "${Compute/LoadBalancer}",
            "ZonalAutoshiftStatus": "ENABLED",
            "PracticeRunConfiguration": {
                "OutcomeAlarms": [
                    {"AlarmIdentifier": "${Compute/Alarms/LoadBalancerErrors.Arn}", "Type": "CLOUDWATCH"}
                ],
                "BlockingAlarms": [{"AlarmIdentifier": "${Compute/Alarms/TargetErrors.Arn}", "Type": "CLOUDWATCH"}],
            },
        }


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_no_environment_practices_the_loss_of_a_zone_unless_asked_for(environment: str) -> None:
    assert assembly(environment).settings.compute.zonal_autoshift is False


def test_service_registers_its_container_with_the_target_group(deployment: Assembly) -> None:
    (balancer,) = _service(deployment)["LoadBalancers"]
    assert balancer["ContainerName"] == "app"
    assert balancer["ContainerPort"] == deployment.settings.compute.port
    assert deployment.text("Compute", balancer["TargetGroupArn"]) == "${Compute/LoadBalancer/TargetGroup}"


def test_exec_by_setting(deployment: Assembly) -> None:
    assert _service(deployment)["EnableExecuteCommand"] is deployment.settings.compute.exec_enabled


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_exec_is_off_unless_asked_for(request: pytest.FixtureRequest, environment: str) -> None:
    assert _service(request.getfixturevalue(environment))["EnableExecuteCommand"] is False


def test_tasks_stand_where_the_egress_mode_puts_them(deployment: Assembly) -> None:
    kind = SUBNETS[deployment.settings.network.egress]
    assert deployment.texts("Compute", _configuration(deployment)["Subnets"]) == [
        f"${{Network/Vpc/{kind}Subnet{number}/Subnet}}" for number in range(1, deployment.zone_count + 1)
    ]


def test_only_public_ip_mode_gives_tasks_public_addresses(deployment: Assembly) -> None:
    public = deployment.settings.network.egress == "public-ip"
    assert _configuration(deployment)["AssignPublicIp"] == ("ENABLED" if public else "DISABLED")


def test_tasks_have_the_one_security_group_of_the_network_stack(deployment: Assembly) -> None:
    groups = _configuration(deployment)["SecurityGroups"]
    assert deployment.texts("Compute", groups) == ["${Network/TaskSecurityGroup.GroupId}"]
    for kind in ("AWS::EC2::SecurityGroup", "AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress"):
        assert not deployment.nested["Compute"].of_type(kind)


def test_tasks_carry_the_tags_of_the_service(deployment: Assembly) -> None:
    assert _service(deployment)["PropagateTags"] == "SERVICE"
    assert _service(deployment)["EnableECSManagedTags"] is True


def test_service_scales_between_the_settings(deployment: Assembly) -> None:
    target = deployment.nested["Compute"].one("AWS::ApplicationAutoScaling::ScalableTarget")
    settings = deployment.settings.compute
    assert (target["MinCapacity"], target["MaxCapacity"]) == (settings.min_tasks, settings.max_tasks)
    assert target["ServiceNamespace"] == "ecs"
    assert target["ScalableDimension"] == "ecs:service:DesiredCount"
    resource = deployment.text("Compute", target["ResourceId"])
    assert resource == "service/${Compute/Cluster}/${Compute/Service/Service.Name}"


def test_scaling_tracks_cpu_memory_and_requests(deployment: Assembly) -> None:
    policies = deployment.nested["Compute"].of_type("AWS::ApplicationAutoScaling::ScalingPolicy").values()
    tracked: dict[str, float] = {}
    for policy in policies:
        properties = policy["Properties"]
        assert properties["PolicyType"] == "TargetTrackingScaling"
        assert deployment.text("Compute", properties["ScalingTargetId"]) == "${Compute/Service/TaskCount/Target}"
        configuration = properties["TargetTrackingScalingPolicyConfiguration"]
        assert not configuration.get("DisableScaleIn")
        metric = configuration["PredefinedMetricSpecification"]
        tracked[metric["PredefinedMetricType"]] = configuration["TargetValue"]
        if metric["PredefinedMetricType"] == "ALBRequestCountPerTarget":
            assert RESOURCE_LABEL.fullmatch(deployment.text("Compute", metric["ResourceLabel"]))
    assert len(policies) == len(tracked)
    assert tracked == {**TRACKED, "ALBRequestCountPerTarget": deployment.settings.compute.requests_per_target}
