"""One transfer through the deployed load balancer, and its traces in Aurora, DynamoDB and S3."""

import json
import shlex
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, Final

from botocore.exceptions import ClientError

from breakwater_drills import Service
from breakwater_drills.clock import Clock
from breakwater_drills.errors import RequestError
from breakwater_drills.http import Requests
from embedded_aws.clients import Aws
from ops.errors import OpsError
from stacks.names import OutputKey

_ORDER: Final = {"from": 1, "to": 2, "amount": 5}
_PATH: Final = "/transactions"
_CREATED: Final = 201
_TIMEOUT_SECONDS: Final = 15.0
# Item and receipt are written after the answer; the receipt takes about a second.
_TRACE_TIMEOUT_SECONDS: Final = 10.0
_ROW: Final = "SELECT source, destination, amount, created_at::text FROM transfers WHERE id = :id::uuid"


@dataclass(frozen=True)
class Transfer:
    """A transfer that was made, and where it left what.

    Attributes:
        url: that was asked.
        seconds: until the answer.
        answer: the transfer, as the service answered it.
        row: of Aurora's table `transfers`: source, destination, amount and time.
        item: key of the item in the DynamoDB table.
        receipt: place of the object in S3.
        command: makes the next transfer.
    """

    url: str
    seconds: float
    answer: Mapping[str, Any]
    row: tuple[int, int, int, str]
    item: str
    receipt: str
    command: str


def make(aws: Aws, outputs: Mapping[str, str], authority: Path) -> Transfer:
    """Make a transfer as a client would, and look for what it must have left.

    Args:
        aws: clients of the embedded AWS.
        outputs: of the root stack.
        authority: certificate of the authority that signed that of the load balancer.

    Returns:
        The transfer with its traces.

    Raises:
        OpsError: the service did not answer, or a trace is missing.
    """
    # The domain name of a certificate leads nowhere here; the load balancer is at an address of its own.
    url, address = outputs[OutputKey.SERVICE_URL], outputs[OutputKey.LOAD_BALANCER_DNS_NAME]
    key, service = (
        f"local-{uuid.uuid4().hex[:8]}",
        Service("", "", "", url, connect_to=address, authority=str(authority)),
    )
    began = monotonic()
    answer = _post(service, key)
    seconds = monotonic() - began
    return Transfer(
        f"{url}{_PATH}",
        seconds,
        answer,
        _row(aws, outputs, answer["id"]),
        _item(aws, outputs, key),
        _receipt(aws, outputs, answer["id"]),
        command(service),
    )


def command(service: Service) -> str:
    """Return a command that makes the next transfer."""
    secure = service.url.startswith("https:")
    reach = f"--cacert {shlex.quote(service.authority)} --connect-to ::{service.connect_to} " if secure else ""
    return (
        f"curl -sS {reach}{service.url}{_PATH} -H 'Content-Type: application/json' \\\n"
        f"    -H \"Idempotency-Key: $(date +%s)\" -d '{json.dumps(_ORDER)}'"
    )


def _post(service: Service, key: str) -> Mapping[str, Any]:
    try:
        answer = Requests(service, _TIMEOUT_SECONDS).post(_PATH, _ORDER, {"Idempotency-Key": key})
    except RequestError as error:
        raise OpsError(f"POST {service.url}{_PATH} was not answered: {error}") from None
    if answer.status != _CREATED or "id" not in answer.fields:
        raise OpsError(f"POST {service.url}{_PATH} answered {answer.status}: {json.dumps(dict(answer.fields))}")
    return answer.fields


def _row(aws: Aws, outputs: Mapping[str, str], transfer: str) -> tuple[int, int, int, str]:
    found = aws("rds-data").execute_statement(
        resourceArn=outputs[OutputKey.CLUSTER_ARN],
        secretArn=outputs[OutputKey.CLUSTER_SECRET_ARN],
        database=outputs[OutputKey.DATABASE_NAME],
        sql=_ROW,
        parameters=[{"name": "id", "value": {"stringValue": transfer}}],
    )["records"]
    if len(found) != 1:
        raise OpsError(f"Aurora has {len(found)} rows of transfer {transfer}, which was acknowledged")
    source, destination, amount, at = found[0]
    return source["longValue"], destination["longValue"], amount["longValue"], at["stringValue"]


def _item(aws: Aws, outputs: Mapping[str, str], key: str) -> str:
    table, name = outputs[OutputKey.TABLE_NAME], f"idempotency#{key}"
    wanted = {"pk": {"S": name}, "sk": {"S": "request"}}
    _wait(
        lambda: "Item" in aws("dynamodb").get_item(TableName=table, Key=wanted, ConsistentRead=True),
        f"{table} has no item {name}",
    )
    return name


def _receipt(aws: Aws, outputs: Mapping[str, str], transfer: str) -> str:
    bucket, name = outputs[OutputKey.DATA_BUCKET_NAME], f"receipts/{transfer}.json"

    def is_there() -> bool:
        try:
            aws("s3").head_object(Bucket=bucket, Key=name)
        except ClientError as error:
            if error.response["Error"]["Code"] in ("404", "NoSuchKey"):
                return False
            raise
        return True

    _wait(is_there, f"{bucket} has no {name}")
    return f"s3://{bucket}/{name}"


def _wait(is_there: Callable[[], bool], absence: str) -> None:
    if not Clock().wait_until(is_there, timeout_seconds=_TRACE_TIMEOUT_SECONDS, poll_seconds=0.1):
        raise OpsError(f"{absence} {_TRACE_TIMEOUT_SECONDS:.0f} s after the transfer: see the log of the tasks")
