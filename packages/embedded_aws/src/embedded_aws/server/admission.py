"""Who may call the embedded AWS: whoever signs with the key of this start, and never a web page.

Any page that a browser on this machine opens can send requests to a loopback port, and any user of the machine can
connect to it; both could create a function and run it. So a request is refused, before ministack reads it, when

- it has an `Origin` header, or asks for cross-origin access (a browser sends it),
- its `Host` is not the address that this process listens on (a name that was rebound to 127.0.0.1),
- its Signature Version 4 does not verify with the secret key that each start makes at random, or with temporary
  credentials that this process issued itself; a task asks for its own metadata with a secret word in the path instead.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Origin
"""

import json
import os
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qs, quote

from embedded_aws.address import ACCOUNT
from embedded_aws.server import access, operations, upstream, upstream_ecs

Scope: TypeAlias = Mapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[dict[str, Any]]]
Send: TypeAlias = Callable[[dict[str, Any]], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

# Tells that the process is up, and nothing else: what waits for the process has no key yet.
_OPEN_PATH: Final = "/health"
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4-fargate.html
_METADATA: Final = re.compile(r"/v4/([A-Za-z0-9_-]+)(/.*)?")
# What a web page may make a browser ask before the request itself.
_BROWSER_HEADERS: Final = ("origin", "access-control-request-method", "sec-fetch-site")
_NOT_SIGNED: Final = ("MissingAuthenticationToken", "The request is not signed with the key of this embedded AWS.")
_FROM_BROWSER: Final = ("AccessDenied", "The embedded AWS answers no web page.")
_WRONG_HOST: Final = ("AccessDenied", "The embedded AWS answers to its loopback address alone.")


def install() -> None:
    """Put the checks before ministack's application."""
    port = os.environ["GATEWAY_PORT"]
    upstream.application.wrap(lambda application: _Admission(application, hosts={f"127.0.0.1:{port}", f"[::1]:{port}"}))


class _Admission:
    """An ASGI application that refuses what may not come in, and hands on the rest.

    Args:
        application: ministack's application.
        hosts: allowed values of the `Host` header.
    """

    def __init__(self, application: Application, *, hosts: set[str]) -> None:
        self._application, self._hosts = application, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "websocket":  # no service that a template here can declare has one
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        refused, body, caller = self._refused_caller(headers), b"", ""
        if refused is None and not (scope["method"] == "GET" and _is_open(scope["path"])):
            body = await _read(receive)
            refused, caller = _refused_signature(scope, headers, body)
            receive = _replay(body, receive)
        if refused:
            await _answer(send, *refused)
        else:
            operations.record(scope, headers, body)
            access.record(caller, scope, headers, body)
            await self._application(scope, receive, send)

    def _refused_caller(self, headers: Mapping[str, str]) -> tuple[str, str] | None:
        if any(name in headers for name in _BROWSER_HEADERS):
            return _FROM_BROWSER
        return None if headers.get("host") in self._hosts else _WRONG_HOST


def _is_open(path: str) -> bool:
    """Return whether a path is read without a signature."""
    metadata = _METADATA.fullmatch(path)
    return path == _OPEN_PATH or (metadata is not None and metadata[1] in upstream_ecs.metadata_tokens)


def _refused_signature(scope: Scope, headers: Mapping[str, str], body: bytes) -> tuple[tuple[str, str] | None, str]:
    """Return why a request is refused that is not signed with a key of this process, and the ARN of who signed it.

    Returns:
        Error code and message, None when it is not refused; and the ARN, empty for a presigned request.
    """
    query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    presigned = "X-Amz-Signature" in query
    if not presigned and not headers.get("authorization", "").startswith("AWS4-HMAC-SHA256 "):
        return _NOT_SIGNED, ""
    signature = upstream.query_signature(query) if presigned else upstream.header_signature(headers)
    if isinstance(signature, tuple):
        return signature, ""
    token = query.get("X-Amz-Security-Token", [""])[0] if presigned else headers.get("x-amz-security-token", "")
    key = upstream.resolve_credential(signature.access_key_id, ACCOUNT, token)
    if isinstance(key, upstream.CredentialError):
        return (key.code, key.message), ""
    raw_path = (scope.get("raw_path") or quote(scope["path"]).encode()).decode("latin-1")
    failure: tuple[str, str] | None = upstream.signature_failure(
        signature, key.secret_access_key, scope["method"], raw_path, query, headers, body, presigned=presigned
    )
    return failure, "" if presigned else str(getattr(key, "principal_arn", ""))


async def _read(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message["type"] == "http.request" and message.get("more_body", False)
    return body


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a channel that gives the body which was read, then what still comes."""
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> dict[str, Any]:
        return messages.pop() if messages else await receive()

    return next_message


async def _answer(send: Send, code: str, message: str) -> None:
    content = json.dumps({"__type": code, "message": message}).encode()
    headers = [(b"content-type", b"application/x-amz-json-1.1"), (b"x-amzn-errortype", code.encode())]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": content})
