"""Prepare the database of a deployed stack by hand, as each deployment of the service does it."""

from __future__ import annotations

import argparse
import json
from typing import Final

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from ops import outputs
from ops.arguments import Commands, add_stack
from ops.connection import connect
from ops.errors import OpsError, aws_answer, one_line
from ops.local.workspace import Workspace
from stacks.names import OutputKey

# The function may run for 300 s.
_READ_SECONDS: Final = 310
_ABSENT: Final = "has no migration function: database.data_api is off, so prepare the database as its owner"


def add_to(commands: Commands) -> None:
    """Add `migrate` to the commands of `python -m ops`."""
    parser = commands.add_parser(
        "migrate",
        help="create the database user of the tasks, and the tables that the database of a stack lacks",
        description=__doc__,
    )
    add_stack(parser)
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace, workspace: Workspace, console: Console) -> int:
    connection = connect(options.region, workspace)
    found = outputs.deployed(options.stack, connection)
    function = found.get(OutputKey.MIGRATION_FUNCTION)
    if function is None:
        raise OpsError(f"the stack {_ABSENT}")
    # Once: a run whose answer was lost may still be at work.
    config = Config(read_timeout=_READ_SECONDS, retries={"total_max_attempts": 1})
    try:
        answer = connection.client("lambda", config=config).invoke(FunctionName=function, Payload=b"{}")
        payload = json.loads(answer["Payload"].read())
    except ClientError as error:
        raise OpsError(f"{function}: {aws_answer(error)}") from None
    except BotoCoreError as error:
        raise OpsError(f"{function} did not answer: {one_line(error)}") from None
    if "FunctionError" in answer:
        raise OpsError(f"{function} failed: {payload.get('errorType')}: {payload.get('errorMessage')}")
    before, after = payload["before"], payload["after"]
    version = f"version {after}" + ("" if before == after else f", was {before}")
    done = (
        f"schema {version}" if after else "the database user is there; the platform makes no tables (migrations = user)"
    )
    console.print(f"{found[OutputKey.DATABASE_NAME]}: {done}", highlight=False, soft_wrap=True)
    return 0
