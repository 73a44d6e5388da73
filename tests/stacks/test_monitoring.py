"""The alert topic, who may publish to it and who hears of it, and the rules that turn AWS events into notices."""

from __future__ import annotations

import json
from typing import Any

import pytest
from moto.events.models import EventPattern

from stacks.names import PhysicalName
from tests.assembly import Assembly

TOPIC, DEAD_LETTERS = "${Monitoring/AlertTopic}", "${Monitoring/DeadLetterQueue}"

RESTORE_EVENTS, RESTORE_RULE = "${Monitoring/RestoreEventQueue.Arn}", "${Monitoring/EventRules/RestoreTests}"
OWNER_ACTIONS = {
    "sns:AddPermission",
    "sns:DeleteTopic",
    "sns:GetTopicAttributes",
    "sns:ListSubscriptionsByTopic",
    "sns:Publish",
    "sns:RemovePermission",
    "sns:SetTopicAttributes",
    "sns:Subscribe",
}


def _statements(deployment: Assembly) -> dict[str, dict[str, Any]]:
    """Statements of the topic policy by principal, without their ids."""
    (policy,) = deployment.properties("Monitoring", "AWS::SNS::TopicPolicy").values()
    assert policy["Topics"] == [TOPIC]
    statements = {}
    for statement in policy["PolicyDocument"]["Statement"]:
        statement.pop("Sid")
        assert statement.pop("Resource") == TOPIC
        principal = statement.pop("Principal")
        statements[principal if isinstance(principal, str) else next(iter(principal.values()))] = statement
    assert len(statements) == len(policy["PolicyDocument"]["Statement"])
    return statements


def test_one_topic_encrypted_with_the_messaging_key(deployment: Assembly) -> None:
    suffix, region = deployment.settings.suffix, deployment.settings.region
    assert deployment.properties("Monitoring", "AWS::SNS::Topic") == {
        TOPIC: {
            "TopicName": f"dr-alerts-{suffix}-{region}",
            "DisplayName": f"Breakwater-{suffix} alerts",
            "KmsMasterKeyId": "${Kms/MessagingKey.Arn}",
        }
    }
    assert len(list(deployment.all_of_type("AWS::SNS::Topic"))) == 1


def test_these_publish_to_the_topic_and_nobody_else(deployment: Assembly) -> None:
    account = deployment.settings.account or "${AWS::AccountId}"
    statements = _statements(deployment)
    assert set(statements) == {
        "*",
        f"arn:aws:iam::{account}:root",
        "cloudwatch.amazonaws.com",
        "events.amazonaws.com",
    }


def test_the_owner_keeps_every_right(deployment: Assembly) -> None:
    account = deployment.settings.account or "${AWS::AccountId}"
    owner = _statements(deployment)[f"arn:aws:iam::{account}:root"]
    assert set(owner.pop("Action")) == OWNER_ACTIONS
    assert owner == {"Effect": "Allow"}


def test_alarms_of_this_account_publish(deployment: Assembly) -> None:
    account = deployment.settings.account or "${AWS::AccountId}"
    assert _statements(deployment)["cloudwatch.amazonaws.com"] == {
        "Effect": "Allow",
        "Action": "sns:Publish",
        "Condition": {"StringEquals": {"aws:SourceAccount": account}},
    }


def test_eventbridge_publishes_without_the_condition_that_would_silence_it(deployment: Assembly) -> None:
    assert _statements(deployment)["events.amazonaws.com"] == {"Effect": "Allow", "Action": "sns:Publish"}


def test_everybody_is_denied_without_tls(deployment: Assembly) -> None:
    assert _statements(deployment)["*"] == {
        "Effect": "Deny",
        "Action": "sns:Publish",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


@pytest.mark.parametrize(
    ("profile", "emails"),
    [("dev", set()), ("staging", set()), ("prod", set()), ("options", {"dr@mycompany.com", "oncall@mycompany.com"})],
)
def test_subscriptions_by_setting(request: pytest.FixtureRequest, profile: str, emails: set[str]) -> None:
    deployment: Assembly = request.getfixturevalue(profile)
    subscriptions = deployment.properties("Monitoring", "AWS::SNS::Subscription").values()
    assert len(subscriptions) == len(list(deployment.all_of_type("AWS::SNS::Subscription"))) == len(emails)
    for email in emails:
        (found,) = [each for each in subscriptions if each["Endpoint"] == email]
        assert (found["Protocol"], found["TopicArn"]) == ("email", TOPIC)
        assert list(found["RedrivePolicy"]) == ["deadLetterTargetArn"]


def _patterns(deployment: Assembly) -> dict[str, dict[str, Any]]:
    name = f"{deployment.settings.suffix}-{deployment.settings.region}"
    stopped = {"clusterArn": [{"suffix": f":cluster/dr-ecs-{name}"}], "lastStatus": ["STOPPED"]}
    return {
        "DatabaseEvents": {
            "source": ["aws.rds"],
            "detail-type": ["RDS DB Cluster Event", "RDS DB Instance Event"],
            "detail": {
                "EventCategories": ["failover", "failure", "maintenance"],
                "SourceIdentifier": [{"prefix": f"dr-aurora-{name}"}],
            },
        },
        "DeploymentFailures": {
            "source": ["aws.ecs"],
            "detail-type": ["ECS Deployment State Change"],
            "resources": [{"wildcard": f"*:service/dr-ecs-{name}/*"}],
            "detail": {"eventName": ["SERVICE_DEPLOYMENT_FAILED"]},
        },
        "TaskFailures": {
            "source": ["aws.ecs"],
            "detail-type": ["ECS Task State Change"],
            "detail": {
                "$or": [
                    {**stopped, "stopCode": ["TaskFailedToStart", "EssentialContainerExited"]},
                    {**stopped, "stoppedReason": [{"prefix": "Task failed "}]},
                ],
            },
        },
        "BackupFailures": {
            "source": ["aws.backup"],
            "detail-type": ["Backup Job State Change"],
            "detail": {"state": ["FAILED", "ABORTED", "EXPIRED", "PARTIAL"]},
        },
        "RestoreFailures": {
            "source": ["aws.backup"],
            "detail-type": ["Restore Job State Change"],
            "detail": {"status": ["FAILED", "ABORTED"]},
        },
        "CopyFailures": {
            "source": ["aws.backup"],
            "detail-type": ["Copy Job State Change"],
            "detail": {"state": ["FAILED", "ABORTED", "PARTIAL"]},
        },
        "HealthEvents": {
            "source": ["aws.health"],
            "detail-type": ["AWS Health Event"],
            "detail": {
                "service": [
                    "RDS",
                    "ECS",
                    "FARGATE",
                    "DYNAMODB",
                    "S3",
                    "ELASTICLOADBALANCING",
                    "BACKUP",
                    "KMS",
                    "VPC",
                ],
                "eventTypeCategory": ["issue", "scheduledChange"],
            },
        },
    }


def test_each_event_pattern_exactly(deployment: Assembly) -> None:
    rules = deployment.properties("Monitoring", "AWS::Events::Rule")
    expected = {f"${{Monitoring/EventRules/{name}}}": pattern for name, pattern in _patterns(deployment).items()}
    account = deployment.settings.account or "${AWS::AccountId}"
    name = f"{deployment.settings.suffix}-{deployment.settings.region}".replace("-", "_")
    scope = f"arn:aws:backup:{deployment.settings.region}:{account}:restore-testing-plan:"
    expected[RESTORE_RULE] = {
        "source": ["aws.backup"],
        "detail-type": ["Restore Job State Change"],
        "detail": {"status": ["COMPLETED"], "restoreTestingPlanArn": [{"prefix": f"{scope}dr_restore_{name}"}]},
    }
    assert {name: rule["EventPattern"] for name, rule in rules.items()} == expected


def test_patterns_name_what_the_other_stacks_really_create(deployment: Assembly) -> None:
    patterns = _patterns(deployment)
    cluster = deployment.nested["Database"].one("AWS::RDS::DBCluster")["DBClusterIdentifier"]
    assert patterns["DatabaseEvents"]["detail"]["SourceIdentifier"] == [{"prefix": cluster}]
    for _, instance in deployment.all_of_type("AWS::RDS::DBInstance"):
        assert instance["Properties"]["DBInstanceIdentifier"].startswith(cluster)
    ecs_cluster = deployment.nested["Compute"].one("AWS::ECS::Cluster")["ClusterName"]
    for branch in patterns["TaskFailures"]["detail"]["$or"]:
        assert branch["clusterArn"] == [{"suffix": f":cluster/{ecs_cluster}"}]
    assert patterns["DeploymentFailures"]["resources"] == [{"wildcard": f"*:service/{ecs_cluster}/*"}]


@pytest.mark.parametrize(
    ("code", "reason", "told"),
    [
        ("TaskFailedToStart", "CannotPullContainerError: pull image manifest has been retried", True),
        ("EssentialContainerExited", "Essential container in task exited", True),
        ("ServiceSchedulerInitiated", "Task failed ELB health checks in (target-group arn:aws:elasticloadbalanc", True),
        ("ServiceSchedulerInitiated", "Task failed container health checks", True),
        ("ServiceSchedulerInitiated", "Scaling activity initiated by (deployment ecs-svc/0123456789012345678)", False),
        ("UserInitiated", "Stopped by an operator", False),
    ],
)
def test_a_task_that_fails_is_told_of_and_one_that_is_stopped_on_purpose_is_not(
    deployment: Assembly, code: str, reason: str, *, told: bool
) -> None:
    pattern = deployment.properties("Monitoring", "AWS::Events::Rule")["${Monitoring/EventRules/TaskFailures}"]
    cluster = deployment.names.physical_name(PhysicalName.ECS_CLUSTER)
    detail = {
        "clusterArn": f"arn:aws:ecs:us-east-1:111111111111:cluster/{cluster}",
        "lastStatus": "STOPPED",
        "stopCode": code,
        "stoppedReason": reason,
    }
    event: Any = {"source": "aws.ecs", "detail-type": "ECS Task State Change", "detail": detail}
    assert EventPattern.load(json.dumps(pattern["EventPattern"])).matches_event(event) is told


def test_every_rule_is_on_and_tells_everything(deployment: Assembly) -> None:
    for name, rule in deployment.properties("Monitoring", "AWS::Events::Rule").items():
        assert set(rule) == {"Description", "EventPattern", "State", "Targets"}, name
        assert rule["State"] == "ENABLED", name
        dead_letters = {"Arn": f"{DEAD_LETTERS[:-1]}.Arn}}"}
        target = RESTORE_EVENTS if name == RESTORE_RULE else TOPIC
        assert rule["Targets"] == [{"Arn": target, "Id": "Target0", "DeadLetterConfig": dead_letters}], name


def test_the_operations_team_reads_what_a_rule_is_for(deployment: Assembly) -> None:
    descriptions = [rule["Description"] for rule in deployment.properties("Monitoring", "AWS::Events::Rule").values()]
    assert all(descriptions)
    assert len(set(descriptions)) == len(descriptions)
