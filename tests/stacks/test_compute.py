"""The task definition: image, user, file system, network, log and variables; and the logs of the compute stack."""

from __future__ import annotations

import json
import re

import pytest

from stacks.compute.task_definition import retry_seconds
from stacks.names import RESTORED_AT_PARAMETER
from stacks.profiles import IMAGE
from stacks.settings import load_settings
from stacks.settings.rules import SERVICE_IMAGE
from tests.assembly import Assembly, Resource, removal_policies

ARCHITECTURES = {"arm64": "ARM64", "x86_64": "X86_64"}
EXEC_PATHS = {"/managed-agents", "/var/lib/amazon/ssm", "/var/log/amazon/ssm"}


def _task(deployment: Assembly) -> Resource:
    return deployment.nested["Compute"].one("AWS::ECS::TaskDefinition")


def _container(deployment: Assembly) -> Resource:
    (container,) = _task(deployment)["ContainerDefinitions"]
    return dict(container)


def test_task_runs_on_fargate_with_the_size_of_the_settings(deployment: Assembly) -> None:
    task, settings = _task(deployment), deployment.settings.compute
    assert task["RequiresCompatibilities"] == ["FARGATE"]
    assert task["NetworkMode"] == "awsvpc"
    assert (task["Cpu"], task["Memory"]) == (str(settings.cpu), str(settings.memory))
    assert task["RuntimePlatform"] == {
        "CpuArchitecture": ARCHITECTURES[settings.architecture],
        "OperatingSystemFamily": "LINUX",
    }


def test_one_essential_container_with_image_command_and_port(deployment: Assembly) -> None:
    container, settings = _container(deployment), deployment.settings.compute
    assert container["Name"] == "app"
    assert container["Essential"] is True
    image = deployment.text("Compute", container["Image"]).replace("${AWS::URLSuffix}", "amazonaws.com")
    assert (SERVICE_IMAGE if "/cdk-hnb659fds-container-assets-" in image else image) == settings.image
    expected = [part.replace("{port}", str(settings.port)) for part in settings.command]
    assert container.get("Command", []) == expected
    assert "{port}" not in json.dumps(container)
    assert "EntryPoint" not in container
    assert container["PortMappings"] == [{"ContainerPort": settings.port, "Protocol": "tcp"}]
    assert settings.port > 1023


def test_without_a_command_the_image_decides(prod: Assembly) -> None:
    assert "Command" not in _container(prod)
    assert prod.text("Compute", _container(prod)["Image"]) == IMAGE.replace("amazonaws.com", "${AWS::URLSuffix}")


def test_command_may_name_the_port(options: Assembly) -> None:
    assert _container(options)["Command"] == ["serve", "--port", str(options.settings.compute.port)]


def test_container_is_neither_root_nor_privileged(deployment: Assembly) -> None:
    container = _container(deployment)
    assert container["User"] == deployment.settings.compute.user
    assert all(int(part) > 0 for part in container["User"].split(":"))
    assert "Privileged" not in container
    assert container["LinuxParameters"]["Capabilities"] == {"Drop": ["ALL"]}
    assert container["LinuxParameters"]["InitProcessEnabled"] is True


def test_file_system_is_read_only_but_for_the_writable_paths(deployment: Assembly) -> None:
    container, settings = _container(deployment), deployment.settings.compute
    assert container["ReadonlyRootFilesystem"] is True
    assert container["StopTimeout"] == deployment.settings.compute.stop_timeout_seconds
    assert container["LinuxParameters"]["Tmpfs"] == [
        {"ContainerPath": path, "Size": settings.writable_path_mib} for path in settings.writable_paths
    ]


def test_volumes_exist_for_ecs_exec_only(deployment: Assembly) -> None:
    task, mounts = _task(deployment), _container(deployment).get("MountPoints", [])
    if not deployment.settings.compute.exec_enabled:
        assert not mounts
        assert "Volumes" not in task
        return
    assert {mount["ContainerPath"] for mount in mounts} == EXEC_PATHS
    assert not any(mount["ReadOnly"] for mount in mounts)
    # Without a host path or a file system a volume is the task's own and goes with it.
    assert [{"Name": mount["SourceVolume"]} for mount in mounts] == task["Volumes"]


def test_variables_say_where_the_data_is(deployment: Assembly) -> None:
    variables = {
        entry["Name"]: deployment.text("Compute", entry["Value"]) for entry in _container(deployment)["Environment"]
    }
    database = deployment.settings.database
    owner = {"DATABASE_SECRET_ARN": "${Database/Cluster.MasterUserSecret.SecretArn}"}
    assert variables == {
        "PORT": str(deployment.settings.compute.port),
        "RETRY_SECONDS": "10",
        "DATABASE_HOST": "${Database/Cluster.Endpoint.Address}",
        "DATABASE_READER_HOST": "${Database/Cluster.ReadEndpoint.Address}",
        "DATABASE_PORT": str(database.port),
        "DATABASE_NAME": database.name,
        "DATABASE_RESTORED_AT": f"${{{RESTORED_AT_PARAMETER}}}",
        "DATABASE_USER": database.application_username,
        **(owner if database.task_login == "secret" else {}),
        "TABLE_NAME": "${Storage/Table}",
        "TTL_ATTRIBUTE": deployment.settings.storage.ttl_attribute,
        "BUCKET_NAME": "${Storage/DataBucket}",
        "METRIC_NAMESPACE": "Breakwater",
        "SUFFIX": deployment.settings.suffix,
    }


@pytest.mark.parametrize(("stop", "retry"), [(2, 1), (19, 9), (20, 10), (120, 10)])
def test_a_task_gives_up_well_before_it_is_killed(stop: int, retry: int) -> None:
    """A transaction that is repeated until the end of the task would leave its client without an answer."""
    settings = load_settings({"compute.stop_timeout_seconds": str(stop)}).compute
    assert retry_seconds(settings) == retry < stop


def test_no_secret_is_put_into_the_environment(deployment: Assembly) -> None:
    # ECS reads a secret once, at the start of the task; RDS rotates this one every seven days.
    container = _container(deployment)
    assert "Secrets" not in container
    assert "EnvironmentFiles" not in container
    assert "RepositoryCredentials" not in container
    assert not re.search("password", json.dumps(_task(deployment)), re.IGNORECASE)


def test_output_goes_to_the_log_group_and_never_blocks_the_application(deployment: Assembly) -> None:
    log = _container(deployment)["LogConfiguration"]
    assert log["LogDriver"] == "awslogs"
    assert {name: deployment.text("Compute", value) for name, value in log["Options"].items()} == {
        "awslogs-group": "${Compute/LogGroup}",
        "awslogs-stream-prefix": "app",
        "awslogs-region": deployment.settings.region,
        "mode": "non-blocking",
    }


def test_log_groups_are_encrypted_expire_and_follow_the_data(deployment: Assembly) -> None:
    kept = removal_policies(deployment)
    groups = deployment.nested["Compute"].of_type("AWS::Logs::LogGroup")
    assert len(groups) == 2 + deployment.settings.compute.waf + deployment.settings.database.data_api
    for name, group in groups.items():
        assert deployment.text("Compute", group["Properties"]["KmsKeyId"]) == "${Kms/MessagingKey.Arn}", name
        assert group["Properties"]["RetentionInDays"] == deployment.settings.monitoring.log_retention_days, name
        assert (group["DeletionPolicy"], group["UpdateReplacePolicy"]) == kept, name


def test_the_service_log_keeps_its_generated_name(deployment: Assembly) -> None:
    groups = deployment.nested["Compute"].of_type("AWS::Logs::LogGroup").values()
    (own,) = [group for group in groups if group["Metadata"]["aws:cdk:path"].endswith("/Compute/LogGroup/Resource")]
    assert "LogGroupName" not in own["Properties"]


def test_container_insights_by_setting_with_a_log_group_made_first(deployment: Assembly) -> None:
    compute = deployment.nested["Compute"]
    cluster = compute.one("AWS::ECS::Cluster")
    assert cluster["ClusterSettings"] == [
        {"Name": "containerInsights", "Value": deployment.settings.compute.container_insights}
    ]
    name = f"/aws/ecs/containerinsights/{cluster['ClusterName']}/performance"
    compute.one("AWS::Logs::LogGroup", LogGroupName=name)
    (group,) = [
        logical_id
        for logical_id, made in compute.of_type("AWS::Logs::LogGroup").items()
        if made["Properties"].get("LogGroupName") == name
    ]
    (resource,) = compute.of_type("AWS::ECS::Cluster").values()
    assert group in resource["DependsOn"]


@pytest.mark.parametrize(("environment", "mode"), [("dev", "enabled"), ("staging", "enhanced"), ("prod", "enhanced")])
def test_container_insights_by_environment(request: pytest.FixtureRequest, environment: str, mode: str) -> None:
    cluster = request.getfixturevalue(environment).nested["Compute"].one("AWS::ECS::Cluster")
    assert cluster["ClusterSettings"][0]["Value"] == mode
