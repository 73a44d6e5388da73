"""The queues beside the alert topic: what could not be delivered, and restore tests that wait for validation."""

from __future__ import annotations

from pathlib import Path

from stacks.settings import load_settings
from tests.assembly import Assembly, synthesize

TOPIC, DEAD_LETTERS = "${Monitoring/AlertTopic}", "${Monitoring/DeadLetterQueue}"


def test_two_queues_keep_messages_encrypted_for_two_weeks(deployment: Assembly) -> None:
    kept = {"KmsMasterKeyId": "${Kms/MessagingKey.Arn}", "MessageRetentionPeriod": 14 * 86_400}
    # A step of a validation each six minutes, for as long as AWS Backup keeps what it restored.
    receives = deployment.settings.backup.restore_test_keep_hours * 10 + 10
    assert deployment.properties("Monitoring", "AWS::SQS::Queue") == {
        DEAD_LETTERS: kept,
        "${Monitoring/RestoreEventQueue}": kept
        | {
            "VisibilityTimeout": 360,
            "RedrivePolicy": {"deadLetterTargetArn": f"{DEAD_LETTERS[:-1]}.Arn}}", "maxReceiveCount": receives},
        },
    }


def test_messages_come_no_more_often_than_sqs_accepts(tmp_path: Path) -> None:
    settings = load_settings({"backup.restore_test_keep_hours": "168"})
    queues = synthesize(settings, "kept", tmp_path).nested["Monitoring"].of_type("AWS::SQS::Queue").values()
    (redrive,) = (queue["Properties"]["RedrivePolicy"] for queue in queues if "RedrivePolicy" in queue["Properties"])
    assert redrive["maxReceiveCount"] == 1000


def test_only_rules_of_this_account_write_to_the_queue_of_restore_tests(deployment: Assembly) -> None:
    policy = deployment.properties("Monitoring", "AWS::SQS::QueuePolicy")["${Monitoring/RestoreEventQueue/Policy}"]
    deny, allow = policy["PolicyDocument"]["Statement"]
    assert (deny["Effect"], deny["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    assert allow["Principal"] == {"Service": "events.amazonaws.com"}
    account = deployment.settings.account or "${AWS::AccountId}"
    assert allow["Condition"] == {"StringEquals": {"aws:SourceAccount": account}}


def test_only_event_rules_and_mailboxes_write_to_the_queue_and_only_with_tls(deployment: Assembly) -> None:
    policy = deployment.properties("Monitoring", "AWS::SQS::QueuePolicy")["${Monitoring/DeadLetterQueue/Policy}"]
    allowed = {}
    region, account = deployment.settings.region, deployment.settings.account or "${AWS::AccountId}"
    later = f"arn:aws:events:{region}:{account}:rule/{deployment.names.stack}-*"
    for statement in policy["PolicyDocument"]["Statement"]:
        assert statement["Resource"] == f"{DEAD_LETTERS[:-1]}.Arn}}"
        if statement["Effect"] == "Deny":
            assert statement["Principal"] == {"AWS": "*"}
            assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
            continue
        assert statement["Action"] == "sqs:SendMessage"
        (service,) = statement["Principal"].values()
        (condition,) = statement["Condition"].values()
        allowed[condition["aws:SourceArn"]] = service
    rules = deployment.nested["Monitoring"].of_type("AWS::Events::Rule")
    own = {deployment.text("Monitoring", {"Fn::GetAtt": [rule, "Arn"]}) for rule in rules}
    # The topic leaves there what a mailbox refuses; without a mailbox it may not.
    topic = {TOPIC: "sns.amazonaws.com"} if deployment.settings.monitoring.emails else {}
    assert allowed == dict.fromkeys((*own, later), "events.amazonaws.com") | topic
    assert len(policy["PolicyDocument"]["Statement"]) == len(allowed) + 1
