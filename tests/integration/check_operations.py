"""Backup, functions, alarms, rules, dashboards and roles as they are, against settings and templates' names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from breakwater_drills.clock import Clock
from stacks.names import Names, OutputKey, PhysicalName
from stacks.settings import Settings
from tests.integration.conftest import Client

FUNCTIONS = {
    OutputKey.HEALTH_MONITOR_FUNCTION: "health_monitor",
    OutputKey.FAILOVER_FUNCTION: "failover",
    OutputKey.RESTORE_VALIDATION_FUNCTION: "restore_validation",
}
# Logical ids of the event rules in their nested stacks.
RULES = (
    "Monitoring.EventRulesDatabaseEvents",
    "Monitoring.EventRulesDeploymentFailures",
    "Monitoring.EventRulesBackupFailures",
    "Monitoring.EventRulesTaskFailures",
    "Monitoring.EventRulesCopyFailures",
    "Monitoring.EventRulesRestoreFailures",
    "Monitoring.EventRulesHealthEvents",
    "Monitoring.EventRulesRestoreTests",
    "Operations.HealthMonitorSchedule",
)
# Within which CloudWatch Logs shows what a function wrote.
LOG_SECONDS = 60.0
DASHBOARDS = (OutputKey.GOLDEN_SIGNALS_DASHBOARD, OutputKey.DATA_TIER_DASHBOARD, OutputKey.RECOVERY_DASHBOARD)


def test_the_vault_is_encrypted_and_locked_as_configured(
    client: Client, outputs: Mapping[str, str], settings: Settings
) -> None:
    vault = client("backup").describe_backup_vault(BackupVaultName=outputs[OutputKey.BACKUP_VAULT_NAME])
    assert vault["EncryptionKeyArn"] == outputs[OutputKey.BACKUP_KEY_ARN]
    assert vault.get("Locked", False) is (settings.backup.lock != "off")


def test_the_plan_keeps_recovery_points_for_the_configured_days(
    client: Client, outputs: Mapping[str, str], settings: Settings
) -> None:
    plan = client("backup").get_backup_plan(BackupPlanId=outputs[OutputKey.BACKUP_PLAN_ID])["BackupPlan"]
    days = {rule["RuleName"]: rule["Lifecycle"]["DeleteAfterDays"] for rule in plan["Rules"]}
    backup = settings.backup
    assert days == {
        "Continuous": backup.continuous_retention_days,
        "Daily": backup.daily_retention_days,
        "Weekly": backup.weekly_retention_days,
        "Monthly": backup.monthly_retention_days,
    }


def test_cluster_and_table_are_selected_by_arn(client: Client, outputs: Mapping[str, str]) -> None:
    plan = outputs[OutputKey.BACKUP_PLAN_ID]
    (listed,) = client("backup").list_backup_selections(BackupPlanId=plan)["BackupSelectionsList"]
    found = client("backup").get_backup_selection(BackupPlanId=plan, SelectionId=listed["SelectionId"])
    selected = set(found["BackupSelection"]["Resources"])
    assert selected == {outputs[OutputKey.CLUSTER_ARN], outputs[OutputKey.TABLE_ARN]}


def test_restores_are_tested_when_configured(client: Client, outputs: Mapping[str, str], settings: Settings) -> None:
    name = outputs[OutputKey.RESTORE_TESTING_PLAN_NAME]
    found = client("backup").get_restore_testing_plan(RestoreTestingPlanName=name)["RestoreTestingPlan"]
    assert found["ScheduleExpression"] == settings.backup.restore_test_schedule


@pytest.mark.parametrize("output", FUNCTIONS)
def test_functions_are_configured_and_have_code(client: Client, outputs: Mapping[str, str], output: OutputKey) -> None:
    found = client("lambda").get_function_configuration(FunctionName=outputs[output])
    assert found["Handler"] == f"{FUNCTIONS[output]}.handler.handle"
    assert (found["Runtime"], found["Architectures"]) == ("python3.14", ["arm64"])
    assert found["KMSKeyArn"] == outputs[OutputKey.MESSAGING_KEY_ARN]
    assert found["DeadLetterConfig"]["TargetArn"] == outputs[OutputKey.ALERT_TOPIC_ARN]
    assert found["TracingConfig"]["Mode"] == "Active"
    assert found["CodeSize"] > 0


def _invoke(client: Client, function: str, event: Mapping[str, Any]) -> dict[str, Any]:
    answer = client("lambda").invoke(FunctionName=function, Payload=json.dumps(event).encode())
    payload: dict[str, Any] = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, payload
    return payload


def test_the_health_monitor_finds_the_platform_healthy(client: Client, outputs: Mapping[str, str]) -> None:
    answer = _invoke(client, outputs[OutputKey.HEALTH_MONITOR_FUNCTION], {})
    assert {name: part["reasons"] for name, part in answer["components"].items() if part["reasons"]} == {}
    assert answer["overall"] == "healthy"


def test_the_failover_would_move_the_writer_or_says_why_not(client: Client, outputs: Mapping[str, str]) -> None:
    event = {"cluster": outputs[OutputKey.CLUSTER_IDENTIFIER], "reason": "integration test", "dry_run": True}
    answer = _invoke(client, outputs[OutputKey.FAILOVER_FUNCTION], event)
    assert answer["outcome"] == "would-fail-over" or answer["code"] == "cool-down"


def test_records_of_the_functions_are_in_their_log_groups(
    client: Client, outputs: Mapping[str, str], names: Names
) -> None:
    """A record of `logging`, as JSON: not only the lines of the platform, START, END and REPORT."""
    _invoke(client, outputs[OutputKey.HEALTH_MONITOR_FUNCTION], {})
    event = {"cluster": outputs[OutputKey.CLUSTER_IDENTIFIER], "reason": "integration test", "dry_run": True}
    _invoke(client, outputs[OutputKey.FAILOVER_FUNCTION], event)
    for function, logger in (
        (PhysicalName.HEALTH_MONITOR, "health_monitor.handler"),
        (PhysicalName.FAILOVER, "failover.handler"),
    ):
        group = names.function_log_group(function)

        def is_there(group: str = group, logger: str = logger) -> bool:
            events = client("logs").filter_log_events(logGroupName=group)["events"]
            lines = [line for each in events for line in each["message"].splitlines() if line.startswith("{")]
            return any((each.get("logger"), each.get("level")) == (logger, "INFO") for each in map(json.loads, lines))

        assert Clock().wait_until(is_there, timeout_seconds=LOG_SECONDS, poll_seconds=1.0), (
            f"{group} has no record of {logger}"
        )


def test_the_failover_refuses_another_cluster(client: Client, outputs: Mapping[str, str]) -> None:
    event = {"cluster": "somebody-elses", "reason": "integration test", "dry_run": True}
    answer = _invoke(client, outputs[OutputKey.FAILOVER_FUNCTION], event)
    assert (answer["outcome"], answer["code"]) == ("refused", "wrong-cluster")


def test_restore_validation_ignores_what_is_no_restore_test(client: Client, outputs: Mapping[str, str]) -> None:
    answer = _invoke(client, outputs[OutputKey.RESTORE_VALIDATION_FUNCTION], {"detail": {"restoreJobId": "none"}})
    assert answer == {"finished": True, "note": "ignored: there is no restore job none"}


def test_restore_validation_reads_its_queue(client: Client, outputs: Mapping[str, str]) -> None:
    function = outputs[OutputKey.RESTORE_VALIDATION_FUNCTION]
    (mapping,) = client("lambda").list_event_source_mappings(FunctionName=function)["EventSourceMappings"]
    assert mapping["State"] == "Enabled"
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def _alarms(client: Client, names: Names) -> Iterator[dict[str, Any]]:
    pages = (
        client("cloudwatch")
        .get_paginator("describe_alarms")
        .paginate(AlarmNamePrefix="dr-", AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    )
    tail = f"-{names.suffix}-{names.region}"
    for page in pages:
        for alarm in (*page.get("MetricAlarms", []), *page.get("CompositeAlarms", [])):
            if alarm["AlarmName"].endswith(tail):
                yield alarm


def test_every_alarm_of_the_runbook_is_there_and_is_heard(
    client: Client, outputs: Mapping[str, str], names: Names
) -> None:
    found = {alarm["AlarmName"]: alarm for alarm in _alarms(client, names)}
    declared = [key for key in outputs if re.search(r"\.[A-Za-z]*Alarms[A-Za-z0-9]+[0-9A-F]{8}$", key)]
    assert len(found) == len(declared)
    for name, alarm in found.items():
        assert alarm["ActionsEnabled"] is True, name
        assert outputs[OutputKey.ALERT_TOPIC_ARN] in alarm["AlarmActions"], name
        subject = alarm["AlarmDescription"].rpartition("#")[2]
        assert name == names.alarm(subject)


@pytest.mark.parametrize("output", DASHBOARDS)
def test_dashboards_show_something(client: Client, outputs: Mapping[str, str], output: OutputKey) -> None:
    body = json.loads(client("cloudwatch").get_dashboard(DashboardName=outputs[output])["DashboardBody"])
    assert len(body["widgets"]) > 4


@pytest.mark.parametrize("rule", RULES)
def test_event_rules_are_on_and_have_targets(client: Client, outputs: Mapping[str, str], rule: str) -> None:
    (name,) = [value for key, value in outputs.items() if re.fullmatch(rf"{re.escape(rule)}[0-9A-F]{{8}}", key)]
    assert client("events").describe_rule(Name=name)["State"] == "ENABLED"
    assert client("events").list_targets_by_rule(Rule=name)["Targets"]


def test_roles_are_taken_on_by_services_alone(client: Client, outputs: Mapping[str, str]) -> None:
    iam = client("iam")
    known = {value for key, value in outputs.items() if "Role" in key and "Policy" not in key}
    pages = iam.get_paginator("list_roles").paginate()
    roles = [role for page in pages for role in page["Roles"] if role["RoleName"] in known]
    assert len(roles) > 5
    for role in roles:
        document = role["AssumeRolePolicyDocument"]
        parsed = json.loads(document) if isinstance(document, str) else document
        for statement in parsed["Statement"]:
            assert set(statement["Principal"]) == {"Service"}, role["RoleName"]


def test_names_are_those_of_the_deployment(outputs: Mapping[str, str], names: Names) -> None:
    assert outputs[OutputKey.TABLE_NAME] == names.physical_name(PhysicalName.TABLE)
    assert outputs[OutputKey.CLUSTER_IDENTIFIER] == names.physical_name(PhysicalName.AURORA_CLUSTER)
    assert outputs[OutputKey.BACKUP_VAULT_NAME] == names.physical_name(PhysicalName.BACKUP_VAULT)
