"""Rows of `refusals.toml`, and what the embedded AWS did when they were tried."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from embedded_aws.clients import Aws
from embedded_testing.stack import wait

_FILE = Path(__file__).parent.parent / "refusals.toml"


@dataclass(frozen=True)
class Outcome:
    """What happened.

    Attributes:
        when: "asked" if the call was refused, "made" if the stack rolled back, "never" if nothing was refused.
        code: of the error of the call.
        message: of the error, or of everything that failed.
    """

    when: str
    code: str
    message: str


def rows() -> list[dict[str, Any]]:
    """Return every row of the file."""
    found: list[dict[str, Any]] = tomllib.loads(_FILE.read_text(encoding="utf-8"))["refusal"]
    return found


def figure() -> tuple[int, list[str]]:
    """Return how many rows are refused as AWS refuses them, and the ids of the others."""
    gaps = [row["id"] for row in rows() if "gap" in row]
    return len(rows()) - len(gaps), gaps


def as_aws(row: Mapping[str, Any], outcome: Outcome) -> bool:
    """Return whether the embedded AWS refused what AWS refused: at the same moment, with its code and words."""
    same_code = row.get("code", "") == outcome.code
    return row["when"] == outcome.when and same_code and bool(re.search(row["message"], outcome.message, re.DOTALL))


def attempt(aws: Aws, name: str, row: Mapping[str, Any]) -> Outcome:
    """Do what AWS refused, in a stack of its own, and clear up."""
    cloudformation = aws("cloudformation")
    if "before" in row:
        more = {"EnableTerminationProtection": True} if row.get("protected") else {}
        cloudformation.create_stack(StackName=name, TemplateBody=row["before"], Capabilities=_ALL, **more)
        assert wait(aws, name) == "CREATE_COMPLETE", _reasons(cloudformation, name)
    try:
        _act(aws, name, row)
    except ClientError as error:
        return Outcome("asked", error.response["Error"]["Code"], error.response["Error"]["Message"])
    if "template" not in row:
        return Outcome("never", "", "")
    status = wait(aws, name)
    rolled_back = status == ("UPDATE_ROLLBACK_COMPLETE" if "before" in row else "ROLLBACK_COMPLETE")
    return Outcome("made" if rolled_back else "never", "", f"{_reasons(cloudformation, name)} ({status})")


def clear(aws: Aws, name: str) -> None:
    """Delete the stack if there is one."""
    cloudformation = aws("cloudformation")
    for page in cloudformation.get_paginator("describe_stacks").paginate():
        for stack in page["Stacks"]:
            if stack["StackName"] == name:
                cloudformation.update_termination_protection(StackName=name, EnableTerminationProtection=False)
                cloudformation.delete_stack(StackName=name)
                assert wait(aws, stack["StackId"]) == "DELETE_COMPLETE"


_ALL = ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]


def _act(aws: Aws, name: str, row: Mapping[str, Any]) -> None:
    if "call" in row:
        service, operation = row["call"].split(".")
        arguments = {key: value.replace("{stack}", name) for key, value in row["arguments"].items()}
        getattr(aws(service), operation)(**arguments)
        return
    cloudformation = aws("cloudformation")
    send = cloudformation.update_stack if "before" in row else cloudformation.create_stack
    send(
        StackName=name,
        TemplateBody=_template(row),
        Capabilities=row.get("capabilities", _ALL),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in row.get("parameters", {}).items()],
    )


def _template(row: Mapping[str, Any]) -> str:
    if "repeat" not in row:
        return str(row["template"])
    repeat = row["repeat"]
    return json.dumps({repeat["section"]: {f"Member{number}": repeat["each"] for number in range(repeat["times"])}})


def _reasons(cloudformation: Any, name: str) -> str:
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    return "; ".join(
        event.get("ResourceStatusReason", "")
        for event in events
        if "FAILED" in event["ResourceStatus"] or "ROLLBACK_IN_PROGRESS" in event["ResourceStatus"]
    )
