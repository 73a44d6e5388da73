"""A target that answers in every way that HTTP/1.1 knows."""

from __future__ import annotations

import asyncio
from typing import Any

import h11

from embedded_testing.balancing import pieces


class Echo:
    """A target that answers in the way the path says; what it writes is cut as a test wants."""

    def __init__(self) -> None:
        self.cuts: list[int] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        http = h11.Connection(h11.SERVER)
        while True:
            request, body, trailers = await self._request(http, reader)
            kept = [value for name, value in request.headers if name == b"x-kept"]
            said = b" ".join([request.method, request.target, *kept, body, str(trailers).encode()])
            answer = self._answer(http, request.target.decode()[1:], said, head=request.method == b"HEAD")
            for part in pieces(answer, self.cuts):
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(0)
            if http.our_state is not h11.DONE:
                return
            http.start_next_cycle()

    async def _request(self, http: h11.Connection, reader: asyncio.StreamReader) -> tuple[h11.Request, bytes, Any]:
        head, body = None, b""
        while True:
            event = http.next_event()
            if event is h11.NEED_DATA:
                http.receive_data(await reader.read(4096))
            elif isinstance(event, h11.Request):
                head = event
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage) and head:
                return head, body, list(event.headers)
            else:
                raise EOFError

    def _answer(self, http: h11.Connection, kind: str, said: bytes, *, head: bool) -> bytes:
        code = int(kind) if kind.isdigit() else 200
        framing = {
            "chunked": [("Transfer-Encoding", "chunked")],
            "close": [("Connection", "close")],
            "204": [],
            "304": [],
        }
        headers = [("X-Kind", kind), *framing.get(kind, [("Content-Length", str(len(said)))])]
        written = b""
        if kind == "informed":
            written += http.send(h11.InformationalResponse(status_code=103, headers=[("Link", "</x>")])) or b""
        if kind == "close":  # as HTTP/1.0 does it: the end of the connection is the end of the body
            http.send(h11.Response(status_code=200, headers=headers))
            written += b"HTTP/1.1 200 OK\r\nX-Kind: close\r\nConnection: close\r\n\r\n"
            return written + (b"" if head else said)
        written += http.send(h11.Response(status_code=code, headers=headers, reason=b"Said")) or b""
        if code not in (204, 304) and not head:
            for part in pieces(said, self.cuts):
                written += http.send(h11.Data(data=part)) or b""
        trailers = [("X-Answered", "yes")] if kind == "chunked" and not head else []
        return written + (http.send(h11.EndOfMessage(headers=trailers)) or b"")
