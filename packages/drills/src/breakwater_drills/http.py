"""Requests of the service through connections that are kept, as a client's are."""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final, NamedTuple, Protocol
from urllib.parse import urlsplit

import urllib3

from breakwater_drills.errors import RequestError
from breakwater_drills.sampler import LIMIT_SECONDS
from breakwater_drills.target import Service

_KEPT_CONNECTIONS: Final = 64


class Answer(NamedTuple):
    """What the service answered.

    Attributes:
        status: of HTTP.
        fields: the object of the body; empty when it holds none.
    """

    status: int
    fields: Mapping[str, Any]


class Asks(Protocol):
    """Whatever asks the service."""

    def get(self, path: str, /) -> Answer:
        """Read something; raise `RequestError` without an answer."""

    def post(self, path: str, body: Mapping[str, Any], headers: Mapping[str, str], /) -> Answer:
        """Ask for something; raise `RequestError` without an answer."""


class Requests:
    """Asks a service, without a retry, which would hide what is measured.

    Args:
        service: whose URL is asked.
        limit_seconds: how long an answer may take.
    """

    def __init__(self, service: Service, limit_seconds: float = LIMIT_SECONDS) -> None:
        self._service, self._url, self._limit_seconds = service, urlsplit(service.url), limit_seconds

    def get(self, path: str) -> Answer:
        """Read something.

        Raises:
            RequestError: there was no answer.
        """
        return self._ask("GET", path)

    def post(self, path: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> Answer:
        """Ask for something.

        Raises:
            RequestError: there was no answer.
        """
        return self._ask("POST", path, json.dumps(body), {"Content-Type": "application/json", **headers})

    def _ask(self, method: str, path: str, body: str | None = None, headers: Mapping[str, str] | None = None) -> Answer:
        address = f"{self._url.path.rstrip('/')}{path}" or "/"
        try:
            answer = self._pool.request(
                method, address, body=body, headers={"Host": self._url.netloc, **(headers or {})}
            )
        except urllib3.exceptions.HTTPError as error:
            raise RequestError(type(error).__name__) from None
        return Answer(answer.status, _fields(answer.data))

    @cached_property
    def _pool(self) -> urllib3.HTTPConnectionPool:
        host, _, port = self._service.connect_to.partition(":")
        options: dict[str, Any] = {
            "host": host or self._url.hostname,
            "port": int(port) if port else self._url.port,
            "maxsize": _KEPT_CONNECTIONS,
            "timeout": urllib3.Timeout(total=self._limit_seconds),
            "retries": False,
        }
        if self._url.scheme == "http":
            return urllib3.HTTPConnectionPool(**options)
        name = self._url.hostname
        context = ssl.create_default_context(cafile=self._service.authority or None)
        return urllib3.HTTPSConnectionPool(**options, ssl_context=context, server_hostname=name, assert_hostname=name)


def _fields(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
