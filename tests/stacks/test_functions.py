"""The functions: how each is built, what starts it, and who hears of its failures."""

from __future__ import annotations

from typing import Any

import pytest

from stacks.names import PhysicalName
from tests.assembly import ROOT, Assembly

# Construct, physical name, package, retries, and seconds of the time-out: None where a setting decides.
FUNCTIONS: list[tuple[str, PhysicalName, str, int, int | None]] = [
    ("HealthMonitor", PhysicalName.HEALTH_MONITOR, "health_monitor", 0, 60),
    ("Failover", PhysicalName.FAILOVER, "failover", 2, None),
    ("RestoreValidation", PhysicalName.RESTORE_VALIDATION, "restore_validation", 0, 60),
]
EVERY_FUNCTION = pytest.mark.parametrize(
    ("construct", "name", "package", "retries", "timeout"), FUNCTIONS, ids=[function[0] for function in FUNCTIONS]
)


def _found(deployment: Assembly, kind: str) -> dict[str, dict[str, Any]]:
    """Properties of every resource of a type in the stack by construct."""
    return {
        deployment.text("Operations", {"Ref": name}): deployment.plain("Operations", resource["Properties"])
        for name, resource in deployment.nested["Operations"].of_type(kind).items()
    }


def test_these_functions_and_no_others(deployment: Assembly) -> None:
    assert set(_found(deployment, "AWS::Lambda::Function")) == {f"${{Operations/{each[0]}}}" for each in FUNCTIONS}


@EVERY_FUNCTION
def test_each_is_built_alike(
    deployment: Assembly, construct: str, name: PhysicalName, package: str, retries: int, timeout: int | None
) -> None:
    function = _found(deployment, "AWS::Lambda::Function")[f"${{Operations/{construct}}}"]
    assert function["FunctionName"] == deployment.names.physical_name(name)
    assert function["Handler"] == f"{package}.handler.handle"
    assert (ROOT / "lambda_src" / package / "handler.py").is_file()
    assert (function["Runtime"], function["Architectures"]) == ("python3.14", ["arm64"])
    assert function["Role"] == f"${{Operations/{construct}/Role.Arn}}"
    assert function["KmsKeyArn"] == "${Kms/MessagingKey.Arn}"
    assert function["TracingConfig"] == {"Mode": "Active"}
    assert function["DeadLetterConfig"] == {"TargetArn": "${Monitoring/AlertTopic}"}
    assert function["LoggingConfig"]["LogFormat"] == "JSON"
    assert function["LoggingConfig"]["LogGroup"] == f"${{Operations/{construct}/LogGroup}}"
    seconds = timeout or deployment.settings.operations.failover_timeout_seconds + 30
    assert function["Timeout"] == seconds
    assert "VpcConfig" not in function
    assert "ReservedConcurrentExecutions" not in function
    assert "Layers" not in function
    config = _found(deployment, "AWS::Lambda::EventInvokeConfig")[f"${{Operations/{construct}/EventInvokeConfig}}"]
    assert (config["MaximumRetryAttempts"], config["MaximumEventAgeInSeconds"]) == (retries, 300)


@EVERY_FUNCTION
def test_its_logs_are_encrypted_and_expire(
    deployment: Assembly, construct: str, name: PhysicalName, package: str, retries: int, timeout: int | None
) -> None:
    assert (package, retries, timeout) in [function[2:] for function in FUNCTIONS]
    group = _found(deployment, "AWS::Logs::LogGroup")[f"${{Operations/{construct}/LogGroup}}"]
    assert group["LogGroupName"] == f"/aws/lambda/{deployment.names.physical_name(name)}"
    assert group["KmsKeyId"] == "${Kms/MessagingKey.Arn}"
    assert group["RetentionInDays"] == deployment.settings.monitoring.log_retention_days


def test_no_variable_is_reserved_by_lambda_or_empty(deployment: Assembly) -> None:
    for construct, function in _found(deployment, "AWS::Lambda::Function").items():
        for name, value in function["Environment"]["Variables"].items():
            assert not name.startswith(("AWS_", "LAMBDA_", "_")), construct
            assert value, f"{construct} {name}"


def test_each_setting_reaches_its_variable(deployment: Assembly) -> None:
    settings = deployment.settings
    operations = settings.operations
    variables = {
        construct: function["Environment"]["Variables"]
        for construct, function in _found(deployment, "AWS::Lambda::Function").items()
    }
    monitor, failover, validation = (variables[f"${{Operations/{each[0]}}}"] for each in FUNCTIONS)
    assert monitor["REPLICA_LAG_LIMIT_MS"] == str(settings.database.replica_lag_alarm_ms)
    assert monitor["RECOVERY_POINT_AGE_SECONDS"] == str(operations.recovery_point_age_alarm_hours * 3600)
    assert monitor["VALIDATION_AGE_SECONDS"] == str(operations.restore_proof_alarm_days * 86400)
    assert failover["REPLICA_LAG_LIMIT_MS"] == str(operations.failover_lag_limit_ms)
    assert failover["COOL_DOWN_SECONDS"] == str(operations.failover_cool_down_seconds)
    assert failover["TIMEOUT_SECONDS"] == str(operations.failover_timeout_seconds)
    assert validation["MINIMUM_TABLES"] == str(operations.validation_minimum_tables)
    assert validation["MINIMUM_ITEMS"] == str(operations.validation_minimum_items)
    assert validation["NEWEST_WITHIN_SECONDS"] == str(settings.recovery.rpo_seconds)
    assert validation["TTL_ATTRIBUTE"] == settings.storage.ttl_attribute
    assert validation["DATABASE_NAME"] == settings.database.name
    assert validation["DEADLINE_SECONDS"] == str(settings.backup.restore_test_keep_hours * 3600 - 2400)
    optional = {"CHECK_TABLE", "CHECK_COLUMN", "CHECK_ATTRIBUTE"}
    given = {"CHECK_TABLE": operations.validation_table, "CHECK_COLUMN": operations.validation_column}
    given["CHECK_ATTRIBUTE"] = operations.validation_attribute
    assert {key: value for key, value in validation.items() if key in optional} == {
        key: value for key, value in given.items() if value
    }


def test_the_monitor_runs_by_the_minutes_that_are_set(deployment: Assembly) -> None:
    minutes = deployment.settings.operations.monitor_interval_minutes
    rules = _found(deployment, "AWS::Events::Rule").values()
    (rule,) = (each for each in rules if each["Description"] == "Runs the health monitor")
    assert rule["State"] == "ENABLED"
    assert rule["ScheduleExpression"] == f"rate({minutes} minute{'' if minutes == 1 else 's'})"
    (target,) = rule["Targets"]
    assert target["Arn"] == "${Operations/HealthMonitor.Arn}"
    assert target["DeadLetterConfig"] == {"Arn": "${Monitoring/DeadLetterQueue.Arn}"}


def test_only_its_schedule_and_where_set_the_alarm_may_invoke_a_function(deployment: Assembly) -> None:
    allowed = {
        (permission["FunctionName"], permission["Principal"], permission["SourceArn"])
        for permission in _found(deployment, "AWS::Lambda::Permission").values()
    }
    schedule = ("${Operations/HealthMonitor.Arn}", "events.amazonaws.com", "${Operations/HealthMonitor/Schedule.Arn}")
    alarm = (
        "${Operations/Failover.Arn}",
        "lambda.alarms.cloudwatch.amazonaws.com",
        "${Operations/Alarms/WriterUnhealthy.Arn}",
    )
    retry = ("${Operations/Failover.Arn}", "events.amazonaws.com", "${Operations/Failover/Retry.Arn}")
    automatic = deployment.settings.operations.automatic_failover
    assert allowed == {schedule, *([alarm, retry] if automatic else [])}
    rules = [
        rule for rule in _found(deployment, "AWS::Events::Rule").values() if "tries" in rule["Description"].lower()
    ]
    assert [rule["ScheduleExpression"] for rule in rules] == (["rate(1 minute)"] if automatic else [])
    for rule in rules:
        (target,) = rule["Targets"]
        assert target["DeadLetterConfig"] == {"Arn": "${Monitoring/DeadLetterQueue.Arn}"}
        assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 60, "MaximumRetryAttempts": 0}


def test_restore_validation_reads_the_queue_message_by_message(deployment: Assembly) -> None:
    (mapping,) = _found(deployment, "AWS::Lambda::EventSourceMapping").values()
    mapping.pop("Tags")
    assert mapping == {
        "BatchSize": 1,
        "EventSourceArn": "${Monitoring/RestoreEventQueue.Arn}",
        "FunctionName": "${Operations/RestoreValidation}",
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig": {"MaximumConcurrency": 2},
    }


def test_a_message_stays_hidden_for_six_runs_of_the_function(deployment: Assembly) -> None:
    function = _found(deployment, "AWS::Lambda::Function")["${Operations/RestoreValidation}"]
    queues = deployment.nested["Monitoring"].of_type("AWS::SQS::Queue").values()
    (hidden,) = (queue["Properties"]["VisibilityTimeout"] for queue in queues if "RedrivePolicy" in queue["Properties"])
    assert hidden >= 6 * function["Timeout"]


def test_a_function_waits_for_its_rights_and_not_twice_for_its_role(deployment: Assembly) -> None:
    template = deployment.nested["Operations"]
    for name, function in template.of_type("AWS::Lambda::Function").items():
        (policy,) = function["DependsOn"]
        assert template.resources[policy]["Type"] == "AWS::IAM::Policy", name


def test_the_code_is_a_plain_folder_without_what_python_leaves_behind(dev: Assembly) -> None:
    functions = dev.nested["Operations"].of_type("AWS::Lambda::Function").values()
    (asset,) = {function["Metadata"]["aws:asset:path"] for function in functions}
    files = {path.relative_to(dev.folder / asset).as_posix() for path in (dev.folder / asset).rglob("*")}
    assert {"failover/handler.py", "health_monitor/handler.py", "restore_validation/handler.py"} <= files
    assert not [file for file in files if "__pycache__" in file or file.endswith(".pyc")]
