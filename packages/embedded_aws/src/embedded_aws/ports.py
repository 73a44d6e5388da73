"""Ports of loopback on which an embedded AWS could listen."""

import errno
import socket

from embedded_aws.address import HOST


class PortError(Exception):
    """A port cannot be used; the message is one line that says why."""


def is_free(port: int) -> bool:
    """Return whether an embedded AWS could listen on a port of loopback."""
    try:
        require_free(port)
    except PortError:
        return False
    return True


def require_free(port: int) -> None:
    """Refuse a port of loopback that is taken or not allowed.

    Args:
        port: where an embedded AWS is to listen.

    Raises:
        PortError: it cannot be used; the message says why.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise PortError(f"port {port} cannot be used: {error.strerror}; choose another port") from None
            raise PortError(f"port {port} is taken by another program: stop that, or choose another port") from None
