"""Remembered answers: each request is sent once, so that thousands of comparisons cost one reading."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from embedded_aws.clients import Aws


def recorded(aws: Aws) -> Aws:
    """Return clients that send each request once."""
    clients: dict[str, _Recorded] = {}

    def client(service: str) -> Any:
        return clients.setdefault(service, _Recorded(aws(service)))

    return client


class _Recorded:
    def __init__(self, client: Any) -> None:
        self._client = client
        self._answers: dict[tuple[str, str], Any] = {}

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def ask(**request: Any) -> Any:
            return self._once(operation, request, lambda: getattr(self._client, operation)(**request))

        return ask

    def get_paginator(self, operation: str) -> _RecordedPages:
        return _RecordedPages(self, operation)

    def pages(self, operation: str, request: dict[str, Any]) -> Any:
        read = self._client.get_paginator(operation).paginate
        return self._once(f"pages of {operation}", request, lambda: list(read(**request)))

    def _once(self, operation: str, request: dict[str, Any], ask: Callable[[], Any]) -> Any:
        key = (operation, repr(sorted(request.items())))
        if key not in self._answers:
            self._answers[key] = ask()
        return self._answers[key]


class _RecordedPages:
    def __init__(self, client: _Recorded, operation: str) -> None:
        self._client = client
        self._operation = operation

    def paginate(self, **request: Any) -> Any:
        return self._client.pages(self._operation, request)
