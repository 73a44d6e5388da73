"""The HTTP API, which `openapi.json` describes."""

import asyncio
import logging
import re
import time
from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import psycopg
from botocore.exceptions import BotoCoreError, ClientError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from breakwater_service import VERSION, transfers
from breakwater_service.database import Database, UnavailableError
from breakwater_service.outbox import Outbox
from breakwater_service.replays import Replays
from breakwater_service.settings import Settings
from breakwater_service.telemetry import Metrics

_DOCUMENT: Final = Path(__file__).with_name("openapi.json").read_bytes()
_MOST_BYTES: Final = 1024  # of a request's body
_READY_SECONDS: Final = 1.0
_ACCOUNT: Final = re.compile(r"[1-9][0-9]{0,18}")
_UNKNOWN: Final = "whether the request was carried out is unknown: send it again with the same Idempotency-Key"
_log = logging.getLogger(__name__)


class Service:
    """The parts of a running service, and the answers that they give together."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.metrics = Metrics(settings.metric_namespace, settings.suffix)
        self.database = Database(settings, self.metrics)
        self.replays = Replays(settings)
        self.outbox = Outbox(settings, self.database, self.metrics)

    def application(self) -> Starlette:
        """Return the ASGI application."""
        routes = [
            Route("/transactions", self.post_transaction, methods=["POST"]),
            Route("/transactions/{id:uuid}", self.get_transaction),
            Route("/accounts/{id}", self.get_account),
            Route("/health", self.get_health),
            Route("/ready", self.get_ready),
            Route("/openapi.json", self.get_document),
        ]
        handlers: dict[Any, Any] = {
            transfers.RefusedError: self._refused,
            UnavailableError: self._unavailable,
            HTTPException: _http_problem,
            ClientDisconnect: _unexpected,  # nobody hears it
            Exception: _unexpected,
        }
        return Starlette(routes=routes, exception_handlers=handlers)

    async def post_transaction(self, request: Request) -> Response:
        """Transfer money between two accounts, once for each idempotency key."""
        began = time.monotonic()
        key = transfers.parse_key(request.headers.getlist("idempotency-key"))
        order = transfers.parse_order(await _body(request))
        deadline, known = began + self._settings.retry_seconds, partial(self.replays.find, key)
        transfer, is_replay = await transfers.make(self.database, order, key, deadline, known)
        if not is_replay:
            self.outbox.wake()
            self.replays.keep(key, transfer)
            self.metrics.took((time.monotonic() - began) * 1000)
        self.metrics.count("Replays" if is_replay else "Transfers")
        return JSONResponse(transfer.body(), 201, {"Idempotent-Replayed": "true"} if is_replay else None)

    async def get_transaction(self, request: Request) -> Response:
        """Return a transfer."""
        transfer = await transfers.find(self.database, request.path_params["id"])
        return JSONResponse(transfer.body()) if transfer else problem(404, "there is no such transaction")

    async def get_account(self, request: Request) -> Response:
        """Return the balance of an account."""
        name = request.path_params["id"]
        balance = await transfers.balance(self.database, int(name)) if _ACCOUNT.fullmatch(name) else None
        if balance is None:
            return problem(404, "there is no such account")
        return JSONResponse({"id": int(name), "balance": balance})

    async def get_health(self, _: Request) -> Response:
        """Say that the process answers: what fails for every task must not make the balancer end them all."""
        return JSONResponse({"status": "ok", "version": VERSION})

    async def get_ready(self, _: Request) -> Response:
        """Say whether everything that the service needs answers, for people and drills."""
        try:
            async with asyncio.timeout(_READY_SECONDS):
                await asyncio.gather(self.database.check(), self.replays.check())
        except (TimeoutError, psycopg.Error, BotoCoreError, ClientError) as error:
            return problem(503, f"not ready: {str(error) or 'no answer in time'}")
        return JSONResponse({"status": "ok", "version": VERSION})

    async def get_document(self, _: Request) -> Response:
        """Return the OpenAPI document."""
        return Response(_DOCUMENT, media_type="application/json")

    async def _refused(self, _: Request, error: transfers.RefusedError) -> Response:
        self.metrics.count("Refusals")
        return problem(error.status, str(error))

    async def _unavailable(self, request: Request, error: UnavailableError) -> Response:
        self.metrics.count("Unavailable")
        _log.error("%s", error, extra={"path": request.url.path, "trace": request.headers.get("x-amzn-trace-id", "")})
        return problem(503, _UNKNOWN if request.method == "POST" else "the database does not answer")


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return an answer in the form of RFC 9457."""
    content = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    retry = {"Retry-After": "1"} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
    return JSONResponse(content, status, {**(headers or {}), **retry}, media_type="application/problem+json")


async def _http_problem(_: Request, error: HTTPException) -> Response:
    return problem(error.status_code, error.detail, error.headers)


async def _unexpected(*_: object) -> Response:
    """Answer for a fault of this service, which the server logs with its traceback."""
    return problem(500, "a fault of the service, which its log describes")


async def _body(request: Request) -> bytes:
    """Return the body, or raise `RefusedError` when more is read than a request may have."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BYTES:
            raise transfers.RefusedError(400, f"the body has more than {_MOST_BYTES} bytes")
    return body
