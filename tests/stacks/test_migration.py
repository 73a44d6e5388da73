"""The migration: how its function is built, what starts it, and as whom it may change the database."""

from __future__ import annotations

from typing import Any

import pytest

from stacks.names import PhysicalName
from tests.assembly import Assembly, assembly
from tests.stacks.permissions import as_list, granted_actions, policy_statements

WITH_DATA_API = pytest.mark.parametrize("profile", ["dev", "staging", "prod", "prod-nat", "options"])
FUNCTION = "${Compute/Migration.Arn}"


def _account(deployment: Assembly) -> str:
    return deployment.settings.account or "${AWS::AccountId}"


def _function(deployment: Assembly) -> dict[str, Any]:
    (function,) = deployment.properties("Compute", "AWS::Lambda::Function").values()
    return function


@WITH_DATA_API
def test_the_function_prepares_what_the_setting_names(profile: str) -> None:
    deployment = assembly(profile)
    function, database = _function(deployment), deployment.settings.database
    assert function["FunctionName"] == deployment.names.physical_name(PhysicalName.MIGRATION)
    assert function["Handler"] == "migration.handler.handle"
    assert function["Environment"]["Variables"] == {
        "CLUSTER_ARN": f"arn:aws:rds:{deployment.settings.region}:{_account(deployment)}:cluster:${{Database/Cluster}}",
        "SECRET_ARN": "${Database/Cluster.MasterUserSecret.SecretArn}",
        "DATABASE_NAME": database.name,
        "DATABASE_USER": database.application_username,
        "MIGRATIONS": database.migrations,
    }
    assert function["DeadLetterConfig"] == {"TargetArn": "${Monitoring/AlertTopic}"}
    assert function["KmsKeyArn"] == "${Kms/MessagingKey.Arn}"
    # A run that was cut off holds its lock for three minutes, which the next one waits for.
    assert function["Timeout"] == 300
    (config,) = deployment.properties("Compute", "AWS::Lambda::EventInvokeConfig").values()
    assert (config["MaximumRetryAttempts"], config["MaximumEventAgeInSeconds"]) == (2, 300)


def test_without_the_data_api_there_is_none(unusual: Assembly) -> None:
    assert unusual.settings.database.data_api is False
    for kind in ("AWS::Lambda::Function", "AWS::Events::Rule", "AWS::Lambda::Permission"):
        assert not unusual.nested["Compute"].of_type(kind)


@WITH_DATA_API
def test_deployments_and_tasks_that_ended_by_themselves_start_it(profile: str) -> None:
    deployment = assembly(profile)
    cluster, service = (
        deployment.names.physical_name(name) for name in (PhysicalName.ECS_CLUSTER, PhysicalName.ECS_SERVICE)
    )
    scope = f"arn:aws:ecs:{deployment.settings.region}:{_account(deployment)}"
    rules = deployment.properties("Compute", "AWS::Events::Rule")
    assert {name: rule["EventPattern"] for name, rule in rules.items()} == {
        "${Compute/Migration/Deployments}": {
            "source": ["aws.ecs"],
            "detail-type": ["ECS Deployment State Change"],
            "resources": [f"{scope}:service/{cluster}/{service}"],
            "detail": {"eventName": ["SERVICE_DEPLOYMENT_IN_PROGRESS"]},
        },
        "${Compute/Migration/EndedTasks}": {
            "source": ["aws.ecs"],
            "detail-type": ["ECS Task State Change"],
            "detail": {
                "clusterArn": [f"{scope}:cluster/{cluster}"],
                "group": [f"service:{service}"],
                "lastStatus": ["STOPPED"],
                "stopCode": ["EssentialContainerExited"],
            },
        },
    }
    for rule in rules.values():
        (target,) = rule["Targets"]
        assert (rule["State"], target["Arn"]) == ("ENABLED", FUNCTION)
        assert target["DeadLetterConfig"] == {"Arn": "${Monitoring/DeadLetterQueue.Arn}"}
        assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 300, "MaximumRetryAttempts": 10}
    permissions = deployment.properties("Compute", "AWS::Lambda::Permission").values()
    assert {(each["FunctionName"], each["Principal"], each["SourceArn"]) for each in permissions} == {
        (FUNCTION, "events.amazonaws.com", f"{name[:-1]}.Arn}}") for name in rules
    }


@WITH_DATA_API
def test_it_changes_this_database_alone_and_reads_its_owners_secret_alone(profile: str) -> None:
    deployment = assembly(profile)
    assert granted_actions(deployment, "Migration") == granted_actions(assembly("dev"), "Migration")
    statements = {
        action: statement
        for statement in policy_statements(deployment, "Migration")
        for action in as_list(statement["Action"])
        if action.startswith(("rds-data:", "secretsmanager:")) or "Condition" in statement
    }
    cluster = f"arn:aws:rds:{deployment.settings.region}:{_account(deployment)}:cluster:${{Database/Cluster}}"
    for action in ("BeginTransaction", "CommitTransaction", "ExecuteStatement", "RollbackTransaction"):
        assert statements.pop(f"rds-data:{action}")["Resource"] == cluster
    secret = "${Database/Cluster.MasterUserSecret.SecretArn}"
    assert statements.pop("secretsmanager:GetSecretValue")["Resource"] == secret
    via = f"secretsmanager.{deployment.settings.region}.${{AWS::URLSuffix}}"
    assert {action: (each["Resource"], each["Condition"]) for action, each in statements.items()} == {
        "kms:Decrypt": ("${Kms/DataKey.Arn}", {"StringEquals": {"kms:ViaService": via}})
    }


def test_the_sql_is_part_of_the_code(dev: Assembly) -> None:
    (function,) = dev.nested["Compute"].of_type("AWS::Lambda::Function").values()
    sql = dev.folder / function["Metadata"]["aws:asset:path"] / "migration" / "sql"
    assert {path.name for path in sql.iterdir()} >= {"0001_ledger.sql", "rights.sql"}
