"""One request: from its client to a target, and the answer back, both streamed and nothing tried twice.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import h11

from embedded_aws.server.balancer import headers, pages
from embedded_aws.server.balancer.headers import Front
from embedded_aws.server.balancer.peer import Peer
from embedded_aws.server.balancer.target import Target

_LARGEST_ANSWER_HEAD: Final = 32_768
_CLIENT_LEFT: Final = 460
_UNKNOWN: Final = 502


@dataclass(frozen=True)
class Outcome:
    """How a request ended.

    Attributes:
        status: the status of the answer.
        seconds: from the request to the head of the target's answer; None when the load balancer answered itself.
    """

    status: int
    seconds: float | None = None


async def forward(client: Peer, request: h11.Request, target: Target, front: Front) -> Outcome:
    """Send a request to a target, and its answer to the client.

    Args:
        client: the connection that the request came on; its body may still be on the way.
        request: the head of the request.
        target: where it goes.
        front: what else is known of the request.
    """
    with target.busy():
        try:
            peer = await target.connect()
        except TimeoutError:
            pages.page(client, 504)
            return Outcome(504)
        except OSError:
            pages.page(client, 502)
            return Outcome(502)
        client.companion = peer
        try:
            return await _Exchange(client, peer, front).run(request)
        finally:
            client.companion = None
            target.put_back(peer, front.idle)


class _Exchange:
    def __init__(self, client: Peer, peer: Peer, front: Front) -> None:
        self._client, self._peer, self._idle, self._front = client, peer, front.idle, front
        self._fault: int | None = None  # of the client, while its request was on the way

    async def run(self, request: h11.Request) -> Outcome:
        loop = asyncio.get_running_loop()
        began = loop.time()
        upload = None
        if not self._send_what_is_there(request):
            upload = loop.create_task(self._upload())
        try:
            with suppress(OSError):  # a target may answer, and close, before it has read everything
                await self._peer.flush(self._idle)
            answer = await self._answer()
            seconds = loop.time() - began
            if isinstance(answer, int):
                return Outcome(self._own(answer))
            self._client.put(headers.for_client(answer))
            await self._download()
            return Outcome(answer.status_code, seconds)
        finally:
            if upload:
                upload.cancel()

    def _own(self, status: int) -> int:
        """Answer for a target that did not, unless the client is at fault or gone."""
        if self._client.gone:
            return _CLIENT_LEFT
        status = self._fault or status
        pages.page(self._client, status)
        return status

    def _send_what_is_there(self, request: h11.Request) -> bool:
        """Put the head, and as much of the body as came with it; return whether that is all."""
        self._peer.put(headers.for_target(request, self._front))
        try:
            while (event := self._client.ready()) is not None:
                if self._pass_on(event):
                    return True
        except h11.RemoteProtocolError:
            self._end_upload(400)
            return True
        return False

    def _pass_on(self, event: object) -> bool:
        """Put an event of the request; return whether it was the last."""
        match event:
            case h11.Data():
                self._peer.put(h11.Data(data=event.data))
            case h11.EndOfMessage():
                self._peer.put(h11.EndOfMessage(headers=event.headers))
                return True
        return False

    async def _upload(self) -> None:
        try:
            while True:
                event = self._client.ready()
                if event is None:
                    await self._peer.flush(self._idle)
                    await self._client.more(self._idle)
                elif self._pass_on(event):
                    return await self._peer.flush(self._idle)
                elif self._peer.crowded:
                    await self._peer.flush(self._idle)
        except h11.RemoteProtocolError:
            self._end_upload(400)
        except TimeoutError:
            self._end_upload(408)
        except ConnectionError:
            if not self._peer.gone:
                self._end_upload(_CLIENT_LEFT)

    def _end_upload(self, status: int) -> None:
        self._fault = status
        self._peer.abort()

    async def _answer(self) -> h11.Response | int:
        """Return the head of the target's answer, or the status that stands for its absence."""
        try:
            event = await self._peer.next(self._idle)
            while isinstance(event, h11.InformationalResponse):
                event = await self._peer.next(self._idle)
        except TimeoutError:
            self._peer.abort()
            return 504
        except (h11.RemoteProtocolError, ConnectionError):
            return 502
        if not isinstance(event, h11.Response) or _size(event) > _LARGEST_ANSWER_HEAD:
            self._peer.abort()
            return _UNKNOWN
        return event

    async def _download(self) -> None:
        """Pass the body of the answer on; where it breaks off, so does the connection to the client."""
        client, peer = self._client, self._peer
        try:
            while True:
                event = peer.ready()
                if event is None:
                    await client.flush(self._idle)
                    await peer.more(self._idle)
                elif isinstance(event, h11.Data):
                    client.put(h11.Data(data=event.data))
                    if client.crowded:
                        await client.flush(self._idle)
                else:
                    # A client of HTTP/1.0 knows no trailers.
                    trailers = event.headers if client.http.their_http_version == b"1.1" else []
                    client.put(h11.EndOfMessage(headers=trailers))
                    return await client.flush(self._idle)
        except (h11.RemoteProtocolError, OSError):
            peer.abort()
            client.close()


def _size(answer: h11.Response) -> int:
    return sum(len(name) + len(each) + 4 for name, each in answer.headers.raw_items())
