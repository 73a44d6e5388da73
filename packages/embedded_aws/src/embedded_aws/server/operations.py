"""The operations that were called, one line each: `rds DescribeDBClusters`.

`EMBEDDED_AWS_OPERATIONS` names the file that they are added to; without it nothing is recorded. Calls of the emulator
to itself do not count. The three protocols that name the operation in the request are read from there; the REST ones
are looked up in botocore's models by method, path and query.

https://smithy.io/2.0/aws/protocols/index.html
"""

import os
import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl

from botocore.loaders import Loader

FILE: Final = "EMBEDDED_AWS_OPERATIONS"
# What the emulator's own clients say that they are.
OWN_AGENT: Final = "embedded-aws-itself"
# Services whose name in a signature is not that of botocore's model.
_MODELS: Final = {
    "elasticloadbalancing": "elbv2",
    "monitoring": "cloudwatch",
    "tagging": "resourcegroupstaggingapi",
    "airflow": "mwaa",
    "email": "ses",
    "cloudcontrolapi": "cloudcontrol",
}
_SCOPE: Final = re.compile(r"Credential=[^/]+/\d{8}/[^/]+/([^/]+)/aws4_request")
_seen: set[str] = set()


def record(scope: Mapping[str, Any], headers: Mapping[str, str], body: bytes) -> None:
    """Add the operation of a request to the file, the first time that it is called.

    Args:
        scope: ASGI's description of the request.
        headers: its headers, by lower-case name.
        body: its body.
    """
    written = os.environ.get(FILE)
    if not written or OWN_AGENT in headers.get("user-agent", ""):
        return
    named = operation(scope["method"], scope["path"], scope["query_string"].decode("latin-1"), headers, body)
    if named and named not in _seen:
        _seen.add(named)
        with Path(written).open("a") as file:
            file.write(f"{named}\n")


def operation(method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> str | None:
    """Return `service Operation` of a signed request; None for one that is not signed in its header."""
    signed = _SCOPE.search(headers.get("authorization", ""))
    if not signed:
        return None
    service = _MODELS.get(signed[1], signed[1])
    keys = dict(parse_qsl(query, keep_blank_values=True))
    form = dict(parse_qsl(body.decode("latin-1"))) if "form-urlencoded" in headers.get("content-type", "") else {}
    name = (
        headers.get("x-amz-target", "").rpartition(".")[2]
        or path.rpartition("/operation/")[2] * ("/operation/" in path)
        or form.get("Action")
        or keys.get("Action")
        or _rest_operation(service, method, path, keys.keys() | headers.keys())
    )
    return f"{service} {name}"


@dataclass(frozen=True)
class _Route:
    """One operation of a REST service: how a request for it looks.

    Attributes:
        name: of the operation.
        path: of the request.
        keys: of the query and headers that the request must have.
        literal: how many characters of the path are no parameter.
    """

    name: str
    path: re.Pattern[str]
    keys: frozenset[str]
    literal: int


def _rest_operation(service: str, method: str, path: str, keys: Set[str]) -> str:
    fitting = (each.name for each in _routes(service, method) if each.keys <= keys and each.path.fullmatch(path))
    return next(fitting, f"{method} {path}")


@cache
def _routes(service: str, method: str) -> tuple[_Route, ...]:
    """Return the routes of a service, those that say the most about a request first."""
    routes = _read_routes(service, method)
    return tuple(sorted(routes, key=lambda each: (len(each.keys), each.literal), reverse=True))


def _read_routes(service: str, method: str) -> Iterator[_Route]:
    model = Loader().load_service_model(service, "service-2")
    for name, described in model["operations"].items():
        if described["http"]["method"] == method and not described.get("deprecated"):
            uri, _, query = described["http"]["requestUri"].partition("?")
            parts = re.split(r"(\{[^}]+\})", uri.rstrip("/"))
            pattern = "".join(_part(part) for part in parts)
            wanted = frozenset(key for key, _ in parse_qsl(query, keep_blank_values=True))
            literal = sum(len(part) for part in parts if not part.startswith("{"))
            yield _Route(name, re.compile(f"{pattern}/?"), wanted | _required_headers(model, described), literal)


def _required_headers(model: Mapping[str, Any], described: Mapping[str, Any]) -> frozenset[str]:
    shape = model["shapes"].get(described.get("input", {}).get("shape"), {})
    members = (shape["members"][name] for name in shape.get("required", ()))
    return frozenset(each["locationName"].lower() for each in members if each.get("location") == "header")


def _part(part: str) -> str:
    if not part.startswith("{"):
        return re.escape(part)
    return ".+" if part.endswith("+}") else "[^/]+"
