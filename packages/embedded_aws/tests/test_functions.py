"""Functions run on this machine: confined to loopback, and only where that can be done."""

from __future__ import annotations

import io
import json
import os
import signal
import zipfile
from pathlib import Path
from typing import Any

import pytest

from embedded_aws.address import ACCOUNT
from embedded_aws.clients import Aws
from embedded_aws.emulator import Emulator
from embedded_testing.running import clients_of, eventually
from embedded_testing.service import runs

pytestmark = pytest.mark.emulator

REACHING_OUT = """
import errno, socket

def handle(event, context):
    refused = []
    for kind, call in (
        (socket.SOCK_DGRAM, lambda s: s.sendto(b"x", ("192.0.2.1", 53))),
        (socket.SOCK_DGRAM, lambda s: s.connect(("192.0.2.1", 53))),
        (socket.SOCK_STREAM, lambda s: s.connect(("192.0.2.1", 80))),
        (socket.SOCK_STREAM, lambda s: s.bind(("0.0.0.0", 0))),
    ):
        with socket.socket(type=kind) as made:
            made.settimeout(0.2)
            try:
                call(made)
            except OSError as error:
                refused.append(errno.errorcode.get(error.errno, str(error)))
    import boto3
    return {"refused": refused, "account": boto3.client("sts").get_caller_identity()["Account"]}
"""


def create(aws: Aws, name: str, runtime: str, file: str, source: str, **configuration: Any) -> None:
    """Create a function of one file."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(file, source)
    aws("lambda").create_function(
        FunctionName=name,
        Runtime=runtime,
        Role=f"arn:aws:iam::{ACCOUNT}:role/any",
        Handler=f"{file.partition('.')[0]}.handle",
        Code={"ZipFile": packed.getvalue()},
        Timeout=30,
        **configuration,
    )


def invoke(aws: Aws, name: str, runtime: str, file: str, source: str, **configuration: Any) -> dict[str, Any]:
    """Create a function of one file, invoke it, and return its answer."""
    create(aws, name, runtime, file, source, **configuration)
    try:
        answer: dict[str, Any] = json.loads(aws("lambda").invoke(FunctionName=name)["Payload"].read())
        return answer
    finally:
        aws("lambda").delete_function(FunctionName=name)


def test_a_function_reaches_the_embedded_aws_and_no_address_beyond_loopback(aws: Aws) -> None:
    answer = invoke(aws, "reaching-out", "python3.14", "code.py", REACHING_OUT)
    assert answer == {"refused": ["EPERM"] * 4, "account": ACCOUNT}


def test_a_runtime_that_cannot_be_confined_does_not_run(aws: Aws) -> None:
    source = "exports.handle = async () => 'ran'"
    answer = invoke(aws, "other-runtime", "nodejs22.x", "code.js", source)
    assert answer["errorType"] == "Runtime.Unsupported"


def test_a_killed_embedded_aws_leaves_no_function_that_runs(own: Emulator, tmp_path: Path) -> None:
    file = tmp_path / "process"
    source = f"""
import os, time

def handle(event, context):
    with open({str(file)!r}, "w") as written:
        written.write(f"{{os.getpid()}}\\n")
    time.sleep(25)
"""
    create(clients_of(own), "long", "python3.14", "code.py", source)
    clients_of(own)("lambda").invoke(FunctionName="long", InvocationType="Event")
    eventually(lambda: file.exists() and file.read_text().endswith("\n"), seconds=20)
    process, running = int(file.read_text()), own.running()
    assert running
    assert runs(process)
    os.kill(running.pid, signal.SIGKILL)
    eventually(lambda: not runs(process), seconds=2)


LOGGING = """
import logging

def handle(event, context):
    logging.getLogger("app").setLevel(logging.DEBUG)
    logging.getLogger("app").info("took %d", 3, extra={"table": "events"})
    logging.getLogger("app").debug("fine")
    logging.getLogger("other").warning("old")
    try:
        raise ValueError("caught")
    except ValueError:
        logging.getLogger("app").exception("went on")
    print("printed")
    raise KeyError("not caught")
"""


def logged(aws: Aws, name: str, **configuration: Any) -> list[str]:
    """Return what an invocation of the function wrote, without the lines of the platform."""
    aws("logs").create_log_group(logGroupName=f"/aws/lambda/{name}")
    answer = invoke(aws, name, "python3.14", "code.py", LOGGING, LoggingConfig=configuration)
    assert answer["errorMessage"] == "'not caught'"
    events = aws("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
    aws("logs").delete_log_group(logGroupName=f"/aws/lambda/{name}")
    lines = [line for event in events for line in event["message"].splitlines()]
    return [line for line in lines if not line.startswith(("START", "END", "REPORT"))]


def test_records_in_json_are_in_the_log_group_as_lambda_writes_them(aws: Aws) -> None:
    lines = logged(aws, "logs-json", LogFormat="JSON", ApplicationLogLevel="WARN")
    records = [json.loads(line) for line in lines if line.startswith("{")]
    first = records[0]
    assert first["requestId"]
    assert {key: first[key] for key in ("level", "message", "logger", "table")} == {
        "level": "INFO", "message": "took 3", "logger": "app", "table": "events",
    }  # fmt: skip
    assert [each.get("message") for each in records] == ["took 3", "fine", "old", "went on", None]
    assert (records[3]["errorType"], records[3]["errorMessage"]) == ("ValueError", "caught")
    assert (records[4]["log_level"], records[4]["errorType"]) == ("ERROR", "KeyError")
    assert any("in handle" in line for line in records[4]["stackTrace"])
    assert "printed" in lines


def test_records_in_text_are_in_the_log_group_as_lambda_writes_them(aws: Aws) -> None:
    lines = logged(aws, "logs-text", LogFormat="Text")
    levels = [line.split("\t") for line in lines if "\t" in line]
    assert [(each[0], each[3]) for each in levels] == [
        ("[INFO]", "took 3"), ("[DEBUG]", "fine"), ("[WARNING]", "old"), ("[ERROR]", "went on"),
    ]  # fmt: skip
    assert "[ERROR] KeyError: 'not caught'" in lines
    assert "printed" in lines


CALLING = """
import boto3

def handle(event, context):
    dynamodb, rds = boto3.client("dynamodb"), boto3.client("rds")
    dynamodb.put_item(TableName="calls", Item={"pk": {"S": "mine"}})
    part = {"TableName": "calls", "Key": {"pk": {"S": "other"}}}
    dynamodb.transact_write_items(TransactItems=[{"Delete": part}])
    puts = [{"PutRequest": {"Item": {"pk": {"S": name}}}} for name in ("mine", "other")]
    dynamodb.batch_write_item(RequestItems={"calls": puts})
    rds.describe_db_clusters()
    boto3.client("cloudwatch").put_metric_data(Namespace="Mine", MetricData=[{"MetricName": "m", "Value": 1}])
    for ask in (
        lambda: rds.create_db_instance(
            DBInstanceIdentifier="one",
            DBClusterIdentifier="none",
            DBInstanceClass="db.serverless",
            Engine="aurora-mysql",
        ),
        lambda: boto3.client("ssm").get_parameter(Name="none"),
    ):
        try:
            ask()
        except Exception:
            pass
"""
REGION = f"us-east-1:{ACCOUNT}"
TABLE_OF_CALLS = f"arn:aws:dynamodb:{REGION}:table/calls"


def _calls(emulator: Emulator, function: str) -> dict[str, list[tuple[str, str, dict[str, Any]]]]:
    found = {}
    for line in emulator.calls.read_text().splitlines():
        call = json.loads(line)
        if call["principal"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/any/{function}":
            found[call["operation"]] = [(each["action"], each["resource"], each["context"]) for each in call["needs"]]
    return found


def test_calls_of_a_function_are_recorded_with_everything_that_they_involve(aws: Aws, emulator: Emulator) -> None:
    key = aws("kms").create_key()["KeyMetadata"]["Arn"]
    aws("dynamodb").create_table(
        TableName="calls",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key},
    )
    invoke(aws, "calling", "python3.14", "code.py", CALLING)
    aws("dynamodb").delete_table(TableName="calls")
    decrypt = ("kms:Decrypt", key, {"kms:ViaService": "dynamodb.us-east-1.amazonaws.com"})
    assert _calls(emulator, "calling") == {
        "dynamodb PutItem": [("dynamodb:PutItem", TABLE_OF_CALLS, {"dynamodb:LeadingKeys": ["mine"]}), decrypt],
        "dynamodb BatchWriteItem": [
            ("dynamodb:BatchWriteItem", TABLE_OF_CALLS, {"dynamodb:LeadingKeys": ["mine", "other"]}),
            decrypt,
        ],
        "dynamodb TransactWriteItems": [
            ("dynamodb:DeleteItem", TABLE_OF_CALLS, {"dynamodb:LeadingKeys": ["other"]}),
            decrypt,
        ],
        "rds DescribeDBClusters": [("rds:DescribeDBClusters", f"arn:aws:rds:{REGION}:cluster:*", {})],
        "cloudwatch PutMetricData": [("cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": "Mine"})],
        "rds CreateDBInstance": [
            ("rds:CreateDBInstance", f"arn:aws:rds:{REGION}:{involved}", {})
            for involved in (
                "db:one", "cluster:none", "pg:default.aurora-mysql", "og:default:aurora-mysql-", "subgrp:default",
            )
        ],
        "ssm GetParameter": [],
    }  # fmt: skip
    assert not [line for line in emulator.calls.read_text().splitlines() if ":root" in line]


BUSY = """
import boto3

def handle(event, context):
    dynamodb = boto3.client("dynamodb")
    for number in range(120):
        dynamodb.delete_item(TableName="busy", Key={"pk": {"S": str(number)}})
"""


def test_a_role_that_calls_an_operation_on_ever_new_resources_does_not_fill_the_file(
    aws: Aws, emulator: Emulator
) -> None:
    schema = {"AttributeName": "pk"}
    aws("dynamodb").create_table(
        TableName="busy",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[schema | {"AttributeType": "S"}],
        KeySchema=[schema | {"KeyType": "HASH"}],
    )
    invoke(aws, "busy", "python3.14", "code.py", BUSY)
    aws("dynamodb").delete_table(TableName="busy")
    recorded = [json.loads(line) for line in emulator.calls.read_text().splitlines()]
    busy = [call["needs"][0]["context"] for call in recorded if call["operation"] == "dynamodb DeleteItem"]
    assert busy == [{"dynamodb:LeadingKeys": [str(number)]} for number in range(100)]
