"""What a task may do: use the table, write receipts, connect as one user; and what ECS may do to start it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stacks.settings.rules import PRIVATE_ECR_IMAGE, SERVICE_IMAGE
from tests.assembly import Assembly, Resource

TABLE_ACTIONS = {"dynamodb:GetItem", "dynamodb:PutItem"}
EXEC_ACTIONS = {
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
}
PULL_ACTIONS = {"ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"}


def _statements(deployment: Assembly, role: str) -> list[Resource]:
    """Every statement of every policy of one role of the compute stack."""
    found: list[Resource] = []
    for policy in deployment.nested["Compute"].of_type("AWS::IAM::Policy").values():
        if deployment.texts("Compute", policy["Properties"]["Roles"]) == [f"${{Compute/TaskDefinition/{role}}}"]:
            found += policy["Properties"]["PolicyDocument"]["Statement"]
    assert found
    return found


def _actions(statement: Resource) -> set[str]:
    actions = statement["Action"]
    return {actions} if isinstance(actions, str) else set(actions)


def _key(deployment: Assembly, statement: Resource) -> tuple[frozenset[str], str, str]:
    """Actions, resource and condition of a statement, comparable."""
    assert statement["Effect"] == "Allow"
    condition: dict[str, dict[str, Any]] = statement.get("Condition", {})
    rendered = {
        operator: {
            name: deployment.texts("Compute", value) if isinstance(value, list) else deployment.text("Compute", value)
            for name, value in tests.items()
        }
        for operator, tests in condition.items()
    }
    return frozenset(_actions(statement)), deployment.text("Compute", statement["Resource"]), json.dumps(rendered)


def _through(deployment: Assembly, service: str) -> str:
    via = f"{service}.{deployment.settings.region}.${{AWS::URLSuffix}}"
    return json.dumps({"StringEquals": {"kms:ViaService": via}})


def test_task_role_holds_exactly_these_statements(deployment: Assembly) -> None:
    settings, everywhere = deployment.settings, json.dumps({})
    account = settings.account or "${AWS::AccountId}"
    user = settings.database.application_username
    secret = "${Database/Cluster.MasterUserSecret.SecretArn}"
    connect_as = f"arn:aws:rds-db:{settings.region}:{account}:dbuser:${{Database/Cluster.DBClusterResourceId}}/{user}"
    key = "${Kms/DataKey.Arn}"
    answers = json.dumps({"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["idempotency#*"]}})
    by_dynamodb = {"kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo"}
    by_dynamodb |= {"kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext"}
    expected = {
        (frozenset(TABLE_ACTIONS), "${Storage/Table.Arn}", everywhere),
        (frozenset({"dynamodb:BatchWriteItem"}), "${Storage/Table.Arn}", answers),
        (frozenset({"rds-db:connect"}), connect_as, everywhere),
        (frozenset(by_dynamodb), key, _through(deployment, "dynamodb")),
        (frozenset({"s3:PutObject"}), "${Storage/DataBucket.Arn}/receipts/*", everywhere),
        (frozenset({"kms:GenerateDataKey"}), key, _through(deployment, "s3")),
    }
    if settings.database.task_login == "secret":
        expected |= {
            (frozenset({"secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"}), secret, everywhere),
            (frozenset({"kms:Decrypt"}), key, _through(deployment, "secretsmanager")),
        }
    if settings.compute.exec_enabled:
        expected.add((frozenset(EXEC_ACTIONS), "*", everywhere))
    statements = [_key(deployment, statement) for statement in _statements(deployment, "TaskRole")]
    assert len(statements) == len(expected)
    assert set(statements) == expected


@pytest.mark.parametrize(
    ("profile", "may_read"), [("dev", False), ("staging", False), ("prod", False), ("options", True)]
)
def test_no_task_reads_the_password_of_the_owner_unless_asked_for(
    request: pytest.FixtureRequest, profile: str, *, may_read: bool
) -> None:
    deployment: Assembly = request.getfixturevalue(profile)
    assert ("secretsmanager" in json.dumps(_statements(deployment, "TaskRole"))) is may_read
    (container,) = deployment.nested["Compute"].one("AWS::ECS::TaskDefinition")["ContainerDefinitions"]
    assert ("DATABASE_SECRET_ARN" in {each["Name"] for each in container["Environment"]}) is may_read


def test_no_statement_is_for_everything_but_the_two_that_aws_cannot_narrow(deployment: Assembly) -> None:
    # Session channels and the registry's token have no resource of their own:
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsessionmanagermessagegatewayservice.html
    unnarrowable = EXEC_ACTIONS | {"ecr:GetAuthorizationToken"}
    for role in ("TaskRole", "ExecutionRole"):
        for statement in _statements(deployment, role):
            assert not any("*" in action.removesuffix("*") or action == "*" for action in _actions(statement))
            if statement["Resource"] == "*":
                assert _actions(statement) <= unnarrowable


def test_session_channels_only_with_exec(deployment: Assembly) -> None:
    granted = set().union(*(_actions(statement) for statement in _statements(deployment, "TaskRole")))
    assert bool(granted & EXEC_ACTIONS) is deployment.settings.compute.exec_enabled


def test_tasks_never_connect_as_the_master_user(deployment: Assembly) -> None:
    document = json.dumps(_statements(deployment, "TaskRole"))
    assert deployment.settings.database.master_username not in document
    assert ":dbuser:*" not in document.replace(" ", "")


def test_execution_role_writes_one_log_and_pulls_one_repository(deployment: Assembly) -> None:
    image = PRIVATE_ECR_IMAGE.match(deployment.settings.compute.image or "")
    statements = [_key(deployment, statement) for statement in _statements(deployment, "ExecutionRole")]
    log = (frozenset({"logs:CreateLogStream", "logs:PutLogEvents"}), "${Compute/LogGroup.Arn}", json.dumps({}))
    expected = {log}
    repository = ""
    if image:
        repository = f"arn:aws:ecr:{image['region']}:{image['account']}:repository/{image['repository']}"
    elif deployment.settings.compute.image == SERVICE_IMAGE:
        # The repository that `cdk bootstrap` makes for images.
        assets = f"cdk-hnb659fds-container-assets-${{AWS::AccountId}}-{deployment.settings.region}"
        repository = f"arn:aws:ecr:{deployment.settings.region}:${{AWS::AccountId}}:repository/{assets}"
    if repository:
        expected |= {
            (frozenset(PULL_ACTIONS), repository, json.dumps({})),
            (frozenset({"ecr:GetAuthorizationToken"}), "*", json.dumps({})),
        }
    assert len(statements) == len(expected)
    assert set(statements) == expected


@pytest.mark.parametrize("role", ["TaskRole", "ExecutionRole"])
def test_only_tasks_assume_the_roles(deployment: Assembly, role: str) -> None:
    found = [
        made["Properties"]
        for name, made in deployment.nested["Compute"].of_type("AWS::IAM::Role").items()
        if deployment.text("Compute", {"Ref": name}) == f"${{Compute/TaskDefinition/{role}}}"
    ]
    assert len(found) == 1
    assert "ManagedPolicyArns" not in found[0]
    assert "Policies" not in found[0]
    (trust,) = found[0]["AssumeRolePolicyDocument"]["Statement"]
    assert (trust["Effect"], trust["Action"]) == ("Allow", "sts:AssumeRole")
    assert trust["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}
    if role == "TaskRole":
        account = deployment.settings.account or {"Ref": "AWS::AccountId"}
        assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": account}}
    else:
        assert "Condition" not in trust, "AWS documents source keys for task roles only: no task would start"


def test_the_task_uses_these_roles_and_no_other_role_exists(deployment: Assembly) -> None:
    task = deployment.nested["Compute"].one("AWS::ECS::TaskDefinition")
    assert deployment.text("Compute", task["TaskRoleArn"]) == "${Compute/TaskDefinition/TaskRole.Arn}"
    assert deployment.text("Compute", task["ExecutionRoleArn"]) == "${Compute/TaskDefinition/ExecutionRole.Arn}"
    others = int(deployment.settings.database.data_api)  # that of the migration
    assert len(deployment.nested["Compute"].of_type("AWS::IAM::Role")) == 2 + others
    assert len(deployment.nested["Compute"].of_type("AWS::IAM::Policy")) == 2 + others
