"""An endpoint: an address and port that stay the same in front of servers that change, as Aurora's DNS names do."""

import asyncio
import errno
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from embedded_aws.server.accepting import Accepting
from embedded_aws.server.postgres.binaries import PostgresError

_HOST: Final = "127.0.0.1"
_CHUNK: Final = 65536
_PAIRS: Final = 60
_AGAIN_SECONDS: Final = 0.05
# What every system has. macOS has no other address of 127.0.0.0/8 than the first until somebody adds one.
_ALWAYS: Final = (_HOST, "::1")
# The addresses that a name had last, by name and port.
_known: dict[tuple[str, int], tuple[str, str]] = {}

Route = Callable[[], int | None]
"""Returns the port of the server that the endpoint leads to at this moment; None while there is none."""


class Endpoint:
    """A listening socket that forwards each connection to the server of that moment.

    Args:
        address: a loopback address to listen on.
        port: the port to listen on.
        route: where connections go.

    Raises:
        OSError: the address or port is not available.
    """

    def __init__(self, address: str, port: int, route: Route) -> None:
        self.address, self.port, self._route = address, port, route
        self._open: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        try:
            self._accepting = Accepting(self._loop, address, port, self._serve)
        except OSError:
            self._loop.close()
            raise
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"endpoint {address}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening, and break open connections; returns when none is left."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        self._accepting.close()
        while self._accepting.tasks:
            for writer in self._open:
                writer.transport.abort()
            await asyncio.wait(self._accepting.tasks, timeout=_AGAIN_SECONDS)  # some are still being opened

    async def _serve(self, connection: socket.socket) -> None:
        reader, writer = await asyncio.open_connection(sock=connection)
        async with self._closing(writer):
            port = self._route()
            if port is not None:
                with suppress(OSError):
                    server_reader, server_writer = await asyncio.open_connection(_HOST, port)
                    async with self._closing(server_writer):
                        await asyncio.gather(_pump(reader, server_writer), _pump(server_reader, writer))

    @asynccontextmanager
    async def _closing(self, writer: asyncio.StreamWriter) -> AsyncIterator[None]:
        """Close a connection at the end, and wait until its socket is closed."""
        self._open.add(writer)
        try:
            yield
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
            self._open.discard(writer)


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(_CHUNK):
            sink.write(data)
            await sink.drain()
    sink.close()


def endpoints(
    name: str, port: int, to_writer: Callable[[], int | None], to_reader: Callable[[], int | None]
) -> tuple[Endpoint, Endpoint]:
    """Open the two endpoints of a cluster, on the first pair of addresses where its port is free.

    As the DNS names on AWS, they belong to the name of a cluster: the next cluster of that name gets the same ones.

    Args:
        name: of the cluster.
        port: of both.
        to_writer: returns the port of the writer; None when there is none.
        to_reader: returns the port of a reader, or of the writer; None when there is neither.

    Raises:
        PostgresError: the port is free on no loopback address.
    """
    refused, missing = "", False
    for writer_address, reader_address in _addresses(name, port):
        try:
            writer = Endpoint(writer_address, port, to_writer)
        except OSError as error:
            refused, missing = str(error), missing or error.errno == errno.EADDRNOTAVAIL
            continue
        try:
            reader = Endpoint(reader_address, port, to_reader)
        except OSError as error:
            refused = str(error)
            writer.close()
            continue
        _known[name, port] = writer_address, reader_address
        return writer, reader
    more = "; `sudo ifconfig lo0 alias 127.0.64.1`, and the same with 127.0.64.2, adds a pair" if missing else ""
    raise PostgresError(f"port {port} is free on no loopback address: {refused}{more}")


def _addresses(name: str, port: int) -> Iterator[tuple[str, str]]:
    """Return pairs of loopback addresses: Aurora's two endpoints share a port and differ in their host.

    Those that the name had come first, those that other names had come last.
    """
    pairs = [*((f"127.0.64.{2 * pair + 1}", f"127.0.64.{2 * pair + 2}") for pair in range(_PAIRS)), _ALWAYS]
    own, others = _known.get((name, port)), set(_known.values())
    return iter(sorted(pairs, key=lambda pair: (pair != own, pair in others)))
