"""One end of an HTTP/1.1 connection: bytes of a socket on one side, h11's events on the other."""

import asyncio
from functools import cached_property
from typing import Any, Final, cast

import h11

# Bytes that wait to be read, or to be written, before the other side is made to wait.
_MOST_WAITING: Final = 262_144


class Peer(asyncio.Protocol):
    """A connection to a client or a target.

    Args:
        role: what this process is on the connection: `h11.SERVER` to a client, `h11.CLIENT` to a target.
        largest_head: bytes that an unfinished head may have.

    Attributes:
        http: the state of the conversation.
        gone: whether the other side can no longer be reached.
        wants_head: whether the last request asked for the head of an answer alone.
        companion: a connection that is of no use without this one: it is broken when the other side of this one leaves.
    """

    def __init__(self, role: type[h11.SERVER | h11.CLIENT], largest_head: int) -> None:
        self.http = h11.Connection(role, max_incomplete_event_size=largest_head)
        self.gone = self.wants_head = False
        self.companion: Peer | None = None
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._active = self._loop.time()
        self._unread = 0
        self._unsent = bytearray()
        self._news: asyncio.Future[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._expiry: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport: asyncio's callback."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Hand bytes to the parser: asyncio's callback."""
        if self._expiry:  # nothing was asked: what comes now must not be taken for the answer to the next request
            self.close()
            return
        self._active = self._loop.time()
        self._unread += len(data)
        self.http.receive_data(data)
        if self._unread > _MOST_WAITING and self._transport:
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        """Note that the other side sends no more, and let asyncio close the connection: asyncio's callback."""
        self.http.receive_data(b"")
        self._left()

    def connection_lost(self, _error: Exception | None) -> None:
        """Note that the connection is closed or broken: asyncio's callback."""
        self._rest()
        self._left()
        self.resume_writing()

    def _left(self) -> None:
        self.gone = True
        if self.companion:
            self.companion.abort()
        self._wake()

    def pause_writing(self) -> None:
        """Note that the other side does not keep up: asyncio's callback."""
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        """Note that the other side has caught up: asyncio's callback."""
        if self._writable and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    @cached_property
    def name(self) -> tuple[str, int]:
        """Address and port of the other side."""
        host, port, *_ = self.about("peername")
        return host, port

    def about(self, what: str) -> Any:
        """Return what asyncio's transport knows of the connection, e.g. its `cipher`."""
        return self._transport.get_extra_info(what) if self._transport else None

    def ready(self) -> Any:
        """Return the next event whose bytes are there; None when some are missing.

        Raises:
            h11.RemoteProtocolError: the other side does not speak HTTP/1.1.
        """
        event = self.http.next_event()
        if event is not h11.NEED_DATA:
            if isinstance(event, h11.Request):
                self.wants_head = event.method == b"HEAD"
            return event
        self._unread = 0
        if self._transport and not self._transport.is_reading() and not self._transport.is_closing():
            self._transport.resume_reading()
        return None

    async def more(self, idle: float) -> None:
        """Wait for bytes.

        Args:
            idle: seconds without a byte in either direction after which the wait ends.

        Raises:
            TimeoutError: none came.
            ConnectionError: the connection is broken.
        """
        if self.gone:
            raise ConnectionResetError
        left = self._active + idle - self._loop.time()
        if left <= 0:
            raise TimeoutError
        self._news = self._loop.create_future()
        timer = self._loop.call_later(left, self._wake)
        try:
            await self._news
        finally:
            timer.cancel()

    async def next(self, idle: float) -> Any:
        """Return the next event, as soon as its bytes are there; raises what `ready` and `more` raise."""
        while (event := self.ready()) is None:
            await self.more(idle)
        return event

    def put(self, event: Any) -> None:
        """Add an event to what `flush` sends."""
        if data := self.http.send(event):
            self._unsent += data

    async def flush(self, idle: float) -> None:
        """Send what was put, and wait while the other side does not keep up.

        Raises:
            TimeoutError: it took nothing for `idle` seconds.
            ConnectionError: the connection is closed.
        """
        if self.gone or not self._transport:
            raise ConnectionResetError
        if self._unsent:
            self._transport.write(self._unsent)
            self._unsent = bytearray()
            self._active = self._loop.time()
        if self._writable:
            async with asyncio.timeout(idle):
                await asyncio.shield(self._writable)

    @property
    def crowded(self) -> bool:
        """Whether so much was put that it ought to be flushed."""
        return len(self._unsent) > _MOST_WAITING

    @property
    def began(self) -> bool:
        """Whether bytes of an unfinished event are there."""
        return bool(self.http.trailing_data[0])

    def rest(self, seconds: float) -> None:
        """Keep the connection for a later request, and close it when none has come within some seconds."""
        self.http.start_next_cycle()
        self._expiry = self._loop.call_later(seconds, self.close)

    def wake_up(self) -> bool:
        """Use the connection again; returns False when the other side has closed it."""
        self._rest()
        self._active = self._loop.time()
        return not self.gone

    def _rest(self) -> None:
        if self._expiry:
            self._expiry.cancel()
            self._expiry = None

    def close(self) -> None:
        """Close the connection once everything that was flushed is sent."""
        self.gone = True
        if self._transport:
            self._transport.close()
        self._wake()

    def abort(self) -> None:
        """Break the connection at once."""
        self.gone = True
        if self._transport:
            self._transport.abort()
        self._wake()

    def _wake(self) -> None:
        if self._news and not self._news.done():
            self._news.set_result(None)
