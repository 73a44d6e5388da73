"""Connections are accepted so that none is left behind when a server closes.

A cancelled `loop.sock_accept` loses the connection that it has just accepted, and `asyncio.start_server` of Python 3.11
never closes one that it accepts while it is being closed.
"""

import asyncio
import socket
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Final, TypeAlias

Serve: TypeAlias = Callable[[socket.socket], Coroutine[Any, Any, None]]

_WAITING: Final = 512


class Accepting:
    """A listening socket; each of its connections is served by a task.

    Args:
        loop: that it runs on.
        address: IPv4 or IPv6.
        port: to listen on; it is an attribute, too.
        serve: serves a connection and closes it.

    Attributes:
        tasks: those that serve.

    Raises:
        OSError: the address or port is not available.
        OverflowError: there is no such port.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, address: str, port: int, serve: Serve) -> None:
        self.tasks: set[asyncio.Task[None]] = set()
        self.port = port
        self._loop, self._serve = loop, serve
        self._unserved: set[socket.socket] = set()
        self._socket = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._socket.setblocking(False)
            self._socket.bind((address, port))
            self._socket.listen(_WAITING)
        except (OSError, OverflowError):
            self._socket.close()
            raise
        loop.add_reader(self._socket, self._accept)

    def close(self) -> None:
        """Free the port, and close the connections that no task serves yet."""
        self._loop.remove_reader(self._socket)
        self._socket.close()
        while self._unserved:
            self._unserved.pop().close()

    def _accept(self) -> None:
        with suppress(BlockingIOError, InterruptedError, ConnectionAbortedError):  # its client has left again
            connection, _ = self._socket.accept()
            connection.setblocking(False)
            self._unserved.add(connection)
            task = self._loop.create_task(self._begin(connection))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    async def _begin(self, connection: socket.socket) -> None:
        if connection in self._unserved:
            self._unserved.remove(connection)
            await self._serve(connection)
