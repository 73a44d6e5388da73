"""What functions and tasks call, as AWS IAM would be asked: principal, action, resource and context keys of each call.

One JSON line for each distinct call of a role goes to the file that `EMBEDDED_AWS_CALLS` names, for each operation a
hundred at most: a service under load writes to ever new keys, which no policy tells apart. A call can need several
permissions: on everything that it involves, and for what the service does in the caller's name. `access_table` knows
them; an operation that it does not know is written with none, so that a reader can refuse it. Nothing is judged here.

https://docs.aws.amazon.com/service-authorization/latest/reference/
https://docs.aws.amazon.com/IAM/latest/UserGuide/access_forward_access_sessions.html
"""

import gzip
import json
import os
import re
import secrets
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qs

from botocore.parsers import RpcV2CBORParser

from embedded_aws.server import access_table, operations, upstream
from embedded_aws.server.answers import wire

FILE: Final = "EMBEDDED_AWS_CALLS"
_SESSION: Final = re.compile(r"arn:aws:sts::(\d{12}):assumed-role/([^/]+)/.+")
_REGION: Final = re.compile(r"Credential=[^/]+/\d{8}/([^/]+)/")
_Credentials: TypeAlias = Callable[[dict[str, Any]], dict[str, str]]
_MOST_LINES: Final = 100
_seen: set[str] = set()
_lines: Final[Counter[tuple[str, str]]] = Counter()


def install() -> None:
    """Give each function credentials of its role, by which its calls are known; ministack gives it the account's."""
    upstream.execution_credentials.wrap(lambda _of_account: _of_role)


def _of_role(config: dict[str, Any]) -> dict[str, str]:
    """Return the credentials of a session of a function's role, as AWS Lambda names it: after the function."""
    return session(config["Role"], config["FunctionName"])


def session(role_arn: str, name: str) -> dict[str, str]:
    """Return the credentials of a new session of a role, as variables.

    Args:
        role_arn: the ARN of the role.
        name: of the session.
    """
    account, role = role_arn.split(":")[4], role_arn.rpartition("/")[2]
    key, secret, token = f"ASIA{secrets.token_hex(8).upper()}", secrets.token_hex(20), secrets.token_hex(32)
    upstream.register_session(
        key,
        {
            "Arn": f"arn:aws:sts::{account}:assumed-role/{role}/{name}",
            "UserId": f"{role}:{name}",
            "AccountId": account,
            "PrincipalType": "AssumedRole",
            "SecretAccessKey": secret,
            "SessionToken": token,
        },
    )
    return {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": token}


def record(principal: str, scope: Mapping[str, Any], headers: Mapping[str, str], body: bytes) -> None:
    """Add a call to the file, unless it is there or no role makes it.

    Args:
        principal: the ARN of who signed the request.
        scope: ASGI's description of the request.
        headers: its headers, by lower-case name.
        body: its body.
    """
    written, session = os.environ.get(FILE), _SESSION.fullmatch(principal)
    if not written or not session:  # most requests: theirs is not read
        return
    query = scope["query_string"].decode("latin-1")
    named = operations.operation(scope["method"], scope["path"], query, headers, body)
    region = _REGION.search(headers.get("authorization", ""))
    if not named or not region or _lines[session[1], named] >= _MOST_LINES:
        return
    service, _, operation = named.partition(" ")
    request = wire.Request(service, operation, scope["path"], _parameters(headers, body, query), body)
    call = access_table.Call(request, session[1], region[1])
    needs = [{"action": each.action, "resource": each.resource, "context": each.context} for each in call.needs()]
    line = json.dumps({"principal": principal, "operation": named, "needs": needs}, sort_keys=True)
    if line not in _seen:
        _seen.add(line)
        _lines[session[1], named] += 1
        with Path(written).open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")


def _parameters(headers: Mapping[str, str], body: bytes, query: str) -> dict[str, Any]:
    """Return the parameters of a request in any protocol, compressed or not."""
    plain = gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body
    if "cbor" in headers.get("content-type", ""):
        parser = RpcV2CBORParser()
        return dict(parser.parse_data_item(parser.get_peekable_stream_from_bytes(plain)))
    return wire.parameters(plain, parse_qs(query, keep_blank_values=True))
