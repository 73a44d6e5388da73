"""Functions run on this machine: confined to loopback, and only where that can be done."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest

from embedded_aws.address import ACCOUNT
from embedded_aws.clients import Aws

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


def invoke(aws: Aws, name: str, runtime: str, file: str, source: str) -> dict[str, Any]:
    """Create a function of one file, invoke it, and return its answer."""
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
    )
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
